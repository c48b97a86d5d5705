"""What a datagram on IKE's ports carries."""

from __future__ import annotations

import pytest
from hypothesis import given, strategies as st

from ikelab.wire.udp import NAT_KEEPALIVE, NON_ESP_MARKER, STANDARD_PORTS, Carries, Endpoint, Ports, classify

PORTS = st.sampled_from([500, 4500, 1024])
IKE_MESSAGE = bytes(range(1, 29))


class TestRfc3948Section2PacketFormats:
    def test_on_port_500_everything_is_ike_even_with_a_cookie_that_looks_like_a_marker(self) -> None:
        octets = NON_ESP_MARKER + IKE_MESSAGE
        content = classify(octets, 500, 500)
        assert (content.carries, content.octets, content.marked) == (Carries.IKE, octets, False)

    def test_the_non_esp_marker_announces_ike_and_is_taken_off(self) -> None:
        content = classify(NON_ESP_MARKER + IKE_MESSAGE, 4500, 4500)
        assert (content.carries, content.octets, content.marked) == (Carries.IKE, IKE_MESSAGE, True)

    @pytest.mark.parametrize("octets", [IKE_MESSAGE, b"", b"\0\0\0", b"\xff\xff"])
    def test_anything_else_on_port_4500_is_esp(self, octets: bytes) -> None:
        assert classify(octets, 4500, 4500).carries is Carries.ESP

    @pytest.mark.parametrize(("source", "destination"), [(4500, 4500), (500, 500), (1024, 4500)])
    def test_a_lone_ff_is_a_keepalive(self, source: int, destination: int) -> None:
        assert classify(NAT_KEEPALIVE, source, destination).carries is Carries.KEEPALIVE

    @pytest.mark.parametrize("ports", [(61234, 4500), (4500, 61234)])
    def test_one_end_on_4500_is_enough_because_a_nat_changes_the_other(self, ports: tuple[int, int]) -> None:
        assert classify(NON_ESP_MARKER + IKE_MESSAGE, *ports).marked

    def test_other_ports_by_agreement(self) -> None:
        ports = Ports(ike=frozenset({1500}), encapsulating=frozenset({1501}))
        assert classify(NON_ESP_MARKER, 1500, 1500, ports=ports).marked is False
        assert classify(NON_ESP_MARKER, 1501, 1500, ports=ports).marked is True
        assert ports.all == {1500, 1501}

    @given(st.binary(max_size=40), PORTS, PORTS)
    def test_no_octet_is_lost(self, octets: bytes, source: int, destination: int) -> None:
        content = classify(octets, source, destination)
        assert (NON_ESP_MARKER if content.marked else b"") + content.octets == octets


@pytest.mark.parametrize(
    ("endpoint", "text"),
    [
        (Endpoint("10.0.0.1", 500), "10.0.0.1:500"),
        (Endpoint("10.0.0.1"), "10.0.0.1"),
        (Endpoint("fe80::1", 4500), "[fe80::1]:4500"),
        (Endpoint("fe80::1"), "fe80::1"),
    ],
)
def test_an_endpoint_reads_as_people_write_it(endpoint: Endpoint, text: str) -> None:
    assert str(endpoint) == text
    assert endpoint == (endpoint.address, endpoint.port)


def test_the_standard_ports() -> None:
    assert STANDARD_PORTS.all == {500, 4500}
