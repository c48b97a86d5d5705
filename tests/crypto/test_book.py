"""The book: NIST's vectors, formulas computed by hand, what is missing, and whose nonces are whose."""

from __future__ import annotations

import gzip
import hashlib
import hmac
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, strategies as st

from ikelab.crypto.book import BOOK, SYMBOLS, Book, Chapter, Derived, Given, Method, MissingInputs, Role
from ikelab.crypto.formula import Formula
from ikelab.crypto.suite import HASHES, hash_by_word, prf_by_word
from ikelab.crypto.weakness import PRINTED_DES_WEAK_KEYS
from ikelab.errors import Misuse
from ikelab.wire.numbers import AuthMethod
from tests.needs import needs

PHASE_1 = {
    "PSK": b"correct horse battery staple",
    "Ni_b": bytes(range(16)),
    "Nr_b": bytes(range(16, 48)),
    "CKY-I": b"cookie-i",
    "CKY-R": b"cookie-r",
    "g^xi": b"i" * 96,
    "g^xr": b"r" * 96,
    "g^xy": b"\0" + b"s" * 95,
    "SAi_b": b"offers",
    "IDii_b": b"initiator",
    "IDir_b": b"responder",
}
QUICK = {
    "M-ID": b"\x12\x34\x56\x78",
    "Ni_b": b"quick initiator nonce",
    "Nr_b": b"quick responder nonce",
    "last_block": b"lastblock 16 oct",
    "protocol": b"\x03",
    "SPI": b"spi!",
}


def book(method: str = "psk", algorithm: str = "sha1", cipher: str | None = "aes256") -> Book:
    return Book(method, algorithm, algorithm, PHASE_1, cipher=cipher)


def nist_vectors(path: Path) -> Iterator[tuple[str, dict[str, bytes]]]:
    """Each case of a CAVS file: the hash's word and the values by NIST's names."""
    algorithm, values = "", dict[str, bytes]()
    for line in gzip.decompress(path.read_bytes()).decode("ascii").splitlines():
        if heading := re.fullmatch(r"\[(SHA-\d+)\]", line):
            algorithm = heading[1].replace("-", "").lower()
        elif assignment := re.fullmatch(r"([\w^-]+) = ([0-9a-f]*)", line):
            name, value = assignment.groups()
            if name == "COUNT":
                values = {}
            else:
                values[name] = bytes.fromhex(value)
                if name == "SKEYID_e":
                    yield algorithm, values


@needs("nist-vectors")
@pytest.mark.parametrize(("file", "method"), [("ikev1_psk.fax.gz", "psk"), ("ikev1_dsa.fax.gz", "sig")])
def test_every_nist_vector(vectors: Path, file: str, method: str) -> None:
    names = {"CKY_I": "CKY-I", "CKY_R": "CKY-R", "Ni": "Ni_b", "Nr": "Nr_b", "g^xy": "g^xy", "pre-shared-key": "PSK"}
    secrets = ("SKEYID", "SKEYID_d", "SKEYID_a", "SKEYID_e")
    count = 0
    for algorithm, values in nist_vectors(vectors / file):
        given = {names[name]: value for name, value in values.items() if name in names}
        known = Book(method, algorithm, algorithm, given).known()
        assert {name: known[name].value for name in secrets} == {name: values[name] for name in secrets}
        count += 1
    assert count == {"psk": 1700, "sig": 1700}[method]


