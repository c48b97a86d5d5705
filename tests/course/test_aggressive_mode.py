"""What the lesson on Aggressive Mode holds for right is so, the engine being the judge; slips get the fitting hint."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from ikelab.course import aggressive_mode, impostor, overhear
from ikelab.course.checks import Sign
from ikelab.course.guessing import Guessing
from ikelab.course.runs import Run, run
from ikelab.course.scenarios import ALICE, BOB
from ikelab.errors import Misuse
from ikelab.ike.config import PeerConfig, Seeded, Weak
from ikelab.ike.peer import Connect, Peer
from ikelab.net.link import Link
from tests.course.answers import Answers, said

TALK = run("aggressive")
Heard = Mapping[str, bytes]


def prf(key: bytes, message: bytes, algorithm: str = "sha256") -> bytes:
    return hmac.digest(key, message, algorithm)


def skeyid(word: bytes, heard: Heard) -> bytes:
    return prf(word, heard["Ni_b"] + heard["Nr_b"])


def attempt(word: bytes, heard: Heard) -> bytes:
    return prf(skeyid(word, heard), heard["covered"])


RIGHT = {
    "repacked": [1, 3, 5],
    "one_group": "c",
    "heard_by_all": "d",
    "attempt": attempt,
    "main_too": "c",
    "who_notices": "b",
}

SLIPS: list[tuple[str, object, str]] = [
    ("repacked", [1, 2, 3, 4], "on many pages"),
    ("repacked", [1, 3], "A fourth payload"),
    ("repacked", [1, 5], "Look for KE"),
    ("repacked", range(1, 7), "even number"),
    ("repacked", [3], "SA, KE, Ni, IDii"),
    ("one_group", "a", "of which group?"),
    ("one_group", "b", "one KE payload"),
    ("one_group", "d", "Diffie-Hellman as in Main Mode"),
    ("heard_by_all", "a", "is there a key yet?"),
    ("heard_by_all", "b", "Message 2 is in clear as well"),
    ("heard_by_all", "c", "What else is in message 2?"),
    ("attempt", lambda word, heard: heard["HASH_R"], "every word would fit"),
    ("attempt", lambda word, heard: prf(word, heard["covered"]), "it should be SKEYID"),
    ("attempt", skeyid, "half of the way"),
    ("attempt", lambda word, heard: prf(prf(word, heard["Nr_b"] + heard["Ni_b"]), heard["covered"]), "wrong order"),
    ("attempt", lambda word, heard: prf(prf(heard["Ni_b"] + heard["Nr_b"], word), heard["covered"]), "the word is the"),
    ("attempt", lambda word, heard: prf(heard["covered"], skeyid(word, heard)), "In HASH_R, key and message"),
    (
        "attempt",
        lambda word, heard: hashlib.sha256(skeyid(word, heard) + heard["covered"]).digest(),
        "This is the plain hash",
    ),
    ("attempt", lambda word, heard: prf(skeyid(word, heard), heard["covered"], "sha1"), "32 octets. Yours"),
    ("attempt", lambda word, heard: prf(word, b""), "SKEYID first, then HASH_R"),
    ("attempt", lambda word, heard: attempt(word, heard).hex(), ".digest() instead of .hexdigest()"),
    ("main_too", "a", "made of what?"),
    ("main_too", "b", "no g^xy"),
    ("main_too", "d", "proves himself first"),
    ("who_notices", "a", "not encrypted"),
    ("who_notices", "c", "says no message 3"),
    ("who_notices", "d", "nothing to be wrong"),
]


class TestAnswers(Answers):
    questions, right, slips = aggressive_mode.QUESTIONS, RIGHT, SLIPS


def test_the_solution_among_the_hints_is_one() -> None:
    function = f"lambda word, heard: {aggressive_mode.ATTEMPT.hints[-1]}"
    assert said("attempt", eval(function, {"hmac": hmac})).startswith(Sign.RIGHT)  # noqa: S307  (our own words)


def labels(shown: Run, number: int) -> list[str]:
    return [chip["label"] for chip in shown.trace.messages[number - 1]["chips"]]


class TestTheEngineAgrees:
    """What was chosen by hand, or is said in the lesson's text."""

    def test_the_table_of_the_lesson(self) -> None:
        main = run("main")
        assert labels(TALK, 1) == [*labels(main, 1), *labels(main, 3), labels(main, 5)[0]]
        assert labels(TALK, 2) == [*labels(main, 2), *labels(main, 4), *labels(main, 6)]
        assert labels(TALK, 3) == labels(main, 5)[1:] == ["HASH_I"]

    def test_same_draws_same_keys_same_proofs(self) -> None:
        main = run("main")
        for name in ("g^xy", "SKEYID", "Ka", "HASH_I", "HASH_R"):
            assert TALK.secret(name).value == main.secret(name).value

    def test_two_groups_are_fine_in_main_mode_and_not_in_aggressive(self) -> None:
        words: dict[str, Any] = {
            "ike": "aes128-sha256-modp2048, aes128-sha256-x25519",
            "responder": {"ike": "aes128-sha256-x25519"},
        }
        assert run("main", **words).established
        with pytest.raises(Misuse, match="expected one group in every offer"):
            run("aggressive", **words)

    def test_and_the_wrong_guess_is_refused(self) -> None:
        guess = run("aggressive", responder={"ike": "aes128-sha256-x25519"})
        assert guess.result.refused is not None
        assert (guess.result.refused.by, guess.result.refused.at) == ("responder", 1)

    def test_a_gateway_that_does_main_mode_only_gives_nothing_away_and_the_initiator_its_name(self) -> None:
        refused = run("aggressive-refused")
        assert [labels(refused, number) for number in (1, 2)] == [["SA", "KE", "Ni", "IDii"], ["N"]]

    @pytest.mark.parametrize("mode", ["main", "aggressive"])
    def test_with_one_key_both_modes_work_from_any_address(self, mode: str) -> None:
        branch = "moon.example.org"
        assert run(mode, initiator={"id": branch}, responder={"peer_address": "any", "peer_id": branch}).established

    def test_a_cipher_can_be_chosen_all_the_same(self) -> None:
        ciphers = "aes256-sha256-modp2048, aes128-sha256-modp2048"
        assert run("aggressive", ike=ciphers, responder={"ike": "aes128-sha256-modp2048"}).established

    def test_only_message_3_is_encrypted(self) -> None:
        assert [TALK.message(number).encrypted for number in (1, 2, 3)] == [False, False, True]
        assert {"IDir", "HASH_R"} < set(labels(TALK, 2))

    def test_what_the_initiator_computes_for_a_wrong_word_is_what_the_function_must(self) -> None:
        """In its complaint an initiator says what HASH_R it expected, with its own pre-shared key."""
        wrong = run("psk-aggressive", initiator={"psk": "letmein"}, responder={"psk": "swordfish"})
        place = [word for word, _, _ in aggressive_mode.GUESSED].index("letmein")
        assert f"expected {aggressive_mode.ATTEMPT.right()[place].hex()}" in " ".join(wrong.says("initiator"))

    def test_and_for_a_right_one_what_stands_in_message_2(self) -> None:
        right = aggressive_mode.ATTEMPT.right()
        heard = [each["HASH_R"] for _, each in aggressive_mode.tries()]
        assert [one == other for one, other in zip(right, heard, strict=True)] == [True, False, True]

    def test_who_can_guess_in_which_mode(self) -> None:
        cracked = impostor(run("main", initiator={"psk": "swordfish"}, responder={"psk": "I have no idea"}))
        assert cracked.word == "swordfish"
        found = overhear(run("aggressive", psk="swordfish"), attempt)
        assert isinstance(found, Guessing)
        assert found.word == "swordfish"

    def test_an_impostor_in_the_initiators_place_gets_no_message_6(self) -> None:
        stopped = run("main", initiator={"psk": "I have no idea"})
        assert all("HASH_R" not in labels(stopped, number) for number in range(1, len(stopped) + 1))

    def test_a_stranger_who_begins_is_given_hash_r(self) -> None:
        stranger = run("aggressive", initiator={"psk": "I have no idea", "id": "sun.example.org"},
                       responder={"peer_address": "any", "psk": "tiger"})  # fmt: skip
        found = overhear(stranger, attempt)
        assert isinstance(found, Guessing)
        assert found.word == "tiger"

    def test_different_keys_are_called_what_they_are(self) -> None:
        wrong = run("psk-aggressive")
        assert wrong.result.refused is not None
        assert (wrong.result.refused.by, wrong.result.refused.at) == ("initiator", 2)
        assert "AUTHENTICATION-FAILED" in wrong.says("responder")[0]

    @pytest.mark.parametrize(("name", "established"), [("moon.example.org", True), ("sun.example.org", False)])
    def test_a_branch_is_known_by_its_name_from_anywhere(self, name: str, established: bool) -> None:
        responder = {"peer_address": "any", "peer_id": "moon.example.org"}
        assert run("aggressive", initiator={"id": name}, responder=responder).established == established

    def test_a_name_that_is_not_accepted_is_told_in_a_few_messages(self) -> None:
        """The responder proves itself to any name, and refuses only message 3; then neither side goes on for long."""
        stranger = run("aggressive", initiator={"id": "moon.example.org"})
        assert stranger.result.refused is not None
        assert (stranger.result.refused.by, stranger.result.refused.at) == ("responder", 3)
        assert len(stranger) == 8
        assert "The other side says INVALID-ID-INFORMATION" in stranger.says("initiator")[0]

    @pytest.mark.parametrize(("mode", "known"), [("aggressive", ["moon", "sun"]), ("main", ["moon"])])
    def test_branches_with_keys_of_their_own_call_from_anywhere(self, mode: str, known: list[str]) -> None:
        """In Main Mode all of them are tried with one key; in Aggressive Mode each name finds its own."""
        branches = {
            name: replace(ALICE, mode=mode, address=address, id=name, psk=f"the key of the {name}")
            for name, address in (("moon", "10.99.0.7"), ("sun", "10.99.0.8"))
        }
        told = [
            replace(replace(BOB, mode=mode, psk=each.psk, peer_id=name, peer_address="any").connection(""), name=name)
            for name, each in branches.items()
        ]
        config = PeerConfig(connections=tuple(told), weak=Weak.ALLOWED)
        gateway = Peer(config, Seeded(b"gateway"), BOB.endpoint)
        callers = {
            name: Peer(each.config(BOB.address), Seeded(name.encode()), each.endpoint)
            for name, each in branches.items()
        }
        link = Link(gateway, *callers.values())
        for each in callers.values():
            link.begin(each, Connect(connection="net", remote=BOB.endpoint))
        link.run(until=60.0)
        assert [name for name, each in callers.items() if [sa.state for sa in each.sas] == ["ESTABLISHED"]] == known

    def test_a_gateway_that_will_have_none_of_it(self) -> None:
        refused = run("aggressive-refused")
        assert "UNSUPPORTED-EXCHANGE-TYPE" in refused.says("initiator")[0]
        assert "many gateways refuse it" in refused.says("responder")[0]
