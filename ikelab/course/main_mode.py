"""What the lesson on Main Mode asks: who knows what when, what an answer may say, and what a lost message costs."""

from __future__ import annotations

import hmac
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

from ikelab.course.places import find_field
from ikelab.course.question import Choice, Octets, Question, Results, Slip
from ikelab.course.runs import Run, run

TWO_OFFERS = "aes256-sha256-modp2048, aes128-sha256-modp2048"
SECOND_OFFER = "aes128-sha256-modp2048"


@cache
def talk() -> Run:
    """The run of the lesson."""
    return run("main")


@cache
def choice() -> Run:
    """The run in which the responder knows only the second of two offers."""
    return run("main", ike=TWO_OFFERS, responder={"ike": SECOND_OFFER})


@cache
def lost() -> Run:
    """The run in which message 6 is lost."""
    return talk().fork(message=6, drop=True)


def _chose(letter: str, hint: str) -> Slip[str]:
    return Slip(made=lambda answer: answer == letter, hint=hint)


FIRST_KEYS = Question[str](
    name="first_keys",
    ask="Ka opens messages 5 and 6. Which peer can compute it first, and when?",
    kind=Choice(
        {
            "a": "the initiator, when it hears message 2: now the terms are settled",
            "b": "the responder, when it hears message 3",
            "c": "both at the same time: each needs message 3 and message 4",
            "d": "both at the end, when each knows who the other is",
        }
    ),
    right=lambda: "b",
    because="Message 3 brings the initiator's public value and nonce, and the responder draws its own on the spot: it "
    "has all that goes in, before message 4 is even sent. The initiator has to wait for that message. Then it uses Ka "
    "at once, for message 5.",
    slips=(
        _chose("a", "The terms say how to compute. But g^xy takes the other side's public value, in message 3 or 4."),
        _chose(
            "c",
            "Each needs the other's public value and nonce. Its own it has before they travel: whoever hears first "
            "has both.",
        ),
        _chose("d", "Messages 5 and 6 are encrypted already, so the keys must be there before anybody is known."),
    ),
    otherwise="When does a side have its own half and the other's?",
)

ANSWER = Question[str](
    name="answer",
    ask="Some write that message 2 is the same as message 1, sent back. What does its SA payload hold?",
    kind=Choice(
        {
            "a": "both transforms, with a mark on the one chosen",
            "b": "one transform, as it was offered",
            "c": "the number of the one chosen, nothing else",
            "d": "one transform, with the responder's own lifetime in it",
        }
    ),
    right=lambda: "b",
    because="One of the list, with every attribute as it was: the responder chooses, and must not change anything (RFC "
    "2409 §5). The number tells which one it was. Only where there was a single offer do both SA payloads look alike.",
    slips=(
        _chose("a", "Count them in the tree of message 2, and compare the lengths: 120 octets and 84."),
        _chose("c", "It is sent in full, so that the initiator can compare it with what it had offered."),
        _chose(
            "d",
            "It may choose and not change: the initiator refuses an answer that it has not offered. With a shorter "
            "lifetime of its own, the responder simply gives up the SA sooner.",
        ),
    ),
    otherwise="Open both messages, and compare.",
)

WHOSE_KEY = Question[str](
    name="whose_key",
    ask="A responder has ten peers, and with each another pre-shared key. Message 3 has come. How does it know which "
    "key goes into SKEYID?",
    kind=Choice(
        {
            "a": "from the name in message 5",
            "b": "from the IP address that the messages come from",
            "c": "from the initiator's cookie",
            "d": "it need not know yet: the key is not needed before HASH_I",
        }
    ),
    right=lambda: "b",
    because="The name lies behind the encryption, the encryption needs Ka, Ka needs SKEYID, and SKEYID needs the very "
    "key that is looked for. So the address is all there is to go by (RFC 2409 §5.4).",
    slips=(
        _chose("a", "To read that name it must open message 5. With which key? Walk back from Ka."),
        _chose("c", "The initiator drew that at random a moment ago. It says nothing about who drew it."),
        _chose("d", "HASH_I travels encrypted, with Ka; and the pre-shared key is in SKEYID, so in Ka, too."),
    ),
    otherwise="Walk back from Ka: what is there before any name has been read?",
)

# -- HASH_R

Hashed = tuple[Mapping[str, bytes], bytes]
"""What an initiator has when message 6 is opened: values by name, and the responder's name in the message."""
HAS = ("SKEYID", "SKEYID_a", "SKEYID_e", "PSK", "g^xi", "g^xr", "CKY-I", "CKY-R", "SAi_b", "IDii_b", "IDir_b")


@cache
def proofs() -> tuple[Run, ...]:
    """The runs whose HASH_R is asked for: in the second the two SA payloads are not alike."""
    return (talk(), choice(), run("curve"))


@cache
def hashed() -> tuple[Hashed, ...]:
    """What the initiator has in each of these runs."""
    return tuple(
        ({**{name: each.secret(name).value for name in HAS}, "SAr_b": _answered(each)}, each.secret("IDir_b").value)
        for each in proofs()
    )


