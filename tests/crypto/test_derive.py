"""What `ikelab derive` promises: one request, every secret it determines, and clear words for a bad one."""

from __future__ import annotations

import hashlib
import hmac
import json
from typing import Any

import pytest
from hypothesis import given, strategies as st

from ikelab.crypto.derive import derive
from ikelab.errors import Misuse

REQUEST: dict[str, Any] = {
    "method": "psk",
    "prf": "sha1",
    "psk": "correct horse",
    "Ni": "00" * 16,
    "Nr": "11" * 20,
    "g^xy": "22" * 128,
    "CKY-I": "33" * 8,
    "CKY-R": "44" * 8,
}
HASHED = {"g^xi": "55" * 128, "g^xr": "66" * 128, "SAi_b": "77" * 50, "IDii_b": "01000000", "IDir_b": "0a"}
QUICK = {"protocol": "ESP", "spi": "c0b14415", "Ni": "88" * 16, "Nr": "99" * 16, "length": 36}


def without(name: str) -> dict[str, Any]:
    return {key: value for key, value in REQUEST.items() if key != name}


def prf(key: bytes, data: bytes) -> bytes:
    return hmac.new(key, data, "sha1").digest()


class TestAnswer:
    def test_the_least_request(self) -> None:
        answer = derive(REQUEST)
        assert list(answer.secrets) == ["SKEYID", "SKEYID_d", "SKEYID_a", "SKEYID_e"]
        assert answer.remarks == ()
        shape = answer.as_json()
        root = prf(b"correct horse", bytes(16) + b"\x11" * 20)
        assert {key: shape["SKEYID"][key] for key in ("value", "formula", "rfc")} == {
            "value": root.hex(),
            "formula": "prf(PSK, Ni_b | Nr_b)",
            "rfc": "RFC 2409 §5",
        }
        expected = prf(root, b"\x22" * 128 + b"\x33" * 8 + b"\x44" * 8 + b"\0")
        assert shape["SKEYID_d"]["value"] == expected.hex()

    def test_the_whole_request(self) -> None:
        answer = derive(REQUEST | HASHED | {"cipher": "aes256", "quick": QUICK | {"g^xy": "aa" * 128}})
        assert list(answer.secrets) == [
            "SKEYID", "SKEYID_d", "SKEYID_a", "SKEYID_e", "Ka", "IV", "HASH_I", "HASH_R", "KEYMAT",
        ]  # fmt: skip
        assert answer.remarks == ()
        shape = json.loads(json.dumps(answer.as_json()))
        assert len(shape["Ka"]["value"]) == 64
        assert shape["Ka"]["formula"] == "K1 | K2, where K1 = prf(SKEYID_e, 0) and K2 = prf(SKEYID_e, K1)"
        assert shape["Ka"]["kept"] == "first 32 of 40 octets"
        assert shape["IV"]["value"] == hashlib.sha1(b"\x55" * 128 + b"\x66" * 128).hexdigest()[:32]
        d = answer.secrets["SKEYID_d"].value
        body = b"\xaa" * 128 + b"\x03" + bytes.fromhex("c0b14415") + b"\x88" * 16 + b"\x99" * 16
        block = prf(d, body)
        assert shape["KEYMAT"]["value"] == (block + prf(d, block + body))[:36].hex()
        assert "g(qm)^xy" in shape["KEYMAT"]["formula"]

    def test_ah_has_its_own_protocol_number(self) -> None:
        answer = derive(REQUEST | {"quick": QUICK | {"protocol": "ah", "length": 20}})
        d = answer.secrets["SKEYID_d"].value
        body = b"\x02" + bytes.fromhex("c0b14415") + b"\x88" * 16 + b"\x99" * 16
        assert answer.secrets["KEYMAT"].value == prf(d, body)

    @pytest.mark.parametrize(("method", "needless"), [("sig", "psk"), ("pke", "psk"), ("pke", "g^xy"), ("psk", "g^xy")])
    def test_skeyid_by_each_method_without_what_it_does_not_need(self, method: str, needless: str) -> None:
        assert "SKEYID" in derive(without(needless) | {"method": method}).secrets

    def test_what_the_input_determines_without_skeyid(self) -> None:
        answer = derive(without("psk") | HASHED | {"cipher": "3des"})
        assert list(answer.secrets) == ["IV"]
        assert "SKEYID is not determined: it still needs psk" in answer.remarks

    @pytest.mark.parametrize(("spelled", "octets"), [("correct horse", b"correct horse"), ("0xC0ffee", b"\xc0\xff\xee"),
                                                     ("naïve", "naïve".encode()), ("75", b"75")])  # fmt: skip
    def test_a_psk_is_text_or_0x_and_hex(self, spelled: str, octets: bytes) -> None:
        answer = derive(REQUEST | {"psk": spelled})
        assert answer.secrets["SKEYID"].value == prf(octets, bytes(16) + b"\x11" * 20)

    def test_hex_may_be_upper_case_and_start_with_0x(self) -> None:
        assert derive(REQUEST | {"Ni": "0x" + "AB" * 16}).secrets == derive(REQUEST | {"Ni": "ab" * 16}).secrets


