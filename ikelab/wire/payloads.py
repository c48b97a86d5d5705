"""What a message is made of: the payloads of RFC 2408 and RFC 2407, of NAT traversal and of configuration.

Each is declared once, as the RFC's box; the class docstring is what a learner reads beside its octets. The SA payload
has a module of its own, `ikelab.wire.proposals`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ikelab.errors import WireError
from ikelab.wire.attributes import CONFIG_ATTRIBUTES, IPSEC_ATTRIBUTES, Attribute, Attributes
from ikelab.wire.fields import (
    Field,
    Octets,
    Reading,
    Uint,
    count_of,
    declared,
    each,
    length_of,
    octets,
    reserved,
    u8,
    u16,
    u32,
)
from ikelab.wire.numbers import CertEncoding, ConfigType, Doi, IdType, IpProtocol, Notify, Protocol
from ikelab.wire.proposals import SA
from ikelab.wire.readable import address, address_range, network, prefix_length, readable
from ikelab.wire.records import GENERIC_RFC, Payload, payload
from ikelab.wire.vendors import vendor

__all__ = [
    "ID",
    "KE",
    "LATE_DRAFTS",
    "PAYLOADS",
    "SA",
    "Attribute",
    "Cert",
    "CertRequest",
    "Config",
    "Delete",
    "Fragment",
    "Hash",
    "NatD",
    "NatDDraft",
    "NatDLateDraft",
    "NatOa",
    "NatOaDraft",
    "NatOaLateDraft",
    "Nonce",
    "Notification",
    "Opaque",
    "Payload",
    "Signature",
    "VendorID",
    "address",
    "prefix_length",
    "readable",
]


@payload(4, "Key Exchange", "KE", rfc="RFC 2408 §3.7")
class KE(Payload):
    """The sender's Diffie-Hellman public value, g^x: safe to show to anybody, useless without the exponent x."""

    data: bytes = octets(
        "Key Exchange Data",
        "g^x, as long as the group's values are, with zeros in front if need be (RFC 2409 §5).",
        role="public",
    )


def _addresses(size: int, rfc: str, *labels_and_meanings: tuple[str, str]) -> tuple[Field, ...]:
    return tuple(
        Octets(label, explain, size=size, show=address, role="identity", rfc=rfc)
        for label, explain in labels_and_meanings
    )


_HOST = (("Address", "One host."),)
_NETWORK = (
    ("Network Address", "Where the network begins."),
    ("Network Mask", "One bits say which part of an address must match."),
)
_RANGE = (
    ("First Address", "Where the range begins."),
    ("Last Address", "Where the range ends; it belongs to it."),
)
ID_FIELDS: Mapping[int, Sequence[Field]] = {
    IdType.IPV4_ADDR: _addresses(4, "RFC 2407 §4.6.2.2", *_HOST),
    IdType.IPV4_ADDR_SUBNET: _addresses(4, "RFC 2407 §4.6.2.5", *_NETWORK),
    IdType.IPV6_ADDR: _addresses(16, "RFC 2407 §4.6.2.6", *_HOST),
    IdType.IPV6_ADDR_SUBNET: _addresses(16, "RFC 2407 §4.6.2.7", *_NETWORK),
    IdType.IPV4_ADDR_RANGE: _addresses(4, "RFC 2407 §4.6.2.8", *_RANGE),
    IdType.IPV6_ADDR_RANGE: _addresses(16, "RFC 2407 §4.6.2.9", *_RANGE),
}
"""What identification data of these types consists of."""


def _inside_id(reading: Reading, data: bytes) -> Sequence[Field]:
    return ID_FIELDS.get(reading.seen["id_type"], ())


def _id_protocol(value: int) -> str:
    return f"{IpProtocol(value).label} ({value})"


def _id_port(value: int) -> str:
    return str(value) if value else "any (0)"


@payload(5, "Identification", "ID", rfc="RFC 2407 §4.6.2")
class ID(Payload):
    """Who speaks (phase 1), or for whose traffic the SA is meant (Quick Mode)."""

    id_type: int = u8("ID Type", "How to read the identification data.", labels=IdType, role="choice")
    protocol: int = u8(
        "Protocol ID", "The IP protocol that is meant; 0 for any.", show=_id_protocol, role="choice", default=0
    )
    port: int = u16("Port", "The port that is meant; 0 for any.", show=_id_port, role="choice", default=0)
    data: bytes = octets("Identification Data", "The name itself.", inside=_inside_id, show=readable, role="identity")

    @property
    def body(self) -> bytes:
        """`IDii_b` and friends: everything after the generic header, as hashes cover it (RFC 2409 §3.2)."""
        return self.write()

    def __str__(self) -> str:
        """The name as people write it: 10.1.0.0/24, "moon@example.org", 10.0.0.1-10.0.0.9."""
        match self.id_type, len(self.data):
            case (IdType.IPV4_ADDR, 4) | (IdType.IPV6_ADDR, 16):
                return address(self.data)
            case (IdType.IPV4_ADDR_SUBNET, 8) | (IdType.IPV6_ADDR_SUBNET, 32):
                return network(self.data)
            case (IdType.IPV4_ADDR_RANGE, 8) | (IdType.IPV6_ADDR_RANGE, 32):
                return address_range(self.data)
        return readable(self.data)


