"""Who a peer says it is: the name that phase 1 proves, as users of real gateways write it and as an ID payload has it.

In Quick Mode the same payload means something else, the packets that an SA is for: see `ikelab.ike.selector`.
"""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address

from ikelab.errors import Misuse, Refusal
from ikelab.wire.numbers import IdType, IpProtocol, Notify
from ikelab.wire.payloads import ID

IKE_PORT = 500
ANY_TYPE = 0
"""The reserved identification type, which never travels: here it stands for %any."""

IpAddress = IPv4Address | IPv6Address

_ADDRESS_SIZES = {IdType.IPV4_ADDR: 4, IdType.IPV6_ADDR: 16}
_DER_TYPES = (IdType.DER_ASN1_DN, IdType.DER_ASN1_GN)
_TYPES_BY_PREFIX = {
    "ipv4": IdType.IPV4_ADDR,
    "ipv6": IdType.IPV6_ADDR,
    "fqdn": IdType.FQDN,
    "email": IdType.USER_FQDN,
    "asn1dn": IdType.DER_ASN1_DN,
    "asn1gn": IdType.DER_ASN1_GN,
    "keyid": IdType.KEY_ID,
}
_PREFIXES_BY_TYPE = {number: prefix for prefix, number in _TYPES_BY_PREFIX.items()}
_IDENTITY_FORMS = (
    'an address, a name such as moon.example.org, carol@example.org, "keyid:group1", "@#67726f7570" (a key ID in hex) '
    'or "asn1dn:#3036..." (DER in hex)'
)


@dataclass(frozen=True, kw_only=True)
class Identity:
    """A peer's name. `id_type` and `data` are as in its ID payload (RFC 2407 §4.6.2.1); `ANY` is everybody's name."""

    id_type: int
    data: bytes

    @classmethod
    def parse(cls, words: str) -> Identity:
        """The identity that is meant by "10.99.0.1", "moon.example.org", "carol@example.org", "keyid:group1", "%any".

        As in strongSwan's files, "@" before a name makes it an FQDN, "@@" a user's, "@#" and hex digits a key ID; a
        prefix such as "fqdn:" names the type, and "#" behind it introduces hex digits. Raises Misuse.
        """
        text = str(words).strip()
        prefix, colon, rest = text.partition(":")
        if text == "%any":
            return ANY
        if colon and (id_type := _TYPES_BY_PREFIX.get(prefix.lower())) is not None:
            return _typed(id_type, rest, text)
        if text.startswith("@#"):
            return cls(id_type=IdType.KEY_ID, data=_hex(text[2:], text))
        if text.startswith("@@"):
            return _typed(IdType.USER_FQDN, text[2:], text)
        if text.startswith("@"):
            return _typed(IdType.FQDN, text[1:], text)
        if (address := read_address(text)) is not None:
            return _of_address(address)
        if "=" in text:
            raise Misuse(f'identity "{text}": expected {_IDENTITY_FORMS}, got a distinguished name written in words')
        if ":" in text or not text.strip("0123456789."):
            raise Misuse(f'identity "{text}": expected {_IDENTITY_FORMS}, got no address and no name')
        return _typed(IdType.USER_FQDN if "@" in text else IdType.FQDN, text, text)

    @classmethod
    def from_payload(cls, payload: ID) -> Identity:
        """The identity of a phase 1 ID payload.

        Raises Refusal where its protocol and port are neither 0 and 0 nor UDP and 500 (RFC 2407 §4.6.2), or where an
        address has not an address's size.
        """
        if (payload.protocol, payload.port) not in ((0, 0), (IpProtocol.UDP, IKE_PORT)):
            raise Refusal(
                notify=Notify.INVALID_ID_INFORMATION,
                why="identity in phase 1: expected protocol and port 0/0 or 17/500, "
                f"got {payload.protocol}/{payload.port}",
                rfc="RFC 2407 §4.6.2",
            )
        number, size = IdType(payload.id_type), len(payload.data)
        if payload.id_type == ANY_TYPE or size == 0 or size != _ADDRESS_SIZES.get(number, size):
            expected = (
                f"{_ADDRESS_SIZES[number]} octets" if number in _ADDRESS_SIZES else "a type from 1 on, and a name"
            )
            raise Refusal(
                notify=Notify.INVALID_ID_INFORMATION,
                why=f"identity in phase 1: expected {expected}, got {number.label} ({number}) with {size} octets",
                rfc=number.rfc,
            )
        return cls(id_type=payload.id_type, data=payload.data)

    def payload(self) -> ID:
        """The phase 1 ID payload, with protocol and port 0 as strongSwan sends it. Raises Misuse for %any."""
        if self.id_type == ANY_TYPE:
            raise Misuse("an identity to send: expected a name of one's own, got %any")
        return ID(id_type=self.id_type, data=self.data)

    def matches(self, payload: ID) -> bool:
        """Whether that payload names this peer; host and user names match in either case (RFC 4945 §3.1.2, §3.1.3)."""
        if self.id_type == ANY_TYPE:
            return True
        if self.id_type != payload.id_type:
            return False
        if self.id_type in (IdType.FQDN, IdType.USER_FQDN):
            return self.data.lower() == payload.data.lower()
        return self.data == payload.data

    def __str__(self) -> str:
        """The words that `parse` takes."""
        if self.id_type == ANY_TYPE:
            return "%any"
        if self.id_type in _ADDRESS_SIZES and len(self.data) == _ADDRESS_SIZES[IdType(self.id_type)]:
            return str(ip_address(self.data))
        if (prefix := _PREFIXES_BY_TYPE.get(IdType(self.id_type))) is None:
            return f"{IdType(self.id_type).label}:#{self.data.hex()}"
        text = self.data.decode("ascii", "replace")
        if not _is_plain(text) or text.startswith("#") or self.id_type in _DER_TYPES:
            return f"{prefix}:#{self.data.hex()}"
        if self.id_type in (IdType.FQDN, IdType.USER_FQDN) and _reads_as(text, self):
            return text
        return f"{prefix}:{text}"


