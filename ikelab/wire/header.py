"""How every message begins: two cookies, what comes first, which exchange, how long."""

from __future__ import annotations

from ikelab.wire.fields import octets, u8, u32
from ikelab.wire.numbers import ExchangeType, HeaderFlag, PayloadType
from ikelab.wire.records import Record, layout

HEADER_SIZE = 28
ENCRYPTION = HeaderFlag.ENCRYPTION.value


def _version(value: int) -> str:
    return f"{value >> 4}.{value & 15}"


def _hex8(value: int) -> str:
    return f"{value:08x}"


@layout("ISAKMP Header", "HDR", rfc="RFC 2408 §3.1")
class Header(Record):
    """The 28 octets that begin every message: whose conversation, which exchange, what comes first, how long."""

    cookie_i: bytes = octets(
        "Initiator Cookie", "The initiator's name for this conversation, CKY-I.", size=8, role="number"
    )
    cookie_r: bytes = octets(
        "Responder Cookie",
        "The responder's name for it, CKY-R; zeros until the responder has answered.",
        size=8,
        role="number",
        default=bytes(8),
    )
    next_payload: int = u8(
        "Next Payload", "The type of the first payload.", labels=PayloadType, role="plumbing", default=0
    )
    version: int = u8(
        "Version", "Major and minor version, 4 bits each: 1.0 for IKEv1.", show=_version, role="plumbing", default=0x10
    )
    exchange: int = u8(
        "Exchange Type",
        "Which conversation this is, and so which messages may come.",
        labels=ExchangeType,
        role="choice",
    )
    flags: int = u8(
        "Flags",
        "E: the payloads are encrypted. C: wait for CONNECTED. A: authenticated only.",
        labels=HeaderFlag,
        role="choice",
        default=0,
    )
    message_id: int = u32(
        "Message ID",
        "0 in phase 1. In phase 2 a random number that keeps exchanges apart.",
        show=_hex8,
        role="number",
        default=0,
    )
    length: int = u32("Length", "Octets of the whole message, header included.", role="plumbing", default=0)

    @property
    def encrypted(self) -> bool:
        return bool(self.flags & ENCRYPTION)


def read_header(octets: bytes) -> Header:
    """The header of a datagram. Raises WireError if it is too short to have one."""
    return Header.read(octets, 0, min(len(octets), HEADER_SIZE))
