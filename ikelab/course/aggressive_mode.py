"""What the lesson on Aggressive Mode asks: what went where, what everybody hears, who can guess a pre-shared key."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

from ikelab.course.guessing import what_was_heard
from ikelab.course.question import Choice, Numbers, Octets, Question, Results, Slip
from ikelab.course.runs import Run, run


@cache
def talk() -> Run:
    """The run of the lesson."""
    return run("aggressive")


def _chose(letter: str, hint: str) -> Slip[str]:
    return Slip(made=lambda answer: answer == letter, hint=hint)


def _said_first_by_the_initiator() -> tuple[int, ...]:
    """The messages of Main Mode with a payload that the initiator sends in message 1 of Aggressive Mode."""
    early = set(_labels(talk(), 1))
    main = run("main")
    return tuple(
        number
        for number in range(1, 7)
        if main.trace.messages[number - 1]["from"] == "initiator" and early & set(_labels(main, number))
    )


def _labels(shown: Run, number: int) -> list[str]:
    return [chip["label"] for chip in shown.trace.messages[number - 1]["chips"]]


REPACKED = Question[tuple[int, ...]](
    name="repacked",
    ask="Message 1 of Aggressive Mode carries payloads that the initiator sends in Main Mode, too. In which of the six "
    "messages there?",
    kind=Numbers(6),
    right=_said_first_by_the_initiator,
    because="SA as in message 1, KE and Ni as in message 3, and of message 5 the name, IDii. Whatever can be said "
    "before the other has answered, is said at once. HASH_I cannot: it covers the other's public value.",
    slips=(
        Slip(
            made=lambda numbers: numbers == (1, 2, 3, 4),
            hint="So it stands on many pages. But 2 and 4 are the responder's: nobody can say those in its place.",
        ),
        Slip(
            made=lambda numbers: numbers == (1, 3),
            hint="SA, KE, Ni: right. A fourth payload is in it. Who is it about, and where does Main Mode say that?",
        ),
        Slip(
            made=lambda numbers: numbers == (1, 5),
            hint="You will read that Aggressive Mode does without Diffie-Hellman. Look for KE, 256 octets of it.",
        ),
        Slip(
            made=lambda numbers: bool({2, 4, 6} & set(numbers)),
            hint="Those with an even number are the responder's, which has not said anything yet.",
        ),
    ),
    otherwise="Read the payloads on its arrow: SA, KE, Ni, IDii.",
)

ONE_GROUP = Question[str](
    name="one_group",
    ask="An initiator can do the groups 14 and 31, the responder only 31. In Main Mode they agree on 31. And in "
    "Aggressive Mode?",
    kind=Choice(
        {
            "a": "they agree on 31, too",
            "b": "it sends a public value of each group, and the responder takes one",
            "c": "it must settle on one group before it has heard anything",
            "d": "no group is needed",
        }
    ),
    right=lambda: "c",
    because="The public value is in message 1 already, and it belongs to one group. So every transform must name that "
    "group (RFC 2409 §5), and whoever guesses wrong is refused. Cipher and hash can be chosen from a list as ever.",
    slips=(
        _chose("a", "In which message would the initiator send its public value, and of which group?"),
        _chose("b", "There is one KE payload in each message, and nobody would know which group it is of."),
        _chose("d", "Look at message 1: there is a KE payload. It is Diffie-Hellman as in Main Mode."),
    ),
    otherwise="What is in message 1 that belongs to a group?",
)

HEARD_BY_ALL = Question[str](
    name="heard_by_all",
    ask="Somebody listens to the three messages and has no key. What of names and proofs can he read?",
    kind=Choice(
        {
            "a": "nothing, as in Main Mode",
            "b": "the initiator's name",
            "c": "both names",
            "d": "both names and HASH_R",
        }
    ),
    right=lambda: "d",
    because="The names travel before there is a key, and HASH_R with the responder's. Only message 3 is encrypted "
    "here; the RFC leaves that open and draws it in clear (RFC 2409 §5). All that it holds is HASH_I.",
    slips=(
        _chose(
            "a", "In Main Mode the names wait for the keys. Here they travel in messages 1 and 2: is there a key yet?"
        ),
        _chose("b", "Message 2 is in clear as well: the initiator has no key yet to open it with."),
        _chose("c", "Both names, right. What else is in message 2?"),
    ),
    otherwise="Which of the three messages are drawn with a star, HDR*?",
)

# -- guessing

Try = tuple[bytes, Mapping[str, bytes]]
"""A word, and what was heard by name."""
GUESSED = (("swordfish", "swordfish", ""), ("letmein", "swordfish", ""), ("dragon", "dragon", "aes128-sha256-x25519"))
"""A word that is tried, the pre-shared key, and another proposal than usual."""


@cache
def tries() -> tuple[Try, ...]:
    """With what the function of the learner's is called."""
    return tuple(
        (word.encode(), what_was_heard(run("aggressive", psk=psk, **({"ike": ike} if ike else {}))))
        for word, psk, ike in GUESSED
    )


def _prf(key: bytes, message: bytes, algorithm: str = "sha256") -> bytes:
    return hmac.digest(key, message, algorithm)


def _skeyid(word: bytes, heard: Mapping[str, bytes]) -> bytes:
    return _prf(word, heard["Ni_b"] + heard["Nr_b"])


