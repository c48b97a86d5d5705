"""Where two strangers make a secret in public: Diffie-Hellman groups, and which public values must be refused.

    group = group_by_word("modp2048")
    x = group.private(entropy)              octets drawn by the caller: the same entropy, the same exponent
    ke = group.public(x)                    the data of a KE payload
    g_xy = group.shared(x, peers_ke)        raises Refusal where the peer's value could only serve an attack

An exponent serves one exchange only (RFC 6989 §2.2 for groups where it matters; a habit everywhere).
"""

from __future__ import annotations

import functools
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import NoReturn

from ikelab.crypto import backend
from ikelab.crypto.registry import by_number, by_word, expect_size
from ikelab.errors import Misuse, Refusal

INVALID_KEY_INFORMATION = 17
"""The Notify Message Type for a public value that is refused (RFC 2408 §3.14.1)."""


@dataclass(frozen=True, kw_only=True)
class Group(ABC):
    """A Diffie-Hellman group.

    number: Group Description attribute (RFC 2409 Appendix A). word: as in strongSwan's proposals. strength: bits, by
    the lower estimate. entropy_size, public_size, shared_size: octets that a private value is made from, that a KE
    payload carries, and that g^xy has.
    """

    number: int
    word: str
    family: str
    rfc: str
    strength: int

    @property
    @abstractmethod
    def entropy_size(self) -> int: ...

    @property
    @abstractmethod
    def public_size(self) -> int: ...

    @property
    @abstractmethod
    def shared_size(self) -> int: ...

    def private(self, entropy: bytes) -> bytes:
        """The private value made from `entropy_size` random octets, always the same from the same octets."""
        expect_size(f"{self.word}: entropy of a private value", entropy, self.entropy_size)
        return self._private(entropy)

    @abstractmethod
    def public(self, private: bytes | int) -> bytes:
        """What the KE payload carries for that private value, leading zeros included (RFC 2409 §5)."""

    def check(self, public: bytes) -> None:
        """Raise Refusal, saying why, if a public value must not be used (RFC 6989 §2)."""
        if len(public) != self.public_size:
            self._refuse(f"expected {self.public_size} octets, got {len(public)}", "RFC 2409 §5")
        self._check(public)

    def shared(self, private: bytes | int, peer_public: bytes) -> bytes:
        """g^xy, leading zeros included. Raises Refusal where `check` does, or where g^xy could be guessed."""
        self.check(peer_public)
        return self._shared(private, peer_public)

    @abstractmethod
    def _private(self, entropy: bytes) -> bytes: ...

    @abstractmethod
    def _check(self, public: bytes) -> None: ...

    @abstractmethod
    def _shared(self, private: bytes | int, peer_public: bytes) -> bytes: ...

    def _refuse(self, why: str, rfc: str) -> NoReturn:
        raise Refusal(why=f"public value for {self.word}: {why}", notify=INVALID_KEY_INFORMATION, rfc=rfc)


