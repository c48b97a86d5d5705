"""Two peers on real sockets of the loopback interface; and what is said where a socket or a peer cannot be had."""

from __future__ import annotations

import asyncio
import errno
import random
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from ipaddress import IPv4Address

import pytest

from ikelab.errors import Misuse
from ikelab.ike.config import PROFILES, Connection, Env, PeerConfig, Profile, Seeded, Weak
from ikelab.ike.peer import Connect, Disconnect
from ikelab.net.capture import read_capture, write_capture
from ikelab.net.results import Run, result_object
from ikelab.net.udp import Live, Station
from ikelab.wire.udp import NON_ESP_MARKER, Endpoint, Ports
from tests.ike.two_peers import mirrored, wish

LOCAL = "127.0.0.1"
LOCALHOST = Endpoint(LOCAL, 0)
GENEROUS = 20.0
QUICK = Profile(name="test", first=0.2, factor=1.0, tries=20)
SECRET = b"another secret altogether"


def config(connection: Connection, profile: Profile = QUICK) -> PeerConfig:
    return PeerConfig(connections=(connection,), weak=Weak.ALLOWED, profile=profile)


@asynccontextmanager
async def pair(
    connection: Connection, other: Connection | None = None, *, natt: bool = False, env: Env | None = None
) -> AsyncIterator[tuple[Station, Station]]:
    """A gateway that waits, and a station that talks to it alone; on the NAT-T port of the gateway if that is asked."""
    natt_port = free_port() if natt else None
    there = Station(config(other or mirrored(connection, LOCALHOST)), port=0, natt_port=natt_port, env=env)
    async with there:
        gateway = Endpoint(LOCAL, natt_port or there.local.port)
        async with Station(config(connection), port=0, gateway=gateway, env=env) as here:
            yield here, there


def free_port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind((LOCAL, 0))
        return int(probe.getsockname()[1])


async def negotiate(here: Station, there: Station) -> None:
    assert here.gateway is not None
    here.begin(Connect(connection="net", remote=here.gateway))
    await asyncio.gather(settled(here), settled(there))


async def settled(station: Station) -> None:
    def over() -> bool:
        return any(event.name in ("child up", "failed") for _, event in station.news)

    await station.until(over, at_most=GENEROUS)
    assert over(), station.news


def run_of(station: Station) -> Run:
    return Run(station.tape.moments, station.tape.wire)


def awaited(work: Callable[[], Awaitable[None]]) -> None:
    """Run it, and let nothing that went wrong in a callback pass."""
    wrong: list[dict[str, object]] = []

    async def watched() -> None:
        asyncio.get_running_loop().set_exception_handler(lambda loop, context: wrong.append(context))
        await work()

    asyncio.run(watched())
    assert wrong == []


