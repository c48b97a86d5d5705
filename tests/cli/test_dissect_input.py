"""What `ikelab dissect` makes of files that are no captures, of wrong keys and hostile packets: never a traceback."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings, strategies as st

from ikelab.net.capture import CapturedDatagram
from ikelab.net.peel import sent
from ikelab.wire.message import Header, Message
from ikelab.wire.numbers import ExchangeType, IdType
from ikelab.wire.payloads import ID, Nonce, Notification, VendorID
from ikelab.wire.udp import Endpoint
from tests.cli.dissecting import datagrams, dissect, facts, objects, only_psk_and_dh, pcap, recorded, written
from tests.needs import needs

INITIATOR, RESPONDER = Endpoint("10.0.0.1", 500), Endpoint("10.0.0.2", 500)
COOKIE = bytes(range(1, 9))


def said(*octets: bytes, port: int = 500) -> list[CapturedDatagram]:
    """Datagrams from the initiator to the responder."""
    source, destination = INITIATOR._replace(port=port), RESPONDER._replace(port=port)
    return [
        sent(frame=number, time=float(number), source=source, destination=destination, octets=each)
        for number, each in enumerate(octets, 1)
    ]


def message(*payloads: Any, flags: int = 0, rest: bytes = b"", message_id: int = 0) -> bytes:
    header = Header(cookie_i=COOKIE, exchange=ExchangeType.IDENTITY_PROTECTION, flags=flags, message_id=message_id)
    return Message(header=header, payloads=payloads, rest=rest).write()


class TestFilesThatAreNoCaptures:
    @pytest.mark.parametrize(
        ("octets", "words"),
        [
            (b"", "an empty file"),
            (b"just a text\n", "begins with 6a757374"),
            (b"\x89PNG\r\n\x1a\n" + bytes(40), "expected a pcap or pcapng capture"),
            (bytes.fromhex("d4c3b2a1"), "expected a pcap"),
            (bytes.fromhex("0a0d0d0a") + bytes(4), "expected a pcap"),
            (b"\x1f\x8b" + bytes(20), "cannot be unpacked"),
        ],
    )
    @pytest.mark.parametrize("options", [[], ["--json"]])
    def test_one_sentence(self, tmp_path: Path, octets: bytes, words: str, options: list[str]) -> None:
        path = tmp_path / "file"
        path.write_bytes(octets)
        result = dissect(path, *options)
        assert (result.exit_code, result.stdout) == (2, "")
        assert words in result.stderr
        assert result.stderr.count("\n") == 1

    def test_a_file_that_is_not_there(self, tmp_path: Path) -> None:
        result = dissect(tmp_path / "nothing.pcap")
        assert result.exit_code == 2
        assert "No such file" in result.stderr

    def test_a_directory(self, tmp_path: Path) -> None:
        result = dissect(tmp_path)
        assert result.exit_code == 2
        assert "expected a capture file that can be read, got: Is a directory" in result.stderr

    def test_a_name_that_would_act_on_a_terminal(self, tmp_path: Path) -> None:
        result = dissect(tmp_path / "a\x1b[2Jb\n\udcffc")
        assert result.exit_code == 2
        assert "\x1b" not in result.stderr
        assert "a\\x1b[2Jb\\n\\udcffc: expected" in result.stderr

    def test_a_capture_of_nothing(self, tmp_path: Path) -> None:
        result = dissect(recorded(tmp_path, []))
        assert result.exit_code == 0
        assert "nothing that IKE, ESP or AH has sent" in result.stdout
        assert objects(dissect(recorded(tmp_path, []), "--json")) == []


@needs("shared-captures")
class TestACaptureThatBreaksOff:
    @pytest.mark.parametrize("size", [24, 30, 41, 200, 500, 1500])
    def test_what_is_there_is_read(self, tmp_path: Path, size: int) -> None:
        path = tmp_path / "cut.pcap"
        path.write_bytes(pcap("main_psk_nopfs").read_bytes()[:size])
        result = dissect(path, "--json")
        whole = objects(dissect(pcap("main_psk_nopfs"), "--json"))
        read = objects(result)
        assert result.exit_code == 0
        assert read == whole[: len(read)]
        assert (size == 24) != (f"the capture breaks off in frame {len(read) + 1}" in result.stderr)

    def test_packets_that_the_capture_cut_short(self, tmp_path: Path) -> None:
        """As with `tcpdump -s 100`: what is missing cannot be checked, which proves nothing against the packet."""
        cut = [replace(each, ip=each.ip[:100]) for each in datagrams("uml_main_psk_esp")]
        keys = written(tmp_path, only_psk_and_dh(facts("uml_main_psk_esp")))
        result = dissect(recorded(tmp_path, cut), "--keys", keys, "--json")
        packets = [line for line in objects(result) if "protocol" in line]
        assert result.exit_code == 1
        assert "at octet 24: expected from 28 to 72 octets" in objects(result)[0]["error"]
        assert {(line["decrypted"], line["icv"]) for line in packets} == {(None, None)}
        assert all("the capture kept 100 of this packet's" in line["remarks"][0] for line in packets)


@needs("shared-captures")
class TestWrongKeys:
    @pytest.mark.parametrize(
        ("document", "words"),
        [
            ("", "got an empty file"),
            ("{", "got a text that is none"),
            ("[]", "expected a JSON object, got a list of 0"),
            ("[" * 100_000, "nested too deep"),
            ('{"psk": 7}', "psk: expected a text, got a number"),
            ('{"psk": ""}', "expected a pre-shared key, got an empty text"),
            ('{"ike": {}}', "ike: expected a list"),
            ('{"ike": [{}]}', "expected cookie_i, got none"),
            ('{"ike": [{"cookie_i": "0102"}]}', "expected 16 hex digits (8 octets), got '0102'"),
            ('{"ike": [{"cookie_i": "0102030405060708", "g_xy": "abc"}]}', "expected pairs of hex digits, got 'abc'"),
            ('{"quick": [{"g_xy": "ab"}]}', "expected spi_i, spi_r or both, got neither"),
            ("a,b,c", "expected the 2 fields of an ikev1_decryption_table or the 8 of an esp_sa"),
            ("0102030405060708,xyz", "line 1, encryption key: expected pairs of hex digits"),
        ],
    )
    def test_one_sentence_that_names_the_place(self, tmp_path: Path, document: str, words: str) -> None:
        keys = written(tmp_path, document)
        result = dissect(pcap("main_psk_nopfs"), "--keys", keys)
        assert (result.exit_code, result.stdout) == (2, "")
        assert result.stderr.startswith(f"Error: {keys}")
        assert words in result.stderr
        assert result.stderr.count("\n") == 1

    def test_octets_that_are_no_text(self, tmp_path: Path) -> None:
        path = tmp_path / "keys"
        path.write_bytes(b"\xff\xfe\x00")
        result = dissect(pcap("main_psk_nopfs"), "--keys", path)
        assert result.exit_code == 2
        assert "as UTF-8 text" in result.stderr

    @pytest.mark.parametrize("option", ["--keys", "--wordlist"])
    def test_a_key_file_that_cannot_be_read(self, tmp_path: Path, option: str) -> None:
        for path in (tmp_path, tmp_path / "nothing"):
            result = dissect(pcap("aggr_psk_keyid"), option, path)
            assert result.exit_code == 2
            assert f"{option} {path}: expected a file that can be read, got: " in result.stderr

    @pytest.mark.parametrize("psk", ["", "0xabc", "0xzz", "half a character: \ud800"])
    def test_a_pre_shared_key_that_is_none(self, psk: str) -> None:
        result = dissect(pcap("main_psk_nopfs"), "--psk", psk)
        assert result.exit_code == 2
        assert "Error: --psk: expected" in result.stderr

    def test_a_name_that_is_not_known_is_a_remark(self, tmp_path: Path) -> None:
        known = only_psk_and_dh(facts("main_psk_nopfs"))
        known["ike"][0]["g_yx\x1b"] = "00"
        result = dissect(pcap("main_psk_nopfs"), "--keys", written(tmp_path, known), "--json")
        assert result.exit_code == 0
        assert "ike[0]: 'g_yx\\x1b' was not read" in result.stderr
        assert all(line["decrypted"] for line in objects(result) if line["encrypted"])

    @pytest.mark.parametrize(("name", "digits"), [("Ka", "00" * 8), ("Ka", "00" * 24), ("iv0", "00" * 3)])
    def test_a_key_of_a_wrong_size_is_a_remark(self, tmp_path: Path, name: str, digits: str) -> None:
        entry = facts("main_psk_nopfs")["ike"][0] | {name: digits}
        result = dissect(pcap("main_psk_nopfs"), "--keys", written(tmp_path, {"ike": [entry]}), "--json")
        line = objects(result)[4]
        assert (line["decrypted"], line["error"]) == (None, None)
        assert "expected 16 octets, got" in line["remarks"][0]

    def test_packet_keys_of_a_wrong_size_are_a_remark(self, tmp_path: Path) -> None:
        known = facts("uml_main_psk_esp")
        known["quick"][0] |= {"enc_i": "00" * 7, "auth_i": "00" * 20}
        del known["esp"], known["wireshark_esp_sa"]
        result = dissect(pcap("uml_main_psk_esp"), "--keys", written(tmp_path, known), "--json")
        remarks = {tuple(line["remarks"]) for line in objects(result) if line.get("decrypted", 0) is None}
        assert any("the given keys do not fit what was agreed on" in remark for each in remarks for remark in each)

    def test_keys_of_packets_that_are_wrong(self, tmp_path: Path) -> None:
        known = only_psk_and_dh(facts("main_psk_pfs_libipsec"))
        known["quick"][0]["g_xy"] = "00" * 256
        result = dissect(pcap("main_psk_pfs_libipsec"), "--keys", written(tmp_path, known), "--json")
        packets = [line for line in objects(result) if "protocol" in line]
        assert result.exit_code == 1
        assert {(line["decrypted"], line["icv"], line["inner"]) for line in packets} == {(False, False, None)}
        assert all("the ICV is wrong" in line["remarks"][0] for line in packets)

    @pytest.mark.parametrize("frame", [0, -1, "x"])
    def test_a_frame_number_that_is_none(self, frame: object) -> None:
        assert dissect(pcap("main_psk_nopfs"), "--frame", frame).exit_code == 2

    def test_a_frame_that_is_not_there(self) -> None:
        result = dissect(pcap("main_psk_nopfs"), "--frame", 12, "--frame", 2, "--json")
        assert (result.exit_code, len(objects(result))) == (2, 1)
        assert "that holds IKE, ESP or AH, got 12" in result.stderr


class TestHostilePackets:
    @pytest.mark.parametrize(
        ("octets", "words"),
        [
            (b"abc", "ISAKMP Header"),
            (message(Nonce(data=bytes(8)))[:-1], "ISAKMP Header > Length at octet 24: expected from 28 to 39 octets"),
            (bytes(28), "major version 1, got 0.0"),
            (COOKIE + bytes(8) + bytes.fromhex("21202208 00000000 0000001c"), "major version 1, got 2.0"),
            (message(Nonce(data=bytes(8)))[:28] + bytes.fromhex("00 00 00 03") + bytes(8), "expected from 4 to 12"),
        ],
    )
    def test_what_cannot_be_read_says_where(self, tmp_path: Path, octets: bytes, words: str) -> None:
        path = recorded(tmp_path, said(octets))
        result = dissect(path, "--json")
        assert result.exit_code == 1
        assert words in objects(result)[0]["error"]
        person = dissect(path, "--fields")
        assert person.exit_code == 1
        assert words in " ".join(person.stdout.split())

    def test_an_encrypted_body_that_is_no_whole_blocks(self, tmp_path: Path) -> None:
        made = said(*(message(flags=1, rest=bytes(size)) for size in (0, 5, 16, 17, 32)))
        result = dissect(recorded(tmp_path, made), "--json")
        assert [line["payloads"] for line in objects(result)] == [[]] * 5

    @needs("shared-captures")
    def test_short_encrypted_bodies_do_not_become_an_iv(self, tmp_path: Path) -> None:
        """The next IV is the last block of the message before, but five octets are no block."""
        made = datagrams("main_psk_nopfs")
        odd = made[4].octets[:24] + (33).to_bytes(4) + bytes(5)
        broken = sent(frame=0, time=0, source=made[4].source, destination=made[4].destination, octets=odd)
        keys = written(tmp_path, only_psk_and_dh(facts("main_psk_nopfs")))
        result = dissect(recorded(tmp_path, [*made[:4], broken, *made[4:]]), "--keys", keys, "--json")
        read = objects(result)
        assert result.exit_code == 1
        assert [line["decrypted"] for line in read if line["encrypted"]] == [False, *[True] * 7]
        assert "one or more blocks of 16 octets, got 5 octets" in read[4]["remarks"][0]

    def test_packets_too_short_for_their_headers(self, tmp_path: Path) -> None:
        made = said(b"abcdef", port=4500)
        made += [
            sent(
                frame=n, time=0, source=Endpoint("1.1.1.1"), destination=Endpoint("1.1.1.2"), octets=b"\x01", protocol=p
            )
            for n, p in ((2, "esp"), (3, "ah"))
        ]
        result = dissect(recorded(tmp_path, made), "--json")
        assert result.exit_code == 1
        assert [(line["protocol"], line["spi"], line["encapsulated"]) for line in objects(result)] == [
            ("ESP", None, True),
            ("ESP", None, False),
            ("AH", None, False),
        ]
        assert all(line["error"] for line in objects(result))
        assert dissect(recorded(tmp_path, made), "--fields").exit_code == 1

    def test_nothing_from_a_packet_acts_on_the_terminal(self, tmp_path: Path) -> None:
        evil = b"[bold red]x[/] \x1b[31m\r\n\x07\x9b\xe2\x80\xae :smile: [link=http://x]y[/link]"
        made = said(
            message(
                ID(id_type=IdType.FQDN, data=evil),
                VendorID(data=evil),
                Notification(notify=9, data=evil),
                ID(id_type=IdType.FQDN, data=b"[bold red]plain[/bold red] :smile:"),
            )
        )
        for options in ([], ["--fields"], ["--octets"]):
            shown = dissect(recorded(tmp_path, made), *options).stdout
            assert "[bold red]plain[/bold red] :smile:" in " ".join(shown.split())
            assert {character for character in shown if not character.isprintable()} <= {"\n"}

    def test_thousands_of_payloads_are_summed_up(self, tmp_path: Path) -> None:
        made = said(message(*(Nonce(data=b"") for _ in range(5000))))
        result = dissect(recorded(tmp_path, made))
        assert result.exit_code == 0
        assert "HDR, Ni x5000" in result.stdout
        assert len(result.stdout.splitlines()) < 100

    @needs("shared-captures")
    def test_a_flood_of_forged_messages_hides_nothing(self, tmp_path: Path) -> None:
        """None of 200 forged messages becomes the IV of the true one, and each costs a bounded number of tries."""
        made = datagrams("main_psk_nopfs")
        forged = [
            replace(sent(frame=0, time=0, source=made[4].source, destination=made[4].destination,
                         octets=made[4].octets[:28] + number.to_bytes(4) * 20))
            for number in range(200)
        ]  # fmt: skip
        keys = written(tmp_path, only_psk_and_dh(facts("main_psk_nopfs")))
        result = dissect(recorded(tmp_path, [*made[:5], *forged, *made[5:]]), "--keys", keys, "--json")
        true = [line for line in objects(result) if line["frame"] not in range(6, 206)]
        assert [line["decrypted"] for line in true if line["encrypted"]] == [True] * 7


MUTATED = [
    "main_psk_nopfs",
    "aggr_psk_keyid",
    "main_rsa4096_frag",
    "uml_ah_tunnel",
    "nat_main_psk",
    "fail_psk_mismatch",
]


@needs("shared-captures")
class TestMutations:
    @settings(max_examples=60)
    @given(
        name=st.sampled_from(MUTATED),
        changes=st.lists(
            st.tuples(st.integers(0, 30), st.integers(0, 2000), st.integers(0, 255)), min_size=1, max_size=12
        ),
        options=st.sampled_from([["--json"], ["--json", "--octets"], [], ["--fields"]]),
        keyed=st.booleans(),
    )
    def test_altered_packets(
        self,
        tmp_path_factory: pytest.TempPathFactory,
        name: str,
        changes: list[tuple[int, int, int]],
        options: list[str],
        keyed: bool,
    ) -> None:
        folder = tmp_path_factory.mktemp("mutated")
        made = datagrams(name)
        for frame, at, octet in changes:
            place = frame % len(made)
            ip = bytearray(made[place].ip)
            begin = 28 if made[place].protocol == "udp" else 20
            ip[begin + at % (len(ip) - begin)] = octet
            made[place] = replace(made[place], ip=bytes(ip))
        if keyed:
            options = [*options, "--keys", str(written(folder, only_psk_and_dh(facts(name))))]
        result = dissect(recorded(folder, made), *options)
        assert result.exit_code in (0, 1)
        if "--json" in options:
            assert len(objects(result)) <= len(made)

    @settings(max_examples=60)
    @given(
        changes=st.lists(st.tuples(st.integers(0, 3000), st.binary(max_size=6)), min_size=1, max_size=8),
        size=st.integers(0, 4000),
    )
    def test_altered_files(
        self, tmp_path_factory: pytest.TempPathFactory, changes: list[tuple[int, bytes]], size: int
    ) -> None:
        octets = bytearray(pcap("aggr_psk_keyid").read_bytes())
        for at, new in changes:
            octets[at % len(octets) : at % len(octets) + len(new)] = new
        path = tmp_path_factory.mktemp("mutated") / "file.pcap"
        path.write_bytes(octets[: size or None])
        assert dissect(path, "--json").exit_code in (0, 1, 2)

    @settings(max_examples=60)
    @given(
        place=st.sampled_from(
            ["psk", "ike", "quick", "esp", "ike.cookie_r", "ike.g_xy", "ike.Ka", "quick.enc_i", "quick.spi_i"]
        ),
        value=st.none() | st.integers() | st.text(max_size=8) | st.binary(max_size=40).map(bytes.hex)
        | st.lists(st.none(), max_size=2) | st.dictionaries(st.text(max_size=3), st.none(), max_size=2),
    )  # fmt: skip
    def test_altered_keys(self, tmp_path_factory: pytest.TempPathFactory, place: str, value: object) -> None:
        known = facts("uml_main_psk_esp")
        table, _, key = place.partition(".")
        if key:
            known[table][0][key] = value
        else:
            known[table] = value
        folder = tmp_path_factory.mktemp("mutated")
        keys = folder / "keys.json"
        keys.write_text(json.dumps(known))
        result = dissect(pcap("uml_main_psk_esp"), "--keys", keys, "--json")
        assert result.exit_code in (0, 1, 2)
        assert result.exit_code == 2 or len(objects(result)) == 19
