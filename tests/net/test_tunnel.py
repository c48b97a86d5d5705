"""SAs that two peers have negotiated carry packets between them: in memory, and over sockets from device to device."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from ipaddress import ip_address

import pytest

from ikelab.errors import Misuse
from ikelab.ike.config import NatTraversal, PeerConfig, Weak
from ikelab.ike.peer import Connect, Disconnect, Peer, Protect
from ikelab.ipsec.boundary import Boundary, Crossed, How, enter, leave, policy_based
from ikelab.ipsec.policy import Template
from ikelab.ipsec.refused import Reason
from ikelab.net.associations import association_of
from ikelab.net.tun import Tun
from ikelab.net.tunnel import Tunnel, boundary_of, device_for
from ikelab.net.udp import Station
from ikelab.wire import ip
from ikelab.wire.udp import Endpoint
from tests.ike.two_peers import ALICE, BOB, mirrored, peer, run, wish

SUITES = (
    "aes128-sha1",
    "aes256-sha256-esn",
    "3des-md5",
    "null-sha512",
    "aes192ctr-aesxcbc",
    "aes128gcm16-esn",
    "aes256gcm8",
    "aes128ccm12-esn",
    "aes256gmac",
    "camellia192-sha384",
)


def boundary(peer: Peer) -> Boundary:
    """What a gateway with this peer's SAs is."""
    ((sa,), template) = peer.sas, Template(connection="net", child="net")
    first = sa.children[0]
    made = policy_based(
        addresses=[ip_address(sa.local.address)], local=first.local, remote=first.remote, template=template
    )
    sad = made.sad
    for child in sa.children:
        association = association_of(sa, child)
        sad = (sad.receiving if child.inbound else sad.sending)(association, "net")
    return Boundary(addresses=made.addresses, spds=made.spds, routes=made.routes, sad=sad)


@pytest.mark.parametrize("esp", SUITES)
def test_packets_cross_both_ways(esp: str) -> None:
    connection = wish(esp=esp)
    alice, bob = peer(connection, ALICE), peer(mirrored(connection), BOB)
    run(alice, bob)
    near, far = boundary(alice), boundary(bob)
    assert {row.esn for side in (near, far) for row in side.sad.rows()} == {"-esn" in esp}
    ends = ("10.1.0.1", "10.2.0.1")
    for number in range(6):
        packet = ip.build_ip(*ends, 253, f"packet {number}".encode())
        out = leave(near, packet, lambda label, size: bytes(size))
        assert isinstance(out.outcome, Crossed), str(out.outcome)
        arrived = enter(far, out.outcome.packet)
        assert isinstance(arrived.outcome, Crossed), str(arrived.outcome)
        assert (arrived.outcome.how, arrived.outcome.packet) == (How.UNPROTECTED, packet)
        near, far, ends = arrived.after, out.after, (ends[1], ends[0])


LOCAL = Endpoint("127.0.0.1", 0)
GENEROUS = 20.0


class Pipe(Tun):
    """A device without a kernel: `came` is what was taken out of the tunnel, `put` what goes into it."""

    def __init__(self) -> None:
        super().__init__("pipe")
        self.came: list[bytes] = []
        self._waiting: list[bytes] = []
        self._end = -1

    def open(self) -> None:
        self._plug, self._end = os.pipe()

    def close(self) -> None:
        super().close()
        os.close(self._end)

    def put(self, packet: bytes) -> None:
        self._waiting.append(packet)
        os.write(self._end, b"!")

    def read(self) -> bytes | None:
        if not self._waiting:
            return None
        os.read(self._plug, 1)
        return self._waiting.pop(0)

    def write(self, packet: bytes) -> None:
        self.came.append(packet)


def packet(text: str, source: str = "10.1.0.1", destination: str = "10.2.0.1") -> bytes:
    return ip.build_ip(source, destination, 253, text.encode())


class Ends:
    """Two stations on loopback with a tunnel each; the near one connects."""

    def __init__(self, near: Station, far: Station) -> None:
        self.near, self.far = near, far
        self.here, self.there = Pipe(), Pipe()
        config = near.peer.config
        self.out = Tunnel(near, self.here, boundary_of(config), ask=lambda template: self.ask())
        self.inside = Tunnel(far, self.there, boundary_of(far.peer.config), ask=lambda template: None)

    def ask(self) -> None:
        if any(sa.established for sa in self.near.peer.sas):
            self.near.begin(Protect(connection="net", child="net"))
        else:
            natt_port = self.far.ends[1].port
            self.near.begin(Connect(connection="net", remote=self.far.local, natt_port=natt_port))

    async def arrives(self, device: Pipe, count: int) -> None:
        async def enough() -> None:
            while len(device.came) < count:
                await asyncio.sleep(0.005)

        await asyncio.wait_for(enough(), GENEROUS)