class TestTwoPeersOnLoopback:
    @pytest.mark.parametrize(
        "connection",
        [
            wish(own=LOCALHOST),
            wish(own=LOCALHOST, mode="aggressive"),
            wish(own=LOCALHOST, esp="aes128gcm16-curve25519", local=None, remote=None),
        ],
        ids=["main", "aggressive", "PFS, the peers themselves"],
    )
    def test_they_agree_on_every_secret(self, connection: Connection) -> None:
        async def work() -> None:
            async with pair(connection) as (here, there):
                await negotiate(here, there)
                one, other = result_object(run_of(here)), result_object(run_of(there))
                assert one["established"] is other["established"] is True
                assert one["secrets"] == other["secrets"]
                assert one["sas"] == other["sas"]
                assert len(one["sas"]) == 2
                said = [carried.octets for carried in here.tape.wire]
                assert said == [carried.octets for carried in there.tape.wire]

        awaited(work)

    def test_deleting_is_said_and_heard(self) -> None:
        async def work() -> None:
            async with pair(wish(own=LOCALHOST)) as (here, there):
                await negotiate(here, there)
                here.begin(Disconnect())
                await there.until(lambda: all(sa.gone for sa in there.peer.sas), at_most=GENEROUS)
                assert [sa.gone for sa in there.peer.sas] == ["the other side deleted it"]
                names = [event.name for _, event in there.news]
                assert names[-2:] == ["child gone", "deleted"]

        awaited(work)

    def test_a_refusal_travels_too(self) -> None:
        async def work() -> None:
            connection = wish(own=LOCALHOST)
            async with pair(connection, mirrored(wish(esp="aes256-sha1"), LOCALHOST)) as (here, there):
                await negotiate(here, here)
                refused = result_object(run_of(here))["refused"]
                assert (refused["at"], refused["by"], refused["notify"]) == (7, "responder", 14)
                assert there.peer.sas[0].established

        awaited(work)

    def test_what_is_lost_is_said_again(self) -> None:
        async def work() -> None:
            async with pair(wish(own=LOCALHOST)) as (here, there):
                ear = next(iter(there._ears.values()))
                swallowed: list[bytes] = []

                def deaf_once(data: bytes, addr: tuple[str, int]) -> None:
                    swallowed.append(data)
                    del ear.datagram_received

                ear.datagram_received = deaf_once  # type: ignore[method-assign]
                await negotiate(here, there)
                said = [carried.octets for carried in here.tape.wire if carried.source == here.local]
                assert swallowed == [said[0]] == [said[1]]
                assert result_object(run_of(here))["established"]

        awaited(work)

    def test_on_the_natt_port_a_marker_stands_before_ike_and_the_engine_never_sees_it(self) -> None:
        """A station whose only port is the gateway's NAT-T port; its own is one that encapsulates as well."""

        async def work() -> None:
            own, natt = free_port(), free_port()
            connection = wish(own=LOCALHOST)
            there = Station(config(mirrored(connection, LOCALHOST)), port=0, natt_port=natt)
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as plug:
                plug.bind((LOCAL, own))
                plug.setblocking(False)
                async with there, Station(config(connection), port=0) as here:
                    here.peer.begin(Connect(connection="net", remote=Endpoint(LOCAL, natt)), 0.0)
                    (first,) = here.peer.datagrams_to_send()
                    here.tape.said()
                    plug.sendto(b"\xff", (LOCAL, natt))
                    plug.sendto(esp := bytes(range(1, 40)), (LOCAL, natt))  # no marker
                    plug.sendto(NON_ESP_MARKER + first.octets, (LOCAL, natt))
                    loop = asyncio.get_running_loop()
                    answer = await asyncio.wait_for(loop.sock_recv(plug, 4000), GENEROUS)
                    assert answer.startswith(NON_ESP_MARKER + first.octets[:8])
                    assert [carried.octets for carried in there.tape.wire] == [first.octets, answer[4:]]
                    assert there.peer.sas[0].local == Endpoint(LOCAL, natt)
                    travelled = [datagram.octets for datagram in there.captured(there.tape.wire)]
                    assert travelled == [esp, NON_ESP_MARKER + first.octets, answer]

        awaited(work)

    def test_listening_on_every_address_it_answers_from_the_one_that_was_asked(self) -> None:
        async def work() -> None:
            connection = wish(own=LOCALHOST, local=None, remote=None)
            there = Station(config(mirrored(connection, LOCALHOST)), bind="0.0.0.0", port=0)
            async with there:
                gateway = Endpoint(LOCAL, there.local.port)
                async with Station(config(connection), port=0, gateway=gateway) as here:
                    await negotiate(here, there)
                    assert there.peer.sas[0].local == gateway
                    assert result_object(run_of(there))["established"]

        awaited(work)

    def test_over_ipv6(self) -> None:
        async def work() -> None:
            connection = wish(own=Endpoint("::1"), local=None, remote=None)
            other = config(mirrored(connection, Endpoint("::1")))
            async with (
                Station(other, bind="::1", port=0) as there,
                Station(config(connection), bind="::1", port=0, gateway=there.local) as here,
            ):
                await negotiate(here, there)
                assert str(there.local).startswith("[::1]:")
                assert [str(sa.children[0].local) for sa in there.peer.sas] == ["::1"]

        awaited(work)

    def test_a_stranger_is_not_heard_where_there_is_a_gateway(self) -> None:
        async def work() -> None:
            async with pair(wish(own=LOCALHOST)) as (here, there):
                ear = next(iter(here._ears.values()))
                here.hear(bytes(28), Endpoint("127.9.9.9", 500), ear)
                assert here.tape.wire == []
                assert "127.9.9.9:500, which is not the gateway" in here.troubles[0]
                with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
                    stranger.sendto(bytes(28), tuple(here.local))  # the socket itself hears the gateway alone
                await negotiate(here, there)
                assert len(here.tape.wire) == 9

        awaited(work)

    def test_garbage_is_survived(self) -> None:
        async def work() -> None:
            chance = random.Random(1)
            async with pair(wish(own=LOCALHOST)) as (here, there):
                with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
                    for size in (0, 1, 27, 28, 29, 500, 20000):
                        stranger.sendto(chance.randbytes(size), tuple(there.local))
                await negotiate(here, there)
                assert result_object(run_of(here))["established"]

        awaited(work)

    def test_the_recording_is_a_capture(self, tmp_path_factory: pytest.TempPathFactory) -> None:
        path = tmp_path_factory.mktemp("pcap") / "run.pcap"

        async def work() -> None:
            async with pair(wish(own=LOCALHOST)) as (here, there):
                await negotiate(here, there)
                write_capture(path, here.captured(here.tape.wire))
                ports = Ports(ike=frozenset({there.local.port}))
                found = [*read_capture(path, ports=ports)]
                assert [datagram.octets for datagram in found] == [carried.octets for carried in here.tape.wire]
                assert {found[0].source, found[1].source} == {here.local, there.local}
                assert abs(found[0].time - here.begun) < GENEROUS

        awaited(work)