ANY = Identity(id_type=ANY_TYPE, data=b"")
"""Matches every identity, names none."""


def _reads_as(text: str, identity: Identity) -> bool:
    try:
        return Identity.parse(text) == identity
    except Misuse:
        return False


def _typed(id_type: int, text: str, whole: str) -> Identity:
    """An identity of a type that was named."""
    if text.startswith("#"):
        return Identity(id_type=id_type, data=_hex(text[1:], whole))
    if id_type in _ADDRESS_SIZES:
        address = read_address(text)
        if address is None or len(address.packed) != _ADDRESS_SIZES[IdType(id_type)]:
            raise Misuse(f'identity "{whole}": expected an address for {IdType(id_type).label}, got "{text}"')
        return _of_address(address)
    if id_type in _DER_TYPES:
        raise Misuse(f'identity "{whole}": expected "#" and DER in hex digits, got "{text}"')
    if not _is_plain(text):
        raise Misuse(f'identity "{whole}": expected {_IDENTITY_FORMS}, got "{text}"')
    return Identity(id_type=id_type, data=text.encode("ascii"))


def _of_address(address: IpAddress) -> Identity:
    return Identity(id_type=IdType.IPV4_ADDR if address.version == 4 else IdType.IPV6_ADDR, data=address.packed)


def _is_plain(text: str) -> bool:
    """Printable ASCII without blanks around it: what can be typed and read back."""
    return bool(text) and text.isascii() and text.isprintable() and text == text.strip()


def _hex(digits: str, whole: str) -> bytes:
    try:
        octets = bytes.fromhex(digits)
    except ValueError:
        octets = b""
    if not octets:
        raise Misuse(f'identity "{whole}": expected an even number of hex digits behind "#", got "{digits}"')
    return octets


def read_address(text: str) -> IpAddress | None:
    """The address that is written there; None if none is."""
    try:
        return None if "%" in text else ip_address(text)
    except ValueError:
        return None
