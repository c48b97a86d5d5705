"""Data attributes: short and long, kept as they came, named by their family."""

from __future__ import annotations

import pytest
from hypothesis import given, strategies as st

from ikelab.errors import Misuse, WireError
from ikelab.wire.attributes import (
    CONFIG_ATTRIBUTES,
    IKE_ATTRIBUTES,
    IPSEC_ATTRIBUTES,
    Attribute,
    Attributes,
    Family,
    long,
    short,
)
from ikelab.wire.fields import Reading, Unfit
from ikelab.wire.numbers import ConfigAttribute, IkeAttribute, IpsecAttribute
from tests.wire import made

FIELD = Attributes("Attributes", family=IKE_ATTRIBUTES)


def pieces(octets: bytes, family: Family = IKE_ATTRIBUTES) -> list[tuple[str, int, int, str]]:
    spans = Attributes("Attributes", family=family).spans(Reading(octets, len(octets), "Box", "RFC 9999 §1"), 0)
    return [(leaf.name, leaf.at, leaf.size, leaf.text) for span in spans for leaf in span.leaves()]


def text(attribute: Attribute, family: Family) -> str:
    octets = attribute.write()
    (span,) = Attributes("Attributes", family=family).spans(Reading(octets, len(octets)), 0)
    return span.text


class TestRfc2408Section33DataAttributes:
    def test_a_short_attribute_has_its_value_in_its_head(self) -> None:
        assert short(1, 7).write() == bytes.fromhex("8001 0007")
        assert pieces(bytes.fromhex("80010007")) == [
            ("Attribute Type", 0, 2, "Encryption Algorithm (1), TV"),
            ("Encryption Algorithm", 2, 2, "AES-CBC (7)"),
        ]

    def test_a_long_attribute_has_a_length(self) -> None:
        assert long(12, 28800).write() == bytes.fromhex("000c 0004 00007080")
        assert pieces(bytes.fromhex("000c000400007080")) == [
            ("Attribute Type", 0, 2, "Life Duration (12), TLV"),
            ("Attribute Length", 2, 2, "4"),
            ("Life Duration", 4, 4, "28800"),
        ]

    def test_a_long_attribute_without_a_value(self) -> None:
        assert pieces(bytes.fromhex("40890000"), CONFIG_ATTRIBUTES) == [
            ("Attribute Type", 0, 2, "XAUTH-USER-NAME (16521), TLV"),
            ("Attribute Length", 2, 2, "0"),
        ]

    @given(st.lists(made.attributes(), max_size=8))
    def test_order_repeats_and_spelling_are_kept(self, attributes: list[Attribute]) -> None:
        octets = b"".join(attribute.write() for attribute in attributes)
        assert FIELD.read(octets, 0, len(octets)) == (tuple(attributes), len(octets))

    def test_a_small_number_spelt_long_stays_long(self) -> None:
        octets = bytes.fromhex("0001 0002 0007 8001 0007")
        (spelt_long, spelt_short), _ = FIELD.read(octets, 0, len(octets))
        assert (spelt_long.number, spelt_short.number) == (7, 7)
        assert spelt_long != spelt_short
        assert spelt_long.write() + spelt_short.write() == octets

    @pytest.mark.parametrize("octets", ["00", "000100", "00010001", "0001ffff", "8001000780"])
    def test_what_does_not_fit_is_refused(self, octets: str) -> None:
        data = bytes.fromhex(octets)
        with pytest.raises(Unfit):
            FIELD.read(data, 0, len(data))

    @pytest.mark.parametrize(
        ("octets", "error"),
        [
            (
                "80010007 8001",
                WireError(expected="4 octets", got="2 left", at=4, path="Box > Attributes", rfc="RFC 9999 §1"),
            ),
            (
                "80010007 000c0005 00007080",
                WireError(
                    expected="at most 4",
                    got="5",
                    at=6,
                    path="Box > Attributes > Life Duration > Attribute Length",
                    rfc="RFC 2408 §3.3",
                ),
            ),
        ],
    )
    def test_attributes_before_the_one_that_does_not_fit_are_shown(self, octets: str, error: WireError) -> None:
        data = bytes.fromhex(octets)
        reading = Reading(data, len(data), "Box", "RFC 9999 §1")
        good, bad = FIELD.spans(reading, 0)
        assert good.text == "AES-CBC (7)"
        assert (bad.at, bad.end, bad.error) == (4, len(data), error)
        assert reading.refused

    def test_the_largest_attribute(self) -> None:
        attribute = long(6, 1 << 8 * 65535 - 1, size=65535)
        assert FIELD.read(attribute.write(), 0, 65539) == ((attribute,), 65539)
        assert attribute.number.bit_length() == 8 * 65535
        assert len(text(attribute, IKE_ATTRIBUTES)) == 2 * 65535

    @pytest.mark.parametrize(
        ("attribute", "says"),
        [
            (Attribute(0x8000, b"ab", True), "a type below 32768 and 2 octets, got type 32768 and 2 octets"),
            (Attribute(-1, b"", False), "got type -1"),
            (Attribute(1, b"abc", True), "2 octets, got type 1 and 3 octets"),
            (Attribute(1, bytes(65536), False), "at most 65535 octets, got type 1 and 65536 octets"),
        ],
    )
    def test_what_cannot_be_spelt_is_misuse(self, attribute: Attribute, says: str) -> None:
        with pytest.raises(Misuse, match=says):
            attribute.write()

    def test_a_number_that_does_not_fit_its_spelling_is_misuse(self) -> None:
        with pytest.raises(Misuse, match="attribute 1 expects a number that fits 2 octets, got 0x10000"):
            short(IkeAttribute.ENCRYPTION_ALGORITHM, 65536)
        with pytest.raises(Misuse, match="attribute 12 expects a number that fits 4 octets"):
            long(IkeAttribute.LIFE_DURATION, 1 << 32)
        with pytest.raises(Misuse, match="fits 4 octets, got -0x1"):
            long(IkeAttribute.LIFE_DURATION, -1)