class TestChance:
    def test_live_chance_is_never_the_same(self) -> None:
        assert len({Live().draw("a label", 16) for _ in range(100)}) == 100
        assert [len(Live().draw("a label", size)) for size in (0, 1, 300)] == [0, 1, 300]

    def test_a_seed_makes_a_loopback_run_repeat_itself(self) -> None:
        octets: list[list[bytes]] = []

        async def work() -> None:
            async with pair(wish(own=LOCALHOST, local=None, remote=None), env=Seeded(7)) as (here, there):
                await negotiate(here, there)
                octets.append([carried.octets for carried in here.tape.wire])

        awaited(work)
        awaited(work)
        assert octets[0] == octets[1]

    def test_a_seed_never_leaves_loopback(self) -> None:
        """1,000 addresses of every kind, and the ones that mean all of them."""
        chance = random.Random(2)
        anywhere = [str(IPv4Address(chance.getrandbits(32))) for _ in range(1000)]
        for address in (*anywhere, "0.0.0.0", "::", "10.99.0.1", "fe80::1", "2001:db8::1", "::ffff:127.0.0.1"):
            if not address.startswith("127."):
                with pytest.raises(Misuse, match="expected a loopback address for chance that comes from a seed"):
                    Station(config(wish()), bind=address, env=Seeded(1))
        for address in ("127.0.0.1", "127.200.3.4", "::1"):
            assert Station(config(wish()), bind=address, env=Seeded(1)).gateway is None