def _answered(shown: Run) -> bytes:
    """The body of the SA payload in message 2."""
    _, payload, _ = find_field(shown.trace, 2, "Security Association")
    begin, end = payload["at"] + GENERIC_HEADER, payload["at"] + payload["size"]
    return shown.message(2).octets[begin:end]


GENERIC_HEADER = 4


def _joined(has: Mapping[str, bytes], *names: str) -> bytes:
    return b"".join(has[name] for name in names)


def _proof(formula: Callable[[Mapping[str, bytes], bytes], bytes], hint: str) -> Slip[tuple[bytes, ...]]:
    """A slip that hashes what this formula makes, with SKEYID."""
    return Slip(
        made=lambda answers: (
            answers == tuple(hmac.digest(has["SKEYID"], formula(has, name), "sha256") for has, name in hashed())
        ),
        hint=hint,
    )


def _keyed(key: str, hint: str) -> Slip[tuple[bytes, ...]]:
    """A slip that has all of the message right, and this key."""
    return Slip(
        made=lambda answers: (
            answers == tuple(hmac.digest(has[key], _joined(has, *SWAPPED) + name, "sha256") for has, name in hashed())
        ),
        hint=hint,
    )


SWAPPED = ("g^xr", "g^xi", "CKY-R", "CKY-I", "SAi_b")
UNSWAPPED = ("g^xi", "g^xr", "CKY-I", "CKY-R", "SAi_b")

HASH_R = Question[tuple[bytes, ...]](
    name="hash_r",
    ask="Write the function that computes what HASH_R must be.",
    kind=Results(hashed, Octets(), wanted="the function"),
    right=lambda: tuple(each.secret("HASH_R").value for each in proofs()),
    because="Called for three runs: each time it answered what stands in message 6. Swapped roles make sure that "
    "nobody can send a HASH_I back as HASH_R. And since both cover what the initiator offered, not what was answered, "
    "an offer that was weakened on the way is found out by either side.",
    slips=(
        _proof(
            lambda has, name: _joined(has, *SWAPPED[:-1], "SAr_b") + name,
            "The first run is right, the second is not: there the answer is not the same as the offer. One value does "
            "not swap: both hashes cover SAi_b, what was offered.",
        ),
        _proof(
            lambda has, name: _joined(has, *UNSWAPPED) + name,
            "The responder's name is in it, but the values stand in the order of HASH_I. In HASH_R the responder's "
            "come first.",
        ),
        _proof(
            lambda has, name: _joined(has, "g^xr", "g^xi", "CKY-I", "CKY-R", "SAi_b") + name,
            "The public values are swapped, the cookies are not.",
        ),
        _proof(
            lambda has, name: _joined(has, "g^xi", "g^xr", "CKY-R", "CKY-I", "SAi_b") + name,
            "The cookies are swapped, the public values are not.",
        ),
        _proof(
            lambda has, name: _joined(has, *SWAPPED),
            "The name is missing: without it, the hash proves that somebody has the key, and not who.",
        ),
        _proof(
            lambda has, name: _joined(has, *SWAPPED) + name[GENERIC_HEADER:],
            "All but the name is right. `name` is IDir_b already, the body of the payload: there is no header to cut "
            "off, as there was in the lesson before.",
        ),
        _proof(
            lambda has, name: _joined(has, *SWAPPED, "IDii_b"),
            "That is the initiator's own name. HASH_R covers the responder's, IDir_b, which comes as the second "
            "argument.",
        ),
        _keyed("SKEYID_a", "The message is right, the key is not: like HASH_I, it is made with SKEYID."),
        _keyed(
            "PSK", "The message is right. The pre-shared key itself is no key of it: SKEYID is, which is made of it."
        ),
        Slip(
            made=lambda answers: any(len(answer) != 32 for answer in answers),
            hint="These peers agreed on SHA-256, and that gives 32 octets. Yours are another number.",
        ),
    ),
    otherwise='32 octets, but others. Six values in a row, with SKEYID as the key. More help: hint("hash_r").',
    hints=(
        "HASH_I = prf(SKEYID, g^xi | g^xr | CKY-I | CKY-R | SAi_b | IDii_b). Whatever has an i or an I in it becomes r "
        "or R, and the other way round; with one exception.",
        'talk.secret("HASH_R") shows the formula.',
        'hmac.new(has["SKEYID"], has["g^xr"] + has["g^xi"] + has["CKY-R"] + has["CKY-I"] + has["SAi_b"] + name, '
        '"sha256").digest()',
    ),
)

# -- lost and said again

