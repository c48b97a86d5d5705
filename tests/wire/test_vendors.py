"""Vendor IDs against published octets, against tshark, and against what real peers sent."""

from __future__ import annotations

import re
import struct
import subprocess
from collections import Counter
from hashlib import md5
from pathlib import Path

import pytest
from hypothesis import given, strategies as st

from ikelab.wire.vendors import KNOWN, KnownVendor, vendor
from tests.needs import needs, recorded_conversations

PUBLISHED = {
    # octets: name, detail. Octets as drafts, RFCs and other implementations print them.
    "4a131c81070358455c5728f20e95452f": ("NAT-Traversal (RFC 3947)", ""),
    "4485152d18b6bbcd0be8a8469579ddcc": ("draft-ietf-ipsec-nat-t-ike-00", ""),
    "16f6ca16e4a4066d83821a0f0aeaa862": ("draft-ietf-ipsec-nat-t-ike-01", ""),
    "cd60464335df21f87cfdb2fc68b6a448": ("draft-ietf-ipsec-nat-t-ike-02", ""),
    "90cb80913ebb696e086381b5ec427b1f": ("draft-ietf-ipsec-nat-t-ike-02 (with newline)", ""),
    "7d9419a65310ca6f2c179d9215529d56": ("draft-ietf-ipsec-nat-t-ike-03", ""),
    "9909b64eed937c6573de52ace952fa6b": ("draft-ietf-ipsec-nat-t-ike-04", ""),
    "80d0bb3def54565ee84645d4c85ce3ee": ("draft-ietf-ipsec-nat-t-ike-05", ""),
    "4d1e0e136deafa34c4f3ea9f02ec7285": ("draft-ietf-ipsec-nat-t-ike-06", ""),
    "439b59f8ba676c4c7737ae22eab8f582": ("draft-ietf-ipsec-nat-t-ike-07", ""),
    "8f8d83826d246b6fc7a8a6a428c11de8": ("draft-ietf-ipsec-nat-t-ike-08", ""),
    "4df37928e9fc4fd1b3262170d515c662": ("draft-ietf-ipsec-nat-t-ike", ""),
    "810fa565f8ab14369105d706fbd57279": ("RFC XXXX", ""),
    "27bab5dc01ea0760ea4e3190ac27c0d0": ("draft-stenberg-ipsec-nat-traversal-01", ""),
    "6105c422e76847e43f9684801292aecd": ("draft-stenberg-ipsec-nat-traversal-02", ""),
    "09002689dfd6b712": ("XAuth", ""),
    "09002689dfd6b71280a224dec33b81e5": ("XAuth", "the whole digest, not only its first half"),
    "12f5f28c457168a9702d9fe274cc0100": ("Cisco Unity", "version 1.0"),
    "12f5f28c457168a9702d9fe274cc0201": ("Cisco Unity", "version 2.1"),
    "afcad71368a1f1c96b8696fc77570100": ("Dead Peer Detection", "version 1.0"),
    "4048b7d56ebce88525e7de7f00d6c2d3": ("IKE fragmentation", ""),
    "4048b7d56ebce88525e7de7f00d6c2d380000000": ("IKE fragmentation", "in Main and Aggressive Mode"),
    "4048b7d56ebce88525e7de7f00d6c2d3c0000000": ("IKE fragmentation", "in Main, Aggressive and Base Mode"),
    "1e2b516905991c7d7c96fcbfb587e46100000002": ("Microsoft Windows", "Windows 2000"),
    "1e2b516905991c7d7c96fcbfb587e46100000009": ("Microsoft Windows", "Windows 8 or later"),
    "1e2b516905991c7d7c96fcbfb587e461000000040d000014": ("Microsoft Windows", "Windows XP SP2 or Server 2003"),
    "1e2b516905991c7d7c96fcbfb587e461000000ff": ("Microsoft Windows", "followed by 000000ff"),
    "1e2b516905991c7d7c96fcbfb587e461": ("Microsoft Windows", ""),
    "26244d38eddb61b3172a36e3d0cfb819": ("Vid-Initial-Contact", ""),
    "fb1de3cdf341b7ea16b7e5be0855f120": ("MS-Negotiation Discovery Capable", ""),
    "e3a5966a76379fe707228231e5ce8652": ("IKE CGA version 1", ""),
    "214ca4faffa7f32d6748e5303395ae83": ("MS-MamieExists", ""),
    "72872b95fcda2eb708efe322119b4971": ("NLBS_PRESENT", ""),
    "8aa394cf8a5577dc3110c113b027a4f2": ("Microsoft Xbox One 2013", ""),
    "686a8cbdfe634b405146fb2baf33e9e8": ("MSFT IPsec Security Realm Id", ""),
    "01528bbbc00696121849ab9a1c5b2a5100000001": ("Microsoft key modules", "AuthIP"),
    "7bb93867d76c8d80df0f40fae8fc3b1900000004": ("Microsoft AuthIP group", "group 19"),
    "621b04bb09882ac1e15935fefa24aeee": ("GSSAPI", ""),
    "ad2c0dd0b9c32083ccba25b8861ec455": ("GSS-API authentication", ""),
    "b46d8914f3aaa3f2fedeb7c7db2943ca": ("GSS-API authentication (with newline)", ""),
    "1f07f70eaa6514d3b0fa96542a500306": ("Cisco VPN 3000", "version 3.0.6"),
    "1f07f70eaa6514d3b0fa96542a500407": ("Cisco VPN 3000", "version 4.0.7"),
    "f6f7efc7f5aeb8cb158cb9d094ba69e7": ("Altiga Networks", ""),
    "7003cbc1097dbe9c2600ba6983bc8b35": ("racoon (KAME)", ""),
    "20a3622c1cea7ce37bee3ca484425276": ("racoon (ipsec-tools)", ""),
    "882fe56d6fd20dbc2251613b2ebe5beb": ("strongSwan", ""),
    "50760f624c63e5c53eea386c685ca083": ("ESPThruNAT", ""),
    "6a7434c19d7e36348090a02334c9c805": ("draft-huttunen-ipsec-esp-in-udp-00.txt", ""),
    "c40fee00d5d39ddb1fc762e09b7cfea7": ("Testing NAT-T RFC", ""),
    "ba290499c24e84e53a1d83a05e5f00c9": ("CRACK", ""),
    "0d33611a5d521b5e3c9c03d2fc107e12": ("CRACK (with newline)", ""),
    "ad3251042cdc4652c9e0734ce5de4c7d": ("CRACK (Revised)", ""),
    "054182a07c7ae206f9d2cf9d2432c482": ("SSH Sentinel", ""),
    "eb4b0d96276b4e220ad16221a7b2a5e6": ("SSH Sentinel 1.4.1", ""),
    "fbf47614984031fa8e3bb6198089b223": ("SSH IPSEC Express 1.1.0", ""),
    "09ec27bfbc09c75823cfecbffe565a2e": ("SSH IPSEC Express 1.2.2", ""),
    "7f21a596e4e318f0b2f4944c2384cb84": ("SSH IPSEC Express 2.0.0", ""),
    "6880c7d026099114e486c55430e7abee": ("SSH IPSEC Express 4.2.0", ""),
    "4f70656e5047503130313731": ("OpenPGP", ""),
    "54494d455354455020312053475720313532302033313520322e303145303133": ("TimeStep", "1 SGW 1520 315 2.01E013"),
    "4865617274426561745f4e6f74696679386b0100": ("Heartbeat Notify", "followed by 386b0100"),
    "424e45530000000a": ("Nortel Contivity", "followed by 0000000a"),
    "434953434f56504e2d5245562d3032": ("Cisco VPN revision 2", ""),
    "8299031757a36082c6a621de00050000": ("FortiGate", "release 5, build 0"),
    "f4ed19e0c114eb516faaac0ee37daf2807b4381f000000010000138d0000000000000000000000000000": (
        "Check Point",
        "Firewall-1 NG AI R55",
    ),
    "f4ed19e0c114eb516faaac0ee37daf2807b4381f": ("Check Point", ""),
    "699369228741c6d4ca094c93e242c9de19e7b7c60000000500000500": ("NetScreen", "followed by 0000000500000500"),
    "47bbe7c993f1fc13b4e6d0db565c68e501": ("SafeNet SoftRemote", "followed by 01"),
    "4f452d4c696272657377616e2d342e3130": ("libreswan", "4.10"),
}

