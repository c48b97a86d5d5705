"""An error names what was expected, what came, where, and the clause; and travels between processes unchanged."""

from __future__ import annotations

import pickle

import pytest

from ikelab.errors import IkelabError, Misuse, Refusal, WireError

SHORT_SPI = WireError(expected="4 octets", got="2", at=52, path="Proposal 1 > SPI", rfc="RFC 2408 §3.5")
NO_PROPOSAL = Refusal(why="no proposal offers AES", notify=14, rfc="RFC 2408 §5.5", hint="offer aes128-sha1-modp2048")
BAD_PORT = Misuse("--port: expected 0 to 65535, got 70000")


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (SHORT_SPI, "Proposal 1 > SPI at octet 52: expected 4 octets, got 2 (RFC 2408 §3.5)"),
        (WireError(expected="28 octets", got="3", at=0), "octet 0: expected 28 octets, got 3"),
        (NO_PROPOSAL, "no proposal offers AES (RFC 2408 §5.5); offer aes128-sha1-modp2048"),
        (Refusal(why="policy says no"), "policy says no"),
        (BAD_PORT, "--port: expected 0 to 65535, got 70000"),
    ],
)
def test_str_is_one_clear_sentence(error: IkelabError, sentence: str) -> None:
    assert str(error) == sentence


def test_a_complaint_seen_from_outside_knows_the_whole_path() -> None:
    outer = SHORT_SPI.within("SA", offset=28, rfc="RFC 2408 §3.4")
    assert (outer.path, outer.at, outer.rfc) == ("SA > Proposal 1 > SPI", 80, "RFC 2408 §3.5")
    assert SHORT_SPI.at == 52


def test_a_complaint_without_place_or_clause_takes_them_from_what_surrounds_it() -> None:
    bare = WireError(expected="a", got="b", at=1)
    assert bare.within("SA").path == "SA"
    assert bare.within("", rfc="RFC 2408 §3.4") == WireError(expected="a", got="b", at=1, rfc="RFC 2408 §3.4")


@pytest.mark.parametrize("error", [SHORT_SPI, NO_PROPOSAL, BAD_PORT])
def test_survives_pickling(error: IkelabError) -> None:
    copy = pickle.loads(pickle.dumps(error))
    assert type(copy) is type(error)
    assert copy == error
    assert (str(copy), copy.args) == (str(error), error.args)


def test_equal_only_to_the_same_kind_with_the_same_content() -> None:
    assert SHORT_SPI.within("SA") != SHORT_SPI
    assert Misuse("x") == Misuse("x")
    assert Misuse("x") != Refusal(why="x")
    assert len({SHORT_SPI, pickle.loads(pickle.dumps(SHORT_SPI))}) == 1