class TestNames:
    def test_an_unknown_attribute_is_named_after_its_range(self) -> None:
        kind = IkeAttribute(16384)
        assert text(short(16384, 5), IKE_ATTRIBUTES) == "5"
        assert pieces(short(16384, 5).write())[0][3] == f"{kind.label} (16384), TV"

    def test_what_peers_send_does_not_grow_our_memory(self) -> None:
        family = Family(IkeAttribute, {})
        for kind in range(0x8000):
            family.value_field(kind)
        assert family.known.keys() == {member.value for member in IkeAttribute}

    def test_the_same_number_means_different_things(self) -> None:
        assert text(short(4, 1), IKE_ATTRIBUTES).endswith("768-bit (1)") or "768" in text(short(4, 1), IKE_ATTRIBUTES)
        assert text(short(IpsecAttribute.ENCAPSULATION_MODE, 1), IPSEC_ATTRIBUTES) == "Tunnel (1)"

    def test_a_named_value_of_many_octets_is_shown_as_it_is(self) -> None:
        assert text(Attribute(1, bytes(9), False), IKE_ATTRIBUTES) == "00" * 9
        assert text(Attribute(1, b"", False), IKE_ATTRIBUTES) == ""

    @pytest.mark.parametrize(
        ("kind", "value", "shown"),
        [
            (ConfigAttribute.INTERNAL_IP4_ADDRESS, bytes([10, 3, 0, 1]), "10.3.0.1"),
            (ConfigAttribute.INTERNAL_IP4_SUBNET, bytes([10, 0, 0, 0, 255, 0, 0, 0]), "10.0.0.0/8"),
            (ConfigAttribute.INTERNAL_IP6_SUBNET, bytes(16) + b"\x40", "::/64"),
            (ConfigAttribute.INTERNAL_IP4_ADDRESS, b"", ""),
            (ConfigAttribute.APPLICATION_VERSION, b"lab 1", '"lab 1"'),
            (ConfigAttribute.XAUTH_USER_NAME, b"carol", '"carol"'),
            (ConfigAttribute.INTERNAL_ADDRESS_EXPIRY, bytes([0, 0, 14, 16]), "3600"),
            (ConfigAttribute.XAUTH_STATUS, b"\0\1", "OK (1)"),
        ],
    )
    def test_settings_are_shown_as_people_write_them(self, kind: int, value: bytes, shown: str) -> None:
        assert text(Attribute(int(kind), value, len(value) == 2), CONFIG_ATTRIBUTES) == shown

    @pytest.mark.parametrize("kind", [ConfigAttribute.XAUTH_USER_PASSWORD, ConfigAttribute.XAUTH_PASSCODE])
    def test_passwords_are_secret(self, kind: int) -> None:
        assert CONFIG_ATTRIBUTES.value_field(kind).role == "secret"


@pytest.mark.parametrize(
    ("family", "octets", "clause"),
    [
        (IKE_ATTRIBUTES, "80010005", "RFC 2409 App. A"),
        (IKE_ATTRIBUTES, "80010007", "RFC 2409 App. A; AES-CBC: RFC 3602 §5.1"),
        (IKE_ATTRIBUTES, "8004000e", "RFC 2409 App. A; 2048-bit MODP group: RFC 3526 §3"),
        (IKE_ATTRIBUTES, "000c000400007080", "RFC 2409 App. A"),
        (IPSEC_ATTRIBUTES, "80040001", "RFC 2407 §4.5"),
        (IPSEC_ATTRIBUTES, "80050005", "RFC 2407 §4.5; HMAC-SHA2-256: RFC 4868 §4"),
    ],
)
def test_an_attribute_cites_what_names_it_and_what_names_its_value(family: Family, octets: str, clause: str) -> None:
    data = bytes.fromhex(octets)
    (span,) = Attributes("Attributes", family=family).spans(Reading(data, len(data), "Box", "RFC 9999 §1"), 0)
    assert (span.rfc, span.children[0].rfc, span.children[-1].rfc) == (clause, "RFC 2408 §3.3", clause)
