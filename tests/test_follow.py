"""Following a recording whole: IKE messages heard, ESP and AH packets opened with the keys that were agreed on."""

from __future__ import annotations

import hmac
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from scapy.layers.inet import ICMP, IP
from scapy.layers.ipsec import ESP, SecurityAssociation
from scapy.packet import Raw

from ikelab.crypto.protection import esp_cipher_by_word, integrity_by_word
from ikelab.crypto.sa_keys import SaKeys
from ikelab.follow import Followed, FollowedPacket, Follower, follow, heard
from ikelab.ike.beliefs import Beliefs, QuickBelief
from ikelab.net.capture import CapturedDatagram
from ikelab.net.peel import sent
from ikelab.wire.udp import Endpoint
from tests.cli.dissecting import datagrams, facts, only_psk_and_dh
from tests.needs import needs, recorded_conversations

A, B = Endpoint("10.0.0.1"), Endpoint("10.0.0.2")
SPI, OTHER_SPI = bytes.fromhex("11223344"), bytes.fromhex("55667788")
KEY, AUTH, OTHER_AUTH = bytes(range(16)), bytes(range(20)), bytes(range(1, 21))
AES, SHA1 = esp_cipher_by_word("aes128"), integrity_by_word("sha1")
READY = SaKeys(protocol="ESP", spi=SPI, cipher=AES, enc_key=KEY, integrity=SHA1, auth_key=AUTH)
PING = ICMP(type=8, id=7, seq=1) / Raw(b"ping of 16 octets"[:16])


def esp_association(**options: Any) -> SecurityAssociation:
    return SecurityAssociation(
        ESP,
        spi=int.from_bytes(SPI),
        crypt_algo="AES-CBC",
        crypt_key=KEY,
        auth_algo="HMAC-SHA1-96",
        auth_key=AUTH,
        **options,
    )


def authenticated(payload: bytes, *, protocol: int, number: int) -> CapturedDatagram:
    """A payload behind AH, its ICV made by hand (scapy signs an ESP packet inside instead)."""
    header = bytes([protocol, 4, 0, 0]) + OTHER_SPI + number.to_bytes(4)
    still = bytes(IP(src=A.address, dst=B.address, proto=51, id=0, ttl=0, chksum=0) / Raw(header + bytes(12) + payload))
    icv = hmac.digest(OTHER_AUTH, still, "sha1")[:12]
    return captured(IP(src=A.address, dst=B.address, proto=51, id=0, ttl=64) / Raw(header + icv + payload))


def captured(packet: IP, *, frame: int = 1) -> CapturedDatagram:
    """A packet that scapy made, as a capture would show it."""
    octets = bytes(packet)
    return CapturedDatagram(
        frame=frame,
        time=0.0,
        source=Endpoint(packet.src),
        destination=Endpoint(packet.dst),
        protocol="esp" if octets[9] == 50 else "ah",
        octets=octets[20:],
        ip=octets,
    )


def protected(**options: Any) -> CapturedDatagram:
    return captured(esp_association(**options).encrypt(IP(src=A.address, dst=B.address) / PING, seq_num=1))


def packets(made: Sequence[CapturedDatagram], beliefs: Beliefs) -> list[FollowedPacket]:
    return [each for each in follow(made, beliefs) if isinstance(each, FollowedPacket)]