@pytest.mark.parametrize("algorithm", [each.word for each in HASHES])
class TestPhase1ByHand:
    """RFC 2409 §5, with hashlib and hmac alone."""

    @pytest.fixture
    def prf(self, algorithm: str) -> object:
        return lambda key, *data: hmac.new(key, b"".join(data), algorithm).digest()

    @pytest.mark.parametrize("method", ["psk", "sig", "pke", "rpke"])
    def test_skeyids_and_hashes(self, prf, algorithm: str, method: str) -> None:  # type: ignore[no-untyped-def]
        g = PHASE_1
        nonces, cookies = g["Ni_b"] + g["Nr_b"], g["CKY-I"] + g["CKY-R"]
        root = {
            "psk": prf(g["PSK"], nonces),
            "sig": prf(nonces, g["g^xy"]),
            "pke": prf(hashlib.new(algorithm, nonces).digest(), cookies),
        }[method.removeprefix("r")]
        d = prf(root, g["g^xy"], cookies, b"\0")
        a = prf(root, d, g["g^xy"], cookies, b"\1")
        e = prf(root, a, g["g^xy"], cookies, b"\2")
        known = book(method, algorithm).known()
        assert [known[name].value for name in ("SKEYID", "SKEYID_d", "SKEYID_a", "SKEYID_e")] == [root, d, a, e]
        assert known["HASH_I"].value == prf(root, g["g^xi"], g["g^xr"], cookies, g["SAi_b"], g["IDii_b"])
        assert known["HASH_R"].value == prf(root, g["g^xr"], g["g^xi"], g["CKY-R"], g["CKY-I"], g["SAi_b"], g["IDir_b"])
        assert known["IV"].value == hashlib.new(algorithm, g["g^xi"] + g["g^xr"]).digest()[:16]

    @pytest.mark.parametrize(
        ("cipher", "size"), [("des", 8), ("3des", 24), ("aes128", 16), ("aes192", 24), ("aes256", 32)]
    )
    def test_ka(self, prf, algorithm: str, cipher: str, size: int) -> None:  # type: ignore[no-untyped-def]
        """Appendix B: SKEYID_e if it is long enough, else prf results fed back."""
        known = book("psk", algorithm, cipher).known()
        material = skeyid_e = known["SKEYID_e"].value
        if len(skeyid_e) < size:
            k1 = prf(skeyid_e, b"\0")
            k2 = prf(skeyid_e, k1)
            material = k1 + k2 + prf(skeyid_e, k2)
        assert known["Ka"].value == material[:size]

    def test_ephemeral_keys_of_revised_encryption(self, prf, algorithm: str) -> None:  # type: ignore[no-untyped-def]
        """RFC 2409 §5.3."""
        known = book("rpke", algorithm, "3des").known()
        ne_i = prf(PHASE_1["Ni_b"], PHASE_1["CKY-I"])
        k1 = prf(ne_i, b"\0")
        blocks = ne_i if len(ne_i) >= 24 else k1 + prf(ne_i, k1)
        assert (known["Ne_i"].value, known["Ke_i"].value) == (ne_i, blocks[:24])
        assert known["Ne_r"].value == prf(PHASE_1["Nr_b"], PHASE_1["CKY-R"])
        assert "Ne_i" not in book("psk", algorithm).known()

    def test_quick_mode(self, prf, algorithm: str) -> None:  # type: ignore[no-untyped-def]
        """RFC 2409 §5.5 and Appendix B."""
        above = book("psk", algorithm)
        a, d = above["SKEYID_a"].value, above["SKEYID_d"].value
        quick = above.chapter(Chapter.QUICK_MODE, QUICK | {"payloads": b"all that follows"}, keymat_size=100)
        mid, ni, nr = QUICK["M-ID"], QUICK["Ni_b"], QUICK["Nr_b"]
        assert quick["IV"].value == hashlib.new(algorithm, QUICK["last_block"] + mid).digest()[:16]
        assert quick["HASH(1)"].value == prf(a, mid, b"all that follows")
        assert quick["HASH(2)"].value == prf(a, mid, ni, b"all that follows")
        assert quick["HASH(3)"].value == prf(a, b"\0", mid, ni, nr)
        for shared in (b"", b"fresh shared secret"):
            sa = quick.also({"g(qm)^xy": shared}) if shared else quick
            keymat, block = b"", b""
            while len(keymat) < 100:
                block = prf(d, block, shared, b"\x03spi!", ni, nr)
                keymat += block
            assert sa["KEYMAT"].value == keymat[:100]

    def test_nat_d(self, prf, algorithm: str) -> None:  # type: ignore[no-untyped-def]
        """RFC 3947 §3.2."""
        given = {"IP": bytes((10, 99, 0, 1)), "Port": (500).to_bytes(2)}
        expected = hashlib.new(algorithm, b"cookie-icookie-r\x0a\x63\x00\x01\x01\xf4").digest()
        assert book("psk", algorithm).chapter(Chapter.NAT_D, given)["NAT-D"].value == expected

    @pytest.mark.parametrize(("chapter", "name"), [
        (Chapter.INFORMATIONAL, "HASH(1)"), (Chapter.TRANSACTION, "HASH"),
        (Chapter.NEW_GROUP_MODE, "HASH(1)"), (Chapter.NEW_GROUP_MODE, "HASH(2)"),
    ])  # fmt: skip
    def test_other_exchanges(self, prf, algorithm: str, chapter: Chapter, name: str) -> None:  # type: ignore[no-untyped-def]
        above = book("psk", algorithm)
        given = {"M-ID": b"\0\0\0\1", "payloads": b"N/D"}
        assert above.chapter(chapter, given)[name].value == prf(above["SKEYID_a"].value, b"\0\0\0\1", b"N/D")


