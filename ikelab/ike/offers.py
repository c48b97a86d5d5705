"""What can be agreed on: the terms of phase 1 and of Quick Mode as values, and what each is called in a sentence.

A Quick Mode may agree on several protocols at once for the same packets: IPComp makes them smaller, ESP hides them, AH
signs what travels outside (RFC 2408 §4.2). That is one offer with parts; alternatives are several offers.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from ikelab.crypto import groups
from ikelab.crypto.protection import AeadCipher, Protection
from ikelab.crypto.suite import Cipher, Hash
from ikelab.errors import Misuse
from ikelab.wire.numbers import EsnChoice, Group, Protocol, TransformIpcomp


def group_label(number: int) -> str:
    """What a Group Description is called in a sentence: "MODP-2048"; for a private number the name of our own."""
    own = next((group.family for group in groups.GROUPS if group.number == number), None)
    return own if own is not None and not Group(number).assigned else Group(number).short


@dataclass(frozen=True, kw_only=True)
class IkeOffer:
    """What can be agreed on in phase 1, lifetime and authentication aside; `str()` gives the words of a proposal.

    group: its number, as the Group Description attribute has it; `dh` is the group itself.
    """

    cipher: Cipher
    hash: Hash
    group: int

    @property
    def dh(self) -> groups.Group:
        """The Diffie-Hellman group. Raises Misuse where there is none of that number."""
        return groups.group(self.group)

    @property
    def labels(self) -> dict[str, str]:
        """Each property and what it is called in a sentence."""
        return {"cipher": self.cipher.label, "hash": self.hash.family, "group": group_label(self.group)}

    def __str__(self) -> str:
        return "-".join((self.cipher.word, self.hash.word, self.dh.word))


COMPRESSIONS = {"deflate": int(TransformIpcomp.DEFLATE), "lzs": int(TransformIpcomp.LZS)}
"""The algorithms of IPComp that can be negotiated, by their words (RFC 2407 §4.4.5)."""


@dataclass(frozen=True, kw_only=True)
class ChildOffer:
    """What can be agreed on in Quick Mode, lifetime and encapsulation aside; `str()` gives the words of a proposal.

    protocol: `Protocol.ESP` or `Protocol.AH`. group: the number of a group for perfect forward secrecy; None without.
    esn: the value of the attribute Extended Sequence Number; None without, for 32-bit numbers (RFC 4304 §2).
    beside: the AH that guards the same packets once more, outside ESP. compression: the IPComp transform that comes
    before both; None without. Whoever accepts takes all of them together (RFC 2408 §4.2).
    Raises Misuse where the protection does not suit the protocol, or the parts not each other.
    """

    protocol: int
    protection: Protection
    group: int | None = None
    esn: int | None = None
    beside: ChildOffer | None = None
    compression: int | None = None

    def __post_init__(self) -> None:
        if self.beside is not None:
            if (self.protocol, self.beside.protocol) != (Protocol.ESP, Protocol.AH) or len(self.beside.protocols) > 1:
                raise Misuse(f"offer: expected AH alone beside ESP, got {self.beside} beside {_short(self.protocol)}")
            if self.beside.group != self.group:
                asked = f"{pfs_label(self.group)} and {pfs_label(self.beside.group)}"
                raise Misuse(f"offer: expected the same group for ESP and AH, got {asked} (RFC 2409 §5.5)")
        if self.compression is not None and self.compression not in COMPRESSIONS.values():
            raise Misuse(f"IPComp: expected {' or '.join(COMPRESSIONS)}, got transform {self.compression}")
        cipher, integrity = self.protection.cipher, self.protection.integrity
        match self.protocol:
            case Protocol.ESP:
                if cipher is None:
                    raise Misuse(f"ESP: expected a cipher, or null beside {integrity_word(self.protection)}, got none")
                if integrity is None and not isinstance(cipher, AeadCipher):
                    raise Misuse(
                        f"ESP with {cipher.word}: expected an integrity check beside it, got none: "
                        "encryption without authentication is not effective (RFC 8221 §4)"
                    )
            case Protocol.AH:
                if cipher is not None or integrity is None:
                    raise Misuse("AH: expected an integrity check and no cipher: AH hides nothing (RFC 2407 §4.4.1.2)")
            case _:
                raise Misuse(f"protocol: expected ESP (3) or AH (2), got {Protocol(self.protocol).short}")

    @property
    def dh(self) -> groups.Group | None:
        """The group of perfect forward secrecy. Raises Misuse where there is none of that number."""
        return None if self.group is None else groups.group(self.group)

    @property
    def transform_id(self) -> int:
        """The transform identifier: ESP's names the cipher, AH's the integrity check (RFC 2407 §4.4.3, §4.4.4)."""
        cipher, integrity = self.protection.cipher, self.protection.integrity
        return cipher.number if cipher is not None else integrity.ah_transform if integrity is not None else 0

    @property
    def parts(self) -> tuple[ChildOffer, ...]:
        """What has keys of its own: ESP or AH, and the AH beside ESP."""
        alone = replace(self, beside=None, compression=None)
        return (alone,) if self.beside is None else (alone, self.beside)

    def part(self, protocol: int) -> ChildOffer:
        """The part for that protocol."""
        return next(part for part in self.parts if part.protocol == protocol)

    @property
    def protocols(self) -> tuple[int, ...]:
        """The protocols that are agreed on together, in the order in which they are offered."""
        beside = () if self.beside is None else (self.beside.protocol,)
        return (self.protocol, *beside, *(() if self.compression is None else (int(Protocol.IPCOMP),)))

    @property
    def labels(self) -> dict[str, str]:
        """Each property and what it is called in a sentence."""
        cipher, integrity = self.protection.cipher, self.protection.integrity
        return {
            **({"cipher": cipher.label} if cipher else {}),
            **({"integrity": integrity.label} if integrity else {}),
            "group": pfs_label(self.group),
            "esn": esn_label(self.esn),
            **({"beside": beside_label(self.beside.labels)} if self.beside else {}),
            **({"compression": compression_label(self.compression)} if self.compression is not None else {}),
        }

    def __str__(self) -> str:
        parts = (self.protection.cipher, self.protection.integrity, self.dh)
        own = "-".join([*(part.word for part in parts if part is not None), *(["esn"] if self.esn else [])])
        beside = "" if self.beside is None else f" with AH {self.beside}"
        compressed = [f" after IPComp {word}" for word, number in COMPRESSIONS.items() if number == self.compression]
        return "".join((own, beside, *compressed))


def pfs_label(group: int | None) -> str:
    """What the Group Description of a Quick Mode, or its absence, is called in a sentence."""
    return "no PFS" if group is None else f"PFS with {group_label(group)}"


def esn_label(esn: int | None) -> str:
    """What the Extended Sequence Number of a Quick Mode, or its absence, is called in a sentence."""
    return "32-bit sequence numbers" if esn is None else EsnChoice(esn).label


def beside_label(labels: Mapping[str, str]) -> str:
    """What the AH beside ESP is called in a sentence: the group is ESP's too, 32-bit numbers are usual."""
    esn = [labels["esn"]] if labels.get("esn") != esn_label(None) else []
    return " with ".join(filter(None, ("AH", labels.get("integrity"), *esn)))


def compression_label(number: int) -> str:
    """What a transform of IPComp is called in a sentence."""
    return f"IPComp {TransformIpcomp(number).label}"


def _short(protocol: int) -> str:
    return Protocol(protocol).short


def integrity_word(protection: Protection) -> str:
    """The word of the integrity check; "" where there is none."""
    return protection.integrity.word if protection.integrity is not None else ""
