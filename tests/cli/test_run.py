"""`ikelab run`: what a person reads, what a program reads, what is left behind, and what is misuse."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from ikelab.cli import main
from ikelab.course.presets import PRESETS
from ikelab.course.runs import Run, run
from ikelab.net.capture import read_capture


def command(*words: str, stdin: str | None = None) -> Result:
    return CliRunner().invoke(main, ["run", *words], input=stdin)


def told(*words: str) -> dict[str, Any]:
    result = command(*words, "--json")
    assert result.stdout.count("\n") == 1, "exactly one object"
    whole = json.loads(result.stdout)
    assert isinstance(whole, dict)
    return whole


class TestJson:
    """The object of COMMAND_LINE: keys may be added, never renamed."""

    def test_of_a_run_that_succeeds(self) -> None:
        whole = told("main")
        assert whole["established"] is True
        assert whole["refused"] is None
        assert [message["n"] for message in whole["messages"]] == [*range(1, 10)]
        assert whole["messages"][4] | {"octets": ""} == {
            "n": 5, "from": "initiator", "exchange": 2, "message_id": "00000000", "encrypted": True, "payloads": [5, 8],
            "octets": "", "time": 0.04, "retransmission_of": None,
        }  # fmt: skip
        assert whole["messages"][6]["payloads"] == [8, 1, 10, 5, 5]
        assert whole["messages"][0]["octets"] == run("main").wire[0].octets.hex()
        names = {"g^xy", "SKEYID", "SKEYID_d", "SKEYID_a", "SKEYID_e", "Ka", "HASH_I", "HASH_R"}
        assert names <= whole["secrets"].keys()
        assert whole["secrets"]["SKEYID"] == run("main").secret("SKEYID").value.hex()
        assert [(sa["protocol"], sa["from"]) for sa in whole["sas"]] == [("ESP", "initiator"), ("ESP", "responder")]
        assert {len(sa["spi"]) for sa in whole["sas"]} == {8}
        assert {(len(sa["enc"]), len(sa["auth"])) for sa in whole["sas"]} == {(32, 64)}

    def test_of_one_that_fails(self) -> None:
        whole = told("psk")
        assert whole["established"] is False
        refused = whole["refused"]
        assert (refused["at"], refused["by"], refused["notify"]) == (5, "responder", 16)
        assert refused["why"].startswith("decrypted to nonsense")
        assert refused["rfc"] == "RFC 2409 §5"
        assert whole["sas"] == []

    @pytest.mark.parametrize("name", PRESETS)
    def test_status_and_object_agree(self, name: str) -> None:
        result = command(name, "--json")
        whole = json.loads(result.stdout)
        assert result.exit_code == (0 if whole["established"] else 1)
        assert (whole["refused"] is None) == whole["established"]
        assert whole["scenario"] == name

    def test_the_same_seed_the_same_octets(self) -> None:
        assert told("main", "--seed", "7") == told("main", "--seed", "7")
        assert told("main", "--seed", "7")["messages"][0]["octets"] != told("main")["messages"][0]["octets"]

    def test_ah_has_no_encryption_key(self) -> None:
        sas = told("--ah", "sha384")["sas"]
        assert [(sa["protocol"], sa["enc"], len(sa["auth"]), sa["mode"]) for sa in sas] == [
            ("AH", None, 96, "tunnel")
        ] * 2

    def test_each_protocol_has_a_pair_of_its_own(self) -> None:
        sas = told("--esp", "aes128-sha1", "--ah", "sha256", "--ipcomp", "deflate", "--transport")["sas"]
        assert [(sa["protocol"], sa["from"], sa["mode"]) for sa in sas] == [
            ("ESP", "initiator", "transport"), ("ESP", "responder", "transport"),
            ("AH", "initiator", "transport"), ("AH", "responder", "transport"),
        ]  # fmt: skip
        assert len({sa["spi"] for sa in sas}) == 4
        assert [len(sa.get("cpi", "")) for sa in sas] == [4, 4, 0, 0]

    def test_aead_has_no_integrity_key(self) -> None:
        assert {sa["auth"] for sa in told("--esp", "aes128gcm16")["sas"]} == {None}


class TestWords:
    def test_without_any_it_is_main_mode(self) -> None:
        assert [message["exchange"] for message in told()["messages"]] == [2] * 6 + [32] * 3

    def test_a_mode_without_scenario_is_that_modes_own(self) -> None:
        whole = told("--mode", "aggressive", "--auth", "psk")
        assert whole["scenario"] == "aggressive"
        assert [message["exchange"] for message in whole["messages"]] == [4] * 3 + [32] * 3

    def test_pfs_puts_a_ke_into_quick_mode(self) -> None:
        assert 4 not in told()["messages"][6]["payloads"]
        assert 4 in told("--pfs", "x25519")["messages"][6]["payloads"]

    def test_a_group_in_esp_means_pfs(self) -> None:
        assert 4 in told("--esp", "aes128-sha1-modp2048")["messages"][6]["payloads"]
        assert 4 in told("quick-pfs", "--esp", "aes128-sha1-x25519")["messages"][6]["payloads"]

    def test_a_group_in_ah_means_pfs(self) -> None:
        assert 4 in told("--ah", "sha1-modp2048")["messages"][6]["payloads"]

    def test_weak_words_are_allowed_with_one_remark(self) -> None:
        result = command("--ike", "des-md5-modp768", "--esp", "des-md5", "--json")
        assert result.exit_code == 0
        assert result.stderr.count("remark:") == result.stderr.count("\n") == 1
        for word in ("des:", "md5:", "modp768:"):
            assert word in result.stderr
        assert command("main", "--json").stderr == ""

    @pytest.mark.parametrize(
        ("words", "complaint"),
        [
            (["pks"], "scenario: expected one of main, "),
            (["--ike", "aes128-sha1"], "expected a group, got none"),
            (["--ike", "chacha"], 'got "chacha"'),
            (["--esp", "aes128"], "expected an integrity check, got none"),
            (["--ah", "aes128"], "AH hides nothing"),
            (["--ah", "sha256", "--esp", "aes128"], "expected an integrity check, got none"),
            (["--ah", "sha256-modp2048", "--esp", "aes128-sha1-ecp256"], "expected one group for PFS"),
            (["--ipcomp", "zip"], 'IPComp: expected deflate or lzs, got "zip"'),
            (["--pfs", "modp1"], 'got "modp1"'),
            (["--esp", "aes128-sha1-modp2048", "--pfs", "ecp256"], "expected the group of the proposal"),
            (["--mode", "base"], "'base' is not one of"),
            (["--auth", "rsa-sig"], "'rsa-sig' is not 'psk'"),
            (["--seed", "x"], "'x' is not a valid integer"),
            (["--step", "--json"], "--step and --json: expected one of them"),
            (["--mode", "aggressive", "--ike", "aes128-sha1-modp2048-x25519"], "expected one group in every offer"),
            (["--nat"], "No such option"),
        ],
    )
    def test_misuse_is_one_sentence_and_status_2(self, words: list[str], complaint: str) -> None:
        result = command(*words)
        assert result.exit_code == 2
        assert complaint in result.stderr
        assert result.stdout == ""
        assert "Traceback" not in result.stderr


class TestTheLadder:
    def test_states_of_both_sides_under_each_message(self) -> None:
        shown = command("main").stdout
        assert "I SA_SENT   R SA_CHOSEN" in shown
        assert "I ID_SENT   R ESTABLISHED" in shown
        assert "I ESTABLISHED   R ESTABLISHED" in shown

    def test_every_step_is_there_with_its_sentence(self) -> None:
        shown = " ".join(command("main").stdout.split())
        for frame in run("main").trace.frames:
            assert " ".join(frame["caption"]["what"].split()) in shown

    def test_hashes_that_hold_are_ticked(self) -> None:
        lines = command("main").stdout.splitlines()
        ticked = [line for line in lines if "✓" in line and "HASH" in line]
        assert len(ticked) >= 5

    def test_on_failure_each_side_says_what_it_has_to_say(self) -> None:
        result = command("psk")
        shown = " ".join(result.stdout.split())
        assert result.exit_code == 1
        assert "✗ Not established: the responder refused message 5." in shown
        assert "✗ the initiator says: The other side says PAYLOAD-MALFORMED" in shown
        assert "✗ the responder says: Decrypted to nonsense" in shown
        assert "the responder did not come to check it" in shown

    def test_lost_and_altered_messages_are_marked(self) -> None:
        assert "! lost on the way" in command("loss").stdout
        assert "The network makes a copy of message 1." in command("copies").stdout

    def test_no_line_ends_in_blanks_and_none_is_too_wide(self) -> None:
        for name in ("main", "psk", "copies"):
            for line in command(name).stdout.splitlines():
                assert line == line.rstrip()
                assert len(line) <= 80


class TestStep:
    def heads(self, shown: str) -> int:
        """How many steps are shown: each begins with a time."""
        return sum(" s  " in line[:20] for line in shown.splitlines())

    def test_enter_shows_the_next(self) -> None:
        result = command("main", "--step", stdin="\n\nq\n")
        assert self.heads(result.stdout) == 3
        assert "In short" not in result.stdout
        assert result.exit_code == 0

    def test_q_ends_it_at_once(self) -> None:
        assert self.heads(command("psk", "--step", stdin="q\n").stdout) == 1
        assert command("psk", "--step", stdin="q\n").exit_code == 1

    def test_the_end_of_the_input_shows_the_rest(self) -> None:
        assert command("main", "--step", stdin="\n").stdout == command("main").stdout
        assert command("main", "--step", stdin="").stdout == command("main").stdout

    def test_through_a_real_pipe(self) -> None:
        piped = subprocess.run(
            [sys.executable, "-c", "from ikelab.cli import main; main()", "run", "main", "--step"],
            input="\n" * 3 + "q\n", capture_output=True, check=True, text=True,
        )  # fmt: skip
        assert self.heads(piped.stdout) == 4
        assert piped.stderr == "", "nobody at a terminal, nobody to be asked"


class TestFiles:
    def test_all_of_them(self, tmp_path: Path) -> None:
        files = {option: tmp_path / f"out.{option}" for option in ("pcap", "keys", "trace", "html")}
        options = [word for option, path in files.items() for word in (f"--{option}", str(path))]
        assert command("main", *options).exit_code == 0
        talk = run("main")
        assert [each.octets for each in read_capture(files["pcap"])] == [each.octets for each in talk.wire]
        keys = json.loads(files["keys"].read_text("utf-8"))
        assert keys["ike"][0]["g_xy"] == talk.secret("g^xy").value.hex()
        assert Run.load(files["trace"]) == talk
        assert files["html"].read_text("utf-8").startswith("<!doctype html>")

    def test_dissect_reads_what_run_wrote(self, tmp_path: Path) -> None:
        pcap, keys = str(tmp_path / "run.pcap"), str(tmp_path / "keys.json")
        assert command("quick-pfs", "--pcap", pcap, "--keys", keys).exit_code == 0
        read = CliRunner().invoke(main, ["dissect", pcap, "--keys", keys, "--json"])
        assert read.exit_code == 0
        verified = [json.loads(line)["verified"] for line in read.stdout.splitlines()]
        assert [name for each in verified for name in each] == ["HASH_I", "HASH_R", "HASH(1)", "HASH(2)", "HASH(3)"]

    def test_a_failure_leaves_its_files_too(self, tmp_path: Path) -> None:
        assert command("psk", "--trace", str(tmp_path / "t.json"), "--json").exit_code == 1
        assert Run.load(tmp_path / "t.json").result.refused is not None

    def test_two_outputs_to_one_path_are_misuse_however_it_is_spelt(self, tmp_path: Path) -> None:
        (tmp_path / "folder").mkdir()
        one, other = tmp_path / "out", tmp_path / "folder" / ".." / "out"
        result = command("main", "--trace", str(one), "--html", str(other))
        assert result.exit_code == 2
        assert "expected a file of its own for each, got the same one" in result.stderr
        assert not one.exists()

    @pytest.mark.parametrize("option", ["--pcap", "--keys", "--trace", "--html"])
    def test_nowhere_to_write_is_misuse_before_anything_runs(self, tmp_path: Path, option: str) -> None:
        for place in (tmp_path / "no" / "folder", tmp_path):
            result = command("main", option, str(place))
            assert result.exit_code == 2
            assert f"expected a place to write what {option} asks for" in result.stderr
            assert result.stdout == ""
        assert [*tmp_path.iterdir()] == []

    def test_what_was_there_before_stays_where_the_words_are_wrong(self, tmp_path: Path) -> None:
        (tmp_path / "t.json").write_text("mine", "utf-8")
        assert command("main", "--ike", "nonsense", "--trace", str(tmp_path / "t.json")).exit_code == 2
        assert (tmp_path / "t.json").read_text("utf-8") == "mine"


def test_help_names_every_scenario() -> None:
    shown = command("--help").stdout
    for name, scenario in PRESETS.items():
        assert f"  {name} " in shown
        assert scenario.title in " ".join(shown.split())
