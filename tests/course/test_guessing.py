"""A weak pre-shared key is found by whoever has one message of Aggressive Mode, or took part in one Main Mode."""

from __future__ import annotations

import hmac
from collections.abc import Mapping

import pytest

from ikelab.course import impostor, overhear
from ikelab.course.guessing import WORDS, Guessing, NotYet, what_was_heard
from ikelab.course.runs import run
from ikelab.errors import Misuse

STRANGER = {"psk": "I have no idea"}


def attempt(word: bytes, heard: Mapping[str, bytes]) -> bytes:
    """HASH_R by hand, value by value (RFC 2409 §5)."""
    skeyid = hmac.digest(word, heard["Ni_b"] + heard["Nr_b"], "sha256")
    covered = b"".join(heard[name] for name in ("g^xr", "g^xi", "CKY-R", "CKY-I", "SAi_b", "IDir_b"))
    return hmac.digest(skeyid, covered, "sha256")


def found(guessing: Guessing | NotYet) -> str | None:
    assert isinstance(guessing, Guessing)
    return guessing.word


class TestAListenerOfAggressiveMode:
    @pytest.mark.parametrize("word", [WORDS[0], "swordfish", WORDS[-1]])
    def test_finds_a_word_of_the_list(self, word: str) -> None:
        guessed = overhear(run("aggressive", psk=word), attempt)
        assert found(guessed) == word
        assert f'Word {WORDS.index(word) + 1} of 60, "{word}", fits:' in repr(guessed)

    def test_and_nothing_else(self) -> None:
        guessed = overhear(run("aggressive"), attempt)
        assert found(guessed) is None
        assert "None of 60 words fits." in repr(guessed)

    def test_it_is_the_responders_word_that_is_found(self) -> None:
        """HASH_R is sent to whoever asks, before anything is known of them."""
        assert found(overhear(run("psk-aggressive", responder={"psk": "tiger"}), attempt)) == "tiger"

    def test_what_is_handed_over_was_in_clear(self) -> None:
        talk = run("aggressive")
        in_clear = talk.message(1).octets + talk.message(2).octets
        heard = what_was_heard(talk)
        assert all(value in in_clear for name, value in heard.items() if name != "covered")
        assert heard["covered"] == b"".join(
            heard[name] for name in ("g^xr", "g^xi", "CKY-R", "CKY-I", "SAi_b", "IDir_b")
        )

    @pytest.mark.parametrize(
        ("function", "words"),
        [
            (lambda word, heard: ..., "First write the function"),
            (lambda word, heard: None, "is there a return?"),
            (lambda word, heard: word + 1, "TypeError"),
            (lambda word, heard: hmac.new(word, b"", "sha256"), ".digest()"),
            (3, "Expected a function"),
            (lambda word, heard: heard["HASH_R"], "not right yet"),
            (lambda word, heard: hmac.digest(word, heard["covered"], "sha256"), 'run check("attempt", attempt) first'),
        ],
    )
    def test_a_function_that_is_none_yet(self, function: object, words: str) -> None:
        said = overhear(run("aggressive"), function)  # type: ignore[arg-type]
        assert isinstance(said, NotYet)
        assert words in repr(said)


class TestAnImpostorInMainMode:
    def test_finds_the_initiators_word_and_reads_its_name(self) -> None:
        guessed = impostor(run("main", initiator={"psk": "swordfish"}, responder=STRANGER))
        assert found(guessed) == "swordfish"
        assert "message 5 opens, HASH_I is right, and the initiator calls itself 10.99.0.1." in repr(guessed)

    def test_on_a_curve_and_with_a_lost_message_as_well(self) -> None:
        lossy = run("curve", initiator={"psk": "zebra"}, responder=STRANGER).fork(message=1, drop=True)
        assert found(impostor(lossy)) == "zebra"

    def test_and_no_other_key(self) -> None:
        guessed = impostor(run("main", responder=STRANGER))
        assert found(guessed) is None
        assert "came to nothing" in repr(guessed)

    @pytest.mark.parametrize("psk", ["swordfish", "correct horse battery staple"])
    def test_whoever_has_the_key_need_not_guess_it(self, psk: str) -> None:
        told = repr(impostor(run("main", psk=psk)))
        assert told.endswith("it has the pre-shared key, and need not guess.")
        assert "came to nothing" not in told

    @pytest.mark.parametrize("name", ["aggressive", "silence", "proposal"])
    def test_where_there_was_no_message_5(self, name: str) -> None:
        with pytest.raises(Misuse, match="expected a Main Mode whose message 5 was heard, got none"):
            impostor(run(name))


def test_main_mode_gives_a_listener_no_hash_r() -> None:
    with pytest.raises(Misuse, match="expected an Aggressive Mode whose HASH_R was heard, got none"):
        overhear(run("main"), attempt)


def test_the_words_are_each_there_once() -> None:
    assert len(set(WORDS)) == len(WORDS)
