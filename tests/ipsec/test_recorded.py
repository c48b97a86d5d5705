"""Packets that Linux and strongSwan sent: received through a window, and made again from their insides."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from ikelab.crypto.protection import integrity_by_word
from ikelab.crypto.sa_keys import SaKeys
from ikelab.ike.beliefs import Beliefs
from ikelab.ipsec.ah import open_ah, seal_ah, spi_of as ah_spi_of
from ikelab.ipsec.association import Association, Inbound, Tunnel
from ikelab.ipsec.esp import open_esp, seal_esp, spi_of
from ikelab.ipsec.refused import Reason, Refused
from ikelab.ipsec.unprotect import Unprotected, unprotect, unprotect_esp
from ikelab.net.capture import read_capture
from ikelab.wire import ip
from tests.ipsec.test_esp import RECORDED, recorded_keys, recorded_packets
from tests.needs import captures_dir, needs

ENDS = Tunnel(source="10.99.0.1", destination="10.99.0.2")


@needs("shared-captures")
class TestEsp:
    @pytest.mark.parametrize(("name", "count"), RECORDED)
    def test_from_what_was_inside_the_same_octets_are_made(self, name: str, count: int) -> None:
        known, made = recorded_keys(name), 0
        for packet in recorded_packets(name):
            keys = known[spi_of(packet)]
            opened = open_esp(keys, packet)
            assert opened.next_header is not None
            assert seal_esp(keys, opened.sequence, opened.iv, opened.next_header, opened.payload) == packet
            made += 1
        assert made == count

    @pytest.mark.parametrize(("name", "count"), RECORDED)
    def test_each_is_received_once(self, name: str, count: int) -> None:
        tunnel = None if name == "uml_esp_transport" else ENDS
        sas = {spi: Inbound(Association(keys=keys, tunnel=tunnel)) for spi, keys in recorded_keys(name).items()}
        packets = [*recorded_packets(name)]
        for packet in packets:
            outcome = unprotect_esp(sas[spi_of(packet)], packet)
            assert isinstance(outcome, Unprotected), str(outcome)
            sas[spi_of(packet)] = outcome.sa
        again = [unprotect_esp(sas[spi_of(packet)], packet) for packet in packets]
        assert {outcome.reason for outcome in again if isinstance(outcome, Refused)} == {Reason.REPLAYED}
        assert len(again) == count


@needs("shared-captures")
class TestAh:
    def test_from_what_was_inside_the_same_octets_are_made(self) -> None:
        folder = captures_dir() / "uml_ah_tunnel"
        (quick,) = Beliefs.from_json(json.loads((folder / "facts.json").read_text("utf-8"))).quick
        plain = SaKeys(protocol="AH", spi=None, integrity=integrity_by_word("sha1"))
        known = {
            spi: replace(plain, spi=spi, auth_key=key)
            for spi, key in ((quick.spi_i, quick.auth_i), (quick.spi_r, quick.auth_r))
            if spi
        }
        sas = {spi: Inbound(Association(keys=keys, tunnel=ENDS)) for spi, keys in known.items()}
        packets = [each for each in read_capture(folder / "capture.pcap") if each.protocol == "ah"]
        assert len(packets) == 10
        for each in packets:
            spi, read = ah_spi_of(each.octets), ip.read_ip(each.ip)
            opened = open_ah(known[spi], each.ip)

            def around(behind: bytes, packet: bytes = each.ip, read: ip.IpPacket = read) -> bytes:
                return ip.with_payload(packet, read, 51, behind)

            made = seal_ah(known[spi], opened.sequence, b"", opened.next_header, opened.payload, around)
            assert made == each.ip[: read.end]
            outcome = unprotect(sas[spi], each.ip)
            assert isinstance(outcome, Unprotected), str(outcome)
            assert outcome.packet == opened.payload
            sas[spi] = outcome.sa
            assert isinstance(unprotect(sas[spi], each.ip), Refused)