class TestWhatCannotBeHad:
    def opened(self, **more: object) -> str:
        async def work() -> str:
            with pytest.raises(Misuse) as refused:
                async with Station(config(wish()), **more):  # type: ignore[arg-type]
                    pass
            return str(refused.value)

        return asyncio.run(work())

    def test_a_port_in_use(self) -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
            taken.bind((LOCAL, 0))
            port = taken.getsockname()[1]
            said = self.opened(port=port)
            assert said.startswith(f"127.0.0.1:{port}: expected a UDP port that is free, got one that another program")
            own = free_port()
            assert f"127.0.0.1:{port}" in self.opened(port=own, natt_port=port)
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as again:
                again.bind((LOCAL, own))  # the first socket was closed when the second could not be had

    def test_a_port_that_is_not_permitted(self, monkeypatch: pytest.MonkeyPatch) -> None:
        class Guarded(socket.socket):
            def bind(self, address: object) -> None:
                raise PermissionError(errno.EACCES, "Permission denied")

        monkeypatch.setattr(socket, "socket", Guarded)
        said = self.opened(port=500)
        assert said.startswith("127.0.0.1:500: expected a UDP port that this user may listen on, got one that is not")
        assert "ports below 1024 take root" in said

    def test_an_address_that_is_not_of_this_machine(self) -> None:
        assert self.opened(bind="192.0.2.77", port=0) == (
            "192.0.2.77: expected an address of this machine (--bind), got one that it does not have"
        )

    @pytest.mark.parametrize(
        ("more", "says"),
        [
            ({"bind": "localhost"}, r"bind: expected an IP address \(no name is looked up\), got 'localhost'"),
            ({"port": 65536}, "port: expected a UDP port from 0 .* got 65536"),
            ({"port": -1}, "port: expected a UDP port from 0 .* got -1"),
            ({"port": 4500, "natt_port": 4500}, "NAT-T port: expected a UDP port from 0 .* other than 4500"),
            ({"natt_port": 65536}, "NAT-T port: expected a UDP port from 0"),
            ({"gateway": Endpoint("gw.example.org", 500)}, r"gateway: expected an IP address \(no name is looked up\)"),
            ({"gateway": Endpoint(LOCAL, 0)}, "gateway: expected one peer's address and a UDP port from 1"),
            ({"gateway": Endpoint("0.0.0.0", 500)}, "gateway: expected one peer's address"),
            ({"gateway": Endpoint("224.0.0.1", 500)}, "gateway: expected one peer's address"),
            ({"gateway": Endpoint("::1", 500)}, "bind: expected an address of the gateway's family"),
            ({"gateway": Endpoint("192.0.2.1", 500)}, "--bind ADDRESS is the consent to leave loopback"),
        ],
    )
    def test_what_makes_no_sense_is_said_before_any_socket_is_opened(self, more: dict[str, object], says: str) -> None:
        with pytest.raises(Misuse, match=says):
            Station(config(wish()), **more)  # type: ignore[arg-type]

    def test_a_gateway_that_is_not_there(self) -> None:
        async def work() -> None:
            gateway = Endpoint(LOCAL, free_port())
            async with Station(config(wish(own=LOCALHOST)), port=0, gateway=gateway) as here:
                here.begin(Connect(connection="net", remote=gateway))
                with pytest.raises(Misuse, match=rf"{gateway}: expected a peer that answers IKE, got: Connection refu"):
                    await here.until(lambda: False, at_most=GENEROUS)
                assert len(here.tape.wire) == 2  # once is not believed: it may be a daemon that restarts

        awaited(work)

    def test_an_icmp_error_after_an_answer_ends_nothing(self) -> None:
        async def work() -> None:
            async with pair(wish(own=LOCALHOST)) as (here, there):
                await negotiate(here, there)
                for _ in range(5):
                    here.complain(ConnectionRefusedError(errno.ECONNREFUSED, "Connection refused"))
                await here.until(lambda: True)
                assert len(here.troubles) == 1

        awaited(work)

    def test_a_gateway_that_is_silent_is_given_up(self) -> None:
        async def work() -> None:
            patience = Profile(name="test", first=0.05, factor=1.0, tries=2)
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent:
                silent.bind((LOCAL, 0))
                gateway = Endpoint(LOCAL, silent.getsockname()[1])
                async with Station(config(wish(own=LOCALHOST), patience), port=0, gateway=gateway) as here:
                    here.begin(Connect(connection="net", remote=gateway))
                    await settled(here)
                    refused = result_object(run_of(here))["refused"]
                    assert (refused["at"], refused["by"], refused["notify"]) == (1, "initiator", None)
                    assert len(here.tape.wire) == 3

        awaited(work)

    def test_waiting_ends_when_it_was_told_to(self) -> None:
        async def work() -> None:
            async with Station(config(wish(), PROFILES["ikelab"]), port=0) as here:
                await here.until(lambda: False, at_most=0.01)
                assert here.tape.wire == []

        awaited(work)