class TestAsPrinted:
    """Where a formula is executed in other words than the RFC's, both come to the same."""

    @pytest.mark.parametrize(
        ("chapter", "line"),
        [
            (chapter, line)
            for chapter, lines in BOOK.items()
            for line in lines
            if line.printed and "payloads" in line.formula
        ],
    )
    def test_payloads_in_the_printed_order(self, chapter: Chapter, line) -> None:  # type: ignore[no-untyped-def]
        parts = ("SA", "Ni", "Nr", "KE", "IDci", "IDcr", "N/D", "ATTR")
        values = {name: f"<{name}>".encode() for name in ("SKEYID_a", "M-ID", "Ni_b", *parts)}
        names = [name for name in Formula(line.printed).names() if name in parts]
        values["payloads"] = b"".join(values[name] for name in names)
        prf, algorithm = prf_by_word("sha1"), hash_by_word("sha1")
        assert Formula(line.printed).evaluate(values, prf=prf, hash=algorithm) == Formula(line.formula).evaluate(
            values, prf=prf, hash=algorithm
        )

    def test_the_rfc_calls_the_psk_pre_shared_key(self) -> None:
        (line,) = (each for each in BOOK[Chapter.PHASE_1] if each.name == "SKEYID" and Method.PSK in each.methods)
        assert Formula(line.printed).renamed({"pre-shared-key": "PSK"}) == Formula(line.formula)

    def test_every_name_is_explained_or_made(self) -> None:
        for chapter, lines in BOOK.items():
            made = {line.name for line in (*lines, *BOOK[Chapter.PHASE_1])} | {"K1"}
            for line in lines:
                for text in (line.formula, line.first, line.again):
                    assert not text or set(Formula(text).names()) <= made | SYMBOLS.keys(), (chapter, line.name)
                assert line.explain.endswith(".")
                assert re.match(r"RFC \d+ (§[\d.]+|Appendix [A-Z])$|draft-\S+ §[\d.]+$", line.rfc)


