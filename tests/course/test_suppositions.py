"""What would be another secret if one value were, and what a listener can compute who was told something."""

from __future__ import annotations

import pytest

from ikelab.course import listener, suppose
from ikelab.course.recording import recorded
from ikelab.course.runs import run
from ikelab.course.suppositions import ENCRYPTED, IN_CLEAR, SECRETS, UNSAID
from ikelab.errors import Misuse

TALK = recorded("main_psk_nopfs")


def standing_on(name: str) -> set[str]:
    """The secrets that have this value somewhere behind them, by the trace's own graph.

    In a recording g^xy is given, so that no public value stands behind it.
    """
    inputs = {entry["name"]: entry["inputs"] for entry in TALK.trace.secrets}

    def behind(secret: str) -> set[str]:
        return {secret}.union(*(behind(each) for each in inputs[secret]))

    return {secret for secret in SECRETS if name in behind(secret)}


@pytest.mark.parametrize("name", [*IN_CLEAR, *UNSAID, *ENCRYPTED])
def test_exactly_those_secrets_are_others_that_stand_on_the_value(name: str) -> None:
    supposed = suppose(TALK, name)
    assert {secret for secret, same in supposed.same.items() if not same} == standing_on(name)
    assert repr(supposed).startswith(f"If {name} were another")
    assert repr(supposed).count("ANOTHER") == len(standing_on(name))


@pytest.mark.parametrize(
    ("told", "computed"),
    [
        ((), ("IV",)),
        (("PSK",), ("SKEYID", "IV")),
        (("g^xy",), ("IV",)),
        (("PSK", "g^xy"), SECRETS),
        (("SKEYID", "g^xy"), SECRETS),
        (("SKEYID_e",), ("SKEYID_e", "Ka", "IV")),
        (("SKEYID_d",), ("SKEYID_d", "IV")),
    ],
)
def test_a_listener(told: tuple[str, ...], computed: tuple[str, ...]) -> None:
    heard = listener(TALK, *told)
    assert heard.computed == computed
    assert repr(heard).endswith(f"Messages 5 and 6 {'can be read' if 'Ka' in computed else 'stay closed'}.")


def test_a_live_run_is_the_same_to_it() -> None:
    assert listener(run("main"), "PSK").computed == ("SKEYID", "IV")
    assert suppose(run("main"), "PSK").same["IV"]


def test_names_that_say_nothing() -> None:
    with pytest.raises(Misuse, match=r"suppose: expected one of CKY-I, .*, got 'SKEYID'"):
        suppose(TALK, "SKEYID")
    with pytest.raises(Misuse, match=r"listener: expected any of PSK, g.*, got 'Ni_b'"):
        listener(TALK, "Ni_b")