@asynccontextmanager
async def ends() -> AsyncIterator[Ends]:
    connection = wish(own=LOCAL)
    configs = [
        PeerConfig(connections=(each,), weak=Weak.ALLOWED, nat_traversal=NatTraversal.FORCED)
        for each in (connection, mirrored(connection, LOCAL))
    ]
    near, far = (Station(config, port=0, natt_port=0) for config in configs)
    async with near, far:
        made = Ends(near, far)
        with made.out, made.inside:
            yield made


class TestFromDeviceToDevice:
    def test_the_first_packet_asks_for_an_sa_and_is_sent_when_it_is_there(self) -> None:
        async def work() -> None:
            async with ends() as both:
                both.here.put(packet("first"))
                both.here.put(packet("second"))
                await both.arrives(both.there, 2)
                assert both.there.came == [packet("first"), packet("second")]
                answer = packet("answer", "10.2.0.1", "10.1.0.1")
                both.there.put(answer)
                await both.arrives(both.here, 1)
                assert both.here.came == [answer]
                assert both.out.summary == "2 packets sent through the tunnel, 1 received"
                assert len(both.near.peer.sas) == 1
                kinds = [each.octets[:4] == bytes(4) for each in both.near.captured(both.near.tape.wire)][-3:]
                assert kinds == [False, False, False], "ESP stands in the recording as it passed"

        asyncio.run(work())

    def test_what_is_not_for_the_tunnel_is_counted_and_told_once(self) -> None:
        async def work() -> None:
            async with ends() as both:
                both.here.put(packet("in"))
                await both.arrives(both.there, 1)
                for text in ("one", "two"):
                    both.out.say(packet(text, destination="10.9.0.1"))
                both.out.hear(b"\0\0\1\7" + bytes(40), both.far.local, both.near.local)
                both.out.say(b"no packet")
                assert both.out.refused == {Reason.DISCARDED: 2, Reason.UNKNOWN_SPI: 1, Reason.NO_IP_PACKET: 1}
                assert len(both.near.troubles) == 3
                assert "10.9.0.1" in both.near.troubles[0]
                assert both.here.came == []

        asyncio.run(work())

    def test_an_altered_a_replayed_and_a_late_packet_do_not_get_in(self) -> None:
        async def work() -> None:
            async with ends() as both:
                both.here.put(packet("once"))
                await both.arrives(both.there, 1)
                *_, esp = both.far.packets
                both.inside.hear(esp.octets, esp.source, esp.destination)
                both.inside.hear(esp.octets[:-1] + bytes([esp.octets[-1] ^ 1]), esp.source, esp.destination)
                both.near.begin(Disconnect())
                await both.far.until(lambda: not both.far.peer.sas[0].children, at_most=GENEROUS)
                both.inside.hear(esp.octets, esp.source, esp.destination)
                assert both.inside.refused[Reason.REPLAYED] == 2
                assert both.inside.refused[Reason.UNKNOWN_SPI] == 1
                assert both.there.came == [packet("once")]

        asyncio.run(work())


class TestTheDevice:
    @pytest.mark.parametrize(
        ("own", "addresses", "routes"),
        [
            ((), ("10.1.0.1",), {"10.2.0.0/24": "10.1.0.1"}),
            (("127.0.0.1", "10.1.0.9", "::1"), (), {"10.2.0.0/24": "10.1.0.9"}),
        ],
    )
    def test_routes_the_far_network_from_an_address_in_the_near_one(
        self, own: tuple[str, ...], addresses: tuple[str, ...], routes: dict[str, str]
    ) -> None:
        device = device_for(PeerConfig(connections=(wish(),)), "ikelab%d", own)
        assert (device.addresses, device.routes) == (addresses, routes)

    def test_takes_networks_that_are_named(self) -> None:
        config = PeerConfig(connections=(wish(local=None, remote=None),))
        for asked in (lambda: device_for(config, "ikelab%d", ()), lambda: boundary_of(config)):
            with pytest.raises(Misuse, match="--tun: expected --local-ts and --remote-ts"):
                asked()

    @pytest.mark.parametrize("name", ["", "a/b", "sixteen-letters!", "é"])
    def test_has_a_name_that_a_kernel_takes(self, name: str) -> None:
        with pytest.raises(Misuse, match="expected a name of 1 to 15"):
            Tun(name)
