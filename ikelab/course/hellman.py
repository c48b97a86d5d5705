"""What the lesson on Diffie-Hellman asks: who can compute the secret, what size buys, what nothing here prevents."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

from ikelab.course.group_table import groups
from ikelab.course.question import Choice, Octets, Question, Results, Slip, Whole
from ikelab.course.runs import Run, run
from ikelab.crypto.groups import ModpGroup

EXPONENTS = (12345, 2718)
"""The initiator's and the responder's, in the toy group."""
TIMES = 1000


@cache
def talk() -> Run:
    """The run whose numbers the lesson computes with."""
    return run("main")


def _modp(which: int | str) -> ModpGroup:
    found = groups[which]
    assert isinstance(found, ModpGroup)
    return found


TOY = _modp("toy")
p, g = TOY.prime, TOY.generator


def _chose(letter: str, hint: str) -> Slip[str]:
    return Slip(made=lambda answer: answer == letter, hint=hint)


# -- a side, alone

CALLS = tuple(
    (own, pow(g, other, p)) for own, other in (EXPONENTS, EXPONENTS[::-1], (3, 30000), (31000, 7))
)  # fmt: skip
"""Own exponent and what was heard, as the function of the learner's is called."""


def _answers(formula: Callable[[int, int], int]) -> tuple[int, ...]:
    return tuple(formula(own, heard) for own, heard in CALLS)


def _engine(own: int, heard: int) -> int:
    return int.from_bytes(TOY.shared(own, heard.to_bytes(TOY.public_size)))


def _wrote(formula: Callable[[int, int], int], hint: str) -> Slip[tuple[int, ...]]:
    """A slip that is this formula of the own exponent and what was heard."""
    return Slip(made=lambda answers: answers == _answers(formula), hint=hint)


PRODUCT = Question[str](
    name="product",
    ask="The listener has p, g and both public values. He multiplies the two public values, modulo p. What is that?",
    kind=Choice(
        {
            "a": "the secret that both sides will have",
            "b": "g to the power of x_i + x_r: a number that nobody needs",
            "c": "the product of both exponents",
            "d": "noise: no power of g at all",
        }
    ),
    right=lambda: "b",
    because="Multiplying powers adds exponents. The secret is g to the power of x_i * x_r, and for that one of the two "
    "exponents itself is needed. Nobody has found a way to it from the two public values alone that is faster than "
    "finding an exponent.",
    slips=(
        _chose("a", "Then everybody in the room would have it. Compare the two numbers of the cell."),
        _chose("c", "The exponents stay up where they are: g^a * g^b = g^(a+b)."),
        _chose("d", "It is a power of g, and an easily found one: g^a * g^b = g^(a+b). Only not the one wanted."),
    ),
    otherwise="g^a * g^b = g^(a+b).",
)

SHARED = Question[tuple[int, ...]](
    name="shared",
    ask="Write what one side does with its own exponent and the public value it heard.",
    kind=Results(lambda: CALLS, Whole(), wanted="the function"),
    right=lambda: _answers(_engine),
    because="Your function was called for both sides and for two more: each time it answered what the engine has. The "
    "initiator computes (g^x_r)^x_i, the responder (g^x_i)^x_r, and both are g^(x_i * x_r).",
    slips=(
        _wrote(
            lambda own, heard: own * heard % p,
            "This multiplies. Each side raises what it heard to the power of its own exponent.",
        ),
        _wrote(
            lambda own, heard: pow(g, own, p),
            "This is the side's own public value: it has been said already. Now take what the other one said as the "
            "base.",
        ),
        _wrote(
            lambda own, heard: pow(own, heard, p),
            "Base and exponent have changed places: in pow(base, exponent, p) what was heard is the base.",
        ),
        _wrote(
            lambda own, heard: heard**own,
            "The right power, thousands of digits long: the modulus is missing. pow takes it as its third argument.",
        ),
        _wrote(
            lambda own, heard: heard ^ own,
            "In Python ^ is no power but exclusive or. A power modulo p is pow(base, exponent, p).",
        ),
        _wrote(
            lambda own, heard: pow(heard, EXPONENTS[0], p),
            "You used x_i of the cell above, which is the initiator's. Each side uses its own: own_x.",
        ),
        _wrote(
            lambda own, heard: pow(heard, EXPONENTS[1], p),
            "You used x_r of the cell above, which is the responder's. Each side uses its own: own_x.",
        ),
        _wrote(
            lambda own, heard: pow(g, own * heard, p),
            "What was heard is no exponent: it is a power of g already. Make it the base.",
        ),
        _wrote(
            lambda own, heard: heard * pow(g, own, p) % p,
            "This multiplies the two public values, which the listener can do as well: exponents add up.",
        ),
    ),
    otherwise='Other numbers than the engine has. One power is all it takes. More help: hint("shared").',
    hints=(
        "A side has its own exponent, and what it heard is a power of g already. Raise it once more.",
        "pow(base, exponent, p) is the form, as in the cell that computed the public values. Which is the base?",
        "pow(heard, own_x, p)",
    ),
)

