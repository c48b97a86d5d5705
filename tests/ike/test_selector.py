"""Selectors are read as users write them and travel as ID payloads; two spellings of the same packets are equal."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, ip_address

import pytest
from hypothesis import given, strategies as st

from ikelab.errors import Misuse, Refusal
from ikelab.ike.selector import Selector
from ikelab.wire.numbers import IdType, Notify
from ikelab.wire.payloads import ID


@st.composite
def selectors(draw: st.DrawFn) -> Selector:
    address = draw(st.sampled_from([IPv4Address, IPv6Address]))
    bits = 32 if address is IPv4Address else 128
    first = draw(st.integers(0, (1 << bits) - 1))
    if draw(st.booleans()):
        size = 1 << draw(st.integers(0, bits))
        first, last = first // size * size, first // size * size + size - 1
    else:
        last = draw(st.integers(first, (1 << bits) - 1))
    protocol = draw(st.integers(0, 255))
    port = draw(st.integers(0, 65535)) if protocol else 0
    return Selector(first=address(first), last=address(last), protocol=protocol, port=port)


class TestWriting:
    @pytest.mark.parametrize(
        ("words", "id_type", "protocol", "port", "data"),
        [
            ("10.1.0.0/24", IdType.IPV4_ADDR_SUBNET, 0, 0, "0a010000 ffffff00"),
            ("10.1.0.0/24[tcp/80]", IdType.IPV4_ADDR_SUBNET, 6, 80, "0a010000 ffffff00"),
            ("10.0.0.1", IdType.IPV4_ADDR, 0, 0, "0a000001"),
            ("10.0.0.1/32", IdType.IPV4_ADDR, 0, 0, "0a000001"),
            ("10.99.0.1[udp/1701]", IdType.IPV4_ADDR, 17, 1701, "0a630001"),
            ("10.0.0.1-10.0.0.9", IdType.IPV4_ADDR_RANGE, 0, 0, "0a000001 0a000009"),
            ("10.0.0.0-10.0.0.255", IdType.IPV4_ADDR_SUBNET, 0, 0, "0a000000 ffffff00"),
            ("0.0.0.0/0", IdType.IPV4_ADDR_SUBNET, 0, 0, "00000000 00000000"),
            ("2001:db8::/64", IdType.IPV6_ADDR_SUBNET, 0, 0, "20010db8" + 24 * "0" + "f" * 16 + "0" * 16),
            ("::1", IdType.IPV6_ADDR, 0, 0, "00" * 15 + "01"),
            ("::1-::3[47]", IdType.IPV6_ADDR_RANGE, 47, 0, "00" * 15 + "01" + "00" * 15 + "03"),
            ("10.1.0.0/255.255.255.0[any/any]", IdType.IPV4_ADDR_SUBNET, 0, 0, "0a010000 ffffff00"),
        ],
    )
    def test_words(self, words: str, id_type: int, protocol: int, port: int, data: str) -> None:
        payload = Selector.parse(words).payload()
        assert payload == ID(id_type=id_type, protocol=protocol, port=port, data=bytes.fromhex(data))

    @given(selectors())
    def test_every_selector_is_read_back_from_its_words_and_from_its_payload(self, selector: Selector) -> None:
        assert Selector.parse(str(selector)) == selector
        assert Selector.from_payload(ID.read(selector.payload().write())) == selector

    @pytest.mark.parametrize(
        ("words", "says"),
        [
            ("", "expected"),
            ("moon", 'got "moon"'),
            ("10.1.0.5/24", "10.1.0.0/24"),
            ("10.1.0.0/33", 'got "10.1.0.0/33"'),
            ("10.0.0.9-10.0.0.1", "in order"),
            ("10.0.0.1-::1", "one family"),
            ("10.0.0.1-", 'got "10.0.0.1-"'),
            ("10.0.0.1[tcp", "expected"),
            ("10.0.0.1[/80]", "expected"),
            ("10.0.0.1[80]x", "expected"),
            ("10.0.0.1[any/80]", "a protocol for port 80"),
            ("10.0.0.1[tcp/http]", 'got "http"'),
            ("10.0.0.1[tcp/65536]", 'got "65536"'),
            ("10.0.0.1[tcp/000000080]", 'got "000000080"'),
            ("10.0.0.1[256]", 'got "256"'),
            ("10.0.0.1[quic]", "tcp, udp"),
            ("fe80::1%eth0", "expected"),
        ],
    )
    def test_what_is_no_selector_is_named(self, words: str, says: str) -> None:
        with pytest.raises(Misuse, match="expected") as raised:
            Selector.parse(words)
        assert says in str(raised.value)

    @given(st.text(alphabet="0123456789./-:[]tcpudany %", max_size=40))
    def test_any_text_is_a_selector_or_a_misuse(self, words: str) -> None:
        try:
            assert Selector.parse(words) == Selector.parse(str(Selector.parse(words)))
        except Misuse as misuse:
            complaint = str(misuse)
        else:
            complaint = "expected nothing else"
        assert "expected" in complaint


class TestClientIdentities:
    """RFC 2409 §5.5 and RFC 2407 §4.6.2: what IDci and IDcr may be."""

    @pytest.mark.parametrize("id_type", range(256))
    def test_only_addresses_say_whose_traffic_is_meant(self, id_type: int) -> None:
        data = {1: 4, 5: 16, 4: 8, 7: 8, 6: 32, 8: 32}
        payload = ID(id_type=id_type, data=bytes(data.get(id_type, 4)))
        if id_type in data:
            assert Selector.from_payload(payload).first.version == (4 if id_type in (1, 4, 7) else 6)
            return
        with pytest.raises(Refusal, match="expected addresses") as raised:
            Selector.from_payload(payload)
        assert (raised.value.notify, raised.value.rfc) == (Notify.INVALID_ID_INFORMATION, "RFC 2409 §5.5")

    @pytest.mark.parametrize("id_type", [1, 4, 5, 6, 7, 8])
    @pytest.mark.parametrize("size", [0, 3, 5, 7, 9, 15, 17, 31, 33, 300])
    def test_the_size_must_fit_the_type(self, id_type: int, size: int) -> None:
        with pytest.raises(Refusal, match=f"got {size}") as raised:
            Selector.from_payload(ID(id_type=id_type, data=bytes(size)))
        assert raised.value.notify == Notify.INVALID_ID_INFORMATION

    @pytest.mark.parametrize("mask", ["ff00ff00", "00ffffff", "0000ffff", "fffffffd", "7fffffff"])
    def test_a_mask_is_ones_and_then_zeros(self, mask: str) -> None:
        with pytest.raises(Refusal, match="mask of ones") as raised:
            Selector.from_payload(ID(id_type=4, data=bytes.fromhex("0a010000" + mask)))
        assert raised.value.rfc == "RFC 2407 §4.6.2.5"

    def test_bits_behind_the_mask_may_hold_anything(self) -> None:
        payload = ID(id_type=4, data=bytes.fromhex("0a0100ff ffffff00"))
        assert Selector.from_payload(payload) == Selector.parse("10.1.0.0/24")

    def test_a_range_is_in_order(self) -> None:
        with pytest.raises(Refusal, match="in order"):
            Selector.from_payload(ID(id_type=7, data=bytes.fromhex("0a000009 0a000001")))

    def test_a_port_needs_a_protocol(self) -> None:
        with pytest.raises(Refusal, match="a protocol for port 80"):
            Selector.from_payload(ID(id_type=1, port=80, data=bytes(4)))

    @given(st.integers(0, 255), st.integers(0, 255), st.integers(0, 65535), st.binary(max_size=40))
    def test_any_payload_is_a_selector_or_refused(self, id_type: int, protocol: int, port: int, data: bytes) -> None:
        notify: int | None = Notify.INVALID_ID_INFORMATION
        try:
            Selector.from_payload(ID(id_type=id_type, protocol=protocol, port=port, data=data))
        except Refusal as refusal:
            notify = refusal.notify
        assert notify == Notify.INVALID_ID_INFORMATION


class TestContains:
    @pytest.mark.parametrize(
        ("outer", "inner", "inside"),
        [
            ("10.1.0.0/16", "10.1.2.0/24", True),
            ("10.1.2.0/24", "10.1.0.0/16", False),
            ("10.1.0.0/24", "10.1.0.200-10.1.1.3", False),
            ("0.0.0.0/0", "10.0.0.1[tcp/80]", True),
            ("10.0.0.1[tcp]", "10.0.0.1[tcp/80]", True),
            ("10.0.0.1[tcp/80]", "10.0.0.1[tcp]", False),
            ("10.0.0.1[tcp/80]", "10.0.0.1[udp/80]", False),
            ("10.0.0.1[tcp/80]", "10.0.0.1", False),
            ("::/0", "10.0.0.1", False),
            ("0.0.0.0/0", "::1", False),
        ],
    )
    def test_examples(self, outer: str, inner: str, inside: bool) -> None:
        assert Selector.parse(outer).contains(Selector.parse(inner)) is inside

    @given(selectors(), selectors())
    def test_two_that_contain_each_other_are_equal(self, one: Selector, other: Selector) -> None:
        assert one.contains(one)
        assert (one.contains(other) and other.contains(one)) == (one == other)


class TestSelectorsMadeByPrograms:
    def test_protocol_and_port_are_any_where_not_said(self) -> None:
        assert Selector(first=ip_address("10.0.0.1"), last=ip_address("10.0.0.1")) == Selector.parse("10.0.0.1")

    @pytest.mark.parametrize(
        ("first", "last", "protocol", "port"),
        [("10.0.0.2", "10.0.0.1", 0, 0), ("10.0.0.1", "::1", 0, 0), ("::1", "::1", 256, 0), ("::1", "::1", 6, 65536),
         ("::1", "::1", 0, 80), ("::1", "::1", -1, 0)],
    )  # fmt: skip
    def test_what_makes_no_sense_is_a_misuse(self, first: str, last: str, protocol: int, port: int) -> None:
        with pytest.raises(Misuse, match="selector: expected"):
            Selector(first=ip_address(first), last=ip_address(last), protocol=protocol, port=port)