@needs("shared-captures")
@pytest.mark.parametrize("conversation", recorded_conversations())
class TestEveryRecording:
    def test_packets_open_by_derived_keys_by_ready_ones_and_by_wiresharks(self, conversation: str) -> None:
        known, made = facts(conversation), datagrams(conversation)
        derived = packets(made, Beliefs.from_json(only_psk_and_dh(known)))
        for packet in derived:
            assert (packet.icv, packet.decrypted) == (True, True if packet.protocol == "ESP" else None)
            assert packet.remarks == ()
        ready = packets(made, Beliefs.from_json({"quick": known.get("quick", [])}))
        assert [(each.icv, each.inner) for each in ready] == [(each.icv, each.inner) for each in derived]
        if known.get("esp"):
            listed = packets(made, Beliefs.from_json({"esp": known["esp"]}))
            assert [(each.icv, each.inner) for each in listed] == [(each.icv, each.inner) for each in derived]

    def test_heard_are_the_ike_messages_alone(self, conversation: str) -> None:
        followed = [each.heard for each in follow(datagrams(conversation)) if isinstance(each, Followed)]
        assert list(heard(datagrams(conversation))) == followed
        assert all(message.octets[17] >> 4 == 1 for message in followed)

    def test_senders_are_told_by_the_sa_or_by_the_addresses(self, conversation: str) -> None:
        made = datagrams(conversation)
        with_keys = packets(made, Beliefs.from_json(only_psk_and_dh(facts(conversation))))
        without = packets(made, Beliefs())
        assert [each.sender for each in with_keys] == [each.sender for each in without]
        assert {each.sender for each in with_keys} <= {"initiator", "responder"}


@needs("shared-captures")
class TestWhatIsLacking:
    def test_the_secret_of_quick_modes_own_exchange_is_named(self) -> None:
        beliefs = Beliefs.from_json(only_psk_and_dh(facts("main_psk_pfs_libipsec")) | {"quick": []})
        found = packets(datagrams("main_psk_pfs_libipsec"), beliefs)
        assert {each.why_not for each in found} == {"its KEYMAT needs g(qm)^xy, not known"}
        assert {(each.decrypted, each.icv, each.keys) for each in found} == {(None, None, None)}

    def test_an_spi_that_nobody_heard_of(self) -> None:
        found = packets(datagrams("uml_ah_tunnel"), Beliefs())
        assert {each.why_not for each in found} == {"no key is known for its SPI"}
        assert all(each.inner and each.inner.startswith("10.") for each in found), "AH hides nothing"

    def test_a_packet_of_which_only_a_part_was_kept_is_not_judged(self) -> None:
        name = "uml_main_psk_esp"
        made = [replace(each, ip=each.ip[:90], octets=each.octets[:70]) if each.protocol == "esp" else each
                for each in datagrams(name)]  # fmt: skip
        found = packets(made, Beliefs.from_json(only_psk_and_dh(facts(name))))
        assert {(each.icv, each.decrypted, each.why_not) for each in found} == {
            (None, None, "the capture kept only a part of it")
        }

    def test_given_keys_that_do_not_fit_the_agreed_algorithms(self) -> None:
        known = only_psk_and_dh(facts("uml_main_psk_esp"))
        quick = facts("uml_main_psk_esp")["quick"][0] | {"enc_i": "00" * 7}
        found = packets(datagrams("uml_main_psk_esp"), Beliefs.from_json(known | {"quick": [quick]}))
        why = {each.why_not for each in found if each.sender == "initiator"}
        assert any("expected 16 octets, got 7" in sentence for sentence in why)


