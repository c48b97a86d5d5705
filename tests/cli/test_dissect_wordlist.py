"""`ikelab dissect --wordlist`: guessing the pre-shared key of an Aggressive Mode exchange from a recording."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from tests.cli.dissecting import datagrams, dissect, facts, objects, only_psk_and_dh, pcap, recorded, written
from tests.needs import needs

pytestmark = needs("shared-captures")

PSK = "correct horse battery staple"
SPEED = re.compile(r"^([\d,]+) words in [\d.]+ s: [\d,]+ words/s$", re.MULTILINE)


def wordlist(folder: Path, *words: bytes | str, end: bytes = b"\n") -> Path:
    path = folder / "words"
    path.write_bytes(end.join(word if isinstance(word, bytes) else word.encode() for word in words))
    return path


class TestTheWordIsInTheList:
    @pytest.mark.parametrize("end", [b"\n", b"\r\n"])
    def test_it_is_named_and_used(self, tmp_path: Path, end: bytes) -> None:
        words = wordlist(tmp_path, "secret", "", PSK, "never tried", end=end)
        result = dissect(pcap("aggr_psk_keyid"), "--wordlist", words, "--json")
        assert result.exit_code == 0
        assert objects(result)[1]["verified"]["HASH_R"] is True
        assert f'frame 2: word 3 gives HASH_R: the pre-shared key is "{PSK}"' in result.stderr
        speed = SPEED.search(result.stderr)
        assert speed is not None
        assert speed[1] == "3"

    def test_with_the_diffie_hellman_secret_it_opens_all_the_rest(self, tmp_path: Path) -> None:
        known = only_psk_and_dh(facts("aggr_psk_libipsec"))
        del known["psk"]
        words = wordlist(tmp_path, "secret", PSK)
        keys = written(tmp_path, known)
        result = dissect(pcap("aggr_psk_libipsec"), "--keys", keys, "--wordlist", words, "--json")
        assert result.exit_code == 0
        assert all(line["decrypted"] for line in objects(result) if line.get("encrypted", True))

    def test_two_exchanges_with_a_key_each(self, tmp_path: Path) -> None:
        both = recorded(tmp_path, [*datagrams("aggr_psk_keyid"), *datagrams("fail_psk_mismatch_aggr")])
        result = dissect(both, "--wordlist", wordlist(tmp_path, "wrong key", PSK), "--json")
        proved = [line["verified"]["HASH_R"] for line in objects(result) if "HASH_R" in line["verified"]]
        assert (result.exit_code, proved) == (0, [True, True])
        assert 'frame 10: word 1 gives HASH_R: the pre-shared key is "wrong key"' in result.stderr

    @pytest.mark.parametrize(
        ("word", "spelt"),
        [(b"0x2a", "0x30783261"), (b"\xff\x00", "0xff00"), (b'"', '"\\""'), ("pässword".encode(), '"pässword"'),
         (b"a\x1b[2J", "0x611b5b324a")],
    )  # fmt: skip
    def test_it_is_spelt_as_the_option_psk_takes_it(self, word: bytes, spelt: str) -> None:
        from ikelab.cli.dissect import _spelt
        from ikelab.ike import given

        assert _spelt(word) == spelt
        text = json.loads(spelt) if spelt.startswith('"') else spelt
        assert given.psk(text) == word


class TestTheWordIsNotInTheList:
    @pytest.mark.parametrize("words", [("secret", "Correct horse battery staple"), ()])
    def test_every_guess_is_a_false_hash(self, tmp_path: Path, words: tuple[str, ...]) -> None:
        result = dissect(pcap("aggr_psk_keyid"), "--wordlist", wordlist(tmp_path, *words), "--json")
        assert result.exit_code == 1
        assert "frame 2: no word gives HASH_R" in result.stderr
        assert len(objects(result)) == 8, "what can be read is read all the same"


def test_where_hash_r_is_not_in_clear_there_is_nothing_to_try(tmp_path: Path) -> None:
    result = dissect(pcap("main_psk_nopfs"), "--wordlist", wordlist(tmp_path, PSK))
    assert (result.exit_code, result.stdout) == (2, "")
    assert "expected an Aggressive Mode exchange with a pre-shared key" in result.stderr