UNKNOWN_TO_US = (
    b"",
    b"\x00",
    bytes(16),
    b"OE",
    b"OE1234567890",
    b"OEabcdefghijk",
    bytes.fromhex("4a131c81070358455c5728f20e95452f00"),
    bytes.fromhex("4a131c81070358455c5728f20e9545"),
    bytes.fromhex("afcad71368a1f1c96b8696fc7757"),
    bytes.fromhex("afcad71368a1f1c96b8696fc7757010000"),
    bytes.fromhex("09002689dfd6b71200"),
    bytes.fromhex("4048b7d56ebce88525e7de7f00d6c2d38000"),
    bytes.fromhex("8299031757a36082c6a621de"),
)


def octets_to_send(known: KnownVendor) -> bytes:
    """The constant of a vendor ID, and something that may follow it."""
    endings = (b"", b"\x01\x00", b"\x00\x00\x00\x05", b"abcdefghij")
    return next(
        known.octets + ending
        for ending in endings
        if (said := vendor(known.octets + ending)) and said.name == known.vendor.name
    )


class TestRecognising:
    @pytest.mark.parametrize("octets", PUBLISHED)
    def test_published_octets_have_their_name(self, octets: str) -> None:
        said = vendor(bytes.fromhex(octets))
        assert said is not None
        assert (said.name, said.detail) == PUBLISHED[octets]

    @pytest.mark.parametrize("octets", UNKNOWN_TO_US, ids=bytes.hex)
    def test_does_not_guess(self, octets: bytes) -> None:
        assert vendor(octets) is None

    @given(octets=st.binary(max_size=64))
    def test_any_octets_have_an_answer(self, octets: bytes) -> None:
        said = vendor(octets)
        assert said is None or any(octets.startswith(k.octets) and k.vendor.name == said.name for k in KNOWN)

    @given(known=st.sampled_from(KNOWN), rest=st.binary(max_size=24))
    def test_whatever_follows_a_constant_is_read_or_refused(self, known: KnownVendor, rest: bytes) -> None:
        said = vendor(known.octets + rest)
        assert said is None or said.detail.isprintable()
        if known.tail is None and not rest:
            assert said == known.vendor

    def test_the_longest_constant_wins(self) -> None:
        assert (said := vendor(b"OE-Libreswan-5.0")) is not None
        assert said.name == "libreswan"
        assert (said := vendor(bytes.fromhex("4f4548724b6e5e68557c604f"))) is not None
        assert said.name == "Openswan 2.2.0"
        assert (said := vendor(b"OEabcdefghij")) is not None
        assert (said.name, said.detail) == ("FreeS/WAN family", "abcdefghij")