# -- the listener

LONGER = Question[int](
    name="longer",
    ask="Suppose p and the exponents had a few bits more. How many more, for the search to take a thousand times as "
    "long?",
    nudge="No cell shows this. One bit more, and there are twice as many exponents to try. Two bits more, and four "
    "times as many. And ten?",
    kind=Whole(),
    right=lambda: (TIMES - 1).bit_length(),
    because="Each bit more doubles the number of exponents, and 2^10 is 1,024. The two sides pay for ten bits with a "
    "few multiplications, the listener with a thousand searches. That is the whole bargain.",
    slips=(
        Slip(
            made=lambda bits: bits >= TIMES // 2,
            hint="Not one exponent more with each bit, but twice as many.",
        ),
        Slip(
            made=lambda bits: bits == 3,
            hint="Three decimal digits more, right; but a bit is a binary digit, and only doubles.",
        ),
        Slip(
            made=lambda bits: bits in (9, 11),
            hint="Nearly: 2^9 is 512, 2^10 is 1,024, 2^11 is 2,048.",
        ),
    ),
    otherwise="How often must 1 be doubled to reach 1,000?",
)

# -- real numbers

GROUP_14 = _modp(14)
WITH_A_ZERO = (2**319 + 1, 2**319 + 284)
"""Two exponents of group 14 whose g^xy begins with a zero octet, as one in 256 does."""


@cache
def octet_calls() -> tuple[tuple[bytes, bytes], ...]:
    """Own exponent and what was heard, in group 14: both sides of the run, and both sides of one with a zero octet."""
    x_i, g_xi, x_r, g_xr = (talk().secret(name).value for name in ("x_i", "g^xi", "x_r", "g^xr"))
    one, two = (each.to_bytes(GROUP_14.entropy_size) for each in WITH_A_ZERO)
    return ((x_i, g_xr), (x_r, g_xi), (one, GROUP_14.public(two)), (two, GROUP_14.public(one)))


def _octets_are(formula: Callable[[int, int], bytes], hint: str) -> Slip[tuple[bytes, ...]]:
    """A slip that is this formula of the own exponent and what was heard, both as numbers."""

    def made(answers: tuple[bytes, ...]) -> bool:
        numbers = [(int.from_bytes(own), int.from_bytes(heard)) for own, heard in octet_calls()]
        return answers == tuple(formula(own, heard) for own, heard in numbers)

    return Slip(made=made, hint=hint)


def _power(base: int, exponent: int) -> int:
    return pow(base, exponent, GROUP_14.prime)