class TestRemarks:
    @pytest.mark.parametrize(("changes", "remark"), [
        ({"Ni": "00" * 7}, "Ni has 7 octets: a nonce must have 8 to 256, a peer would refuse it (RFC 2409 §5)"),
        ({"Nr": "00" * 257}, "Nr has 257 octets: a nonce must have 8 to 256, a peer would refuse it (RFC 2409 §5)"),
        ({"quick": QUICK | {"Ni": "00"}},
         "quick.Ni has 1 octet: a nonce must have 8 to 256, a peer would refuse it (RFC 2409 §5)"),
        ({"CKY_I": "00"}, "CKY_I: no member of this name is known, it was left aside; did you mean CKY-I?"),
        ({"quick": QUICK | {"Length": 3}},
         "quick.Length: no member of this name is known, it was left aside; did you mean length?"),
        ({"method": "sig"}, "psk: method sig makes no use of it"),
        ({"psk": ""}, "psk: it is empty, so that anyone can compute every secret below"),
        ({"cipher": "des"}, "IV is not determined: it still needs g^xi, g^xr"),
        ({"IDii_b": "00"}, "HASH_I is not determined: it still needs g^xi, g^xr, SAi_b"),
        ({"IDir_b": "00", "SAi_b": "00"}, "HASH_R is not determined: it still needs g^xr, g^xi"),
        ({"g^xi": "00" * 128, "g^xr": "00" * 127},
         "g^xi has 128 octets, g^xr 127 octets: public values are as long as the group, leading zeros included "
         "(RFC 2409 §5)"),
        ({"g^xi": "00" * 129, "g^xr": "00" * 129},
         "g^xy has 128 octets, g^xi 129 octets: the shared secret is as long as a public value (half as long in an ECP "
         "group, RFC 5903 §7); was a leading zero left out?"),
    ])  # fmt: skip
    def test_what_is_odd_or_missing_is_said_and_the_rest_computed(self, changes: dict[str, Any], remark: str) -> None:
        answer = derive(REQUEST | changes)
        assert answer.remarks == (remark,)
        assert "SKEYID_e" in answer.secrets

    def test_an_ecp_secret_is_half_as_long_as_a_public_value(self) -> None:
        ecp = {"g^xy": "01" * 32, "g^xi": "02" * 64, "g^xr": "03" * 64}
        assert derive(REQUEST | ecp).remarks == ()

    def test_keymat_without_skeyid_d(self) -> None:
        answer = derive(without("g^xy") | {"quick": QUICK})
        assert "KEYMAT is not determined: it still needs g^xy" in answer.remarks


