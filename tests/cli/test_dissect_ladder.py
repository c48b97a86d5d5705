"""What `ikelab dissect` shows a person: a ladder that fits the terminal, verdicts, and fields beside octets."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
from rich.cells import cell_len

from tests.cli.dissecting import dissect, facts, objects, only_psk_and_dh, pcap, written
from tests.needs import needs, recorded_conversations

pytestmark = needs("shared-captures")

ESCAPE = "\x1b"


@pytest.fixture
def keys(tmp_path: Path) -> Path:
    """All that can be known of main_psk_nopfs."""
    return written(tmp_path, only_psk_and_dh(facts("main_psk_nopfs")))


@pytest.fixture(params=[80, 120])
def width(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> int:
    """A terminal of so many columns."""
    monkeypatch.setenv("COLUMNS", str(request.param))
    columns: int = request.param
    return columns


def words(shown: str) -> str:
    """The text without its line breaks."""
    return " ".join(shown.split())


@pytest.mark.parametrize("conversation", recorded_conversations())
class TestEveryRecording:
    def test_it_fits_the_terminal(self, conversation: str, width: int, tmp_path: Path) -> None:
        given = written(tmp_path, only_psk_and_dh(facts(conversation)))
        for options in ([], ["--keys", given], ["--keys", given, "--fields"]):
            result = dissect(pcap(conversation), *options)
            assert (result.exit_code, result.stderr) == (0, "")
            assert max(cell_len(line) for line in result.stdout.splitlines()) <= width
            assert ESCAPE not in result.stdout
            assert not re.search(r" +$", result.stdout, re.MULTILINE), "blanks at the end of a line"

    def test_every_frame_has_its_rung(self, conversation: str) -> None:
        shown = dissect(pcap(conversation)).stdout
        frames = [int(number) for number in re.findall(r"^ {,4}(\d+) +[\d.]+ s  I [◀─▶]{3} R  ", shown, re.MULTILINE)]
        assert frames == [line["frame"] for line in objects(dissect(pcap(conversation), "--json"))]


class TestTheLadder:
    def test_a_message_is_drawn_as_the_rfc_draws_it(self, keys: Path) -> None:
        shown = dissect(pcap("main_psk_nopfs"), "--keys", keys).stdout
        assert "    5    0.011 s  I ──▶ R  Main Mode 5      HDR*, IDii, HASH_I, N\n" in shown
        assert "    8    0.015 s  I ◀── R  Quick Mode 2     HDR*, HASH(2), SA, Nr, IDci, IDcr\n" in shown

    def test_the_peers_are_introduced(self, keys: Path) -> None:
        shown = dissect(pcap("main_psk_nopfs"), "--keys", keys).stdout
        assert "I initiator 10.99.0.1:500   R responder 10.99.0.2:500\n" in shown

    def test_a_proof_comes_with_its_formula_and_verdict(self, keys: Path, tmp_path: Path) -> None:
        proof = "9f96dd56…48008070 = prf(SKEYID, g^xi | g^xr | CKY-I | CKY-R | SAi_b | IDii_b)"
        assert f"HASH_I ✓ {proof}" in words(dissect(pcap("main_psk_nopfs"), "--keys", keys).stdout)
        wrong = dissect(pcap("aggr_psk_keyid"), "--psk", "wrong").stdout
        assert re.search(r"HASH_R +✗ [0-9a-f]{8}…[0-9a-f]{8} +=", wrong)
        unknown = dissect(pcap("aggr_psk_keyid")).stdout
        assert re.search(r"HASH_R +[0-9a-f]{8}…[0-9a-f]{8} +not checked", unknown)

    def test_the_keys_say_where_they_come_from(self, tmp_path: Path) -> None:
        given = written(tmp_path, only_psk_and_dh(facts("main_psk_pfs_libipsec")))
        shown = words(dissect(pcap("main_psk_pfs_libipsec"), "--keys", given).stdout)
        assert "keys SKEYID, SKEYID_d, SKEYID_a, SKEYID_e, Ka can be computed from here on" in shown
        assert (
            "opened with Ka 242b05c9…2e90dbda, IV c0fefa69…8e3e8150 (hash(g^xi | g^xr), RFC 2409 Appendix B)" in shown
        )
        assert "KEYMAT ESP 06041222 I ▶ R 36 octets = K1 | K2, where K1 = prf(SKEYID_d, g(qm)^xy | protocol" in shown

    def test_packets_are_one_line_each(self, tmp_path: Path) -> None:
        given = written(tmp_path, only_psk_and_dh(facts("uml_ah_tunnel")))
        shown = dissect(pcap("uml_ah_tunnel"), "--keys", given).stdout
        assert "   10    0.400 s  I ──▶ R  cb66fd37 #1  ✓ 10.1.0.1 > 10.2.0.1 ICMP echo" in shown
        assert "· 10 AH packets, 10 proved genuine by the ICV\n" in shown

    def test_a_nat_is_pointed_out(self) -> None:
        shown = words(dissect(pcap("nat_main_psk")).stdout)
        assert re.search(r"≠ [0-9a-f]{8}…[0-9a-f]{8} not the packet's source: a NAT on the way", shown)

    def test_a_login_and_settings_are_readable(self, tmp_path: Path) -> None:
        name = "xauth_main_psk_modecfg_pull_libipsec"
        shown = words(dissect(pcap(name), "--keys", written(tmp_path, only_psk_and_dh(facts(name)))).stdout)
        assert 'ATTR REPLY XAUTH-USER-NAME "carol", XAUTH-USER-PASSWORD "Ar3etTnp"' in shown
        assert "REPLY INTERNAL_IP4_ADDRESS 10.3.0.10, INTERNAL_IP4_DNS 10.2.0.53" in shown

    def test_two_ends_with_different_keys(self, tmp_path: Path) -> None:
        given = written(tmp_path, only_psk_and_dh(facts("fail_psk_mismatch")))
        shown = words(dissect(pcap("fail_psk_mismatch"), "--keys", given).stdout)
        assert "(belief 2 of 2)" in shown
        assert "✗ the two ends do not hold the same keys (initiator: belief 1 and responder: belief 2)" in shown
        assert "The same octets again: a repetition of frame 5." in shown
        assert shown.endswith("true: HASH(1) ×3, HASH_I"), "repetitions prove nothing more"


class TestInShort:
    def test_what_was_agreed_and_proved(self, keys: Path) -> None:
        shown = words(dissect(pcap("main_psk_nopfs"), "--keys", keys).stdout.partition("In short")[2])
        assert "Main Mode AES-CBC-128, SHA, MODP-2048, PSK, 15840 s I ✓ 10.99.0.1 HASH_I R ✓ 10.99.0.2 HASH_R" in shown
        assert "ESP c930a8d1 I ▶ R AES-CBC-128, HMAC-SHA-1-96; 0 packets" in shown
        assert "11 IKE messages; 7 of 7 encrypted ones opened" in shown
        assert "true: HASH(1) ×3, HASH(2), HASH(3), HASH_I, HASH_R" in shown

    def test_what_stays_closed_and_what_it_would_take(self) -> None:
        shown = words(dissect(pcap("main_psk_nopfs")).stdout)
        assert "? frames 5 to 11 stayed closed: PSK and g^xy are not known. Give --keys a file with" in shown
        assert '"psk": "...", "ike": [{"cookie_i": "a1f49d7b5141b96b", "g_xy": "..."}]' in shown
        assert "no recording holds them" in shown

    def test_with_the_advice_followed_it_opens(self, tmp_path: Path) -> None:
        """The file that the advice describes is one that --keys takes."""
        advice = re.search(r"\{.*\}", words(dissect(pcap("main_psk_nopfs")).stdout).partition("with ")[2])
        assert advice is not None
        entry = facts("main_psk_nopfs")["ike"][0]
        document = advice[0].replace('"psk": "..."', '"psk": "correct horse battery staple"')
        document = document.replace('"g_xy": "..."', f'"g_xy": "{entry["g_xy"]}"')
        result = dissect(pcap("main_psk_nopfs"), "--keys", written(tmp_path, document))
        assert "7 of 7 encrypted ones opened" in result.stdout

    def test_pfs_needs_one_more_secret(self, tmp_path: Path) -> None:
        known = only_psk_and_dh(facts("main_psk_pfs_libipsec")) | {"quick": []}
        shown = words(dissect(pcap("main_psk_pfs_libipsec"), "--keys", written(tmp_path, known)).stdout)
        assert "frames 10 to 19 stayed closed: its KEYMAT needs g(qm)^xy, not known. Give --keys a file with" in shown

    def test_signatures_are_not_claimed_to_be_checked(self, tmp_path: Path) -> None:
        given = written(tmp_path, only_psk_and_dh(facts("main_rsa")))
        shown = words(dissect(pcap("main_rsa"), "--keys", given).stdout)
        assert "signed, and not checked" in shown
        assert "HASH_I" not in shown.partition("In short")[2]


class TestFields:
    def test_each_field_stands_beside_its_octets(self, keys: Path) -> None:
        shown = dissect(pcap("main_psk_nopfs"), "--keys", keys, "--fields", "--frame", 5).stdout
        assert "  0000  a1 f4 9d 7b  51 41 b9 6b  Initiator Cookie\n" in shown
        assert "  0008  0a 63 00 01               Identification Data  10.99.0.1\n" in shown
        assert "  0000  Identification  IDii  12 octets  RFC 2407 §4.6.2\n" in shown

    def test_the_lid_names_key_and_iv(self, keys: Path) -> None:
        entry = facts("main_psk_nopfs")["ike"][0]
        shown = words(dissect(pcap("main_psk_nopfs"), "--keys", keys, "--fields", "--frame", 5).stdout)
        assert f"Decrypted, 80 octets opened with Ka {entry['Ka']} IV {entry['iv0']}, hash(g^xi | g^xr)" in shown

    def test_a_thing_is_explained_where_it_is_met_first(self) -> None:
        shown = words(dissect(pcap("main_psk_nopfs"), "--fields").stdout)
        assert shown.count("Octets of this payload, these four included.") == 1
        assert shown.count("Payload Length") > 20

    def test_long_values_are_folded_unless_all_octets_are_wanted(self) -> None:
        folded = dissect(pcap("main_psk_nopfs"), "--fields", "--frame", 3).stdout
        assert "192 more octets" in folded
        whole = dissect(pcap("main_psk_nopfs"), "--octets", "--frame", 3).stdout
        assert "more octets" not in whole
        rows = [line[8:32] for line in whole.splitlines() if re.match(r" {2,4}[0-9a-f]{4}  [0-9a-f]{2} ", f"{line} ")]
        line = objects(dissect(pcap("main_psk_nopfs"), "--json", "--fields", "--frame", 3))[0]
        assert "".join(rows).replace(" ", "") == line["sheets"][0]["octets"]

    def test_a_picked_frame_stands_alone(self) -> None:
        assert "In short" not in dissect(pcap("main_psk_nopfs"), "--frame", 3).stdout

    def test_an_attribute_is_one_row(self) -> None:
        shown = dissect(pcap("main_psk_nopfs"), "--fields", "--frame", 1).stdout
        assert "  0038  80 01 00 07               Encryption Algorithm  AES-CBC (7)  (1), TV\n" in shown

    def test_packets_have_fields_too(self, tmp_path: Path) -> None:
        given = written(tmp_path, only_psk_and_dh(facts("uml_main_psk_esp")))
        shown = words(dissect(pcap("uml_main_psk_esp"), "--keys", given, "--fields", "--frame", 10).stdout)
        assert "0000 cd b2 38 b4 SPI Tells the receiver which SA" in shown
        assert "Decrypted, 240 octets opened with AES-CBC-128" in shown
        assert "Next Header IPv4 (4)" in shown


class TestTerminals:
    def run(self, *arguments: object, **environment: str) -> subprocess.CompletedProcess[bytes]:
        program = "import sys; from ikelab.cli import main; main(sys.argv[1:])"
        command = [sys.executable, "-c", program, "dissect", *map(str, arguments)]
        return subprocess.run(command, capture_output=True, check=False, env={"COLUMNS": "80", **environment})

    def test_colours_only_where_they_are_seen(self) -> None:
        assert ESCAPE.encode() not in self.run(pcap("main_psk_nopfs")).stdout
        assert ESCAPE.encode() in self.run(pcap("main_psk_nopfs"), FORCE_COLOR="1", TERM="xterm-256color").stdout

    @pytest.mark.parametrize("encoding", ["ascii", "latin-1", "cp1252", "cp437"])
    def test_an_encoding_without_the_signs(self, encoding: str) -> None:
        run = self.run(pcap("main_psk_nopfs"), PYTHONIOENCODING=encoding)
        assert (run.returncode, run.stderr) == (0, b"")
        shown = run.stdout.decode(encoding)
        assert re.search(r"I [-─]{2}[>▶] R", shown)
        assert "?" not in shown.partition("In short")[0]

    def test_a_reader_that_leaves_early(self) -> None:
        program = "import sys; from ikelab.cli import main; main(sys.argv[1:])"
        for options in ([], ["--json", "--fields"]):
            command = [sys.executable, "-c", program, "dissect", str(pcap("main_rsa4096_frag")), *options]
            with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as running:
                assert running.stdout is not None
                assert running.stderr is not None
                running.stdout.close()
                assert b"Traceback" not in running.stderr.read()

    def test_no_room_for_the_output(self) -> None:
        if not Path("/dev/full").exists():
            pytest.skip("this system has no /dev/full")
        program = "import sys; from ikelab.cli import main; main(sys.argv[1:])"
        command = [sys.executable, "-c", program, "dissect", str(pcap("main_rsa4096_frag"))]
        with Path("/dev/full").open("wb") as full:
            run = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, check=False)
        assert b"expected room for the output, got: No space left on device" in run.stderr
        assert b"Traceback" not in run.stderr
