"""What the lesson on Diffie-Hellman holds for right is so, the engine being the judge; slips get the hint that fits."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from ikelab.course import hellman
from ikelab.course.checks import Sign
from ikelab.course.hellman import GROUP_14, TOY, g, p
from ikelab.course.runs import run
from tests.course.answers import Answers, said

P = GROUP_14.prime


def in_group_14(formula: Callable[[int, int], object]) -> Callable[[bytes, bytes], object]:
    """What a learner writes there, of numbers."""
    return lambda own, heard: formula(int.from_bytes(own), int.from_bytes(heard))


def shortest(number: int) -> bytes:
    return number.to_bytes((number.bit_length() + 7) // 8)


RIGHT = {
    "product": "b",
    "shared": lambda own, heard: pow(heard, own, p),
    "longer": 10,
    "g_xy": in_group_14(lambda own, heard: pow(heard, own, P).to_bytes(256)),
    "weakest": "d",
    "swap": "b",
}

SLIPS = [
    ("product", "a", "Then everybody in the room would have it"),
    ("product", "c", "The exponents stay up where they are"),
    ("product", "d", "It is a power of g"),
    ("shared", lambda own, heard: own * heard % p, "This multiplies. Each side"),
    ("shared", lambda own, heard: pow(g, own, p), "own public value"),
    ("shared", lambda own, heard: pow(own, heard, p), "have changed places"),
    ("shared", lambda own, heard: heard**own, "the modulus is missing"),
    ("shared", lambda own, heard: heard ^ own, "In Python ^ is no power"),
    ("shared", lambda own, heard: pow(g, own, p) * heard % p, "exponents add up"),
    ("shared", lambda own, heard: pow(heard, 12345, p), "You used x_i of the cell above"),
    ("shared", lambda own, heard: pow(heard, 2718, p), "You used x_r of the cell above"),
    ("shared", lambda own, heard: pow(g, own * heard, p), "What was heard is no exponent"),
    ("shared", lambda own, heard: 1, "Other numbers than the engine has"),
    ("shared", lambda own, heard: print(), "is there a return?"),
    ("shared", lambda own: own, "TypeError"),
    ("shared", 4, "Expected the function, got 4"),
    ("longer", 1000, "Not one exponent more with each bit"),
    ("longer", 3, "a bit is a binary digit"),
    ("longer", 9, "Nearly"),
    ("longer", 100, "How often must 1 be doubled"),
    ("g_xy", in_group_14(lambda own, heard: shortest(pow(heard, own, P))), "yours has lost it"),
    ("g_xy", in_group_14(lambda own, heard: pow(heard, own, P).to_bytes(256, "little")), "back to front"),
    ("g_xy", in_group_14(lambda own, heard: pow(2, own, P).to_bytes(256)), "own public value"),
    ("g_xy", in_group_14(lambda own, heard: pow(own, heard, P).to_bytes(256)), "have changed places"),
    ("g_xy", in_group_14(lambda own, heard: pow(heard, own, P).to_bytes(255)), "OverflowError"),
    ("g_xy", in_group_14(lambda own, heard: b""), "256 octets. Yours has another length"),
    ("g_xy", in_group_14(lambda own, heard: (own * heard % P).to_bytes(256)), "256 octets, but others"),
    ("g_xy", in_group_14(lambda own, heard: pow(heard, own, P)), ".to_bytes(256) makes of the number"),
    ("g_xy", bytes(256), "Expected the function, got"),
    ("weakest", "a", "Numbers are not strength"),
    ("weakest", "b", "still says MUST of"),
    ("weakest", "c", "Bits compare only within one kind"),
    ("swap", "a", "A public value is a number"),
    ("swap", "c", "but not the pre-shared key"),
    ("swap", "d", "message 5 is encrypted already"),
]


class TestAnswers(Answers):
    questions, right, slips = hellman.QUESTIONS, RIGHT, SLIPS


def test_the_solutions_among_the_hints_are_some() -> None:
    shared = eval(f"lambda own_x, heard: {hellman.SHARED.hints[-1]}", {"p": p})  # noqa: S307  (our own words)
    assert said("shared", shared).startswith(Sign.RIGHT)
    g_xy = eval(f"lambda own_x, heard: {hellman.G_XY.hints[-1]}", {"big_p": P})  # noqa: S307
    assert said("g_xy", in_group_14(g_xy)).startswith(Sign.RIGHT)


class TestTheEngineAgrees:
    """What was chosen by hand, or is said in the lesson's text."""

    def test_a_product_adds_exponents(self) -> None:
        x_i, x_r = hellman.EXPONENTS
        product = pow(g, x_i, p) * pow(g, x_r, p) % p
        assert product == pow(g, x_i + x_r, p) != pow(g, x_i * x_r, p)

    def test_the_listener_has_32531_exponents_to_try(self) -> None:
        assert TOY.order == 32531
        assert len({pow(g, x, p) for x in range(1, 32531)} | {1}) == 32531, "1 and 32,530 others"
        assert len({pow(g, x, p) for x in range(1, p)}) == 32531
        assert next(x for x in range(1, p) if pow(g, x, p) == pow(g, 12345, p)) == 12345

    def test_the_run_and_one_whose_secret_begins_with_a_zero_octet(self) -> None:
        one, other, *short = [GROUP_14.shared(own, heard) for own, heard in hellman.octet_calls()]
        assert one == other == run("main").secret("g^xy").value
        assert short[0] == short[1]
        assert short[0][0] == 0

    def test_exponents_of_group_14_have_320_bits(self) -> None:
        assert len(run("main").secret("x_r").value) * 8 == 320

    @pytest.mark.parametrize("value", [0, 1, p - 1])
    def test_what_makes_a_known_secret_is_refused_and_asked_for_again(self, value: int) -> None:
        heard = run("main", ike="aes128-sha256-toy").fork(message=4, field="Key Exchange Data", to=value)
        assert "refuses 4:" in repr(heard)
        assert "INVALID-KEY-INFORMATION" in repr(heard)
        assert "g^xy would be known to all" in heard.says("initiator")[0]
        assert heard.established

    def test_another_proper_value_is_taken_and_message_5_is_nonsense(self) -> None:
        heard = run("main", ike="aes128-sha256-toy").fork(message=4, field="Key Exchange Data", to=4)
        assert not heard.established
        assert heard.secret("g^xy").value != heard.secret("g^xy (responder)").value
        assert "Decrypted to nonsense" in heard.says("responder")[0]

    def test_whoever_put_4_there_has_what_the_initiator_has(self) -> None:
        heard = run("main", ike="aes128-sha256-toy").fork(message=4, field="Key Exchange Data", to=4)
        g_xi = int.from_bytes(heard.secret("g^xi").value)
        assert int.from_bytes(heard.secret("g^xy").value) == pow(g_xi, 2, p)

    def test_on_a_curve_message_3_has_32_octets_of_public_value(self) -> None:
        talk = run("main", ike="aes256-sha256-x25519")
        assert talk.at(3).said == (1, 2, 3)
        assert "public value, 32 octets" in repr(talk.message(3))
