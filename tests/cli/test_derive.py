"""`ikelab derive`: one JSON object in, every secret that it determines out."""

from __future__ import annotations

import hmac
import json
from typing import Any

import pytest
from click.testing import CliRunner, Result
from hypothesis import given, strategies as st

from ikelab.cli import main
from tests.cli.dissecting import datagrams, facts
from tests.needs import needs

NI, NR, SHARED = bytes(range(16)), bytes(range(16, 32)), bytes(range(96))
CKY_I, CKY_R = bytes(range(8)), bytes(range(8, 16))
PSK_REQUEST = {
    "method": "psk",
    "prf": "sha1",
    "psk": "secret",
    "Ni": NI.hex(),
    "Nr": NR.hex(),
    "g^xy": SHARED.hex(),
    "CKY-I": CKY_I.hex(),
    "CKY-R": CKY_R.hex(),
}


def derive(request: object, *options: str) -> Result:
    """Run the command; text and octets are passed as they are."""
    given = request if isinstance(request, str | bytes) else json.dumps(request)
    result = CliRunner().invoke(main, ["derive", *options], input=given)
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def prf(key: bytes, *data: bytes) -> bytes:
    return hmac.digest(key, b"".join(data), "sha1")


class TestAnswers:
    def test_skeyid_and_its_children_by_hand(self) -> None:
        """RFC 2409 §5."""
        result = derive(PSK_REQUEST)
        secrets = json.loads(result.stdout)
        skeyid = prf(b"secret", NI, NR)
        d = prf(skeyid, SHARED, CKY_I, CKY_R, b"\0")
        a = prf(skeyid, d, SHARED, CKY_I, CKY_R, b"\1")
        e = prf(skeyid, a, SHARED, CKY_I, CKY_R, b"\2")
        values = {name: secret["value"] for name, secret in secrets.items()}
        assert values == {"SKEYID": skeyid.hex(), "SKEYID_d": d.hex(), "SKEYID_a": a.hex(), "SKEYID_e": e.hex()}
        assert secrets["SKEYID_a"]["formula"] == "prf(SKEYID, SKEYID_d | g^xy | CKY-I | CKY-R | 1)"
        assert secrets["SKEYID"]["rfc"] == "RFC 2409 §5"
        assert (result.exit_code, result.stderr) == (0, "")

    def test_what_more_would_need_is_said_beside(self) -> None:
        result = derive(PSK_REQUEST | {"cipher": "aes256"})
        assert set(json.loads(result.stdout)) == {"SKEYID", "SKEYID_d", "SKEYID_a", "SKEYID_e", "Ka"}
        assert result.stderr == "IV is not determined: it still needs g^xi, g^xr\n"

    def test_as_text_with_formulas_and_values(self) -> None:
        result = derive(PSK_REQUEST, "--text")
        skeyid = prf(b"secret", NI, NR)
        assert result.stdout.startswith("SKEYID = prf(PSK, Ni_b | Nr_b)    RFC 2409 §5\n")
        assert f"= {skeyid.hex()} (20 octets)" in result.stdout

    @needs("shared-captures")
    def test_a_recorded_conversation(self) -> None:
        """What two gateways computed, from what they sent and their shared secrets."""
        known = facts("main_psk_nopfs")
        entry, said = known["ike"][0], [datagram.octets for datagram in datagrams("main_psk_nopfs")]
        public, nonce = slice(32, 288), slice(292, 324)
        request = {
            "method": "psk",
            "prf": "sha1",
            "psk": known["psk"],
            "Ni": said[2][nonce].hex(),
            "Nr": said[3][nonce].hex(),
            "g^xi": said[2][public].hex(),
            "g^xr": said[3][public].hex(),
            "g^xy": entry["g_xy"],
            "CKY-I": entry["cookie_i"],
            "CKY-R": entry["cookie_r"],
            "SAi_b": said[0][32:84].hex(),
            "IDii_b": "010000000a630001",
            "IDir_b": "010000000a630002",
            "cipher": "aes128",
        }
        values = {name: secret["value"] for name, secret in json.loads(derive(request).stdout).items()}
        assert values.pop("IV") == entry["iv0"]
        assert values == {name: entry[name] for name in values}
        assert values.keys() == {"SKEYID", "SKEYID_d", "SKEYID_a", "SKEYID_e", "Ka", "HASH_I", "HASH_R"}


class TestMisuse:
    @pytest.mark.parametrize(
        ("request_", "words"),
        [
            ("", "expected one JSON object such as"),
            (" \n", "got nothing"),
            ("{", "got a text that is none: Expecting property name"),
            ("[1]", "request: expected a JSON object, got a list"),
            ('{"a": 1} {"b": 2}', "Extra data (line 1, column 10)"),
            (b"\xff", "expected JSON in UTF-8, got octet ff"),
            ("[" * 100_000, "got one nested too deep to read"),
            ("9" * 5000, "expected one JSON object"),
            ('{"psk": "a", "psk": "b"}', "expected each member once, got 'psk' twice"),
            (" " * ((1 << 20) + 1), "got more than 1048576 octets"),
            ({}, "expected a member method, got none"),
            ({"method": "dance", "prf": "sha1"}, "method: expected one of psk, sig, pke, got 'dance'"),
            ({"method": "psk"}, "expected a member prf, got none"),
            (PSK_REQUEST | {"prf": "sha3"}, "sha3"),
            (PSK_REQUEST | {"Ni": 5}, "Ni: expected octets in hex, got a number"),
            (PSK_REQUEST | {"Ni": "abc"}, "Ni: expected two hex digits for each octet"),
            (PSK_REQUEST | {"CKY-I": "00"}, "CKY-I: expected 8 octets, got 1"),
            (PSK_REQUEST | {"cipher": "rot13"}, "rot13"),
            (PSK_REQUEST | {"quick": {"protocol": "ESP"}}, "quick: expected"),
            ({"method": "psk", "prf": "sha1"}, "expected enough to determine a secret"),
        ],
    )
    def test_one_sentence(self, request_: object, words: str) -> None:
        result = derive(request_)
        assert (result.exit_code, result.stdout) == (2, "")
        assert result.stderr.startswith("Error: ")
        assert words in result.stderr
        assert result.stderr.count("\n") == 1

    def test_a_name_that_would_act_on_a_terminal(self) -> None:
        result = derive(PSK_REQUEST | {"a\x1b[2Jb": 1})
        assert result.exit_code == 0
        assert "a\\x1b[2Jb: no member of this name is known" in result.stderr

    @given(
        st.dictionaries(
            st.sampled_from([*PSK_REQUEST, "g^xi", "g^xr", "SAi_b", "IDii_b", "cipher", "quick"]),
            st.none() | st.integers() | st.text(max_size=6) | st.binary(max_size=12).map(bytes.hex)
            | st.sampled_from(["psk", "sig", "pke", "md5", "sha256", "aes128", "des"])
            | st.dictionaries(
                st.sampled_from(["protocol", "spi", "Ni", "Nr", "length"]), st.text(max_size=4) | st.integers()
            ),
        )
    )  # fmt: skip
    def test_anything(self, changes: dict[str, Any]) -> None:
        for base in ({}, PSK_REQUEST):
            result = derive(base | changes)
            assert result.exit_code in (0, 2)
            assert (result.exit_code == 0) == bool(result.stdout)