class TestDerived:
    def test_knows_formula_inputs_and_what_was_kept(self) -> None:
        key = book("psk", "sha1", "aes256")["Ka"]
        assert isinstance(key, Derived)
        assert (key.formula, key.kept, key.rfc) == ("K1 | K2", "first 32 of 40 octets", "RFC 2409 Appendix B")
        assert key.formula_in_full() == "K1 | K2, where K1 = prf(SKEYID_e, 0) and K2 = prf(SKEYID_e, K1)"
        assert [value.name for value in key.inputs] == ["K1", "K2"]
        plain = book("psk", "sha1", "aes128")["Ka"]
        assert isinstance(plain, Derived)
        assert (plain.formula, plain.kept) == ("SKEYID_e", "first 16 of 20 octets")
        assert plain.formula_in_full() == plain.formula

    def test_a_single_block_is_shown_as_the_formula_itself(self) -> None:
        keymat = book().chapter(Chapter.QUICK_MODE, QUICK, keymat_size=20)["KEYMAT"]
        assert isinstance(keymat, Derived)
        assert (keymat.formula, keymat.kept) == ("prf(SKEYID_d, protocol | SPI | Ni_b | Nr_b)", "")
        pfs = book().chapter(Chapter.QUICK_MODE, QUICK | {"g(qm)^xy": b"s"}, keymat_size=16)["KEYMAT"]
        assert isinstance(pfs, Derived)
        assert pfs.formula == "prf(SKEYID_d, g(qm)^xy | protocol | SPI | Ni_b | Nr_b)"
        assert [value.name for value in pfs.inputs] == ["SKEYID_d", "g(qm)^xy", "protocol", "SPI", "Ni_b", "Nr_b"]

    def test_walks_back_to_what_was_given(self) -> None:
        secret = book()["SKEYID_a"]
        assert isinstance(secret, Derived)
        walked = [(depth, value.name) for depth, value in secret.walk()]
        assert walked[:3] == [(0, "SKEYID_a"), (1, "SKEYID"), (2, "PSK")]
        assert len(walked) == len(set(walked)) == 9
        assert {value.name for value in secret.givens()} == {"PSK", "Ni_b", "Nr_b", "g^xy", "CKY-I", "CKY-R"}

    def test_shows_the_formula_with_values(self) -> None:
        secret = book()["SKEYID_d"]
        skeyid = book()["SKEYID"].value.hex()
        assert str(secret) == repr(secret)
        first, second, third = str(secret).splitlines()
        assert first == "SKEYID_d = prf(SKEYID, g^xy | CKY-I | CKY-R | 0)    RFC 2409 §5"
        assert second == (
            f"         = prf({skeyid[:8]}…{skeyid[-8:]}, 00737373…73737373 | 636f6f6b69652d69 | 636f6f6b69652d72 | 00)"
        )
        assert third == f"         = {secret.value.hex()} (20 octets)"

    def test_tree_and_book_show_everything(self) -> None:
        key = book()["Ka"]
        assert isinstance(key, Derived)
        lines = key.tree().splitlines()
        assert lines[0].startswith("Ka = K1 | K2, first 32 of 40 octets = ")
        assert lines[1].startswith("  K1 = prf(SKEYID_e, 0) = ")
        assert any(line.strip() == "CKY-I = 636f6f6b69652d69 (given, 8 octets)" for line in lines)
        shown = repr(book())
        assert shown.startswith("Main and Aggressive Mode: psk, HMAC-SHA-1, AES-CBC-256\n\nPSK = ")
        assert all(f"\n{name} = " in shown for name in ("SKEYID", "SKEYID_d", "Ka", "IV", "HASH_I", "HASH_R"))

    def test_origin_of_what_was_given(self) -> None:
        drawn = Given(name="nonce", value=b"12345678", origin="drawn")
        origin = Book("psk", None, "md5", {"Ni_b": drawn})["Ni_b"]
        assert origin == Given(name="Ni_b", value=b"12345678", origin="drawn")
        assert str(Given(name="x", value=b"", origin="configured")) == "x = (empty) (configured, 0 octets)"

    def test_roles(self) -> None:
        roles = {name: value.role for name, value in book().known().items()}
        assert roles["SKEYID_e"] is Role.SECRET
        assert roles["HASH_I"] is Role.PROOF
        assert roles["IV"] is Role.PUBLIC
        assert SYMBOLS["PSK"].role is SYMBOLS["g^xy"].role is Role.SECRET


