"""What the lesson on ESP and AH holds for right is so, the engine being the judge; each slip gets its own hint."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable, Mapping

from ikelab.course import esp_and_ah
from ikelab.course.esp_and_ah import packets, parts
from ikelab.course.protected import Sent
from ikelab.course.runs import run
from ikelab.ipsec.boundary import Crossed
from tests.course.answers import Answers

Named = Mapping[str, bytes]
COVERED = ("SPI", "Sequence Number", "IV", "Ciphertext")


def joined(esp: Named, *names: str) -> bytes:
    return b"".join(esp[name] for name in names)


def proof(keys: Named, *covered: bytes) -> bytes:
    return hmac.digest(keys["integrity"], b"".join(covered), "sha256")


def right_icv(keys: Named, esp: Named) -> bytes:
    return proof(keys, joined(esp, *COVERED))[:16]


def right_size(inner: int) -> int:
    return 60 + (inner + 2 + 15) // 16 * 16


RIGHT = {
    "wire": "b",
    "opener": "b",
    "icv": right_icv,
    "tampered": "b",
    "late": [1, 2, 3, 5, 7],
    "ah_covers": "b",
    "nat": [3, 5, 6],
    "size": right_size,
}

WRONG_ICVS: list[tuple[Callable[[Named, Named], object], str]] = [
    (lambda keys, esp: proof(keys, joined(esp, *COVERED)), "All 32 octets"),
    (lambda keys, esp: proof(keys, joined(esp, *COVERED))[16:], "its last 16 octets"),
    (lambda keys, esp: proof(keys, esp["Outer IP header"], joined(esp, *COVERED))[:16], "is not covered by ESP"),
    (lambda keys, esp: proof(keys, esp["Ciphertext"])[:16], "The ciphertext alone"),
    (lambda keys, esp: proof(keys, esp["IV"], esp["Ciphertext"])[:16], "SPI and number are missing"),
    (lambda keys, esp: proof(keys, joined(esp, "SPI", "Sequence Number", "Ciphertext"))[:16], "The IV is missing"),
    (lambda keys, esp: proof(keys, joined(esp, *COVERED, "ICV"))[:16], "cannot cover itself"),
    (lambda keys, esp: hmac.digest(keys["encryption"], joined(esp, *COVERED), "sha256")[:16], "this one encrypts"),
    (lambda keys, esp: hashlib.sha256(joined(esp, *COVERED)).digest()[:16], "the plain hash"),
    (lambda keys, esp: hashlib.sha256(keys["integrity"] + joined(esp, *COVERED)).digest()[:16], "not yet HMAC"),
    (lambda keys, esp: hashlib.sha256(joined(esp, *COVERED) + keys["integrity"]).digest()[:16], "not yet HMAC"),
    (lambda keys, esp: proof(keys, joined(esp, *COVERED))[:12], "12 octets are what"),
    (lambda keys, esp: hmac.digest(keys["integrity"], joined(esp, *COVERED), "sha1")[:12], "This is HMAC-SHA-1"),
    (lambda keys, esp: hmac.digest(keys["integrity"], joined(esp, *COVERED), "sha1"), "This is HMAC-SHA-1"),
    (lambda keys, esp: b"", "Other octets"),
    (lambda keys, esp: esp["Nose"], "KeyError"),
]

WRONG_SIZES: list[tuple[Callable[[int], object], str]] = [
    (lambda inner: 60 + (inner + 15) // 16 * 16, "Pad length and next header"),
    (lambda inner: 62 + inner, "The padding is missing"),
    (lambda inner: 60 + inner, "there are padding, pad length"),
    (lambda inner: right_size(inner) - 20, "The new IP header is missing"),
    (lambda inner: right_size(inner) - 16, "the IV, or the ICV"),
    (lambda inner: right_size(inner) - 8, "SPI and number are missing"),
    (lambda inner: right_size(inner) + 16, "half of the HMAC"),
    (lambda inner: 60 + ((inner + 2) // 16 + 1) * 16, "94 and 2"),
    (lambda inner: 60 + (inner + 2) // 16 * 16, "You round down"),
    (lambda inner: 2 * inner, "Other sizes"),
    (lambda inner: inner / 2, "Expected a whole number"),
]

SLIPS: list[tuple[str, object, str]] = [
    ("wire", "a", "the header of the host's packet"),
    ("wire", "c", "the inner IP header: is it"),
    ("wire", "d", "Routers have to know"),
    ("opener", "a", "messages of IKE"),
    ("opener", "c", "Each direction has its own"),
    ("opener", "d", "it encrypts nothing"),
    ("tampered", "a", "whatever anybody sends"),
    ("tampered", "c", "Checksums find accidents"),
    ("tampered", "d", "It has not"),
    ("late", [1, 2, 3, 4, 5, 7], "The fourth is number 3"),
    ("late", [1, 2, 5, 7], "merely late"),
    ("late", [1, 2, 3], "The fifth jumps ahead"),
    ("late", [1, 2, 3, 5, 6, 7], "The sixth is number 60"),
    ("late", [1, 2, 3, 5], "110 back"),
    ("late", [2, 3, 5, 7], "Two things"),
    ("ah_covers", "a", "has the source address its sign"),
    ("ah_covers", "c", "it is covered"),
    ("ah_covers", "d", "no packet would survive"),
    ("nat", [1, 3, 5, 6], "AH's ICV covers the source"),
    ("nat", [5, 6], "Many pages say"),
    ("nat", [3, 4, 5, 6], "TCP's checksum covers"),
    ("nat", [3], "for NATs"),
    *(("icv", function, hint) for function, hint in WRONG_ICVS),
    *(("size", function, hint) for function, hint in WRONG_SIZES),
]


class TestQuestions(Answers):
    questions, right, slips = esp_and_ah.QUESTIONS, RIGHT, SLIPS


class TestWhatTheLessonShows:
    def test_a_listener_finds_no_address_of_a_host(self) -> None:
        packet = packets()[0]
        assert bytes((10, 1, 0, 10)) in packet.inner
        assert not any(address in packet.packet for address in (bytes((10, 1, 0, 10)), bytes((10, 2, 0, 10))))
        assert [piece.encrypted for piece in packet.pieces if piece.name == "Next Header"] == [True]

    def test_the_key_of_the_packets_own_spi_opens_it_and_no_other(self) -> None:
        talk = run("main")
        packet = talk.gateways().send("ping")
        assert isinstance(packet, Sent)
        assert packet["SPI"].hex() == "dc1761f5"
        assert packet.decrypted(talk.secret("encryption key dc1761f5").value).inside == packet.inner
        for name in ("SKEYID_e", "encryption key de121995", "PSK"):
            assert not packet.decrypted(talk.secret(name).value[:16]).inside

    def test_a_flipped_bit_is_refused_for_its_icv_and_its_packet_still_taken(self) -> None:
        pair = run("main").gateways()
        packet = pair.send("ping")
        assert isinstance(packet, Sent)
        assert "wrong ICV" in repr(pair.receive(packet.flipped("Inner payload")))
        assert "wrong ICV" in repr(pair.receive(packet.altered("Sequence Number", 99)))
        assert pair.receive(packet).taken

    def test_routers_may_change_the_ttl_under_ah_and_nothing_else_that_is_asked_about(self) -> None:
        def arrives(name: str) -> bool:
            pair = run("ah").gateways()
            packet = pair.send("ping")
            assert isinstance(packet, Sent)
            return isinstance(pair.receive(packet.flipped(name)).outcome, Crossed)

        assert arrives("TTL")
        assert not arrives("Source Address")

    def test_the_exercise_is_tried_with_packets_of_two_runs(self) -> None:
        assert len({esp["ICV"] for _, esp in parts()}) == len(parts()) == 4