class TestDeclarations:
    def test_octets_are_declared_once(self) -> None:
        assert [octets for octets, times in Counter(known.octets for known in KNOWN).items() if times > 1] == []

    @pytest.mark.parametrize("known", KNOWN, ids=lambda known: f"{known.vendor.name}-{known.octets[:2].hex()}")
    def test_each_can_be_met_and_explains_itself(self, known: KnownVendor) -> None:
        said = vendor(octets_to_send(known))
        assert said is not None
        assert said.name == known.vendor.name
        assert re.fullmatch(r"[A-Z\"].{8,118}[.]", said.meaning), said
        assert re.fullmatch(r"[A-Z\"].+[.]", said.origin), said

    @pytest.mark.parametrize("known", KNOWN, ids=lambda known: f"{known.vendor.name}-{known.octets[:2].hex()}")
    def test_the_octets_are_what_the_origin_says(self, known: KnownVendor) -> None:
        origin = known.vendor.origin
        *_, text = ("", *(quoted.replace(r"\n", "\n") for quoted in re.findall(r'"([^"]+)"', origin)))
        match origin.split()[:2]:
            case ["The", "MD5"]:
                assert known.octets == md5(text.encode()).digest()
            case ["The", "first"]:
                assert known.octets == md5(text.encode()).digest()[: int(origin.split()[2])]
            case ["The", "text"]:
                assert known.octets == text.encode()
            case ['"OE"', "and"]:
                assert known.octets == b"OE" + bytes(octet % 128 | 64 for octet in md5(text.encode()).digest()[:10])
            case _:
                assert known.text is None
                assert origin == "Fixed octets; the text behind them was never published."