def _attempts(formula: Callable[[bytes, Mapping[str, bytes]], bytes]) -> tuple[bytes, ...]:
    return tuple(formula(word, heard) for word, heard in tries())


def _wrote(formula: Callable[[bytes, Mapping[str, bytes]], bytes], hint: str) -> Slip[tuple[bytes, ...]]:
    """A slip that is this formula of a word and what was heard."""
    return Slip(made=lambda answers: answers == _attempts(formula), hint=hint)


ATTEMPT = Question[tuple[bytes, ...]](
    name="attempt",
    ask="Write the function that says what HASH_R would be if a word were the pre-shared key.",
    kind=Results(tries, Octets(), wanted="the function"),
    right=lambda: _attempts(lambda word, heard: _prf(_skeyid(word, heard), heard["covered"])),
    because="Called with three words. Where the word was the pre-shared key, your function answered the very HASH_R of "
    "message 2. Two calls of the prf a word: even Python tries more than a hundred thousand in a second.",
    slips=(
        _wrote(
            lambda word, heard: heard["HASH_R"],
            "This hands back what was heard, so every word would fit. Compute it anew, from the word.",
        ),
        _wrote(
            lambda word, heard: _prf(word, heard["covered"]),
            "The word is the key here, and it should be SKEYID: first make that of the word and both nonces.",
        ),
        _wrote(_skeyid, "This is SKEYID, half of the way. Now the prf once more: SKEYID is the key, over `covered`."),
        _wrote(
            lambda word, heard: _prf(_prf(word, heard["Nr_b"] + heard["Ni_b"]), heard["covered"]),
            "The nonces are in the wrong order: the initiator's comes first.",
        ),
        _wrote(
            lambda word, heard: _prf(_prf(heard["Ni_b"] + heard["Nr_b"], word), heard["covered"]),
            "In SKEYID, key and message have changed places: the word is the key.",
        ),
        _wrote(
            lambda word, heard: _prf(heard["covered"], _skeyid(word, heard)),
            "In HASH_R, key and message have changed places: SKEYID is the key.",
        ),
        _wrote(
            lambda word, heard: hashlib.sha256(_skeyid(word, heard) + heard["covered"]).digest(),
            "This is the plain hash. The prf is HMAC: SKEYID is its key.",
        ),
        Slip(
            made=lambda answers: any(len(answer) != 32 for answer in answers),
            hint="These peers agreed on SHA-256, and that gives 32 octets. Yours are another number.",
        ),
    ),
    otherwise='32 octets, but others. SKEYID first, then HASH_R. More help: hint("attempt").',
    hints=(
        "SKEYID = prf(PSK, Ni_b | Nr_b), with the word for PSK; and HASH_R = prf(SKEYID, covered).",
        'hmac.new(key, message, "sha256").digest() is the form, for both.',
        'hmac.new(hmac.new(word, heard["Ni_b"] + heard["Nr_b"], "sha256").digest(), heard["covered"], '
        '"sha256").digest()',
    ),
)

MAIN_TOO = Question[str](
    name="main_too",
    ask="And in Main Mode: who can try words against a pre-shared key at home?",
    kind=Choice(
        {
            "a": "nobody: both proofs are encrypted",
            "b": "everybody who listened",
            "c": "whoever took the responder's place once",
            "d": "whoever took the initiator's place once",
        }
    ),
    right=lambda: "c",
    because="Message 5 is encrypted with a key of which an impostor lacks only the pre-shared key: g^xy it has made "
    "itself, with the initiator. So each word makes a Ka, and one of them opens message 5. A listener lacks g^xy. And "
    "an impostor in the initiator's place gets nothing: the responder proves itself last.",
    slips=(
        _chose(
            "a", "Encrypted with a key made of what? Somebody who does the Diffie-Hellman himself has the better part."
        ),
        _chose("b", "Whoever only listened has no g^xy, and so no Ka to try, whatever the word."),
        _chose(
            "d",
            "The responder says message 6 only when it has found HASH_I right, and that the impostor cannot make. Who "
            "proves himself first?",
        ),
    ),
    otherwise="Who has g^xy, and who proves himself first?",
)

WHO_NOTICES = Question[str](
    name="who_notices",
    ask="The two have different pre-shared keys. In Main Mode message 5 was nonsense to the responder. And here?",
    kind=Choice(
        {
            "a": "message 2 is nonsense to the initiator",
            "b": "the initiator reads message 2, and HASH_R is not right",
            "c": "message 3 is nonsense to the responder",
            "d": "the responder refuses message 1",
        }
    ),
    right=lambda: "b",
    because="HASH_R comes in clear: the initiator reads it, computes its own and compares. So for once the log says "
    "AUTHENTICATION-FAILED, which is what it is. The same clear HASH_R is what the guessers like.",
    slips=(
        _chose("a", "Message 2 is not encrypted, so there is nothing to decrypt wrongly."),
        _chose("c", "So far it does not come: the initiator checks HASH_R first, and then says no message 3."),
        _chose("d", "In message 1 nothing is made with the pre-shared key. There is nothing to be wrong."),
    ),
    otherwise="Which message is the first that is made with the pre-shared key?",
)

QUESTIONS: tuple[Question[Any], ...] = (REPACKED, ONE_GROUP, HEARD_BY_ALL, ATTEMPT, MAIN_TOO, WHO_NOTICES)
