"""Diffie-Hellman groups: constants equal to the RFCs' print, vectors, and every public value that must be refused."""

from __future__ import annotations

import hashlib
import re
import sys
from collections.abc import Iterator

import pytest
from hypothesis import given, settings, strategies as st

from ikelab.crypto import groups
from ikelab.crypto.groups import (
    GROUPS,
    SWITCHED_OFF,
    EcpGroup,
    Group,
    ModpGroup,
    ToyGroup,
    group,
    group_by_word,
    pi_shifted,
)
from ikelab.errors import Misuse, Refusal
from ikelab.wire.numbers import Group as GroupNumber, Notify
from tests.needs import needs, rfc_dir

MODP = [each for each in GROUPS if isinstance(each, ModpGroup) and not isinstance(each, ToyGroup)]
ECP = [each for each in GROUPS if isinstance(each, EcpGroup)]
TOY = group_by_word("toy")
assert isinstance(TOY, ModpGroup)

PRIME_DIGESTS = {  # SHA-256 of the octets that RFC 2409 §6 and RFC 3526 print
    1: "b52ba6a3026520a6c49d37e4587601801bee500123b3259b6bf03e7cecc3e63d",
    2: "3f35a3f5f6c4376a744acad409bb22f8d897f949d2311d885adaa890981b67a0",
    5: "64fcc83ec403930bf18393dbc883ccaa1fbb08ac876f77f7aa99748ca945019b",
    14: "d66436f79bbd6b2e38c0ffbd079be904d2641415e2e67140e09448be9a60890e",
    15: "48cf8b092fbce4359d9871abf74f98e25b6163379eaa15cd9087e800c6d1c55c",
    16: "4ee95187682bcb230ad26a95205f6920e84708f6251b3894329b09ec23919e33",
    17: "d1bfe6d0925ce7e4da262b62861514a7755e35831e429f343e7b864848657efd",
    18: "39ab4feab950a3128fb71accb9fc3965d857012e081998a85996e3ea8b3c3bcf",
}


def rfc_hex(text: str) -> int:
    return int("".join(re.findall(r"\b[0-9A-F]{8}\b", text)), 16)


def entropy(each: Group, seed: bytes = b"") -> bytes:
    return hashlib.shake_256(each.word.encode() + seed).digest(each.entropy_size)


def is_probably_prime(n: int) -> bool:
    """Miller and Rabin's test, written out, to eight bases."""
    twos = (n - 1 & 1 - n).bit_length() - 1
    for base in (2, 3, 5, 7, 11, 13, 17, 19):
        x = pow(base, n >> twos, n)
        if x not in (1, n - 1) and all((x := x * x % n) != n - 1 for _ in range(twos - 1)):
            return False
    return True