@dataclass(frozen=True, kw_only=True)
class ModpGroup(Group):
    """Powers of a generator modulo a safe prime p: (p-1)/2 is prime too, so that only 1 and p-1 generate little.

    exponent_bits: twice the strength, by the higher estimate, so that the exponent is never the weakest part.
    """

    bits: int
    exponent_bits: int
    generator: int = 2
    above_pi: int = 0

    @functools.cached_property
    def prime(self) -> int:
        """2^n - 2^(n-64) - 1 + 2^64 * ([2^(n-130) pi] + k): pi's digits, so that nobody could choose them."""
        n = self.bits
        return (1 << n) - (1 << n - 64) - 1 + (pi_shifted(n - 130) + self.above_pi << 64)

    @property
    def order(self) -> int:
        """The size of the subgroup in which secrets live: (p-1)/2."""
        return (self.prime - 1) // 2

    @property
    def entropy_size(self) -> int:
        return (self.exponent_bits + 7) // 8

    @property
    def public_size(self) -> int:
        return self.bits // 8

    @property
    def shared_size(self) -> int:
        return self.public_size

    def public(self, private: bytes | int) -> bytes:
        return self._power(self.generator, private)

    def _private(self, entropy: bytes) -> bytes:
        choices = min(self.order, 1 << 8 * self.entropy_size) - 2
        return (2 + int.from_bytes(entropy) % choices).to_bytes(self.entropy_size)

    def _check(self, public: bytes) -> None:
        y, top = int.from_bytes(public), self.prime - 1
        if y in (0, 1, top):
            name = "p-1" if y == top else str(y)
            self._refuse(
                f"expected more than 1 and less than p-1, got {name}: g^xy would be known to all", "RFC 6989 §2.1"
            )
        if y > top:
            name = "p" if y == self.prime else "more than p"
            self._refuse(f"expected more than 1 and less than p-1, got {name}", "RFC 6989 §2.1")

    def _shared(self, private: bytes | int, peer_public: bytes) -> bytes:
        secret = self._power(int.from_bytes(peer_public), private)
        if int.from_bytes(secret) in (0, 1, self.prime - 1):
            self._refuse("expected a shared secret that nobody can guess, got 0, 1 or p-1", "RFC 6989 §2.1")
        return secret

    def _power(self, base: int, private: bytes | int) -> bytes:
        exponent = private if isinstance(private, int) else int.from_bytes(private)
        if not 0 < exponent < self.prime - 1:
            raise Misuse(f"{self.word}: expected an exponent from 1 to p-2 (RFC 2412 §2.3.1.1), got {exponent}")
        return _modular_power()(base, exponent, self.prime).to_bytes(self.public_size)


@dataclass(frozen=True, kw_only=True)
class ToyGroup(ModpGroup):
    """A group for seeing through: 16 bits, so that a loop over every exponent finds the secret at once."""

    toy_prime: int

    @property
    def prime(self) -> int:
        return self.toy_prime


@dataclass(frozen=True, kw_only=True)
class EcpGroup(Group):
    """Points of y^2 = x^3 - 3x + b modulo a prime. A KE payload carries x | y; the shared secret is x alone.

    RFC 4753, which RFC 5903 replaced, once had the secret be x | y: two peers of different age disagree without knowing
    why (RFC 5903 §9). RFC 5903 §7 gives the sizes: 66 octets a coordinate for the 521-bit group.
    """

    curve: str
    prime: int
    b: int
    order: int

    @property
    def entropy_size(self) -> int:
        return self.shared_size + 8  # 64 bits more than the order has, so that reducing modulo it favours no value

    @property
    def public_size(self) -> int:
        return 2 * self.shared_size

    @property
    def shared_size(self) -> int:
        return (self.prime.bit_length() + 7) // 8

    def public(self, private: bytes | int) -> bytes:
        x, y = backend.curve_public(self.curve, self._scalar(private))
        return x.to_bytes(self.shared_size) + y.to_bytes(self.shared_size)

    def _private(self, entropy: bytes) -> bytes:
        return (1 + int.from_bytes(entropy) % (self.order - 1)).to_bytes(self.shared_size)

    def _check(self, public: bytes) -> None:
        x, y = self._coordinates(public)
        if x >= self.prime or y >= self.prime:
            self._refuse("expected coordinates less than p, got one that is not", "RFC 6989 §2.3")
        if (y * y - (x * x * x - 3 * x + self.b)) % self.prime:
            self._refuse(
                "expected a point of the curve y^2 = x^3 - 3x + b, got one beside it, as sent to learn a private value",
                "RFC 6989 §2.3",
            )

    def _shared(self, private: bytes | int, peer_public: bytes) -> bytes:
        return backend.curve_shared(self.curve, self._scalar(private), *self._coordinates(peer_public))

    def _coordinates(self, public: bytes) -> tuple[int, int]:
        return int.from_bytes(public[: self.shared_size]), int.from_bytes(public[self.shared_size :])

    def _scalar(self, private: bytes | int) -> int:
        scalar = private if isinstance(private, int) else int.from_bytes(private)
        if not 0 < scalar < self.order:
            raise Misuse(f"{self.word}: expected a private value from 1 to the group's order less 1, got {scalar}")
        return scalar