@needs("tshark")
class TestAgainstTshark:
    """Messages of one Vendor ID payload each are shown to tshark, which keeps its own list of octets."""

    UNKNOWN_TO_TSHARK = frozenset(
        {
            "Altiga Networks",
            "CRACK (Revised) (with newline)",
            "Cisco IOS",
            "Cisco copyright",
            "DPDv1_NG",
            "ELVIS-PLUS Zastava",
            "FreeS/WAN 2.00",
            "FreeS/WAN 2.00 with X.509",
            "FreeS/WAN 2.00 with X.509 and LDAP",
            "FreeS/WAN family",
            "MS-MamieExists",
            "MSFT IPsec Security Realm Id",
            "Microsoft AuthIP group",
            "Microsoft Xbox One 2013",
            "Microsoft key modules",
            "NCP client",
            "NCP server",
            "NLBS_PRESENT",
            "Nortel Contivity",
            "OpenIKED",
            "OpenPGP",
            "Openswan 2.2.0",
            "Opportunistic IPsec",
            "RFC XXXX",
            "SafeNet",
            "SafeNet SoftRemote",
            "TimeStep",
            "ZyXEL ZyWALL USG 100",
            "ZyXEL ZyWALL router",
            "libreswan",
        }
    )
    """And releases of strongSwan. Of the digest with a newline tshark has the hexadecimal digits shifted by one."""

    def test_names_what_we_name(self, tmp_path: Path) -> None:
        names = tshark_names([octets_to_send(known) for known in KNOWN], tmp_path)
        pairs = [(known.vendor.name, said) for known, said in zip(KNOWN, names, strict=True)]
        strange = {name for name, said in pairs if said == "Unknown Vendor ID" and not name.startswith("strongSwan ")}
        assert strange == self.UNKNOWN_TO_TSHARK
        assert sum(said != "Unknown Vendor ID" for _, said in pairs) > 90

    def test_reads_the_same_text_where_it_prints_one(self, tmp_path: Path) -> None:
        hashed = [known for known in KNOWN if known.text and known.vendor.origin.startswith("The MD5")]
        said = tshark_names([octets_to_send(known) for known in hashed], tmp_path)
        printed = [(k.text.strip(), name) for k, name in zip(hashed, said, strict=True) if k.text and name.isascii()]
        same = [text for text, name in printed if text.lower() in name.lower()]
        assert len(same) > 55
        different = {text: name for text, name in printed if text not in same and name != "Unknown Vendor ID"}
        assert different == {
            "Fortinet Endpoint Control": "Endpoint Control (Fortinet)",
        }


def tshark_names(vendor_ids: list[bytes], folder: Path) -> list[str]:
    """What tshark calls each of these vendor IDs."""
    capture = folder / "vendors.pcap"
    capture.write_bytes(
        struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 101)
        + b"".join(raw_ip_record(octets) for octets in vendor_ids)
    )
    command = ["tshark", "-r", str(capture), "-T", "fields", "-E", "occurrence=f", "-e", "isakmp.vid_string"]
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=120).stdout.splitlines()


def raw_ip_record(vendor_id: bytes) -> bytes:
    """A pcap record: IPv4, UDP port 500, an ISAKMP header and one Vendor ID payload."""
    body = struct.pack("!BBH", 0, 0, 4 + len(vendor_id)) + vendor_id
    message = (
        bytes.fromhex("0102030405060708 0000000000000000 0d 10 02 00 00000000")
        + struct.pack("!I", 28 + len(body))
        + body
    )
    udp = struct.pack("!HHHH", 500, 500, 8 + len(message), 0) + message
    packet = struct.pack("!BBHIBBH", 0x45, 0, 20 + len(udp), 0, 64, 17, 0) + bytes((10, 99, 0, 1, 10, 99, 0, 2)) + udp
    return struct.pack("<IIII", 0, 0, len(packet), len(packet)) + packet


@needs("tshark", "shared-captures")
class TestWhatRealPeersSent:
    @pytest.mark.parametrize("conversation", recorded_conversations())
    def test_every_vendor_id_has_a_name(self, conversation: str, captures: Path) -> None:
        command = ["tshark", "-r", str(captures / conversation / "capture.pcap"), "-Y", "isakmp.vid_bytes"]
        command += ["-T", "fields", "-e", "isakmp.vid_bytes"]
        listing = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120).stdout
        sent = {bytes.fromhex(octets) for octets in re.split(r"[,\s]+", listing) if octets}
        assert sent
        assert {octets.hex() for octets in sent if vendor(octets) is None} == set()
