"""Recorded gateways agree: from PSK and g^xy to the last ESP key, walked by hand with nothing of ikelab but its crypto.

The walk here knows Main Mode and Quick Mode without retransmissions, as these recordings hold them; following any
conversation is `ikelab.ike.listen`'s business.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from scapy.utils import RawPcapReader

from ikelab.crypto.book import Book, Chapter, Method
from ikelab.crypto.protection import Protection, esp_cipher_by_number, integrity_by_number
from ikelab.crypto.suite import Cipher, cipher_by_number, hash_by_number
from tests.needs import needs

SA, KE, ID, HASH, NONCE, NAT_D = 1, 4, 5, 8, 10, 20
MAIN_MODE, QUICK_MODE = 2, 32
CONVERSATIONS = [
    "ike_des_md5_modp768",
    "main_psk_nopfs",
    "main_psk_pfs_libipsec",
    "esp_3des_sha1",
    "esp_aes128gcm16",
    "group_curve25519",
    "group_ecp256",
    "pluto_ini_main_psk",
    "uml_ah_tunnel",
    "uml_esp_null_sha1",
    "main_ecdsa256",
]


def datagrams(capture: Path) -> Iterator[bytes]:
    """The ISAKMP messages of a capture of IPv4, in order."""
    with RawPcapReader(str(capture)) as frames:
        skipped = {1: 14, 101: 0, 228: 0, 12: 0}[frames.linktype]  # Ethernet has a header of its own, raw IP has none
        for frame, _ in frames:
            packet = frame[skipped:]
            if packet[:1] != b"\x45" or packet[9] != 17:
                continue
            data = packet[28 : int.from_bytes(packet[2:4])]
            if 4500 in struct.unpack_from("!HH", packet, 20):
                data = data[4:] if data[:4] == bytes(4) else b""
            if len(data) >= 28 and data[17] == 0x10:
                yield data


def chain(first: int, octets: bytes) -> Iterator[tuple[int, bytes, bytes]]:
    """(type, body, all from its generic header on) of each payload."""
    at = 0
    while first:
        following, _, length = struct.unpack_from("!BBH", octets, at)
        yield first, octets[at + 4 : at + length], octets[at:]
        first, at = following, at + length


def attributes(octets: bytes) -> dict[int, int]:
    found, at = {}, 0
    while at < len(octets):
        kind, value = struct.unpack_from("!HH", octets, at)
        found[kind & 0x7FFF] = value if kind & 0x8000 else int.from_bytes(octets[at + 4 : at + 4 + value])
        at += 4 if kind & 0x8000 else 4 + value
    return found


def chosen(sa: bytes) -> tuple[int, bytes, int, dict[int, int]]:
    """Protocol, SPI, transform and attributes of an SA payload that holds one proposal with one transform."""
    _, _, _, _, protocol, spi_size, _ = struct.unpack_from("!BBHBBBB", sa, 8)
    spi, transform = sa[16 : 16 + spi_size], sa[16 + spi_size :]
    (length,) = struct.unpack_from("!H", transform, 2)
    return protocol, spi, transform[5], attributes(transform[8:length])


class Walk:
    """Main Mode and the first Quick Mode of one conversation."""

    def __init__(self, folder: Path) -> None:
        self.facts: dict[str, Any] = json.loads((folder / "facts.json").read_text("utf-8"))
        self.ike = self.facts["ike"][0]
        cookie = bytes.fromhex(self.ike["cookie_i"])
        mine = [data for data in datagrams(folder / "capture.pcap") if data[:8] == cookie]
        self.main = [data for data in mine if data[18] == MAIN_MODE]
        first = next(data[20:24] for data in mine if data[18] == QUICK_MODE)
        self.quick = [data for data in mine if data[18] == QUICK_MODE and data[20:24] == first]
        assert (len(self.main), len(self.quick)) == (6, 3)

    def plain(self, message: int) -> dict[int, bytes]:
        data = self.main[message - 1]
        return {kind: body for kind, body, _ in chain(data[16], data[28:])}

    def phase_1(self) -> tuple[Book, Cipher]:
        offer, answer, third, fourth = (self.plain(number) for number in (1, 2, 3, 4))
        _, _, _, agreed = chosen(answer[SA])
        algorithm = hash_by_number(agreed[2])
        cipher = cipher_by_number(agreed[1], agreed.get(14))
        given = {
            "PSK": self.facts.get("psk", "").encode(),
            "g^xy": bytes.fromhex(self.ike["g_xy"]),
            "CKY-I": self.main[1][:8],
            "CKY-R": self.main[1][8:16],
            "Ni_b": third[NONCE],
            "Nr_b": fourth[NONCE],
            "g^xi": third[KE],
            "g^xr": fourth[KE],
            "SAi_b": offer[SA],
        }
        return Book(Method.of(agreed[3]), None, algorithm, given, cipher=cipher), cipher


@needs("shared-captures")
@pytest.mark.parametrize("name", CONVERSATIONS)
def test_secrets_proofs_and_keys_are_those_that_the_gateways_logged(captures: Path, name: str) -> None:
    walk = Walk(captures / name)
    book, cipher = walk.phase_1()
    for fact in ("SKEYID", "SKEYID_d", "SKEYID_a", "SKEYID_e", "Ka"):
        assert book[fact].value.hex() == walk.ike[fact], fact
    assert walk.ike["iv0"].startswith(book["IV"].value.hex())

    key, iv = book["Ka"].value, book["IV"].value
    for number, proof in ((5, "HASH_I"), (6, "HASH_R")):
        data = walk.main[number - 1]
        payloads = {kind: body for kind, body, _ in chain(data[16], cipher.decrypt(key, iv, data[28:]))}
        iv = data[-cipher.block_size :]
        book = book.also({"IDii_b" if number == 5 else "IDir_b": payloads[ID]})
        assert book[proof].value.hex() == walk.ike[proof]
        assert book.method is Method.SIG or payloads[HASH] == book[proof].value

    check_quick_mode(walk, book.also({"last_block": iv}), cipher)


def check_quick_mode(walk: Walk, book: Book, cipher: Cipher) -> None:
    exchange = book.chapter(Chapter.QUICK_MODE, {"M-ID": walk.quick[0][20:24]})
    key, iv = book["Ka"].value, exchange["IV"].value
    opened = []
    for number, data in enumerate(walk.quick, start=1):
        clear = cipher.decrypt(key, iv, data[28:])
        iv = data[-cipher.block_size :]
        payloads = list(chain(data[16], clear))
        (_, proof, _), rest = payloads[0], payloads[1:]
        end = sum(len(body) + 4 for _, body, _ in rest)
        if NONCE in (named := {kind: body for kind, body, _ in rest}):
            exchange = exchange.also({"Ni_b" if number == 1 else "Nr_b": named[NONCE]})
            message = exchange.chapter(Chapter.QUICK_MODE, {"payloads": rest[0][2][:end]})
        assert (message if number < 3 else exchange)[f"HASH({number})"].value == proof
        opened.append(named)

    facts = walk.facts["quick"][0]
    (protocol, spi_of_initiator, _, _), (_, spi_of_responder, transform, agreed) = (
        chosen(each[SA]) for each in opened[:2]
    )
    cipher_of_esp = esp_cipher_by_number(transform, agreed.get(6)) if protocol == 3 else None
    protection = Protection(cipher=cipher_of_esp, integrity=integrity_by_number(agreed[5]) if 5 in agreed else None)
    if "g_xy" in facts:
        exchange = exchange.also({"g(qm)^xy": bytes.fromhex(facts["g_xy"])})
    assert (KE in opened[0]) is ("g_xy" in facts)
    for sender, spi in (("i", spi_of_responder), ("r", spi_of_initiator)):
        given = {"protocol": bytes((protocol,)), "SPI": spi}
        sa = exchange.chapter(Chapter.QUICK_MODE, given, keymat_size=protection.keymat_size)
        encryption, integrity = protection.split(sa["KEYMAT"].value)
        assert encryption.hex() == facts.get(f"enc_{sender}", "")
        assert integrity.hex() == facts.get(f"auth_{sender}", "")
        assert spi.hex() == facts[f"spi_{sender}"]
