"""`ikelab dissect --json` on recorded conversations of real gateways, beside what tshark and the gateways say."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ikelab.follow import FollowedPacket, Follower
from ikelab.ike.beliefs import Beliefs
from ikelab.net.capture import read_capture
from tests.cli.dissecting import datagrams, dissect, facts, objects, only_psk_and_dh, pcap, recorded, written
from tests.needs import captures_dir, needs, recorded_conversations

pytestmark = needs("shared-captures")

EXTRA_TYPES = {2, 3}
"""Proposals and transforms, which tshark lists as payloads and the contract does not."""

QUOTED_IN_ICMP = {"dpd_dead": {11, 13, 15}}
"""Frames in which tshark finds an IKE message inside an ICMP error."""

OTHERWISE = {
    **{("fail_psk_mismatch", n): "of the two sides' keys tshark has only the other one" for n in (6, 8, 10)},
    **{("fail_psk_mismatch", n): "a repetition: tshark lets its IV move on" for n in (7, 9)},
    ("fail_psk_mismatch_aggr", 3): "of the two sides' keys tshark has only the other one",
}
"""Frames of which tshark reads less, and why."""

REASSEMBLED = {("main_rsa", 6), ("main_rsa4096_frag", 8), ("main_rsa4096_frag", 11)}
"""Last fragments: tshark lists the fragment itself too, and decrypts what is not encrypted any other way."""

PROOFS = {"HASH_I", "HASH_R", "HASH(1)", "HASH(2)", "HASH(3)", "HASH", "NAT-D"}


def tshark(name: str) -> dict[int, dict[str, str]]:
    rows = json.loads((captures_dir() / name / "tshark.json").read_text())
    return {int(row["frame"]): row for row in rows}


def numbers(row: dict[str, str], key: str) -> list[int]:
    return [int(number) for number in row.get(key, "").split(",") if number]


@pytest.fixture(scope="module")
def lines() -> dict[str, list[dict[str, Any]]]:
    """What was printed for each recording so far; each is dissected once for several tests."""
    return {}


@pytest.fixture
def printed(conversation: str, lines: dict[str, list[dict[str, Any]]], tmp_path: Path) -> list[dict[str, Any]]:
    if conversation not in lines:
        keys = written(tmp_path, only_psk_and_dh(facts(conversation)))
        result = dissect(pcap(conversation), "--keys", keys, "--json")
        assert (result.exit_code, result.stderr) == (0, "")
        lines[conversation] = objects(result)
    return lines[conversation]


def messages(printed: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    return (line for line in printed if "exchange" in line)


@pytest.mark.parametrize("conversation", recorded_conversations())
class TestGivenOnlyPskAndDiffieHellmanSecrets:
    def test_every_encrypted_message_is_decrypted(self, printed: list[dict[str, Any]], conversation: str) -> None:
        known = {entry["cookie_i"] for entry in facts(conversation).get("ike", [])}
        for line in messages(printed):
            expected = True if line["encrypted"] and line["cookie_i"] in known else None
            assert (line["frame"], line["decrypted"], line["error"]) == (line["frame"], expected, None)

    def test_every_hash_verifies(self, printed: list[dict[str, Any]], conversation: str) -> None:
        for line in messages(printed):
            said = {name: holds for name, holds in line["verified"].items() if name != "NAT-D"}
            assert all(holds is True for holds in said.values()), line
            assert said.keys() <= PROOFS
            if line["decrypted"] and 8 in line["payloads"]:
                assert len(said) == 1, f"frame {line['frame']} has a hash that was not checked"

    def test_payloads_are_those_that_tshark_sees(self, printed: list[dict[str, Any]], conversation: str) -> None:
        seen = tshark(conversation)
        differing = set()
        for line in messages(printed):
            theirs = [kind for kind in numbers(seen[line["frame"]], "typepayload") if kind not in EXTRA_TYPES]
            if (conversation, line["frame"]) in REASSEMBLED:
                assert theirs == [132, *line["payloads"]]
            elif theirs != line["payloads"]:
                differing.add((conversation, line["frame"]))
        assert differing == {place for place in OTHERWISE if place[0] == conversation}

    def test_only_last_fragments_are_reassembled(self, printed: list[dict[str, Any]], conversation: str) -> None:
        whole = {(conversation, line["frame"]) for line in messages(printed) if line.get("reassembled")}
        assert whole == {place for place in REASSEMBLED if place[0] == conversation}
        for line in messages(printed):
            assert ("fragments" in line) == ("reassembled" in line)
            if "fragments" in line:
                assert line["fragments"][-1] == line["frame"]
                assert 132 not in line["payloads"]

    def test_notify_types_are_those_that_tshark_sees(self, printed: list[dict[str, Any]], conversation: str) -> None:
        seen = tshark(conversation)
        for line in messages(printed):
            if (conversation, line["frame"]) not in OTHERWISE:
                assert line["notify"] == numbers(seen[line["frame"]], "notify.msgtype")

    def test_headers_are_those_that_tshark_sees(self, printed: list[dict[str, Any]], conversation: str) -> None:
        for line in messages(printed):
            row = {key: value.split(",")[0] for key, value in tshark(conversation)[line["frame"]].items()}
            theirs = row["ispi"], row["rspi"], int(row["exchangetype"]), row["messageid"].removeprefix("0x")
            assert (line["cookie_i"], line["cookie_r"], line["exchange"], line["message_id"]) == theirs

    def test_every_frame_is_printed_but_those_quoted_in_icmp(
        self, printed: list[dict[str, Any]], conversation: str
    ) -> None:
        frames = [line["frame"] for line in printed]
        assert frames == sorted(set(tshark(conversation)) - QUOTED_IN_ICMP.get(conversation, set()))

    def test_every_packet_opens_and_its_icv_is_right(self, printed: list[dict[str, Any]], conversation: str) -> None:
        for line in printed:
            if "protocol" in line:
                hidden = True if line["protocol"] == "ESP" else None
                assert (line["decrypted"], line["icv"], line["error"]) == (hidden, True, None)
                assert "echo re" in line["inner"], "the recordings hold nothing but pings"
                row = tshark(conversation)[line["frame"]]
                assert int(line["spi"], 16) == int(row["spi"], 16)
                assert line["sequence"] == int(row.get("sequence", line["sequence"]))
                assert line["encapsulated"] == ("srcport" in row)

    def test_keys_and_proofs_are_those_that_the_gateways_had(self, conversation: str) -> None:
        known = facts(conversation)
        follower = Follower(Beliefs.from_json(only_psk_and_dh(known)))
        for datagram in read_capture(pcap(conversation)):
            follower.hear(datagram)
        made = {
            child.spi.hex(): (child.enc_key.hex(), child.auth_key.hex())
            for each in follower.listener.conversations
            for child in each.children
        }
        theirs = {
            entry[f"spi_{side}"]: (entry.get(f"enc_{side}") or "", entry.get(f"auth_{side}") or "")
            for entry in known.get("quick", [])
            for side in "ir"
        }
        assert made == theirs
        for entry in known.get("esp", []):
            assert made[entry["spi"]] == (entry["enc"], entry.get("auth") or "")
        computed = {
            name: {book[name].value.hex() for each in follower.listener.conversations for book in each.books()
                   if not book.missing(name)}
            for name in ("SKEYID", "SKEYID_d", "SKEYID_a", "SKEYID_e", "Ka", "HASH_I", "HASH_R")
        }  # fmt: skip
        for entry in known.get("ike", []):
            for name in computed.keys() & entry.keys():
                assert entry[name] in computed[name], name


@pytest.mark.parametrize("conversation", recorded_conversations())
class TestOtherKeyFiles:
    def test_the_whole_facts_say_the_same(
        self, printed: list[dict[str, Any]], conversation: str, tmp_path: Path
    ) -> None:
        result = dissect(pcap(conversation), "--keys", written(tmp_path, facts(conversation)), "--json")
        assert result.exit_code == 0
        assert objects(result) == printed

    def test_wiresharks_tables_open_but_prove_nothing(
        self, printed: list[dict[str, Any]], conversation: str, tmp_path: Path
    ) -> None:
        known, options = facts(conversation), []
        for table in ("wireshark_ikev1_decryption_table", "wireshark_esp_sa"):
            if known.get(table):
                options += ["--keys", written(tmp_path, "\n".join(["# a comment", *known[table], ""]), table)]
        result = dissect(pcap(conversation), *options, "--json")
        read = {line["frame"]: line for line in objects(result)}
        closed = {(conversation, frame) for frame, line in read.items() if line["decrypted"] is False}
        assert closed <= OTHERWISE.keys(), "the tables have one side's key"
        assert (result.exit_code, result.stderr) == (1 if closed else 0, "")
        for line in messages(printed):
            mine = read[line["frame"]]
            assert set(mine["verified"]) <= {"NAT-D"}
            if (conversation, line["frame"]) not in OTHERWISE:
                assert (mine["decrypted"], mine["payloads"]) == (line["decrypted"], line["payloads"])
        for line in printed:
            if "protocol" in line and known.get("wireshark_esp_sa"):
                assert read[line["frame"]] | {"remarks": []} == line | {"remarks": []}

    def test_without_keys_all_that_is_in_clear_is_read(self, printed: list[dict[str, Any]], conversation: str) -> None:
        result = dissect(pcap(conversation), "--json")
        assert (result.exit_code, result.stderr) == (0, "")
        for mine, line in zip(objects(result), printed, strict=True):
            assert mine["error"] is None
            assert mine["decrypted"] is None
            if "exchange" in mine and not line["encrypted"]:
                assert mine["payloads"] == line["payloads"]
            elif "exchange" in mine:
                assert mine["payloads"] == []
                assert any("cannot be decrypted" in remark for remark in mine["remarks"])


class TestThePreSharedKeyAlone:
    """g^xy cannot be had from a capture, so that only HASH_R of an Aggressive Mode can be checked."""

    @pytest.mark.parametrize("conversation", ["aggr_psk_keyid", "aggr_psk_libipsec", "pluto_resp_aggr_psk"])
    def test_hash_r_of_aggressive_mode(self, conversation: str) -> None:
        result = dissect(pcap(conversation), "--psk", "correct horse battery staple", "--json")
        assert result.exit_code == 0
        proved = {line["frame"]: line["verified"] for line in messages(objects(result)) if line["verified"]}
        assert {name for verified in proved.values() for name in verified} <= {"HASH_R", "NAT-D"}
        assert proved[2]["HASH_R"] is True

    def test_the_same_in_hex(self) -> None:
        psk = f"0x{b'correct horse battery staple'.hex()}"
        line = objects(dissect(pcap("aggr_psk_keyid"), "--psk", psk, "--json", "--frame", 2))[0]
        assert line["verified"]["HASH_R"] is True

    def test_a_wrong_one_is_a_false_hash(self) -> None:
        result = dissect(pcap("aggr_psk_keyid"), "--psk", "incorrect horse", "--json")
        assert result.exit_code == 1
        assert objects(result)[1]["verified"]["HASH_R"] is False

    def test_main_mode_proves_nothing(self) -> None:
        result = dissect(pcap("main_psk_nopfs"), "--psk", "correct horse battery staple", "--json")
        assert result.exit_code == 0
        assert all(set(line["verified"]) <= {"NAT-D"} for line in objects(result))
        assert objects(result)[4]["remarks"] == ["cannot be decrypted: g^xy is not known"]

    def test_it_overrides_the_one_in_keys(self, tmp_path: Path) -> None:
        keys = written(tmp_path, only_psk_and_dh(facts("main_psk_nopfs")) | {"psk": "something else"})
        assert dissect(pcap("main_psk_nopfs"), "--keys", keys, "--json").exit_code == 1
        psk = "correct horse battery staple"
        assert dissect(pcap("main_psk_nopfs"), "--keys", keys, "--psk", psk, "--json").exit_code == 0


class TestAWrongPreSharedKey:
    @pytest.fixture
    def keys(self, tmp_path: Path) -> Path:
        known = only_psk_and_dh(facts("main_psk_nopfs"))
        return written(tmp_path, known | {"psk": "incorrect horse battery staple"})

    def test_what_is_encrypted_is_nonsense_and_says_so(self, keys: Path) -> None:
        result = dissect(pcap("main_psk_nopfs"), "--keys", keys, "--json")
        assert result.exit_code == 1
        for line in objects(result):
            assert line["decrypted"] is (False if line["encrypted"] else None)
            assert line["payloads"] == [] or not line["encrypted"]
            if line["encrypted"]:
                assert "pre-shared key" in line["remarks"][0]
                assert set(line["verified"]) == set()

    def test_a_person_is_told_too(self, keys: Path) -> None:
        result = dissect(pcap("main_psk_nopfs"), "--keys", keys)
        assert result.exit_code == 1
        assert "Is the pre-shared key right?" in " ".join(result.stdout.split())


class TestSmallPrint:
    def test_a_repetition_names_the_first_frame(self, tmp_path: Path) -> None:
        keys = written(tmp_path, only_psk_and_dh(facts("fail_psk_mismatch")))
        lines = objects(dissect(pcap("fail_psk_mismatch"), "--keys", keys, "--json"))
        assert [line["retransmission_of"] for line in lines] == [None] * 6 + [5, None, 5, None]

    def test_a_hash_that_holds_under_one_belief_names_the_others(self, tmp_path: Path) -> None:
        keys = written(tmp_path, only_psk_and_dh(facts("fail_psk_mismatch_aggr")))
        result = dissect(pcap("fail_psk_mismatch_aggr"), "--keys", keys, "--json")
        line = objects(result)[1]
        assert (result.exit_code, line["verified"]["HASH_R"]) == (0, True)
        assert line["remarks"] == ["the hash fails under belief 1"]

    def test_a_fragment_is_one_payload(self, tmp_path: Path) -> None:
        keys = written(tmp_path, only_psk_and_dh(facts("main_rsa4096_frag")))
        lines = {line["frame"]: line for line in objects(dissect(pcap("main_rsa4096_frag"), "--keys", keys, "--json"))}
        assert [lines[frame]["payloads"] for frame in (5, 6, 7)] == [[132]] * 3
        assert (lines[8]["reassembled"], lines[8]["fragments"]) == (True, [5, 6, 7, 8])
        assert lines[8]["decrypted"] is True

    def test_a_nat_is_a_finding_and_no_failure(self, tmp_path: Path) -> None:
        keys = written(tmp_path, only_psk_and_dh(facts("nat_main_psk")))
        result = dissect(pcap("nat_main_psk"), "--keys", keys, "--json")
        found = [line["verified"]["NAT-D"] for line in messages(objects(result)) if "NAT-D" in line["verified"]]
        assert (result.exit_code, found) == (0, [[True, False], [True, False]])

    def test_without_pfs_secret_packets_stay_closed_and_say_what_they_need(self, tmp_path: Path) -> None:
        known = only_psk_and_dh(facts("main_psk_pfs_libipsec")) | {"quick": []}
        result = dissect(pcap("main_psk_pfs_libipsec"), "--keys", written(tmp_path, known), "--json")
        packets = [line for line in objects(result) if "protocol" in line]
        assert result.exit_code == 0
        assert len(packets) == 10
        for line in packets:
            assert (line["decrypted"], line["icv"], line["inner"]) == (None, None, None)
            assert line["remarks"] == ["cannot be opened: its KEYMAT needs g(qm)^xy, not known"]

    def test_an_altered_packet_fails_its_icv(self, tmp_path: Path) -> None:
        name = "uml_main_psk_esp"
        made = datagrams(name)
        place = next(n for n, datagram in enumerate(made) if datagram.protocol == "esp")
        ip = bytearray(made[place].ip)
        ip[-20] ^= 1
        made[place] = made[place].__class__(
            **{field: getattr(made[place], field) for field in made[place].__slots__} | {"ip": bytes(ip)}
        )
        keys = written(tmp_path, only_psk_and_dh(facts(name)))
        result = dissect(recorded(tmp_path, made), "--keys", keys, "--json")
        assert result.exit_code == 1
        assert [line["icv"] for line in objects(result) if "protocol" in line].count(False) == 1

    def test_frames_can_be_picked(self) -> None:
        result = dissect(pcap("main_psk_nopfs"), "--json", "--frame", 5, "--frame", 2)
        assert [line["frame"] for line in objects(result)] == [2, 5]

    def test_fields_and_octets_can_be_had_as_json(self, tmp_path: Path) -> None:
        keys = written(tmp_path, only_psk_and_dh(facts("uml_main_psk_esp")))
        result = dissect(pcap("uml_main_psk_esp"), "--keys", keys, "--json", "--fields")
        for line in objects(result):
            for sheet in line["sheets"]:
                leaves = [field for field in sheet["fields"] if field["leaf"]]
                ends = [field["at"] + field["size"] for field in leaves]
                assert [0, *ends[:-1]] == [field["at"] for field in leaves], "leaves tile the sheet"
                assert ends[-1] == len(sheet["octets"]) // 2
            assert len(line["sheets"]) == (2 if line["decrypted"] else 1)

    def test_packets_are_followed_as_they_were_sent(self) -> None:
        follower = Follower(Beliefs.from_json(facts("uml_main_psk_esp")))
        heard = [follower.hear(datagram) for datagram in datagrams("uml_main_psk_esp")]
        senders = [(each.source.address, each.sender) for each in heard if isinstance(each, FollowedPacket)]
        assert set(senders) == {("10.99.0.1", "initiator"), ("10.99.0.2", "responder")}
