"""Octets as people write them."""

from __future__ import annotations

import pytest
from hypothesis import given, strategies as st

from ikelab.wire.readable import address, address_range, network, number, prefix, prefix_length, readable

V6 = bytes.fromhex("20010db8000000000000000000000001")


@pytest.mark.parametrize(
    ("data", "shown"),
    [(b"moon@example.org", '"moon@example.org"'), (b"", ""), (b"a\n", "610a"), (b"\xc3\xa9", "c3a9"), (b" ", '" "')],
)
def test_text_where_it_is_text(data: bytes, shown: str) -> None:
    assert readable(data) == shown


@pytest.mark.parametrize(
    ("data", "shown"), [(b"\x00\x00\x70\x80", "28800"), (b"", ""), (bytes(8), "0"), (bytes(9), "00" * 9)]
)
def test_numbers_up_to_eight_octets(data: bytes, shown: str) -> None:
    assert number(data) == shown


def test_numbers_of_any_size_are_shown_without_limit() -> None:
    assert number(b"\xff" * 60_000) == "ff" * 60_000  # Python refuses to print an integer of that many digits


@pytest.mark.parametrize(
    ("data", "shown"), [(b"\x0a\0\0\1", "10.0.0.1"), (V6, "2001:db8::1"), (b"\x0a\0\0", "0a0000"), (b"", "")]
)
def test_addresses(data: bytes, shown: str) -> None:
    assert address(data) == shown


@pytest.mark.parametrize(
    ("mask", "length"),
    [("00000000", 0), ("ff000000", 8), ("ffffff00", 24), ("ffffffff", 32), ("ff00ff00", None), ("00000001", None)],
)
def test_prefix_lengths(mask: str, length: int | None) -> None:
    assert prefix_length(bytes.fromhex(mask)) == length


@given(st.integers(0, 128))
def test_every_prefix_of_ipv6(length: int) -> None:
    mask = ((1 << 128) - (1 << 128 - length)).to_bytes(16)
    assert prefix_length(mask) == length


def test_networks() -> None:
    assert network(bytes.fromhex("0a010000ffff0000")) == "10.1.0.0/16"
    assert network(bytes.fromhex("0a010000ff00ff00")) == "10.1.0.0/255.0.255.0"
    assert network(V6 + b"\xff" * 16) == "2001:db8::1/128"
    assert network(b"\x0a") == "0a"


def test_ranges() -> None:
    assert address_range(bytes.fromhex("0a0000010a000009")) == "10.0.0.1-10.0.0.9"
    assert address_range(b"\x0a") == "0a"


def test_an_ipv6_address_with_its_prefix() -> None:
    assert prefix(V6 + b"\x40") == "2001:db8::1/64"
    assert prefix(V6) == "2001:db8::1"
    assert prefix(b"") == ""
