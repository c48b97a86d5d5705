"""A wrong call is answered with one sentence; complaints of a function's own, and defects, come through as they are."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any

import pytest

import ikelab
from ikelab import check, hint, predict, read, recorded, run
from ikelab.course import impostor, keys, listener, overhear, stolen, suppose
from ikelab.course.calling import told_when_miscalled
from ikelab.course.recording import Recording
from ikelab.course.runs import Run
from ikelab.course.shown import Shown
from ikelab.errors import Misuse

HEARD, RAN = recorded("main_psk_nopfs"), run("main")

WRONG: list[tuple[Callable[[], object], str]] = [
    (lambda: HEARD.secret(1), "secret: name: expected a text in quotes, got 1"),
    (lambda: read(5), "read: path: expected a text in quotes or a path, got 5"),
    (lambda: RAN.play(step="5"), "play: step: expected a whole number, got '5'"),
    (lambda: RAN.play(stp=5), "play: expected play(*, step=None, view=None, "),
    (lambda: RAN.play(secret="Kb"), "secret: expected a value of this, got 'Kb'; did you mean 'Ka'"),
    (lambda: run("main", responder="any"), """responder: expected words in a dict, such as {"psk": "..."}, got"""),
    (lambda: suppose("talk", "PSK"), """suppose: talk: expected a run or a recording, as in talk = run("main"), got"""),
    (
        lambda: suppose(HEARD),
        "suppose: expected suppose(talk, name), got a call that does not fit: missing a required ",
    ),
    (lambda: suppose(HEARD, 5), "suppose: expected one of CKY-I, "),
    (lambda: listener(3, "PSK"), "listener: talk: expected a run or a recording, as in talk = "),
    (lambda: overhear("x", lambda word, heard: b""), 'overhear: talk: expected a run, as in talk = run("main"), got'),
    (lambda: impostor(5), 'impostor: talk: expected a run, as in talk = run("main"), got 5'),
    (
        lambda: impostor(HEARD),
        'impostor: talk: expected a run, as in talk = run("main"), got something of the type Rec',
    ),
    (lambda: stolen(5, "PSK"), "stolen: talk: expected a run or a recording, as in"),
    (lambda: keys("talk"), "keys: expected a run, whose peers can be asked, got str"),
    (
        lambda: predict(),
        "predict: expected predict(name, answer=...), got a call that does not fit: missing a required",
    ),
    (lambda: check(), "check: expected check(name, answer=None), got a call that does not fit"),
    (lambda: hint(), "hint: expected hint(name), got a call that does not fit"),
    (lambda: recorded(), "recorded: expected recorded(name), got a call that does not fit"),
    (lambda: recorded(5), "recorded: name: expected a text in quotes, got 5"),
    (lambda: HEARD.with_psk(None), "with_psk: expected a pre-shared key as text in quotes, or octets, got None"),
    (lambda: HEARD.with_psk(), "with_psk: expected with_psk(psk), got a call that does not fit"),
    (lambda: RAN.fork(message=4, octet="x", to=1), "fork: octet: expected a whole number, got 'x'"),
    (lambda: RAN.fork(4), "fork: expected fork(*, message=None, "),
    (lambda: HEARD.message(), "message: expected message(number), got a call that does not fit"),
]


@pytest.mark.parametrize(("call", "sentence"), WRONG, ids=[sentence[:40] for _, sentence in WRONG])
def test_a_wrong_call(call: Callable[[], object], sentence: str) -> None:
    with pytest.raises(Misuse) as said:
        call()
    assert str(said.value).startswith(sentence)
    assert said.value.__cause__ is None


class TestElsewhere:
    """A recording cannot do what takes a peer, a run not what takes somebody else's ears; either says where to go."""

    @pytest.mark.parametrize("name", ["fork", "at", "diff", "ping"])
    def test_of_a_recording(self, name: str) -> None:
        with pytest.raises(Misuse, match=rf'^{name}: a recording cannot be run on .* talk = run\("main"\)'):
            getattr(HEARD, name)
        assert not hasattr(HEARD, name)

    @pytest.mark.parametrize("name", ["flipped", "with_psk", "without_keys"])
    def test_of_a_run(self, name: str) -> None:
        with pytest.raises(Misuse, match=rf"^{name}: only a recording is heard otherwise, .* fork\(\.\.\.\)"):
            getattr(RAN, name)

    @pytest.mark.parametrize(("kind", "sibling"), [(Recording, Run), (Run, Recording)])
    def test_what_is_elsewhere_is_all_that_the_sibling_has_beyond_it(
        self, kind: type[Shown], sibling: type[Shown]
    ) -> None:
        def public(each: type[Shown]) -> set[str]:
            declared = {*dir(each), *inspect.get_annotations(each)}
            return {name for name in declared if not name.startswith("_") and not name.isupper()}

        shared = {"title", "about"}
        assert set(kind.ELSEWHERE) == public(sibling) - public(kind) - shared

    @pytest.mark.parametrize("talk", [HEARD, RAN])
    def test_what_nobody_has_is_no_attribute(self, talk: Any) -> None:
        with pytest.raises(AttributeError, match=f"'{type(talk).__name__}' object has no attribute 'forc'"):
            talk.forc  # noqa: B018


class TestWhatIsNotTheCallersMistake:
    def test_a_complaint_of_the_functions_own_comes_first(self) -> None:
        @told_when_miscalled
        def half(number: int) -> int:
            if not isinstance(number, int):
                raise Misuse("half: expected an even number")
            return number // 2

        assert half(4) == 2
        with pytest.raises(Misuse, match=r"^half: expected an even number$"):
            half("4")  # type: ignore[arg-type]

    def test_a_defect_stays_one(self) -> None:
        @told_when_miscalled
        def broken(number: int, words: Mapping[str, str] | None = None, *more: bytes, **most: float) -> int:
            return [][number]

        with pytest.raises(IndexError):
            broken(4)
        with pytest.raises(IndexError):
            broken(4, {"a": "b"}, b"", x=1)
        for args, kwargs, sentence in (
            ((True,), {}, "broken: number: expected a whole number, got True"),
            ((4, 5), {}, "broken: words: expected a dict, got 5"),
            ((4, None, b"", 5), {}, "broken: more: expected octets (bytes), got 5"),
            ((4,), {"x": "y"}, "broken: most: expected a number, got 'y'"),
        ):
            with pytest.raises(Misuse) as said:
                broken(*args, **kwargs)  # type: ignore[arg-type]
            assert str(said.value) == sentence

    def test_a_kind_that_only_type_checkers_know_is_not_judged(self) -> None:
        def broken(it):  # type: ignore[no-untyped-def]
            raise KeyError(it)

        broken.__annotations__ = {"it": "NowhereToBeFound"}
        with pytest.raises(KeyError):
            told_when_miscalled(broken)(5)


def test_every_function_of_the_front_door_that_a_lesson_uses_is_told_when_miscalled() -> None:
    for name in ("check", "doctor", "hint", "lab", "predict", "read", "recorded", "recordings", "run", "scenarios"):
        with pytest.raises(Misuse, match=f"^{name}: expected {name}\\("):
            getattr(ikelab, name)(1, 2, 3)