class TestKeysAtHand:
    def test_scapys_packet_opens(self) -> None:
        (found,) = packets([protected()], Beliefs(esp=(READY,)))
        assert (found.spi, found.sequence, found.icv, found.decrypted) == (SPI, 1, True, True)
        assert found.inner == "ICMP echo request, id 7, seq 1"
        assert (found.sender, found.encapsulated) == (None, False)

    def test_the_keys_that_prove_themselves_are_taken(self) -> None:
        wrong = replace(READY, spi=None, auth_key=OTHER_AUTH)
        unchecked = replace(READY, integrity=None, auth_key=None, unchecked_icv=12)
        for order in ([wrong, READY, unchecked], [unchecked, READY], [READY, wrong]):
            (found,) = packets([protected()], Beliefs(esp=tuple(order)))
            assert (found.keys, found.icv) == (READY, True)
        (found,) = packets([protected()], Beliefs(esp=(wrong, unchecked)))
        assert (found.keys, found.icv, found.decrypted) == (unchecked, None, True)

    def test_sizes_of_ready_keys_tell_the_algorithms(self) -> None:
        told = QuickBelief(spi_i=SPI, enc_i=KEY, auth_i=AUTH)
        (found,) = packets([protected()], Beliefs(quick=(told,)))
        assert found.keys == READY
        (found,) = packets([protected()], Beliefs(quick=(QuickBelief(spi_i=SPI, enc_i=KEY, auth_i=OTHER_AUTH),)))
        assert (found.icv, found.decrypted, found.inner) == (False, False, None)
        assert packets([protected()], Beliefs(quick=(QuickBelief(spi_r=OTHER_SPI, enc_r=KEY),)))[0].keys is None

    def test_what_ah_protects_may_be_an_esp_packet(self) -> None:
        inner = esp_association().encrypt(IP(src=A.address, dst=B.address) / PING, seq_num=5)
        outer = authenticated(bytes(inner[ESP]), protocol=50, number=9)
        ah = SaKeys(protocol="AH", spi=OTHER_SPI, integrity=SHA1, auth_key=OTHER_AUTH)
        told = QuickBelief(spi_i=OTHER_SPI, auth_i=OTHER_AUTH, protocol="AH")
        (found,) = packets([outer], Beliefs(esp=(READY,), quick=(told,)))
        assert (found.protocol, found.keys, found.icv, found.sequence) == ("AH", ah, True, 9)
        assert found.within is not None
        assert (found.within.icv, found.within.decrypted, found.within.sequence) == (True, True, 5)
        assert found.inner == "ESP, SPI 11223344, seq 5: ICMP echo request, id 7, seq 1"

    def test_in_udp_and_beside_keepalives(self) -> None:
        made = protected()
        source, destination = Endpoint(A.address, 4500), Endpoint(B.address, 61234)
        wrapped = sent(frame=1, time=0, source=source, destination=destination, octets=made.octets)
        awake = sent(frame=2, time=0, source=source, destination=destination, octets=b"\xff")
        found = list(follow([wrapped, awake], Beliefs(esp=(READY,))))
        assert [(each.encapsulated, each.icv) for each in found if isinstance(each, FollowedPacket)] == [(True, True)]
        assert len(found) == 1

    @pytest.mark.parametrize("octets", [b"", b"\x01\x02\x03\x04\x05"])
    def test_too_short_for_a_header(self, octets: bytes) -> None:
        for protocol in ("esp", "ah"):
            made = sent(frame=1, time=0, source=A, destination=B, octets=octets, protocol=protocol)  # type: ignore[arg-type]
            (found,) = packets([made], Beliefs(esp=(READY,)))
            assert (found.spi, found.sequence, found.decrypted, found.icv) == (None, None, None, None)
            assert found.error is not None

    def test_too_short_for_its_algorithms(self) -> None:
        made = sent(frame=1, time=0, source=A, destination=B, octets=SPI + bytes(10), protocol="esp")
        (found,) = packets([made], Beliefs(esp=(READY,)))
        assert (found.keys, found.opened) == (READY, None)
        assert "expected at least" in str(found.error)


class TestExtendedSequenceNumbers:
    """RFC 4303 §2.2.1: only the lower 32 bits travel, and the ICV covers all 64."""

    def test_the_upper_half_is_followed(self) -> None:
        keys = replace(READY, esn=True)
        numbers = [0xFFFFFFFE, 0xFFFFFFFF, 0x100000001, 0x100000003, 0xFFFFFFFD, 0x100000002]
        made = []
        for frame, number in enumerate(numbers, 1):
            association = esp_association(esn_en=True, esn=number >> 32)
            packet = association.encrypt(
                IP(src=A.address, dst=B.address) / PING, seq_num=number & 0xFFFFFFFF, esn_en=True, esn=number >> 32
            )
            made.append(captured(packet, frame=frame))
        found = packets(made, Beliefs(esp=(keys,)))
        assert [each.icv for each in found] == [True] * len(numbers)
        assert [each.sequence for each in found] == numbers


def test_the_time_of_the_first_datagram_is_kept() -> None:
    follower = Follower()
    assert follower.begun is None
    follower.hear(replace(protected(), time=5.0))
    follower.hear(replace(protected(), time=9.0))
    assert follower.begun == 5.0