class TestMissing:
    def test_names_the_givens_that_are_missing_and_explains_them(self) -> None:
        poor = Book("psk", "sha1", "sha1", {"PSK": b"x", "Ni_b": b"n" * 8, "g^xy": b"g"})
        assert poor.missing("SKEYID_a") == ("Nr_b", "CKY-I", "CKY-R")
        assert poor.missing("HASH_I") == ("Nr_b", "g^xi", "g^xr", "CKY-I", "CKY-R", "SAi_b", "IDii_b")
        assert poor.missing("PSK") == ()
        assert poor.known() == {}
        with pytest.raises(MissingInputs) as caught:
            poor["SKEYID"]
        assert caught.value.names == ("Nr_b",)
        assert str(caught.value) == (
            "SKEYID = prf(pre-shared-key, Ni_b | Nr_b) (RFC 2409 §5): not determined yet; it still needs Nr_b, the "
            "responder's nonce: its payload without the generic header"
        )
        with pytest.raises(
            MissingInputs, match="M-ID, the message ID, from the ISAKMP header: not given, and no formula"
        ):
            poor["M-ID"]

    def test_a_cipher_or_a_size_may_be_what_is_missing(self) -> None:
        assert book(cipher=None).missing("Ka") == ("cipher",)
        assert book().chapter(Chapter.QUICK_MODE, QUICK).missing("KEYMAT") == ("keymat_size",)

    def test_pke_needs_no_shared_secret_for_skeyid(self) -> None:
        given = {name: PHASE_1[name] for name in ("Ni_b", "Nr_b", "CKY-I", "CKY-R")}
        assert list(Book("pke", "sha1", "sha1", given).known()) == ["SKEYID"]

    def test_more_can_be_given_later(self) -> None:
        early = Book("psk", "sha1", "sha1", {name: PHASE_1[name] for name in ("PSK", "Ni_b", "Nr_b")})
        assert list(early.known()) == ["SKEYID"]
        later = early.also({name: PHASE_1[name] for name in ("g^xy", "CKY-I", "CKY-R")})
        assert later["SKEYID_e"].value == book()["SKEYID_e"].value
        assert list(early.known()) == ["SKEYID"]

    def test_what_is_given_wins_over_its_formula(self) -> None:
        told = Book("psk", None, "sha1", PHASE_1 | {"SKEYID_e": b"e" * 20}, cipher="aes128")
        assert told["Ka"].value == b"e" * 16
        assert "SKEYID_e" not in told.known()
        assert told.given()["SKEYID_e"].value == b"e" * 20


class TestChapters:
    def test_nonces_of_phase_1_are_never_taken_for_those_of_quick_mode(self) -> None:
        quick = book().chapter(Chapter.QUICK_MODE, {"M-ID": b"1234", "protocol": b"\3", "SPI": b"spi!"}, keymat_size=36)
        assert quick.missing("HASH(3)") == ("Ni_b", "Nr_b")
        assert quick.missing("KEYMAT") == ("Ni_b", "Nr_b")

    def test_a_message_of_an_exchange_takes_the_nonces_of_the_exchange(self) -> None:
        quick = book().chapter(Chapter.QUICK_MODE, QUICK, keymat_size=16)
        message = quick.chapter(Chapter.QUICK_MODE, {"payloads": b"x"})
        assert message["HASH(2)"].value == quick.also({"payloads": b"x"})["HASH(2)"].value
        assert message["KEYMAT"] == quick["KEYMAT"]
        assert quick.missing("HASH(2)") == ("payloads",)

    def test_secrets_of_phase_1_are_reached_with_its_own_nonces(self) -> None:
        quick = book().chapter(Chapter.QUICK_MODE, QUICK)
        assert quick["SKEYID"] == book()["SKEYID"]
        assert "SKEYID" not in quick.known()

    def test_two_directions_have_different_keys(self) -> None:
        quick = book().chapter(Chapter.QUICK_MODE, QUICK, keymat_size=36)
        assert quick["KEYMAT"].value != quick.chapter(Chapter.QUICK_MODE, {"SPI": b"SPI!"})["KEYMAT"].value


class TestDesKey:
    """RFC 2409 Appendix B: the first eight octets of SKEYID_e that are no weak key."""

    def test_a_weak_start_is_stepped_over_and_said(self) -> None:
        given = {"SKEYID_e": PRINTED_DES_WEAK_KEYS[0] + b"goodkey."}
        key = Book("psk", None, "md5", given, cipher="des")["Ka"]
        assert isinstance(key, Derived)
        assert (key.value, key.kept) == (b"goodkey.", "9 to 16 of 16 octets")


