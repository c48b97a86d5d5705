"""What a reader believes to know, from facts.json and from Wireshark's tables."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, strategies as st

from ikelab.crypto.protection import esp_cipher_by_word, integrity_by_word
from ikelab.crypto.sa_keys import SaKeys
from ikelab.errors import Misuse
from ikelab.ike.beliefs import IKE_VALUES, UNCHECKED_ICVS, Belief, Beliefs, QuickBelief, parse_keys
from tests.needs import captures_dir, needs, recorded_conversations

CKY_I, CKY_R = bytes.fromhex("a1f49d7b5141b96b"), bytes.fromhex("49f0aa6dbd5b970c")
OTHER = bytes.fromhex("1111111111111111")
SPI, KEY16, KEY20 = b"\xc9\x30\xa8\xd1", bytes(range(16)), bytes(range(20))
ESP_SA = (
    f'"IPv4","*","*","0xc930a8d1","AES-CBC [RFC3602]","0x{KEY16.hex()}","HMAC-SHA-1-96 [RFC2404]","0x{KEY20.hex()}"'
)
TWICE_CHECKED = ESP_SA.replace("AES-CBC [RFC3602]", "aes128gcm16").replace("0x00", "0xffffffff00", 1)
READY = SaKeys(
    protocol="ESP",
    spi=SPI,
    cipher=esp_cipher_by_word("aes128"),
    enc_key=KEY16,
    integrity=integrity_by_word("sha1"),
    auth_key=KEY20,
)

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.sampled_from(["", "ab", "abc", "0x", "a1f49d7b5141b96b", "c930a8d1", "NULL"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from([*IKE_VALUES, "cookie_i", "cookie_r", "psk", "spi", "spi_i", "alg", "enc"]),
            inner,
            max_size=5,
        )
    ),
    max_leaves=10,
)


def ike(**fields: Any) -> dict[str, Any]:
    return {"ike": [{"cookie_i": CKY_I.hex(), **fields}]}


def complaint_of(source: Any) -> str:
    with pytest.raises(Misuse) as caught:
        parse_keys(source if isinstance(source, str | bytes) else json.dumps(source), name="keys.json")
    return str(caught.value)


@needs("shared-captures")
class TestRecordedFacts:
    @pytest.mark.parametrize("name", recorded_conversations())
    def test_every_entry_becomes_a_belief_without_a_remark(self, name: str) -> None:
        text = (captures_dir() / name / "facts.json").read_text("utf-8")
        facts = json.loads(text)
        beliefs = parse_keys(text)
        assert beliefs.remarks == ()
        assert beliefs.psk == facts["psk"].encode()
        assert len(beliefs.ike) == len(facts.get("ike", []))
        for belief, entry in zip(beliefs.ike, facts.get("ike", []), strict=True):
            told = {key: value for key, value in entry.items() if key in IKE_VALUES}
            assert {IKE_VALUES[key]: bytes.fromhex(value) for key, value in told.items()} == belief.values
        for quick, entry in zip(beliefs.quick, facts.get("quick", []), strict=True):
            assert {key: value for key, value in vars(quick).items() if value is not None} == {
                key: value if key == "protocol" else bytes.fromhex(value) for key, value in entry.items()
            }
        assert [(key.spi, key.enc_key, key.auth_key or b"") for key in beliefs.esp] == [
            tuple(bytes.fromhex(entry[key]) for key in ("spi", "enc", "auth")) for entry in facts.get("esp", [])
        ]

    @pytest.mark.parametrize("name", recorded_conversations())
    def test_the_tables_for_wireshark_say_nothing_else(self, name: str) -> None:
        facts = json.loads((captures_dir() / name / "facts.json").read_text("utf-8"))
        lines = facts.get("wireshark_ikev1_decryption_table", []) + facts.get("wireshark_esp_sa", [])
        tables = Beliefs.from_wireshark("\n".join(lines))
        whole = Beliefs.from_json(facts)
        assert tables.esp == whole.esp
        assert whole.merged(tables) == whole
        assert {belief.values["Ka"] for belief in tables.ike} <= {belief.values["Ka"] for belief in whole.ike}


class TestJson:
    def test_both_spellings_of_a_name(self) -> None:
        for spelling, name in (("g_xy", "g^xy"), ("g^xy", "g^xy"), ("iv0", "iv0"), ("IV", "iv0")):
            (belief,) = Beliefs.from_json(ike(**{spelling: "abcd"})).ike
            assert belief == Belief(cookie_i=CKY_I, values={name: b"\xab\xcd"})

    def test_null_says_nothing(self) -> None:
        document = ike(cookie_r=None, psk=None, g_xy=None) | {"psk": None, "quick": None}
        assert Beliefs.from_json(document) == Beliefs(ike=(Belief(cookie_i=CKY_I),))

    def test_several_entries_for_one_cookie_are_kept_in_order(self) -> None:
        entries = [
            {"cookie_i": CKY_I.hex(), "SKEYID_e": "aa"},
            {"cookie_i": CKY_I.hex(), "SKEYID_e": "bb", "psk": "wrong key"},
        ]
        beliefs = Beliefs.from_json({"psk": "right key", "ike": entries})
        assert [(belief.values["SKEYID_e"], belief.psk) for belief in beliefs.about(CKY_I)] == [
            (b"\xaa", b"right key"),
            (b"\xbb", b"wrong key"),
        ]

    def test_a_key_nobody_knows_is_a_remark(self) -> None:
        beliefs = Beliefs.from_json(ike(SKEYIDe="abcd"), name="f")
        assert beliefs.remarks[0].startswith("f: ike[0]: 'SKEYIDe' was not read; expected one of cookie_i,")

    def test_an_algorithm_nobody_knows_is_a_remark(self) -> None:
        entry = {"spi": SPI.hex(), "enc": "aa" * 16, "auth": "", "alg": "BLOWFISH-CBC [RFC2451]", "auth_alg": "NULL"}
        beliefs = Beliefs.from_json({"esp": [entry]}, name="f")
        assert beliefs.esp == ()
        assert beliefs.remarks == (
            "f: esp[0]: keys of 'BLOWFISH-CBC [RFC2451]' were not read: ikelab does not know it",
        )

    def test_algorithms_by_the_words_of_proposals(self) -> None:
        entry = {"spi": SPI.hex(), "enc": KEY16.hex(), "auth": KEY20.hex(), "alg": "aes128", "auth_alg": "sha1"}
        assert Beliefs.from_json({"esp": [entry]}).esp == (READY,)

    @pytest.mark.parametrize(
        ("document", "complaint"),
        [
            ([], "keys.json: expected a JSON object, got a list of 0"),
            ({"psk": 7}, "keys.json: psk: expected a text, got a number"),
            ({"psk": ""}, "keys.json: psk: expected a pre-shared key, got an empty text"),
            ({"psk": "0xabc"}, "keys.json: psk: expected pairs of hex digits, got '0xabc' (3 characters)"),
            ({"ike": {}}, "keys.json: ike: expected a list, got an object"),
            ({"ike": ["x"]}, "keys.json: ike[0]: expected a JSON object, got 'x'"),
            ({"ike": [{"g_xy": "ab"}]}, "keys.json: ike[0]: expected cookie_i, got none; what is there: g_xy"),
            (
                {"ike": [{"cookie_i": "ab"}]},
                "keys.json: ike[0].cookie_i: expected 16 hex digits (8 octets), got 'ab' (2 characters)",
            ),
            (ike(cookie_r=1), "keys.json: ike[0].cookie_r: expected a text, got a number"),
            (ike(g_xy="abc"), "keys.json: ike[0].g_xy: expected pairs of hex digits, got 'abc' (3 characters)"),
            (
                ike(**{"g_xy": "ab", "g^xy": "cd"}),
                "keys.json: ike[0].g_xy: expected one value of g^xy, got two that differ",
            ),
            ({"quick": [{}]}, "keys.json: quick[0]: expected spi_i, spi_r or both, got neither"),
            (
                {"quick": [{"spi_i": SPI.hex(), "protocol": "esp"}]},
                "keys.json: quick[0].protocol: expected ESP or AH, got 'esp'",
            ),
            (
                {"quick": [{"spi_i": "abcd"}]},
                "keys.json: quick[0].spi_i: expected 8 hex digits (4 octets), got 'abcd' (4 characters)",
            ),
            ({"esp": [{"spi": SPI.hex()}]}, "keys.json: esp[0]: expected alg, got none; what is there: spi"),
        ],
    )
    def test_what_is_wrong_is_named_with_its_place(self, document: Any, complaint: str) -> None:
        assert complaint_of(document) == complaint

    @given(JSON)
    def test_whatever_comes_misuse_is_all_that_is_raised(self, document: object) -> None:
        try:
            beliefs = Beliefs.from_json(document)
        except Misuse as complaint:
            assert "expected" in str(complaint)  # noqa: PT017 (raising nothing is right, too)
            return
        assert all(len(belief.cookie_i) == 8 for belief in beliefs.ike)


class TestWireshark:
    def test_both_tables_in_one_file_with_comments(self) -> None:
        text = f"# This file is automatically generated.\n\n{CKY_I.hex()},{KEY16.hex()}\r\n{ESP_SA}\n"
        beliefs = parse_keys(text)
        assert beliefs == Beliefs(ike=(Belief(cookie_i=CKY_I, values={"Ka": KEY16}),), esp=(READY,))

    def test_quoted_cookies_and_later_fields_do_not_matter(self) -> None:
        assert parse_keys(f'"{CKY_I.hex()}","{KEY16.hex()}"\n{ESP_SA},"32-bit","0"').esp == (READY,)

    @pytest.mark.parametrize(
        ("name", "size", "word"),
        [
            ("NULL", 0, "null"),
            ("DES-CBC [RFC2405]", 8, "des"),
            ("TripleDES-CBC [RFC2451]", 24, "3des"),
            ("AES-CBC [RFC3602]", 32, "aes256"),
            ("AES-GCM with 16 octet ICV [RFC4106]", 20, "aes128gcm16"),
            ("AES-GCM with 12 octet ICV [RFC4106]", 28, "aes192gcm12"),
            ("AES-GCM with 8 octet ICV [RFC4106]", 36, "aes256gcm8"),
        ],
    )
    def test_ciphers_by_wiresharks_names(self, name: str, size: int, word: str) -> None:
        (key,) = parse_keys(f'"IPv4","*","*","0xc930a8d1","{name}","0x{"ab" * size}","NULL",""').esp
        assert (key.cipher, key.enc_key, key.integrity) == (esp_cipher_by_word(word), b"\xab" * size, None)

    @pytest.mark.parametrize(
        ("name", "word"),
        [
            ("HMAC-MD5-96 [RFC2403]", "md5"),
            ("HMAC-SHA-1-96 [RFC2404]", "sha1"),
            ("HMAC-SHA-256-128 [RFC4868]", "sha256"),
            ("HMAC-SHA-384-192 [RFC4868]", "sha384"),
            ("HMAC-SHA-512-256 [RFC4868]", "sha512"),
        ],
    )
    def test_integrity_checks_by_wiresharks_names(self, name: str, word: str) -> None:
        check = integrity_by_word(word)
        (key,) = parse_keys(f'"IPv4","*","*","*","NULL","","{name}","0x{"cd" * check.key_size}"').esp
        assert (key.spi, key.integrity, key.auth_key) == (None, check, b"\xcd" * check.key_size)

    @pytest.mark.parametrize(("name", "size"), list(UNCHECKED_ICVS.items()))
    def test_an_icv_that_cannot_be_checked_still_has_a_size(self, name: str, size: int) -> None:
        (key,) = parse_keys(f'"IPv4","*","*","0xc930a8d1","NULL","","{name}",""').esp
        assert (key.integrity, key.icv_size) == (None, size)

    def test_a_check_whose_key_is_not_known(self) -> None:
        (key,) = parse_keys('"IPv4","*","*","0xc930a8d1","NULL","","HMAC-SHA-1-96 [RFC2404]",""').esp
        assert (key.icv_size, key.auth_key) == (12, None)

    def test_a_key_that_is_not_hex_is_its_own_text(self) -> None:
        (key,) = parse_keys('"IPv4","*","*","0xc930a8d1","AES-CBC [RFC3602]","sixteen  letters","NULL",""').esp
        assert key.enc_key == b"sixteen  letters"

    @pytest.mark.parametrize(
        ("text", "complaint"),
        [
            ("one", "line 1: expected the 2 fields of an ikev1_decryption_table or the 8 of an esp_sa"),
            ("\n\na,b,c", "line 3: expected the 2 fields of an ikev1_decryption_table or the 8 of an esp_sa"),
            ("abc,aabb", "line 1, initiator's cookie: expected 16 hex digits (8 octets), got 'abc' (3 characters)"),
            (f"{CKY_I.hex()},xx", "line 1, encryption key: expected pairs of hex digits, got 'xx'"),
            (ESP_SA.replace("a8d1", "****"), "line 1, SPI: expected 8 hex digits (4 octets), got '0xc930****'"),
            (
                ESP_SA.replace("0x00", "0x"),
                "line 1: expected 16 or 24 or 32 octets of key for AES-CBC [RFC3602], got 15",
            ),
            (ESP_SA[:-3] + '"', "line 1: expected 20 octets of key for HMAC-SHA-1-96 [RFC2404], got 19"),
            (TWICE_CHECKED, "line 1: expected no HMAC-SHA-1-96 [RFC2404] beside aes128gcm16, which checks integrity"),
            ("x" * 200_000, "line 1: expected fields between commas, got a line that is none: field larger than"),
        ],
    )
    def test_what_is_wrong_is_named_with_its_line(self, text: str, complaint: str) -> None:
        assert complaint_of(text).startswith(f"keys.json: {complaint}")


class TestSniffing:
    def test_json_text_octets_and_byte_order_mark(self) -> None:
        expected = Beliefs(psk=b"secret")
        assert parse_keys('{"psk": "secret"}') == parse_keys(b'\xef\xbb\xbf \n{"psk": "secret"}') == expected

    @pytest.mark.parametrize(
        ("text", "complaint"),
        [
            ("", "keys.json: expected JSON or Wireshark's key tables, got an empty file"),
            (" \n", "keys.json: expected JSON or Wireshark's key tables, got an empty file"),
            (b"\xff\xfe", "keys.json: expected JSON or Wireshark's key tables as UTF-8 text, got invalid start byte"),
            ("{", "keys.json: expected a JSON object, got a text that is none: Expecting property name"),
            ('{"psk": ' + "[" * 100_000, "keys.json: expected a JSON object, got one nested too deep to read"),
            (
                '{"psk": ' + "9" * 5000 + "}",
                "keys.json: expected a JSON object, got a text that is none: Exceeds the limit",
            ),
        ],
    )
    def test_what_is_neither(self, text: str | bytes, complaint: str) -> None:
        assert complaint_of(text).startswith(complaint)

    @given(st.binary(max_size=120) | st.text(max_size=120))
    def test_whatever_comes_misuse_is_all_that_is_raised(self, text: str | bytes) -> None:
        try:
            assert parse_keys(text) == parse_keys(text)
        except Misuse as complaint:
            assert str(complaint).startswith("keys: ")  # noqa: PT017 (raising nothing is right, too)


class TestUsing:
    def test_about_tells_sas_apart_by_cookies(self) -> None:
        mine, theirs = Belief(cookie_i=CKY_I, cookie_r=CKY_R), Belief(cookie_i=CKY_I, cookie_r=OTHER)
        beliefs = Beliefs(ike=(mine, theirs))
        assert beliefs.about(CKY_I, CKY_R) == (mine,)
        assert beliefs.about(CKY_I) == beliefs.about(CKY_I, bytes(8)) == (mine, theirs)
        assert beliefs.about(OTHER, CKY_R) == ()

    def test_a_pre_shared_key_alone_is_a_belief_about_every_sa(self) -> None:
        assert Beliefs().with_psk(b"key").about(CKY_I, CKY_R) == (Belief(cookie_i=CKY_I, cookie_r=CKY_R, psk=b"key"),)
        assert Beliefs().about(CKY_I) == ()

    def test_with_psk_spares_an_entrys_own(self) -> None:
        beliefs = Beliefs(psk=b"a", ike=(Belief(cookie_i=CKY_I), Belief(cookie_i=OTHER, psk=b"own"))).with_psk(b"b")
        assert [beliefs.about(cookie)[0].psk for cookie in (CKY_I, OTHER)] == [b"b", b"own"]

    def test_a_quick_mode_is_found_by_either_spi(self) -> None:
        quick = QuickBelief(spi_i=SPI, spi_r=b"beef")
        assert Beliefs(quick=(quick,)).about_quick(SPI) == Beliefs(quick=(quick,)).about_quick(b"beef") == (quick,)
        assert Beliefs(quick=(quick,)).about_quick(b"none") == ()

    def test_ready_keys_that_name_the_spi_come_first(self) -> None:
        anything = SaKeys(protocol="ESP", spi=None, cipher=esp_cipher_by_word("null"), enc_key=b"")
        assert Beliefs(esp=(anything, READY)).about_esp(SPI) == (READY, anything)
        assert Beliefs(esp=(anything, READY)).about_esp(b"beef") == (anything,)

    def test_merging_drops_what_adds_nothing(self) -> None:
        less = Belief(cookie_i=CKY_I, values={"Ka": KEY16})
        more = Belief(cookie_i=CKY_I, cookie_r=CKY_R, psk=b"own", values={"Ka": KEY16, "g^xy": b"x"})
        other = Belief(cookie_i=CKY_I, values={"Ka": KEY20})
        for order in ((less, more, other), (more, less, other), (more, other, less, more)):
            assert Beliefs.of_all(Beliefs(ike=(belief,)) for belief in order).ike == (more, other)

    def test_a_belief_that_takes_the_common_psk_is_not_one_that_has_its_own(self) -> None:
        common = Belief(cookie_i=CKY_I, values={"g^xy": b"x"})
        own = Belief(cookie_i=CKY_I, psk=b"own", values={"g^xy": b"x"})
        assert Beliefs(ike=(common,)).merged(Beliefs(ike=(own,))).ike == (common, own)

    def test_merging_prefers_the_first_psk(self) -> None:
        assert Beliefs(psk=b"a").merged(Beliefs(psk=b"b")).psk == b"a"
        assert Beliefs().merged(Beliefs(psk=b"b", remarks=("r",))) == Beliefs(psk=b"b", remarks=("r",))

    def test_a_long_table_is_read_in_reasonable_time(self) -> None:
        lines = [f"{number:016x},{KEY16.hex()}" for number in range(1, 20_001)]
        assert len(parse_keys("\n".join(lines)).ike) == 20_000
