"""What a message is made of: every payload of RFC 2408 and RFC 2407, NAT traversal, configuration and the vendors' fragment.

Each is declared once, as the RFC's box; the class docstring is what a learner reads beside its octets.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Any

from ikelab.errors import WireError
from ikelab.wire.fields import Field, Octets, Part, Uint, Values, count_of, each, length_of, octets, u8, u16, u32
from ikelab.wire.numbers import CertEncoding, ConfigType, Doi, IdType, IpProtocol, Notify, Protocol, Situation
from ikelab.wire.proposals import CONFIG_ATTRIBUTES, IPSEC_ATTRIBUTES, Attribute, Attributes, Proposal, attributes
from ikelab.wire.records import Payload, chain, payload
from ikelab.wire.vendors import vendor


def readable(data: bytes) -> str:
    """Octets as text where they are printable ASCII, as hex where they are not."""
    text = data.decode("ascii", errors="replace")
    return f'"{text}"' if data and text.isascii() and text.isprintable() else data.hex()


def address(data: bytes) -> str:
    """4 or 16 octets as an IP address; anything else as hex."""
    return str(ip_address(data)) if len(data) in (4, 16) else data.hex()


def prefix_length(mask: bytes) -> int | None:
    """How many leading bits of a network mask are one; None if the ones are not all in front."""
    zeros = int.from_bytes(mask) ^ ((1 << 8 * len(mask)) - 1)
    return None if zeros & (zeros + 1) else 8 * len(mask) - zeros.bit_length()


@payload(1, "Security Association", "SA", rfc="RFC 2408 §3.4")
class SA(Payload):
    """What is being bargained about: in a first message all that the initiator offers, in an answer the one thing chosen."""

    doi: int = u32(
        "Domain of Interpretation",
        "Whose vocabulary the numbers below come from.",
        labels=Doi,
        role="plumbing",
        default=Doi.IPSEC,
    )
    situation: int = u32(
        "Situation",
        "The circumstances that the responder must understand. Everybody uses IDENTITY_ONLY: the SA is for whoever is named (RFC 2407 §4.2).",
        labels=Situation,
        role="plumbing",
        default=Situation.IDENTITY_ONLY,
    )
    proposals: tuple[Proposal, ...] = chain(Proposal, "Proposals", "In order of preference.")


@payload(4, "Key Exchange", "KE", rfc="RFC 2408 §3.7")
class KE(Payload):
    """The sender's Diffie-Hellman public value, g^x: safe to show to anybody, useless without the exponent x."""

    data: bytes = octets(
        "Key Exchange Data", "g^x mod p, padded on the left to the group's size (RFC 2409 §5).", role="public"
    )


def _id_parts(seen: Values, data: bytes) -> Sequence[Part]:
    match seen["id_type"]:
        case IdType.IPV4_ADDR | IdType.IPV6_ADDR:
            return (
                (Part(label="Address", size=len(data), explain="One host.", show=address),)
                if len(data) in (4, 16)
                else ()
            )
        case IdType.IPV4_ADDR_SUBNET | IdType.IPV6_ADDR_SUBNET:
            size = 4 if seen["id_type"] == IdType.IPV4_ADDR_SUBNET else 16
            return (
                Part(label="Network Address", size=size, explain="Where the network begins.", show=address),
                Part(
                    label="Network Mask",
                    size=size,
                    explain="One bits say which part of an address must match.",
                    show=address,
                ),
            )
        case IdType.IPV4_ADDR_RANGE | IdType.IPV6_ADDR_RANGE:
            size = 4 if seen["id_type"] == IdType.IPV4_ADDR_RANGE else 16
            return (
                Part(label="First Address", size=size, explain="Where the range begins.", show=address),
                Part(label="Last Address", size=size, explain="Where the range ends; it belongs to it.", show=address),
            )
    return ()