class TestMisuse:
    @pytest.mark.parametrize(("given", "complaint"), [
        ({"CKY_I": b"12345678"}, "got 'CKY_I'; did you mean CKY-I?"),
        ({"zebra": b""}, "given: expected RFC names such as PSK, .* got 'zebra'$"),
        ({"CKY-I": b"1234567"}, "CKY-I: expected 8 octets, got 7"),
        ({"IP": b"123"}, "IP: expected 4 or 16 octets, got 3"),
        ({"PSK": "text"}, r"PSK: expected octets \(bytes\), got str"),
    ])  # fmt: skip
    def test_what_is_given_is_checked(self, given: dict[str, bytes], complaint: str) -> None:
        with pytest.raises(Misuse, match=complaint):
            Book("psk", "sha1", "sha1", given)

    def test_unknown_method_name_prf_hash_and_cipher(self) -> None:
        with pytest.raises(Misuse, match="method: expected one of psk, sig, pke, rpke, got 'eap'"):
            Book("eap", "sha1", "sha1", {})
        with pytest.raises(Misuse, match="prf: expected one of md5"):
            Book("psk", "tiger", "sha1", {})
        with pytest.raises(Misuse, match="hash: expected one of md5"):
            Book("psk", None, "tiger", {})
        with pytest.raises(Misuse, match="cipher: expected one of des"):
            book(cipher="rc4")
        with pytest.raises(Misuse, match="got 'SKEYID_x'; did you mean SKEYID_"):
            book()["SKEYID_x"]
        with pytest.raises(Misuse, match="got 'KEYMAT'"):
            book()["KEYMAT"]


class TestAuthenticationMethods:
    @pytest.mark.parametrize(("number", "method"), [
        (1, Method.PSK), (2, Method.SIG), (3, Method.SIG), (4, Method.PKE), (5, Method.RPKE), (9, Method.SIG),
        (64221, Method.SIG), (65001, Method.PSK), (65005, Method.SIG), (65010, Method.RPKE),
    ])  # fmt: skip
    def test_number_to_method(self, number: int, method: Method) -> None:
        assert Method.of(number) is method

    def test_every_number_that_iana_or_a_draft_names_has_one(self) -> None:
        unused = {0, 6, 7, 8}  # reserved, El-Gamal (two) and a number given back
        assert {member.value for member in AuthMethod if _has_method(member.value)} == {
            member.value for member in AuthMethod
        } - unused

    def test_an_unknown_one_is_named(self) -> None:
        with pytest.raises(Misuse, match=r"Authentication Method: expected one of 1, .* got 128"):
            Method.of(128)


def _has_method(number: int) -> bool:
    try:
        Method.of(number)
    except Misuse:
        return False
    return True


class TestWhatWasWorkedOut:
    """A book with more given works out nothing twice, and nothing otherwise than one that was given all at once."""

    @given(st.sets(st.sampled_from(sorted(PHASE_1))), st.data())
    def test_in_whatever_order_values_come(self, first: set[str], data: st.DataObject) -> None:
        early = Book("psk", "sha1", "sha1", {name: PHASE_1[name] for name in first}, cipher="aes256")
        assert early.known().keys() <= book().known().keys()  # and so everything that can be is worked out
        second = data.draw(st.sets(st.sampled_from(sorted(PHASE_1))))
        later = early.also({name: PHASE_1[name] for name in second - first})
        assert later.known().keys() >= early.known().keys()
        later = later.also({name: value for name, value in PHASE_1.items() if name not in first | second})
        assert {name: value.value for name, value in later.known().items()} == {
            name: value.value for name, value in book().known().items()
        }

    def test_optional_terms_come_in_when_they_are_given(self) -> None:
        quick = book().chapter(Chapter.QUICK_MODE, QUICK, keymat_size=20)
        before = quick["KEYMAT"].value
        assert quick.also({"g(qm)^xy": b"fresh"})["KEYMAT"].value != before

    def test_a_value_given_anew_counts(self) -> None:
        known = book()
        before = known["SKEYID_a"].value
        assert known.also({"PSK": b"another"})["SKEYID_a"].value != before
        assert known.also({"SKEYID_d": bytes(20)})["SKEYID_a"].value != before

    def test_it_is_the_very_value(self) -> None:
        early = Book("psk", "sha1", "sha1", {n: v for n, v in PHASE_1.items() if n != "IDir_b"}, cipher="aes256")
        worked_out = early["SKEYID_e"]
        assert early.also({"IDir_b": b"responder"})["SKEYID_e"] is worked_out