@payload(6, "Certificate", "CERT", rfc="RFC 2408 §3.9")
class Cert(Payload):
    """A certificate: a public key, a name, and somebody's signature under both."""

    encoding: int = u8("Cert Encoding", "What kind of certificate this is.", labels=CertEncoding, role="choice")
    data: bytes = octets("Certificate Data", "The certificate itself, usually X.509 in DER.", role="public")


@payload(7, "Certificate Request", "CR", rfc="RFC 2408 §3.10")
class CertRequest(Payload):
    """A wish: please send a certificate of this kind, issued by this authority."""

    encoding: int = u8("Cert. Type", "What kind of certificate is wanted.", labels=CertEncoding, role="choice")
    authority: bytes = octets(
        "Certificate Authority",
        "The distinguished name of an acceptable issuer; empty for any.",
        show=readable,
        role="identity",
    )


@payload(8, "Hash", "HASH", rfc="RFC 2408 §3.11")
class Hash(Payload):
    """A proof: keyed with a secret that only the two peers can compute, over what has been said."""

    data: bytes = octets(
        "Hash Data",
        "The receiver computes the same prf over what it has itself heard and said, and compares.",
        role="proof",
    )


@payload(9, "Signature", "SIG", rfc="RFC 2408 §3.12")
class Signature(Payload):
    """A proof by private key: HASH_I or HASH_R, signed (RFC 2409 §5.1)."""

    data: bytes = octets(
        "Signature Data", "The signature under the hash, made with the key of the sender's certificate.", role="proof"
    )


@payload(10, "Nonce", "N", rfc="RFC 2408 §3.13")
class Nonce(Payload):
    """Random octets, used once, that make these keys different from all others: Ni, Nr from initiator, responder."""

    data: bytes = octets("Nonce Data", "From 8 to 256 random octets (RFC 2409 §5).", role="number")


NOTIFY_DATA: Mapping[int, Field] = {
    Notify.RESPONDER_LIFETIME: Attributes(
        "Lifetime",
        "How long the responder will really keep the SA.",
        family=IPSEC_ATTRIBUTES,
        rfc="RFC 2407 §4.6.3.1",
    ),
    Notify.REPLAY_STATUS: Uint(
        4,
        "Replay Status",
        "1 if the sender checks for replayed packets, 0 if not.",
        role="choice",
        rfc="RFC 2407 §4.6.3.2",
    ),
    Notify.R_U_THERE: Uint(
        4,
        "Sequence Number",
        "Counts the questions, so that an old answer proves nothing.",
        role="number",
        rfc="RFC 3706 §5.3",
    ),
    Notify.R_U_THERE_ACK: Uint(
        4, "Sequence Number", "The number of the question that this answers.", role="number", rfc="RFC 3706 §5.3"
    ),
}
"""What notification data of these types consists of."""


def _inside_notification(reading: Reading, data: bytes) -> Sequence[Field]:
    field = NOTIFY_DATA.get(reading.seen["notify"])
    return () if field is None else (field,)


@payload(11, "Notification", "N", rfc="RFC 2408 §3.14")
class Notification(Payload):
    """News about an SA: an error, a status, a question whether the peer is still there."""

    doi: int = u32(
        "Domain of Interpretation",
        "Whose vocabulary the type comes from.",
        labels=Doi,
        role="plumbing",
        default=Doi.IPSEC,
    )
    protocol: int = u8(
        "Protocol-Id", "The protocol of the SA that is meant.", labels=Protocol, role="choice", default=Protocol.ISAKMP
    )
    spi_size = length_of("spi", "SPI Size", "Octets of the SPI below.")
    notify: int = u16("Notify Message Type", "What is being said.", labels=Notify, role="choice")
    spi: bytes = octets(
        "SPI", "The SA that is meant; for ISAKMP the two cookies.", size="spi_size", role="number", default=b""
    )
    data: bytes = octets(
        "Notification Data",
        "More about it, if the type has more to say.",
        inside=_inside_notification,
        show=readable,
        default=b"",
    )


@payload(12, "Delete", "D", rfc="RFC 2408 §3.15")
class Delete(Payload):
    """A farewell: the sender no longer has these SAs, and packets for them will not be understood."""

    doi: int = u32(
        "Domain of Interpretation",
        "Whose vocabulary the protocol comes from.",
        labels=Doi,
        role="plumbing",
        default=Doi.IPSEC,
    )
    protocol: int = u8("Protocol-Id", "The protocol of the SAs that are gone.", labels=Protocol, role="choice")
    spi_size = length_of("spis", "SPI Size", "Octets of each SPI: 16 for ISAKMP (both cookies), 4 for AH and ESP.")
    spi_count = count_of("spis", "# of SPIs", "How many SAs are gone.", size=2)
    spis: tuple[bytes, ...] = each(
        "SPI",
        "An SA that is gone, named by the SPI that its sender had chosen to receive under.",
        size="spi_size",
        count="spi_count",
        role="number",
    )