def _id_protocol(value: int) -> str:
    return IpProtocol(value).label + f" ({value})" if value else "any (0)"


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
    data: bytes = octets("Identification Data", "The name itself.", parts=_id_parts, show=readable, role="identity")

    @property
    def body(self) -> bytes:
        """`IDii_b` and friends: everything after the generic header, as hashes cover it (RFC 2409 §3.2)."""
        return self.write()

    def __str__(self) -> str:
        """The name as people write it: 10.1.0.0/24, "moon@example.org", 10.0.0.1-10.0.0.9."""
        parts = _id_parts({"id_type": self.id_type}, self.data)
        if not parts or sum(part.size for part in parts) != len(self.data):
            return readable(self.data)
        cut, at = [], 0
        for part in parts:
            cut.append(self.data[at : at + part.size])
            at += part.size
        match self.id_type:
            case IdType.IPV4_ADDR_SUBNET | IdType.IPV6_ADDR_SUBNET:
                length = prefix_length(cut[1])
                return f"{address(cut[0])}/{address(cut[1]) if length is None else length}"
            case IdType.IPV4_ADDR_RANGE | IdType.IPV6_ADDR_RANGE:
                return f"{address(cut[0])}-{address(cut[1])}"
        return address(cut[0])


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
    """Random octets, used once: they make these keys different from all earlier ones. Ni from the initiator, Nr from the responder."""

    data: bytes = octets("Nonce Data", "From 8 to 256 random octets (RFC 2409 §5).", role="number")


class _Sequence(Uint):
    """The 32-bit number inside a notification: a DPD sequence, a replay choice."""

    def __init__(self, label: str, explain: str) -> None:
        super().__init__(4, label, explain, role="number")
        self.name = "number"


NOTIFY_DATA: Mapping[int, Field] = {
    Notify.RESPONDER_LIFETIME: Attributes(
        "Lifetime", "How long the responder will really keep the SA (RFC 2407 §4.6.3.1).", IPSEC_ATTRIBUTES
    ),
    Notify.REPLAY_STATUS: _Sequence(
        "Replay Status", "1 if the sender checks for replayed packets, 0 if not (RFC 2407 §4.6.3.2)."
    ),
    Notify.R_U_THERE: _Sequence(
        "Sequence Number", "Counts the questions, so that an old answer proves nothing (RFC 3706 §5.3)."
    ),
    Notify.R_U_THERE_ACK: _Sequence("Sequence Number", "The number of the question that this answers (RFC 3706 §5.3)."),
}


def _notify_data(seen: Values, data: bytes) -> Field | None:
    field = NOTIFY_DATA.get(seen["notify"])
    return field if not isinstance(field, _Sequence) or len(data) == 4 else None


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
        fields=_notify_data,
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


def _vendor_text(data: bytes) -> str:
    known = vendor(data)
    return f"{data.hex()} ({known.name})" if known is not None else data.hex()


class _VendorField(Octets):
    """A vendor ID explains itself where the project knows it."""

    def meaning(self, value: Any) -> str:
        known = vendor(value)
        return (
            f"{known.meaning} {known.origin}".strip()
            if known is not None
            else f"{self.explain} This one is not in our list."
        )


@payload(13, "Vendor ID", "VID", rfc="RFC 2408 §3.16")
class VendorID(Payload):
    """A badge that says which extensions the sender speaks. Unknown badges are ignored; nobody authenticates them."""

    data: bytes = _VendorField(
        "Vendor ID", "Usually the MD5 hash of a text that describes the extension.", show=_vendor_text
    )  # type: ignore[assignment]


@payload(14, "Attributes", "ATTR", rfc="draft-dukes-ike-mode-cfg-02 §3.2")
class Config(Payload):
    """A question for settings, an answer, or an order to use them: addresses, name servers, a user's name and password."""

    kind: int = u8("Type", "Whether this asks, answers, sets or acknowledges.", labels=ConfigType, role="choice")
    reserved2: int = u8("RESERVED", "Unused: senders write 0.", role="plumbing", default=0)
    identifier: int = u16("Identifier", "Ties the messages of one conversation together.", role="number")
    attributes: tuple[Attribute, ...] = attributes("Attributes", "The settings.", CONFIG_ATTRIBUTES)