LOST_ANSWER = Question[str](
    name="lost_answer",
    ask="Message 6 gets lost. The responder has said all that it had to say. What happens?",
    kind=Choice(
        {
            "a": "the responder says message 6 again, when its timer runs out",
            "b": "the initiator says message 5 again, the same octets, and is answered with the same message 6",
            "c": "the initiator says message 5 again, encrypted anew, with another IV",
            "d": "the responder is done and the initiator is not: both must begin anew",
        }
    ),
    right=lambda: "b",
    because="Whoever waits for an answer asks again. The responder knows the octets, and gives the same answer without "
    "thinking twice. Nothing is computed anew, neither nonce nor IV nor hash. So here, in Main Mode, only the "
    "initiator repeats by itself; the responder only gives up waiting for message 3 or 5, which is EXPIRE. Once it is "
    "ESTABLISHED it may begin a Quick Mode of its own: where that stays unanswered, message 6 may have been lost, and "
    "RESEND says it again.",
    slips=(
        _chose(
            "a",
            "RFC 2408 §5.1 would have it set a timer. But message 6 is the last, and nobody answers it: by what should "
            "the responder know that it is missing? Who does wait for an answer?",
        ),
        _chose(
            "c",
            "It has kept the octets that it said, and says just those. Otherwise the responder could not tell a "
            "repetition from a new message.",
        ),
        _chose("d", "For a while one is ESTABLISHED and the other not, that is true. Look for what mends it."),
    ),
    otherwise="Who waits for something?",
)

Ciphered = tuple[bytes, int]
"""Message 5 as it travelled, and the octets of a block of its cipher."""


@cache
def ciphered() -> tuple[tuple[Run, int, int, int], ...]:
    """Runs with the numbers of a message 5 that arrives and of the answer to it, and the block's length."""
    return ((talk(), 5, 6, 16), (run("main", ike="3des-sha256-modp2048"), 5, 6, 8), (lost(), 7, 8, 16))


def _ivs(formula: Callable[[bytes, int], bytes], hint: str) -> Slip[tuple[bytes, ...]]:
    """A slip that takes these octets."""
    return Slip(
        made=lambda answers: (
            answers == tuple(formula(each.message(number).octets, block) for each, number, _, block in ciphered())
        ),
        hint=hint,
    )


HEADER = 28

NEXT_IV = Question[tuple[bytes, ...]](
    name="next_iv",
    ask="Write the function that takes the IV of message 6 from message 5.",
    kind=Results(
        lambda: tuple((each.message(number).octets, block) for each, number, _, block in ciphered()),
        Octets(),
        wanted="the function",
    ),
    right=lambda: tuple(
        bytes.fromhex(each.trace.messages[answer - 1]["sheets"][1]["iv"]) for each, _, answer, _ in ciphered()
    ),
    because="Called for three runs, and these are the IVs with which message 6 opens: with AES, with 3DES, and where "
    "message 5 had to be said twice. Who moves the IV on with every datagram would open the second message 5 with the "
    "last block of message 6, and find nonsense at its beginning.",
    slips=(
        _ivs(
            lambda octets, block: octets[-16:],
            "Right for AES. One of the three runs uses 3DES, whose blocks have 8 octets: use `block`.",
        ),
        _ivs(
            lambda octets, block: octets[HEADER : HEADER + block],
            "This is the first encrypted block, right behind the header. The last one is wanted.",
        ),
        _ivs(lambda octets, block: octets[:block], "These are the cookies, in clear. The last block is at the end."),
        _ivs(
            lambda octets, block: octets[HEADER:][-2 * block : -block],
            "This is the last block but one.",
        ),
        Slip(
            made=lambda answers: any(
                len(answer) != block for answer, (_, _, _, block) in zip(answers, ciphered(), strict=True)
            ),
            hint="An IV has the length of one block of the cipher. Yours has another.",
        ),
    ),
    otherwise='As many octets as a block, but others. More help: hint("next_iv").',
    hints=("In Python, octets[-3:] are the last three.", "octets[-block:]"),
)

# -- refused

COMPLAINT = Question[str](
    name="complaint",
    ask="The two have different pre-shared keys. What is the first that the initiator hears of it?",
    kind=Choice(
        {
            "a": "that the pre-shared key is wrong",
            "b": "that its message 5 is malformed",
            "c": "message 6, with a HASH_R that is not right",
            "d": "that its offer was not accepted",
        }
    ),
    right=lambda: "b",
    because="The responder opens message 5 with another Ka, and finds nonsense. It cannot tell a wrong key from "
    "damaged octets, and it never gets to see a hash. So logs say PAYLOAD-MALFORMED, and people look in the wrong "
    "place. A malformed message 5 means: first compare the pre-shared keys.",
    slips=(
        _chose("a", "To know that, the responder would have to read HASH_I. Can it?"),
        _chose(
            "c", "The responder says message 6 only to somebody whose message 5 it could open and whose HASH_I holds."
        ),
        _chose("d", "The offer is answered in message 2, and nobody uses the pre-shared key before message 5."),
    ),
    otherwise="What does the responder find when it opens message 5?",
)

QUESTIONS: tuple[Question[Any], ...] = (FIRST_KEYS, ANSWER, WHOSE_KEY, HASH_R, LOST_ANSWER, NEXT_IV, COMPLAINT)