@pytest.fixture(params=["gmpy2", "pow"])
def arithmetic(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Both ways to exponentiate: gmpy2, and Python alone where it is absent."""
    if request.param == "pow":
        monkeypatch.setitem(sys.modules, "gmpy2", None)
    groups._modular_power.cache_clear()
    assert (groups._modular_power() is pow) is (request.param == "pow")
    yield request.param
    groups._modular_power.cache_clear()


class TestConstants:
    def test_pi(self) -> None:
        assert pi_shifted(0) == 3
        assert hex(pi_shifted(128)) == "0x3243f6a8885a308d313198a2e03707344"

    @pytest.mark.parametrize("modp", MODP, ids=lambda each: each.word)
    def test_primes_are_those_printed(self, modp: ModpGroup) -> None:
        assert modp.prime.bit_length() == modp.bits
        assert hashlib.sha256(modp.prime.to_bytes(modp.public_size)).hexdigest() == PRIME_DIGESTS[modp.number]

    @needs("rfc-texts")
    @pytest.mark.parametrize("modp", MODP, ids=lambda each: each.word)
    def test_the_rfcs_print_them(self, modp: ModpGroup) -> None:
        rfc, section = re.fullmatch(r"RFC (\d+) §([\d.]+)", modp.rfc).groups()  # type: ignore[union-attr]
        text = (rfc_dir() / f"rfc{rfc}.txt").read_text("latin-1")
        start = re.search(rf"^{re.escape(section)}\.?  ?\S", text, re.MULTILINE)
        assert start is not None
        printed = text[start.start() : text.index("The generator is", start.start())]
        assert rfc_hex(printed[printed.index("exadecimal value is") :]) == modp.prime
        assert f"{modp.above_pi} }}" in printed

    @pytest.mark.parametrize("modp", [*MODP[:4], TOY], ids=lambda each: each.word)
    def test_primes_are_safe_and_the_generator_generates_half(self, modp: ModpGroup) -> None:
        assert is_probably_prime(modp.prime)
        assert is_probably_prime(modp.order)
        assert pow(modp.generator, modp.order, modp.prime) == 1

    @needs("rfc-texts")
    @pytest.mark.parametrize("ecp", ECP, ids=lambda each: each.word)
    def test_curves_are_those_printed(self, ecp: EcpGroup) -> None:
        text = (rfc_dir() / "rfc5903.txt").read_text("latin-1")
        section = ecp.rfc.partition("§")[2]
        text = text[text.index(f"\n{section}. ", text.index("3.  Additional ECC Groups")) :]
        fields = dict(
            re.findall(r"^(Group Prime|Group Curve b|Group Order)[^:]*:\s*((?:^ ?[0-9A-F ]+\n)+)", text, re.M)[:3]
        )
        values = {name: int("".join(printed.split()), 16) for name, printed in fields.items()}
        assert values == {"Group Prime": ecp.prime, "Group Curve b": ecp.b, "Group Order": ecp.order}

    @pytest.mark.parametrize("modp", MODP[2:], ids=lambda each: each.word)
    def test_exponents_are_twice_the_higher_estimate_of_rfc_3526_section_8(self, modp: ModpGroup) -> None:
        higher = {5: 120, 14: 160, 15: 210, 16: 240, 17: 270, 18: 310}
        assert modp.exponent_bits == 2 * higher[modp.number]
        assert 8 * modp.entropy_size >= modp.exponent_bits

    def test_the_toy_is_private_and_small(self) -> None:
        assert TOY.number >= 32768  # RFC 2409 §6: private use
        assert TOY.public_size == 2


@pytest.mark.parametrize("each", GROUPS, ids=lambda each: each.word)
class TestEveryGroup:
    def test_both_sides_reach_the_same_secret(self, each: Group, arithmetic: str) -> None:
        x, y = each.private(entropy(each, b"x")), each.private(entropy(each, b"y"))
        g_x, g_y = each.public(x), each.public(y)
        assert each.shared(x, g_y) == each.shared(y, g_x)
        assert (len(g_x), len(each.shared(x, g_y))) == (each.public_size, each.shared_size)
        each.check(g_x)
        if isinstance(each, ModpGroup):
            assert int.from_bytes(g_x) == pow(each.generator, int.from_bytes(x), each.prime)

    def test_the_same_entropy_gives_the_same_private_value(self, each: Group) -> None:
        assert each.private(entropy(each)) == each.private(entropy(each))
        assert each.private(entropy(each)) != each.private(entropy(each, b"other"))

    @pytest.mark.parametrize("octet", [b"\x00", b"\xff"])
    def test_the_least_and_the_most_entropy_work(self, each: Group, octet: bytes) -> None:
        private = each.private(octet * each.entropy_size)
        each.check(each.public(private))

    def test_a_wrong_amount_of_entropy_is_misuse(self, each: Group) -> None:
        with pytest.raises(
            Misuse, match=f"{each.word}: entropy of a private value: expected {each.entropy_size} octets"
        ):
            each.private(bytes(each.entropy_size - 1))

    @pytest.mark.parametrize("difference", [-1, 1])
    def test_a_wrong_length_is_refused(self, each: Group, difference: int) -> None:
        with pytest.raises(Refusal, match=f"expected {each.public_size} octets, got") as caught:
            each.check(bytes(each.public_size + difference))
        assert caught.value.notify == 17
        assert Notify(17).label == "INVALID-KEY-INFORMATION"

    def test_number_and_word_find_it_and_iana_names_it(self, each: Group) -> None:
        assert group(each.number) is each
        assert group_by_word(each.word.upper()) is each
        assert isinstance(each, ToyGroup) or each.family.lower() in GroupNumber(each.number).label.lower()


class TestModpPublicValues:
    """RFC 6989 §2.1 and SECURITY C6."""

    @pytest.mark.parametrize("modp", [*MODP, TOY], ids=lambda each: each.word)
    @pytest.mark.parametrize(("value", "got"), [
        (lambda p: 0, "got 0"), (lambda p: 1, "got 1"), (lambda p: p - 1, "got p-1"), (lambda p: p, r"got p \("),
        (lambda p: p + 1, "got more than p"), (lambda p: None, "got more than p"),
    ])  # fmt: skip
    def test_refused(self, modp: ModpGroup, value, got: str) -> None:  # type: ignore[no-untyped-def]
        number = value(modp.prime)
        public = b"\xff" * modp.public_size if number is None else number.to_bytes(modp.public_size)
        for use in (modp.check, lambda public: modp.shared(5, public)):
            with pytest.raises(Refusal, match=f"expected more than 1 and less than p-1, {got}") as caught:
                use(public)
            assert caught.value.notify == 17
            assert caught.value.rfc == "RFC 6989 §2.1"

    @pytest.mark.parametrize("modp", [*MODP, TOY], ids=lambda each: each.word)
    @pytest.mark.parametrize("value", [2, -2])
    def test_the_outermost_good_values_pass(self, modp: ModpGroup, value: int) -> None:
        modp.check((value % modp.prime).to_bytes(modp.public_size))

    def test_a_guessable_shared_secret_is_refused(self) -> None:
        with pytest.raises(Refusal, match="expected a shared secret that nobody can guess"):
            TOY.shared(TOY.order, TOY.public(5))

    @pytest.mark.parametrize("exponent", [0, -1, 65062, 65063])
    def test_exponents_0_and_p_less_1_are_misuse(self, exponent: int) -> None:
        with pytest.raises(Misuse, match=rf"expected an exponent from 1 to p-2 \(RFC 2412 §2.3.1.1\), got {exponent}"):
            TOY.public(exponent)

    def test_leading_zeros_stay(self) -> None:
        modp = group(1)
        assert modp.public(3) == bytes(95) + b"\x08"
        assert modp.shared(2, bytes(95) + b"\x08") == bytes(95) + b"\x40"


class TestToy:
    def test_by_hand(self) -> None:
        assert int.from_bytes(TOY.public(16)) == 2**16 % 65063 == 473
        assert TOY.shared(3, (473).to_bytes(2)) == (473**3 % 65063).to_bytes(2)

    def test_a_loop_finds_the_exponent(self) -> None:
        private = TOY.private(entropy(TOY))
        public = int.from_bytes(TOY.public(private))
        found = next(x for x in range(1, 65062) if pow(2, x, 65063) == public)
        assert found == int.from_bytes(private)

    @given(x=st.integers(1, 65061), y=st.integers(1, 65061))
    def test_both_ways_of_exponentiating_agree(self, x: int, y: int) -> None:
        assert int.from_bytes(TOY.public(x)) == pow(2, x, 65063)
        g_y = TOY.public(y)
        if int.from_bytes(g_y) in (1, 65062):
            return
        try:
            secret = TOY.shared(x, g_y)
        except Refusal:
            assert pow(2, x * y, 65063) in (0, 1, 65062)
        else:
            assert int.from_bytes(secret) == pow(2, x * y, 65063)


class TestEcp:
    """RFC 5903: vectors of §8, formats of §7, checks of RFC 6989 §2.3 and SECURITY C8."""

    @needs("rfc-texts")
    @pytest.mark.parametrize("ecp", ECP, ids=lambda each: each.word)
    def test_vectors_of_section_8(self, ecp: EcpGroup) -> None:
        text = (rfc_dir() / "rfc5903.txt").read_text("latin-1")
        text = text[text.index(f"\n8.{ecp.number - 18}.  ", text.index("8.  Test Vectors\n\n   The following")) :]
        text = re.sub(r"\n+Fu & Solinas.*\n\f?.*\n+", "\n", text)
        values = {
            name: bytes.fromhex(printed)
            for name, printed in reversed(re.findall(r"^(\w+):\s*((?:^ [0-9A-F ]+\n)+)", text, re.M)[:8])
        }
        assert set(values) == {"i", "gix", "giy", "r", "grx", "gry", "girx", "giry"}
        assert ecp.public(values["i"]) == values["gix"] + values["giy"]
        assert ecp.public(values["r"]) == values["grx"] + values["gry"]
        assert ecp.shared(values["i"], values["grx"] + values["gry"]) == values["girx"]
        assert ecp.shared(int.from_bytes(values["r"]), values["gix"] + values["giy"]) == values["girx"]

    def test_vector_of_section_8_1(self) -> None:
        i = bytes.fromhex("C88F01F510D9AC3F70A292DAA2316DE544E9AAB8AFE84049C62A9C57862D1433")
        r = bytes.fromhex("C6EF9C5D78AE012A011164ACB397CE2088685D8F06BF9BE0B283AB46476BEE53")
        shared = "D6840F6B42F6EDAFD13116E0E12565202FEF8E9ECE7DCE03812464D04B9442DE"
        assert group(19).shared(i, group(19).public(r)).hex().upper() == shared

    def test_sizes_of_section_7(self) -> None:
        assert [(ecp.public_size, ecp.shared_size) for ecp in ECP] == [(64, 32), (96, 48), (132, 66)]

    @pytest.mark.parametrize("ecp", ECP, ids=lambda each: each.word)
    def test_points_beside_the_curve_are_refused(self, ecp: EcpGroup) -> None:
        good = ecp.public(12345)
        x, y = good[: ecp.shared_size], good[ecp.shared_size :]
        negative = (ecp.prime - int.from_bytes(y)).to_bytes(ecp.shared_size)
        ecp.check(x + negative)
        flipped = bytes((*good[:-1], good[-1] ^ 1))
        for public in (flipped, y + x, bytes(ecp.public_size), x + bytes(ecp.shared_size)):
            with pytest.raises(Refusal, match="expected a point of the curve") as caught:
                ecp.shared(12345, public)
            assert (caught.value.notify, caught.value.rfc) == (17, "RFC 6989 §2.3")

    @pytest.mark.parametrize("ecp", ECP, ids=lambda each: each.word)
    def test_coordinates_not_less_than_p_are_refused(self, ecp: EcpGroup) -> None:
        good = ecp.public(7)
        x, y = int.from_bytes(good[: ecp.shared_size]), good[ecp.shared_size :]
        for too_much in (ecp.prime, (1 << 8 * ecp.shared_size) - 1):
            with pytest.raises(Refusal, match="expected coordinates less than p"):
                ecp.check(too_much.to_bytes(ecp.shared_size) + y)
            with pytest.raises(Refusal, match="expected coordinates less than p"):
                ecp.check(x.to_bytes(ecp.shared_size) + too_much.to_bytes(ecp.shared_size))

    def test_a_private_value_out_of_range_is_misuse(self) -> None:
        ecp = ECP[0]
        for private in (0, ecp.order, -1):
            with pytest.raises(Misuse, match="expected a private value from 1 to the group's order less 1"):
                ecp.public(private)

    @settings(max_examples=30)
    @given(public=st.binary(min_size=64, max_size=64))
    def test_any_64_octets_are_refused_or_a_point(self, public: bytes) -> None:
        ecp = ECP[0]
        x, y = int.from_bytes(public[:32]), int.from_bytes(public[32:])
        try:
            ecp.check(public)
        except Refusal:
            return
        assert (y * y - x**3 + 3 * x - ecp.b) % ecp.prime == 0


class TestX25519:
    """RFC 7748 §6.1."""

    ALICE = bytes.fromhex("77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a")
    BOB = bytes.fromhex("5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb")
    P = 2**255 - 19

    def test_vectors(self) -> None:
        curve = group_by_word("x25519")
        alice, bob = curve.public(self.ALICE), curve.public(self.BOB)
        assert alice.hex() == "8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a"
        assert bob.hex() == "de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f"
        secret = "4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742"
        assert curve.shared(self.ALICE, bob).hex() == curve.shared(self.BOB, alice).hex() == secret
        assert curve.shared(int.from_bytes(self.ALICE, "little"), bob).hex() == secret

    @pytest.mark.parametrize("u", [
        0,
        1,
        325606250916557431795983626356110631294008115727848805560023387167927233504,
        39382357235489614581723060781553021112529911719440698176882885853963445705823,
        P - 1, P, P + 1,
    ])  # fmt: skip
    def test_values_of_small_order_are_refused(self, u: int) -> None:
        curve = group(31)
        with pytest.raises(Refusal, match="expected a shared secret that nobody can guess, got all zeros") as caught:
            curve.shared(self.ALICE, u.to_bytes(32, "little"))
        assert caught.value.notify == 17

    def test_a_private_value_of_another_size_is_misuse(self) -> None:
        with pytest.raises(Misuse, match="curve25519: private value: expected 32 octets, got 31"):
            group(31).public(bytes(31))


class TestLookUp:
    @pytest.mark.parametrize("number", SWITCHED_OFF)
    def test_groups_22_to_24_are_known_and_off(self, number: int) -> None:
        for look_up in (lambda: group(number), lambda: group_by_word(SWITCHED_OFF[number])):
            with pytest.raises(
                Misuse, match=rf"group {number} \({SWITCHED_OFF[number]}\): .*small subgroups \(RFC 8247 §2.4\)"
            ):
                look_up()
        assert "Prime Order Subgroup" in GroupNumber(number).label

    def test_unknown_ones_are_named(self) -> None:
        with pytest.raises(Misuse, match=r"Group Description: expected one of 1 \(768-bit MODP group\), .* got 3$"):
            group(3)
        with pytest.raises(Misuse, match=r"group: expected one of modp768, .*curve25519, toy, got 'modp512'"):
            group_by_word("modp512")
