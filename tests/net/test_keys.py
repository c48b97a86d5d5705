"""The keys of a run open its recording: for ikelab, which reads them back, and for Wireshark."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from ikelab.follow import Followed, Follower
from ikelab.ike.beliefs import Beliefs, parse_keys
from ikelab.net.capture import CapturedDatagram, sent, write_capture
from ikelab.net.keys import keys_object
from ikelab.net.link import Link
from ikelab.net.results import Run
from tests.ike.two_peers import ALICE, BOB, mirrored, peer, run, wish
from tests.interop.recorder import tshark_decrypt
from tests.needs import needs

SUITES = [
    ("main", "aes128-sha1-modp2048", "aes128-sha1"),
    ("main", "aes256-sha256-curve25519", "aes256-sha256-curve25519"),
    ("aggressive", "3des-md5-modp1024", "aes256gcm16"),
    ("aggressive", "aes192-sha384-ecp256", "null-sha512"),
    ("main", "aes128-sha512-modp1536", "3des-md5-modp2048"),
    ("main", "aes128-sha256-curve25519", "aes256ctr-aesxcbc"),
    ("main", "aes128-sha256-curve25519", "aes128ccm12"),
    ("main", "aes128-sha256-curve25519", "aes192gmac"),
]


def link_of(mode: str, ike: str, esp: str) -> Link:
    connection = wish(mode="main" if mode == "main" else "aggressive", ike=ike, esp=esp)
    return run(peer(connection, ALICE), peer(mirrored(connection), BOB))


def captured(link: Link) -> Iterator[CapturedDatagram]:
    for carried in link.wire:
        yield sent(
            frame=carried.number,
            time=1.0 + carried.time,
            source=carried.source,
            destination=carried.destination,
            octets=carried.octets,
        )


@pytest.mark.parametrize(("mode", "ike", "esp"), SUITES)
class TestWhoIsToldTheKeys:
    def test_a_listener_opens_and_verifies_every_message(self, mode: str, ike: str, esp: str) -> None:
        link = link_of(mode, ike, esp)
        keys = parse_keys(json.dumps(keys_object(Run(link.moments, link.wire))))
        assert keys.remarks == ()
        follower = Follower(keys)
        followed = [follower.hear(datagram) for datagram in captured(link)]
        assert all(isinstance(each, Followed) and each.decrypted is not False for each in followed)
        proofs = [each.verified for each in followed if isinstance(each, Followed)]
        held = {name for verified in proofs for name, holds in verified.items() if holds}
        assert held == {"HASH_I", "HASH_R", "HASH(1)", "HASH(2)", "HASH(3)"}
        assert all(all(verified.values()) for verified in proofs)

    def test_one_sides_keys_say_as_much_as_both(self, mode: str, ike: str, esp: str) -> None:
        link = link_of(mode, ike, esp)
        whole = keys_object(Run(link.moments, link.wire))
        for actor in (ALICE, BOB):
            assert keys_object(Run([each for each in link.moments if each.actor == actor], link.wire)) == whole

    @needs("tshark")
    def test_tshark_decrypts_every_message(self, tmp_path: Path, mode: str, ike: str, esp: str) -> None:
        link = link_of(mode, ike, esp)
        keys = keys_object(Run(link.moments, link.wire))
        write_capture(tmp_path / "run.pcap", captured(link))
        frames = tshark_decrypt(
            tmp_path / "run.pcap", keys["wireshark_ikev1_decryption_table"], esp_table=keys["wireshark_esp_sa"]
        )
        assert len(frames) == len(link.wire)
        assert [frame["typepayload"].split(",")[0] for frame in frames] == (
            ["1", "1", "4", "4", "5", "5", "8", "8", "8"] if mode == "main" else ["1", "1", "8", "8", "8", "8"]
        )


class TestTheShape:
    def test_it_is_that_of_a_recorded_conversation(self) -> None:
        keys = keys_object(Run(*_taped(link_of("main", "aes128-sha1-curve25519", "aes128-sha1-curve25519"))))
        (ike,), (quick,), esp = keys["ike"], keys["quick"], keys["esp"]
        assert ike.keys() == {
            *("cookie_i", "cookie_r", "g_xy", "SKEYID", "SKEYID_d", "SKEYID_a", "SKEYID_e", "Ka", "iv0"),
            *("HASH_I", "HASH_R"),
        }
        assert quick.keys() == {"protocol", "spi_i", "spi_r", "g_xy", "enc_i", "enc_r", "auth_i", "auth_r"}
        assert {entry["spi"]: entry["enc"] for entry in esp} == {
            quick["spi_i"]: quick["enc_i"],
            quick["spi_r"]: quick["enc_r"],
        }
        assert keys["wireshark_ikev1_decryption_table"] == [f"{ike['cookie_i']},{ike['Ka']}"]
        assert keys["wireshark_esp_sa"][0] == (
            f'"IPv4","*","*","0x{esp[0]["spi"]}","AES-CBC [RFC3602]","0x{esp[0]["enc"]}",'
            f'"HMAC-SHA-1-96 [RFC2404]","0x{esp[0]["auth"]}"'
        )

    def test_two_pre_shared_keys_are_two_entries(self) -> None:
        link = run(peer(wish(), ALICE), peer(mirrored(wish(psk=b"\xff\x00 not a text")), BOB))
        keys = keys_object(Run(link.moments, link.wire))
        assert keys["psk"] == "correct horse battery staple"
        assert [entry.get("psk") for entry in keys["ike"]] == [None, "0xff00206e6f74206120746578" + "74"]
        assert keys["ike"][0]["SKEYID"] != keys["ike"][1]["SKEYID"]
        assert len(Beliefs.from_json(keys).ike) == 2

    def test_a_run_without_secrets_has_none_to_give(self) -> None:
        link = run(peer(wish(), ALICE), peer(mirrored(wish(ike="aes256-sha1-curve25519")), BOB))
        keys = keys_object(Run(link.moments, link.wire))
        assert keys == {
            "psk": "correct horse battery staple",
            "ike": [],
            "quick": [],
            "esp": [],
            "wireshark_ikev1_decryption_table": [],
            "wireshark_esp_sa": [],
        }

    def test_wireshark_has_no_name_for_camellia(self) -> None:
        keys = keys_object(Run(*_taped(link_of("main", "aes128-sha1-curve25519", "camellia128-sha1"))))
        assert keys["wireshark_esp_sa"] == []
        assert len(keys["esp"]) == 2


def _taped(link: Link) -> tuple[list, list]:  # type: ignore[type-arg]
    return link.moments, link.wire
