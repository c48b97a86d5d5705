"""Who can try words against a pre-shared key and ask nobody: a listener in Aggressive Mode, an impostor in Main.

overhear(talk, attempt)     a listener, with a learner's function that says what HASH_R would be for a word
impostor(talk)              whoever stood in the responder's place once, and has g^xy
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from ikelab.course.question import NotBegun, NotUnderstood, Octets, Results
from ikelab.course.runs import Run
from ikelab.errors import Misuse
from ikelab.ike.beliefs import Belief, Beliefs
from ikelab.ike.conversation import INITIATOR, RESPONDER
from ikelab.ike.guess import Target, target_of
from ikelab.ike.listen import Followed, Listener
from ikelab.wire.numbers import ExchangeType

WORDS = (
    "123456", "12345678", "abc123", "admin", "alpine", "autumn", "backup", "branch", "bridge", "cactus", "castle",
    "changeme", "cisco", "cisco123", "coffee", "company", "default", "dragon", "eagle", "falcon", "firewall", "gateway",
    "guest", "hello", "ipsec", "letmein", "london", "master", "monday", "monkey", "network", "office", "orange",
    "password", "password1", "pepper", "phoenix", "public", "qwerty", "remote", "router", "sample", "secret",
    "security", "shadow", "silver", "spring", "summer", "sunshine", "swordfish", "test", "test123", "tiger", "tunnel",
    "vpn", "vpn123", "welcome", "winter", "wizard", "zebra",
)  # fmt: skip
"""A very short list. Those that are sold have a thousand million."""

Attempt = Callable[[bytes, Mapping[str, bytes]], object]
"""What HASH_R would be if this word were the pre-shared key: a word, and what was heard by name."""

HEARD = ("CKY-I", "CKY-R", "g^xi", "g^xr", "Ni_b", "Nr_b", "SAi_b", "IDir_b")


@dataclass(frozen=True, kw_only=True, repr=False)
class Guessing:
    """How guessing went. word: the pre-shared key, None where none fits; tried: how many words that took.

    who: who guessed, with what. noticed: what the peers know of it.
    """

    who: str
    tried: int
    word: str | None
    proof: str
    noticed: str

    def __repr__(self) -> str:
        if self.word is None:
            found = f"None of {self.tried} words fits."
        else:
            found = f'Word {self.tried} of {len(WORDS)}, "{self.word}", fits:\n  {self.proof}'
        return f"{self.who}\n{found}\n{self.noticed}"


@dataclass(frozen=True, kw_only=True, repr=False)
class NotYet:
    """Why a learner's function could not be tried."""

    why: str

    def __repr__(self) -> str:
        return self.why


def what_was_heard(talk: Run) -> dict[str, bytes]:
    """What messages 1 and 2 of Aggressive Mode gave away, by name; `covered` is all that HASH_R covers, joined.

    Raises Misuse where there is no HASH_R in clear.
    """
    target = _target(talk)
    heard = {name: talk.secret(name).value for name in HEARD}
    return heard | {"HASH_R": target.hash_r, "covered": target.keyed_then}


def overhear(talk: Run, attempt: Attempt) -> Guessing | NotYet:
    """A listener tries the words of a list against HASH_R, with a function of the learner's. Raises Misuse.

    With a function that computes something else nothing is said about any word.
    """
    target, heard = _target(talk), what_was_heard(talk)
    calls = [(word.encode(), heard) for word in WORDS]
    try:
        answers = Results(lambda: calls, Octets(), wanted="a function").understand(attempt)
    except NotBegun:
        return NotYet(why="First write the function: it still answers three dots.")
    except NotUnderstood as complaint:
        return NotYet(why=str(complaint))
    if answers != tuple(target.made_of(word) for word, _ in calls):
        return NotYet(
            why='Your function is not right yet, so no word can be tried: run check("attempt", attempt) first.'
        )
    found = next((place for place, answer in enumerate(answers) if answer == target.hash_r), None)
    return _told(
        "A listener has messages 1 and 2, and a list of words.",
        found,
        f"it makes HASH_R {target.hash_r.hex()[:16]}…, as in message 2.",
        "Nobody was asked, and nobody noticed.",
    )


def impostor(talk: Run) -> Guessing:
    """Whoever was the responder of a Main Mode, without the pre-shared key, tries words on message 5.

    Raises Misuse where there is no such message.
    """
    number, g_xy, cookie_i = _met_a_stranger(talk)
    found, name = None, ""
    for place, word in enumerate(WORDS):
        belief = Belief(cookie_i=cookie_i, psk=word.encode(), values={"g^xy": g_xy})
        listener = Listener(beliefs=Beliefs(ike=(belief,)))
        followed = [listener.hear(each.heard) for each in talk.followed[:number]][-1]
        if followed.verified.get("HASH_I") and followed.opened is not None:
            found, name = place, str(followed.opened.sheet.payloads[0])
            break
    return _told(
        "Somebody was the responder once. He has g^xy, message 5, and a list of words.",
        found,
        f"message {number} opens, HASH_I is right, and the initiator calls itself {name}.",
        "Nobody was asked. All that the initiator noticed is a negotiation that came to nothing."
        if not talk.established
        else "But here the responder proved itself: it has the pre-shared key, and need not guess.",
    )


def _told(who: str, found: int | None, proof: str, noticed: str) -> Guessing:
    """How it went; `found` is the place of the word in the list."""
    if found is None:
        return Guessing(who=who, tried=len(WORDS), word=None, proof="", noticed=noticed)
    return Guessing(who=who, tried=found + 1, word=WORDS[found], proof=proof, noticed=noticed)


def _target(talk: Run) -> Target:
    found = [target for each in talk.followed if (target := target_of(each)) is not None]
    if not found:
        raise Misuse(f"{talk.heading}: expected an Aggressive Mode whose HASH_R was heard, got none")
    return found[0]


def _met_a_stranger(talk: Run) -> tuple[int, bytes, bytes]:
    """The number of message 5, and what the responder has: g^xy, and the initiator's cookie."""
    sas = (talk.at(step).sas[RESPONDER] for step in range(talk.last + 1))
    met = next((sa for sa in sas if sa is not None and "g^xy" in sa.main.given), None)
    number = next((n for n, each in enumerate(talk.followed, 1) if _proves_the_initiator(each)), None)
    if met is None or number is None:
        raise Misuse(f"{talk.heading}: expected a Main Mode whose message 5 was heard, got none")
    return number, met.main.given["g^xy"].value, met.cookie_i


def _proves_the_initiator(followed: Followed) -> bool:
    """Whether it is a message 5 of Main Mode."""
    header = followed.message.header
    is_main = header is not None and header.exchange == ExchangeType.IDENTITY_PROTECTION
    return is_main and followed.message.encrypted and followed.sender == INITIATOR