class VendorOctets(Octets):
    """A vendor ID explains itself where the project knows it."""

    def text(self, value: bytes) -> str:
        known = vendor(value)
        return value.hex() if known is None else f"{value.hex()} ({known.name})"

    def meaning(self, value: bytes) -> str:
        known = vendor(value)
        said = "This one is not in our list." if known is None else f"{known.meaning} {known.origin}"
        return f"{self.explain} {said}".strip()


@payload(13, "Vendor ID", "VID", rfc="RFC 2408 §3.16")
class VendorID(Payload):
    """A badge that says which extensions the sender speaks. Unknown badges are ignored; nobody authenticates them."""

    data: bytes = declared(
        VendorOctets("Vendor ID", "Usually the MD5 hash of a text that describes the extension.", role="public")
    )


@payload(14, "Attributes", "ATTR", rfc="draft-dukes-ike-mode-cfg-02 §3.2")
class Config(Payload):
    """A question for settings, an answer, or an order: addresses, name servers, a user's name and password."""

    kind: int = u8("Type", "Whether this asks, answers, sets or acknowledges.", labels=ConfigType, role="choice")
    reserved2: int = reserved(1, default=0)
    identifier: int = u16("Identifier", "Ties the messages of one conversation together.", role="number")
    attributes: tuple[Attribute, ...] = declared(Attributes("Attributes", "The settings.", family=CONFIG_ATTRIBUTES))


@payload(20, "NAT-D", "NAT-D", rfc="RFC 3947 §3.2")
class NatD(Payload):
    """The hash of an address and a port as the sender sees them; a receiver who sees others knows of a translator."""

    data: bytes = octets("HASH of the address and port", "hash(CKY-I | CKY-R | IP | Port).", role="proof")


@payload(21, "NAT-OA", "NAT-OA", rfc="RFC 3947 §5.2")
class NatOa(Payload):
    """The address that the sender had before translation; transport mode mends TCP's and UDP's checksums with it."""

    id_type: int = u8("ID Type", "IPv4 or IPv6.", labels=IdType, role="choice")
    reserved2: int = reserved(1, default=0)
    reserved3: int = reserved(2, default=0)
    data: bytes = octets("Original Address", "The untranslated address.", show=address, role="identity")


@payload(130, "NAT-D (drafts)", "NAT-D", rfc="draft-ietf-ipsec-nat-t-ike-02 §3.2")
class NatDDraft(NatD):
    """NAT-D under the number that the drafts 00 to 03 gave it, before RFC 3947 settled on 20."""


@payload(131, "NAT-OA (drafts)", "NAT-OA", rfc="draft-ietf-ipsec-nat-t-ike-02 §5.2")
class NatOaDraft(NatOa):
    """NAT-OA under the number that the drafts 00 to 03 gave it, before RFC 3947 settled on 21."""


@payload(15, "NAT-D (drafts)", "NAT-D", rfc="draft-ietf-ipsec-nat-t-ike-04 §3.2")
class NatDLateDraft(NatD):
    """NAT-D under the number that the drafts 04 to 08 gave it; for group key management it means something else."""


@payload(16, "NAT-OA (drafts)", "NAT-OA", rfc="draft-ietf-ipsec-nat-t-ike-04 §5.2")
class NatOaLateDraft(NatOa):
    """NAT-OA under the number that the drafts 04 to 08 gave it; for group key management it means something else."""


def _fragment_flags(value: int) -> str:
    return ("last" if value & 1 else "more follow") + (f", unassigned bits {value & ~1:#x}" if value & ~1 else "")


@payload(132, "Fragment", "FRAG", rfc="vendor extension FRAGMENTATION")
class Fragment(Payload):
    """A slice of a whole message, header and all, cut by IKE itself so that no network on the way has to."""

    id: int = u16("Fragment ID", "Slices of one message share this number.", role="number")
    number: int = u8("Fragment Number", "Its place in the row, from 1.", role="number")
    flags: int = u8("Flags", "Whether this is the last slice.", show=_fragment_flags, role="choice")
    data: bytes = octets("Fragment Data", "The slice.", role="cipher")


@payload(0, "Payload", "?", rfc=GENERIC_RFC)
class Opaque(Payload):
    """A payload that is kept but not read: its type has no declaration, or its octets do not fit it (`error`)."""

    number: int = 0
    data: bytes = octets("Payload Data", "Kept as it came.")
    error: WireError | None = None

    @property
    def type(self) -> int:
        return self.number


PAYLOADS: Mapping[int, type[Payload]] = {
    record.TYPE: record
    for record in (
        SA, KE, ID, Cert, CertRequest, Hash, Signature, Nonce, Notification, Delete, VendorID, Config,
        NatD, NatOa, NatDDraft, NatOaDraft, Fragment,
    )
}  # fmt: skip
LATE_DRAFTS: Mapping[int, type[Payload]] = {15: NatDLateDraft, 16: NatOaLateDraft}
"""Read only after a vendor ID of the drafts 04 to 08: in RFC 3547 the same numbers belong to group key management."""