@payload(20, "NAT-D", "NAT-D", rfc="RFC 3947 §3.2")
class NatD(Payload):
    """The hash of an address and a port as the sender sees them. If it does not match what the receiver sees, something translated them."""

    data: bytes = octets("HASH of the address and port", "hash(CKY-I | CKY-R | IP | Port).", role="proof")


@payload(21, "NAT-OA", "NAT-OA", rfc="RFC 3947 §5.2")
class NatOa(Payload):
    """The address that the sender had before translation: transport mode needs it to mend the TCP and UDP checksums."""

    id_type: int = u8("ID Type", "IPv4 or IPv6.", labels=IdType, role="choice")
    reserved2: int = u8("RESERVED", "Unused: senders write 0.", role="plumbing", default=0)
    reserved3: int = u16("RESERVED", "Unused: senders write 0.", role="plumbing", default=0)
    data: bytes = octets("Original Address", "The untranslated address.", show=address, role="identity")


@payload(130, "NAT-D (drafts)", "NAT-D", rfc="draft-ietf-ipsec-nat-t-ike-02 §3.2")
class NatDDraft(NatD):
    """NAT-D under the number that the drafts 00 to 03 gave it, before RFC 3947 settled on 20."""


@payload(131, "NAT-OA (drafts)", "NAT-OA", rfc="draft-ietf-ipsec-nat-t-ike-02 §5.2")
class NatOaDraft(NatOa):
    """NAT-OA under the number that the drafts 00 to 03 gave it, before RFC 3947 settled on 21."""


@payload(15, "NAT-D (drafts)", "NAT-D", rfc="draft-ietf-ipsec-nat-t-ike-04 §3.2")
class NatDLateDraft(NatD):
    """NAT-D under the number that the drafts 04 to 08 gave it; the same number means something else in group key management."""


@payload(16, "NAT-OA (drafts)", "NAT-OA", rfc="draft-ietf-ipsec-nat-t-ike-04 §5.2")
class NatOaLateDraft(NatOa):
    """NAT-OA under the number that the drafts 04 to 08 gave it; the same number means something else in group key management."""


def _fragment_flags(value: int) -> str:
    return ("last" if value & 1 else "more follow") + (f", unassigned bits {value & ~1:#x}" if value & ~1 else "")


@payload(132, "Fragment", "FRAG", rfc="vendor extension FRAGMENTATION")
class Fragment(Payload):
    """A slice of a whole message, header and all, cut by IKE itself so that no network on the way has to."""

    id: int = u16("Fragment ID", "Slices of one message share this number.", role="number")
    number: int = u8("Fragment Number", "Its place in the row, from 1.", role="number")
    flags: int = u8("Flags", "Whether this is the last slice.", show=_fragment_flags, role="choice")
    data: bytes = octets("Fragment Data", "The slice.", role="cipher")


@dataclass(frozen=True, kw_only=True)
class Opaque(Payload):
    """A payload whose body is kept but not read: its type is unknown, or its octets do not fit the declaration (`error`)."""

    number: int
    data: bytes
    error: WireError | None = None

    @property
    def type(self) -> int:
        return self.number

    def write(self) -> bytes:
        return self.data


PAYLOADS: Mapping[int, type[Payload]] = {
    declared.TYPE: declared
    for declared in (
        SA, KE, ID, Cert, CertRequest, Hash, Signature, Nonce, Notification, Delete, VendorID, Config, NatD, NatOa, NatDDraft, NatOaDraft, Fragment
    )
}  # fmt: skip
LATE_DRAFTS: Mapping[int, type[Payload]] = {15: NatDLateDraft, 16: NatOaLateDraft}
"""Read only after a vendor ID of the drafts 04 to 08 was heard: in RFC 3547 the same numbers belong to group key management."""