class TestMisuse:
    @pytest.mark.parametrize(("changes", "complaint"), [
        ({"method": "eap"}, "method: expected one of psk, sig, pke, got 'eap'"),
        ({"method": 1}, "method: expected a word, got a number"),
        ({"prf": "tiger"}, "prf: expected one of md5, sha1, sha256, sha384, sha512, got 'tiger'"),
        ({"prf": None}, "prf: expected a word, got null"),
        ({"cipher": "rc4"}, "cipher: expected one of des, 3des, aes128, .* got 'rc4'"),
        ({"cipher": ["aes128"]}, "cipher: expected a word, got a list"),
        ({"psk": 42}, "psk: expected text, or 0x and hex, got a number"),
        ({"psk": "0x123"}, "psk: expected two hex digits for each octet, got an odd number of them, 3"),
        ({"psk": "a\ud800"}, "psk: expected text, got half a character at position 2"),
        ({"Ni": "abc"}, "Ni: expected two hex digits for each octet, got an odd number of them, 3"),
        ({"Nr": "12 34"}, "Nr: expected hex digits, got ' ' at character 3"),
        ({"g^xy": "１２"}, "g\\^xy: expected hex digits, got '１' at character 1"),
        ({"g^xy": True}, "g\\^xy: expected octets in hex, got true or false"),
        ({"SAi_b": {}}, "SAi_b: expected octets in hex, got an object"),
        ({"CKY-I": "00"}, "CKY-I: expected 8 octets, got 1"),
        ({"quick": "ESP"}, "quick: expected a JSON object, got text"),
        ({"quick": {}}, "quick: expected protocol, spi, Ni, Nr, .* got no protocol, spi, Ni, Nr, length"),
        ({"quick": {"spi": "00000001", "Ni": "", "Nr": "", "length": 1}}, "got no protocol$"),
        ({"quick": QUICK | {"protocol": "IPCOMP"}}, "quick.protocol: expected one of AH, ESP, got 'IPCOMP'"),
        ({"quick": QUICK | {"protocol": 3}}, "quick.protocol: expected a word, got a number"),
        ({"quick": QUICK | {"spi": "1234"}}, "quick.spi: expected 8 hex digits .* got 2 octets"),
        ({"quick": QUICK | {"Ni": "x"}}, "quick.Ni: expected hex digits, got 'x'"),
        ({"quick": QUICK | {"length": 0}}, "quick.length: expected octets of KEYMAT, a number from 1 to 65536, got 0"),
        ({"quick": QUICK | {"length": 10**9}}, "got 1000000000"),
        ({"quick": QUICK | {"length": True}}, "got True"),
        ({"quick": QUICK | {"length": 20.0}}, "got 20.0"),
        ({"quick": QUICK | {"length": "20"}}, "got '20'"),
    ])  # fmt: skip
    def test_a_malformed_member_is_named(self, changes: dict[str, Any], complaint: str) -> None:
        with pytest.raises(Misuse, match=complaint):
            derive(REQUEST | changes)

    @pytest.mark.parametrize("request_", [None, [], "psk", 1])
    def test_anything_but_an_object(self, request_: object) -> None:
        with pytest.raises(Misuse, match="request: expected a JSON object, got"):
            derive(request_)

    @pytest.mark.parametrize("name", ["method", "prf"])
    def test_what_must_be_there(self, name: str) -> None:
        with pytest.raises(Misuse, match=f"request: expected a member {name}, got none"):
            derive(without(name))

    def test_too_little_for_any_secret(self) -> None:
        with pytest.raises(Misuse, match="too little: SKEYID is not determined: it still needs psk, Nr"):
            derive({"method": "psk", "prf": "md5", "Ni": "00" * 8})


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda values: st.lists(values, max_size=3) | st.dictionaries(st.text(max_size=5), values, max_size=3),
    max_leaves=6,
)


@given(changes=st.dictionaries(st.sampled_from([*REQUEST, *HASHED, "cipher", "quick"]), JSON, max_size=4))
def test_any_json_is_answered_or_misuse(changes: dict[str, Any]) -> None:
    try:
        answer = derive(REQUEST | changes)
    except Misuse:
        return
    assert set(json.loads(json.dumps(answer.as_json()))) == set(answer.secrets) != set()
