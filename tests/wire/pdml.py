"""What tshark makes of recorded messages: every field that it names, its place counted from the start of the octets.

tshark decrypts with the keys of facts.json and tells what it decrypted, so nothing here rests on this project's own
cryptography: the octets and the places are both tshark's.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

from tests.needs import program


@dataclass(frozen=True, kw_only=True)
class TsharkField:
    """One field: tshark's name for it, its place in a sheet of octets, its octets in hex (empty where not given)."""

    name: str
    at: int
    size: int
    value: str

    @property
    def end(self) -> int:
        return self.at + self.size


@dataclass(frozen=True, kw_only=True)
class TsharkSheet:
    """Octets and the fields that tshark sees in them; no octets where it decrypted to nonsense.

    kind: "datagram", "quoted in ICMP", "reassembled" or "decrypted".
    first: the type of the first payload of decrypted data.
    """

    frame: int
    kind: str
    octets: bytes | None
    fields: tuple[TsharkField, ...]
    first: int = 0


def run_tshark(folder: Path) -> bytes:
    """PDML of the capture in a folder, decrypted with the keys in its facts.json."""
    facts = json.loads((folder / "facts.json").read_text("utf-8"))
    tshark = program("tshark")
    assert tshark is not None, "the test that called should say needs('tshark')"
    command = [tshark, "-r", str(folder / "capture.pcap"), "-T", "pdml"]
    for row in facts.get("wireshark_ikev1_decryption_table", ()):
        command += ["-o", f"uat:ikev1_decryption_table:{row}"]
    return subprocess.run(command, capture_output=True, check=True, timeout=120).stdout


def sheets(pdml: bytes) -> Iterator[TsharkSheet]:
    """All sheets of IKE octets in a capture, in order: datagrams, and what was found inside them."""
    for packet in ElementTree.fromstring(pdml).iter("packet"):
        frame = int(_only(packet, "./proto[@name='geninfo']/field[@name='num']").get("show", ""))
        quoted = packet.find("./proto[@name='icmp']") is not None
        for message in packet.findall(".//proto[@name='isakmp']"):
            if _is_nested(packet, message):
                whole = _only(packet, ".//field[@name='isakmp.fragments']")
                pieces = [_octets(piece) for piece in whole.iter("field") if piece.get("name") == "isakmp.fragment"]
                yield from _message(frame, "reassembled", b"".join(pieces), message, 0)
            else:
                datagram = _only(packet, ".//field[@name='udp.payload']")
                at = _number(message, "pos")
                octets = _octets(datagram)[at - _number(datagram, "pos") :]
                yield from _message(frame, "quoted in ICMP" if quoted else "datagram", octets, message, at)


def _message(frame: int, kind: str, octets: bytes, message: ElementTree.Element, base: int) -> Iterator[TsharkSheet]:
    fields = tuple(_fields(message, base))
    yield TsharkSheet(frame=frame, kind=kind, octets=octets, fields=fields)
    for ciphertext in message.findall("./field[@name='isakmp.enc.data']"):
        groups = list(ciphertext)
        if not groups:
            continue
        plaintext = None if any(_is_invalid(group) for group in groups) else b"".join(map(_octets, groups))
        inside = tuple(_decrypted_fields(ciphertext))
        yield TsharkSheet(frame=frame, kind="decrypted", octets=plaintext, fields=inside, first=octets[16])


def _fields(parent: ElementTree.Element, base: int) -> Iterator[TsharkField]:
    """The fields below `parent`, without what is encrypted or in a message of its own."""
    for element in parent.findall("./field"):
        yield _field(element, _number(element, "pos") - base)
        if element.get("name") != "isakmp.enc.data":
            yield from _fields(element, base)


def _decrypted_fields(ciphertext: ElementTree.Element) -> Iterator[TsharkField]:
    """The fields of decrypted data.

    tshark counts the fields inside a payload from the start of the decrypted data. The payloads themselves it counts
    from there or from the start of the frame, where the ciphertext is; both are accepted, and must fit.
    """
    at = 0
    for payload in ciphertext:
        assert _number(payload, "pos") in (at, at + _number(ciphertext, "pos")), ElementTree.tostring(payload)[:200]
        yield _field(payload, at)
        yield from _fields(payload, 0)
        at += _number(payload, "size")


def _field(element: ElementTree.Element, at: int) -> TsharkField:
    value = element.get("unmaskedvalue") or element.get("value") or ""
    return TsharkField(name=element.get("name", ""), at=at, size=_number(element, "size"), value=value)


def _is_nested(packet: ElementTree.Element, message: ElementTree.Element) -> bool:
    return any(message in outer.findall(".//proto") for outer in packet.findall(".//proto[@name='isakmp']"))


def _is_invalid(element: ElementTree.Element) -> bool:
    """Whether tshark names a length that cannot be: it decrypted to nonsense."""
    return element.get("value") == "field length invalid!"


def _octets(element: ElementTree.Element) -> bytes:
    return bytes.fromhex(element.get("value", ""))


def _number(element: ElementTree.Element, attribute: str) -> int:
    return int(element.get(attribute, ""))


def _only(element: ElementTree.Element, path: str) -> ElementTree.Element:
    (found,) = element.findall(path)
    return found
