"""How the octets of an ESP or AH packet become a list of explained fields, in the form in which a trace has them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ikelab.ipsec.ah import FIXED_SIZE, OpenedAh
from ikelab.ipsec.esp import HEADER_SIZE, OpenedEsp
from ikelab.ipsec.inner import inner_summary
from ikelab.ipsec.packet import FollowedPacket
from ikelab.wire.numbers import IpProtocol

Piece = tuple[str, int, str, str, str, str]
"""Name, size in octets, role, text ("" for the octets in hex), explanation, clause."""


def sheets_of_packet(packet: FollowedPacket) -> list[dict[str, Any]]:
    """The packet as it travelled and, where a key opened it, what was inside."""
    if packet.spi is None:
        return [_sheet("On the wire", packet.octets, _rest("Unreadable", str(packet.error), "error"))]
    if packet.protocol == "AH":
        opened = packet.opened if isinstance(packet.opened, OpenedAh) else None
        return [_sheet("On the wire", packet.octets, _ah(packet.octets, opened))]
    opened_esp = packet.opened if isinstance(packet.opened, OpenedEsp) else None
    sheets = [_sheet("On the wire", packet.octets, _esp(packet.octets, opened_esp))]
    if opened_esp is not None and opened_esp.plaintext is not None and packet.keys is not None:
        inside = _sheet("Decrypted", opened_esp.plaintext, _inside_esp(opened_esp))
        cipher = packet.keys.cipher.label if packet.keys.cipher else ""
        key = (packet.keys.enc_key or b"").hex()
        sheets.append(inside | {"key": cipher, "key_value": key, "iv": opened_esp.iv.hex(), "iv_note": "sent along"})
    return sheets


def _sheet(title: str, octets: bytes, pieces: Iterator[Piece]) -> dict[str, Any]:
    return {
        "title": title,
        "octets": octets.hex(),
        "key": None,
        "iv": None,
        "iv_note": None,
        "fields": list(_fields(octets, pieces)),
    }


def _fields(octets: bytes, pieces: Iterator[Piece]) -> Iterator[dict[str, Any]]:
    """The pieces one behind the other; one of size -1 takes all that is left."""
    at = 0
    for name, size, role, text, explain, rfc in pieces:
        size = len(octets) - at if size < 0 else size
        if size:
            yield {
                "name": name,
                "symbol": "",
                "at": at,
                "size": size,
                "depth": 0,
                "parent": -1,
                "kind": {"cipher": "ciphertext", "error": "error", "padding": "padding"}.get(role, "field"),
                "role": "plumbing" if role == "padding" else role,
                "text": text or octets[at : at + size].hex(),
                "explain": explain,
                "rfc": rfc,
                "leaf": True,
            }
        at += size


def _rest(name: str, explain: str, role: str) -> Iterator[Piece]:
    yield name, -1, role, "", explain, ""


def _esp(octets: bytes, opened: OpenedEsp | None) -> Iterator[Piece]:
    number = int.from_bytes(octets[4:HEADER_SIZE])
    yield (
        "SPI",
        4,
        "number",
        "",
        "Tells the receiver which SA, and so which keys. The receiver chose it.",
        "RFC 4303 §2.1",
    )
    yield (
        "Sequence Number",
        4,
        "number",
        str(number),
        "Counts the packets of this SA; a repeat is refused.",
        "RFC 4303 §2.2",
    )
    if opened is None:
        yield from _rest(
            "Encrypted Data", "Closed: IV, ciphertext and ICV, as long as no key says how long each is.", "cipher"
        )
        return
    yield "IV", len(opened.iv), "public", "", "Starts the cipher for this one packet.", "RFC 4303 §2.3"
    yield (
        "Encrypted Data",
        len(opened.ciphertext),
        "cipher",
        "",
        "The packet inside, with its padding.",
        "RFC 4303 §2.3",
    )
    yield "ICV", -1, "proof", "", "Proves that nothing from the SPI on was altered.", "RFC 4303 §2.8"


def _inside_esp(opened: OpenedEsp) -> Iterator[Piece]:
    if opened.next_header is None:
        yield from _rest("Nonsense", "; ".join(opened.remarks), "error")
        return
    inside = inner_summary(opened.next_header, opened.payload)
    label = f"{IpProtocol(opened.next_header).label} ({opened.next_header})"
    yield "Payload Data", len(opened.payload), "public", inside, "What is protected.", "RFC 4303 §2.3"
    yield "Padding", len(opened.padding), "padding", "", "Fills the last block: 1, 2, 3, ...", "RFC 4303 §2.4"
    yield "Pad Length", 1, "plumbing", str(opened.pad_length), "Octets of padding before this one.", "RFC 4303 §2.5"
    yield (
        "Next Header",
        1,
        "choice",
        label,
        "What the payload is: a whole IP packet means tunnel mode.",
        "RFC 4303 §2.6",
    )


def _ah(octets: bytes, opened: OpenedAh | None) -> Iterator[Piece]:
    label, size = f"{IpProtocol(octets[0]).label} ({octets[0]})", (octets[1] + 2) * 4
    number = int.from_bytes(octets[8:FIXED_SIZE])
    yield (
        "Next Header",
        1,
        "choice",
        label,
        "What follows this header: a whole IP packet means tunnel mode.",
        "RFC 4302 §2.1",
    )
    yield (
        "Payload Len",
        1,
        "plumbing",
        f"{octets[1]}",
        f"Length of this header in words, less 2: {size} octets.",
        "RFC 4302 §2.2",
    )
    yield "RESERVED", 2, "plumbing", "", "Unused: senders write 0.", "RFC 4302 §2.3"
    yield (
        "SPI",
        4,
        "number",
        "",
        "Tells the receiver which SA, and so which key. The receiver chose it.",
        "RFC 4302 §2.4",
    )
    yield (
        "Sequence Number",
        4,
        "number",
        str(number),
        "Counts the packets of this SA; a repeat is refused.",
        "RFC 4302 §2.5",
    )
    if not FIXED_SIZE <= size <= len(octets):
        yield from _rest("Unreadable", f"the header claims {size} octets, {len(octets)} are there", "error")
        return
    icv = len(opened.icv) if opened else size - FIXED_SIZE
    yield "ICV", icv, "proof", "", "Proves that neither packet nor addresses were altered.", "RFC 4302 §2.6"
    yield "Padding", size - FIXED_SIZE - icv, "padding", "", "Aligns what follows.", "RFC 4302 §2.6"
    yield (
        "Payload",
        -1,
        "public",
        inner_summary(octets[0], octets[size:]),
        "What is protected, for all to read.",
        "",
    )