@dataclass(frozen=True, kw_only=True)
class X25519Group(Group):
    """Curve25519: values are x coordinates, least octet first. Its number is IKEv2's; IKEv1 peers borrow it."""

    @property
    def entropy_size(self) -> int:
        return 32

    @property
    def public_size(self) -> int:
        return 32

    @property
    def shared_size(self) -> int:
        return 32

    def public(self, private: bytes | int) -> bytes:
        return backend.x25519_public(self._octets(private))

    def _private(self, entropy: bytes) -> bytes:
        return entropy

    def _check(self, public: bytes) -> None:
        """Every 32 octets are a coordinate; values of small order show in the shared secret."""

    def _shared(self, private: bytes | int, peer_public: bytes) -> bytes:
        secret = backend.x25519_shared(self._octets(private), peer_public)
        if secret is None:
            self._refuse("expected a shared secret that nobody can guess, got all zeros", "RFC 7748 §6.1")
        return secret

    def _octets(self, private: bytes | int) -> bytes:
        octets = private.to_bytes(32, "little") if isinstance(private, int) else private
        expect_size(f"{self.word}: private value", octets, 32)
        return octets


def pi_shifted(bits: int) -> int:
    """[2^bits pi], by Machin's formula: pi = 16 arctan(1/5) - 4 arctan(1/239)."""
    guard = 64

    def arctan_of_inverse(x: int) -> int:
        power = total = (1 << bits + guard) // x
        divisor, sign = 1, -1
        while power:
            power //= x * x
            divisor += 2
            total += sign * (power // divisor)
            sign = -sign
        return total

    return (16 * arctan_of_inverse(5) - 4 * arctan_of_inverse(239)) >> guard


@functools.cache
def _modular_power() -> Callable[[int, int, int], int]:
    """gmpy2's powmod_sec, which takes the same time for every exponent, or Python's pow, slower and not so discreet."""
    try:
        from gmpy2 import powmod_sec
    except ImportError:
        return pow
    return lambda base, exponent, modulus: int(powmod_sec(base, exponent, modulus))


def _modp(number: int, bits: int, above_pi: int, strength: int, exponent_bits: int, rfc: str) -> ModpGroup:
    return ModpGroup(
        number=number,
        word=f"modp{bits}",
        family=f"{bits}-bit MODP group",
        rfc=rfc,
        strength=strength,
        bits=bits,
        exponent_bits=exponent_bits,
        above_pi=above_pi,
    )


GROUPS: tuple[Group, ...] = (
    _modp(1, 768, 149686, 66, 180, "RFC 2409 §6.1"),  # strength: RFC 2412 Appendix E.1; exponent: RFC 2412 §2.3.1.1
    _modp(2, 1024, 129093, 77, 180, "RFC 2409 §6.2"),  # likewise, Appendix E.2
    _modp(5, 1536, 741804, 90, 240, "RFC 3526 §2"),  # from here on RFC 3526 §8
    _modp(14, 2048, 124476, 110, 320, "RFC 3526 §3"),
    _modp(15, 3072, 1690314, 130, 420, "RFC 3526 §4"),
    _modp(16, 4096, 240904, 150, 480, "RFC 3526 §5"),
    _modp(17, 6144, 929484, 170, 540, "RFC 3526 §6"),
    _modp(18, 8192, 4743158, 190, 620, "RFC 3526 §7"),
    EcpGroup(
        number=19,
        word="ecp256",
        family="256-bit random ECP group",
        rfc="RFC 5903 §3.1",
        strength=128,
        curve="secp256r1",
        prime=2**256 - 2**224 + 2**192 + 2**96 - 1,
        b=0x5AC635D8_AA3A93E7_B3EBBD55_769886BC_651D06B0_CC53B0F6_3BCE3C3E_27D2604B,
        order=0xFFFFFFFF_00000000_FFFFFFFF_FFFFFFFF_BCE6FAAD_A7179E84_F3B9CAC2_FC632551,
    ),
    EcpGroup(
        number=20,
        word="ecp384",
        family="384-bit random ECP group",
        rfc="RFC 5903 §3.2",
        strength=192,
        curve="secp384r1",
        prime=2**384 - 2**128 - 2**96 + 2**32 - 1,
        b=int(
            "B3312FA7_E23EE7E4_988E056B_E3F82D19_181D9C6E_FE814112_0314088F_5013875A"
            "_C656398D_8A2ED19D_2A85C8ED_D3EC2AEF",
            16,
        ),
        order=int(
            "FFFFFFFF_FFFFFFFF_FFFFFFFF_FFFFFFFF_FFFFFFFF_FFFFFFFF_C7634D81_F4372DDF"
            "_581A0DB2_48B0A77A_ECEC196A_CCC52973",
            16,
        ),
    ),
    EcpGroup(
        number=21,
        word="ecp521",
        family="521-bit random ECP group",
        rfc="RFC 5903 §3.3",
        strength=256,
        curve="secp521r1",
        prime=2**521 - 1,
        b=int(
            "0051953E_B9618E1C_9A1F929A_21A0B685_40EEA2DA_725B99B3_15F3B8B4_89918EF1"
            "_09E15619_3951EC7E_937B1652_C0BD3BB1_BF073573_DF883D2C_34F1EF45_1FD46B50"
            "_3F00",
            16,
        ),
        order=int(
            "01FFFFFF_FFFFFFFF_FFFFFFFF_FFFFFFFF_FFFFFFFF_FFFFFFFF_FFFFFFFF_FFFFFFFF"
            "_FFFA5186_8783BF2F_966B7FCC_0148F709_A5D03BB5_C9B8899C_47AEBB6F_B71E9138"
            "_6409",
            16,
        ),
    ),
    X25519Group(number=31, word="curve25519", family="Curve25519", rfc="RFC 7748 §6.1", strength=128),
    ToyGroup(
        number=65063,
        word="toy",
        family="toy group of 16 bits",
        rfc="RFC 2409 Appendix A (private use)",
        strength=7,
        bits=16,
        exponent_bits=16,
        toy_prime=65063,
    ),
)
"""Every group that ikelab computes in."""

SWITCHED_OFF = {22: "modp1024s160", 23: "modp2048s224", 24: "modp2048s256"}
"""Groups that are known and not computed in: primes of unknown origin, with small subgroups (RFC 8247 §2.4)."""


def group(number: int) -> Group:
    """The group of a Group Description attribute. Raises Misuse where there is none of that number, or it is off."""
    if number in SWITCHED_OFF:
        _complain_of_switched_off(number)
    return by_number("Group Description", GROUPS, number)


def group_by_word(word: str) -> Group:
    """The group of a proposal's word: "modp2048", "ecp256", "curve25519" or "x25519", "toy"; else Misuse."""
    for number, switched_off in SWITCHED_OFF.items():
        if word == switched_off:
            _complain_of_switched_off(number)
    return by_word("group", GROUPS, word, {"x25519": "curve25519"})


def _complain_of_switched_off(number: int) -> NoReturn:
    raise Misuse(
        f"group {number} ({SWITCHED_OFF[number]}): expected a group that is switched on, got one of RFC 5114's: "
        "nobody has said how its prime was chosen, and it has small subgroups (RFC 8247 §2.4)"
    )