def _without_zeros(number: int) -> bytes:
    return number.to_bytes((number.bit_length() + 7) // 8)


G_XY = Question[tuple[bytes, ...]](
    name="g_xy",
    ask="Write the function that computes g^xy in group 14, from octets to octets.",
    kind=Results(octet_calls, Octets(wanted="octets, which .to_bytes(256) makes of the number"), wanted="the function"),
    right=lambda: tuple(GROUP_14.shared(own, heard) for own, heard in octet_calls()),
    because="It was called for both sides of your run, and for two others whose g^xy begins with a zero octet, as one "
    "in 256 does. The zero stays: a side that drops it has other keys, once in 256 negotiations, and nobody can tell "
    "why.",
    slips=(
        _octets_are(
            lambda own, heard: _without_zeros(_power(heard, own)),
            "The right number, but one of the calls has a g^xy that begins with a zero octet, and yours has lost it. "
            "It is as long as the group, like a public value: .to_bytes(256).",
        ),
        _octets_are(
            lambda own, heard: _power(heard, own).to_bytes(256, "little"),
            "The right number, written back to front: on the wire the most significant octet comes first.",
        ),
        _octets_are(
            lambda own, heard: _power(2, own).to_bytes(256),
            "This is the side's own public value: it was sent, and everybody has it. The base is what was heard.",
        ),
        _octets_are(
            lambda own, heard: _power(own, heard).to_bytes(256),
            "Base and exponent have changed places: in pow(base, exponent, p) what was heard is the base.",
        ),
        Slip(
            made=lambda answers: any(len(answer) != GROUP_14.shared_size for answer in answers),
            hint="A value of group 14 has 2048 bits, that is 256 octets. Yours has another length.",
        ),
    ),
    otherwise='256 octets, but others. What was heard, to the power of own_x, modulo big_p. More help: hint("g_xy").',
    hints=(
        "It is the function that you wrote before, with larger numbers: heard is the base, own_x the exponent.",
        "First the power, which is a number; then number.to_bytes(256) makes octets of it.",
        "pow(heard, own_x, big_p).to_bytes(256)",
    ),
)

WEAKEST = Question[str](
    name="weakest",
    ask="Administrators may choose among the groups 5, 14, 19 and 22. Which is the weakest?",
    kind=Choice({"a": "5: the lowest number", "b": "14", "c": "19: it has only 256 bits", "d": "22"}),
    right=lambda: "abcd"[min(range(4), key=lambda place: _strength((5, 14, 19, 22)[place]))],
    because="A group number is a line in a register, in the order in which people came. Group 22 has a prime of 1024 "
    "bits, and RFC 8247 §2.4 says MUST NOT. (23 and 24 have primes as long as that of 14. What it holds against them: "
    "the seeds that their primes were made from are not public, and their subgroups are small.) Bits compare only "
    "within one kind: 256 on a curve outdo 2048 modulo a prime, by the lower of the two estimates in RFC 3526 §8.",
    slips=(
        _chose("a", "Numbers are not strength: 5 has a longer prime than 22."),
        _chose("b", "Group 14 is the one that RFC 8247 §2.4 still says MUST of."),
        _chose(
            "c",
            "Bits compare only within one kind. On a curve, no attack is known that is better than some 2^128 steps, "
            "half the bits.",
        ),
    ),
    otherwise="Look at the column that says strength.",
)


def _strength(number: int) -> int:
    return next(row.strength for row in groups.rows if row.number == number)


# -- somebody on the way

SWAP = Question[str](
    name="swap",
    ask="Somebody on the way puts 1 in place of the responder's public value. In another run he puts 4 there, which is "
    "2^2. What happens?",
    kind=Choice(
        {
            "a": "both are refused at once: the initiator sees that they are not the responder's",
            "b": "1 is refused; with 4 the two have different secrets, and message 5 cannot be read",
            "c": "1 is refused; with 4 all goes well, and he reads along",
            "d": "neither is noticed before HASH_R is compared",
        }
    ),
    right=lambda: "b",
    because="1 to any power is 1: a secret known to all, so it is refused on sight. 0 stays 0, and p-1 is -1, whose "
    "powers are 1 and -1 alone. (RFC 2409 asks for no such test. RFC 6989 §2.1, written for IKEv2, does, and the peers "
    "here follow it. The complaint is in clear, so anybody could have written it: the responder just waits to be asked "
    "again.) 4 is as good as any other, and nothing in it says whose it is. The initiator now shares a secret with "
    "whoever put it there, not with the responder. What saves them is the pre-shared key, without which nobody can "
    "make the keys.",
    slips=(
        _chose(
            "a", "How would it know? A public value is a number, as random as any other. 4 carries no name, nor does 1."
        ),
        _chose(
            "c",
            "He does share a secret with the initiator, but not the pre-shared key. And the responder has another "
            "secret: look at message 5.",
        ),
        _chose("d", "HASH_R comes in message 6, and message 5 is encrypted already, with a key made of g^xy."),
    ),
    otherwise="What does each side compute, and is it the same?",
)

QUESTIONS: tuple[Question[Any], ...] = (PRODUCT, SHARED, LONGER, G_XY, WEAKEST, SWAP)
