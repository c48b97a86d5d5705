"""What a Main Mode and a Quick Mode between two peers cost over the bare cryptography in them, in one run.

The bare cost is that of the very calls that both sides make: every exponentiation, hash and cipher of one handshake is
noted with its arguments and then made again, with nothing around it. The handshake is the engine's, without sockets:
untraced, then carried and recorded by a link, then made into a trace as a notebook shows it. Times are the processor's;
the ways take turns, and the best time of each counts, as other work on the machine only adds to it.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from ikelab.crypto import backend, groups, suite
from ikelab.ike.config import Child, Connection, PeerConfig, Seeded, Selector, esp_offers, ike_offers
from ikelab.ike.identity import Identity
from ikelab.ike.peer import Connect, Peer
from ikelab.net.link import Link
from ikelab.timeline.live import trace_of_run
from ikelab.wire.udp import Endpoint

LEFT, RIGHT = Endpoint("10.99.0.1", 500), Endpoint("10.99.0.2", 500)
NETS = {LEFT: "10.1.0.0/24", RIGHT: "10.2.0.0/24"}
ROUNDS = 25
SUITES = (
    ("aes128-sha1-modp2048", "aes128-sha1"),
    ("aes128-sha1-modp2048", "aes128-sha1-modp2048"),
    ("aes256-sha256-x25519", "aes256-sha256"),
)
PRIMITIVES = {
    backend: ("encrypt_cbc", "decrypt_cbc", "x25519_public", "x25519_shared", "curve_public", "curve_shared"),
    suite.hmac: ("digest",),
    suite.hashlib: ("new",),
}

Call = tuple[Callable[..., Any], tuple[Any, ...], dict[str, Any]]


def main() -> None:
    """Print the ratios of each suite."""
    for ike, esp in SUITES:
        configs = tuple(config(here, there, ike, esp) for here, there in ((LEFT, RIGHT), (RIGHT, LEFT)))
        with noted() as calls:
            untraced(*configs)
        ways: dict[str, Callable[[], object]] = {
            "bare": lambda calls=calls: bare(calls),  # type: ignore[misc]
            "untraced": lambda configs=configs: untraced(*configs),  # type: ignore[misc]
            "recorded": lambda configs=configs: recorded(*configs),  # type: ignore[misc]
            "as a trace": lambda configs=configs: traced(*configs),  # type: ignore[misc]
        }
        times: dict[str, list[float]] = {name: [] for name in ways}
        for _ in range(ROUNDS):
            for name, way in ways.items():
                began = time.process_time()
                way()
                times[name].append(time.process_time() - began)
        bare_time = min(times["bare"])
        made = Counter(function.__name__ for function, _, _ in calls)
        print(f"  {ike}, {esp}: bare cryptography {1000 * bare_time:.2f} ms")
        print(f"    {', '.join(f'{name} x{count}' for name, count in made.most_common())}")
        for name in list(ways)[1:]:
            taken = min(times[name])
            print(f"    {name:10} {1000 * taken:7.2f} ms   {taken / bare_time:5.1f} times the bare cryptography")


@contextmanager
def noted() -> Iterator[list[Call]]:
    """Every call of a primitive while it lasts; what chance is made of does not count."""
    calls: list[Call] = []
    kept: list[tuple[Any, str, Any]] = []

    def noting(function: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any, **named: Any) -> Any:
            if not (arguments and isinstance(arguments[0], bytes) and arguments[0].startswith(b"octets ")):
                calls.append((function, arguments, named))
            return function(*arguments, **named)

        return call

    for module, names in PRIMITIVES.items():
        for name in names:
            kept.append((module, name, getattr(module, name)))
            setattr(module, name, noting(getattr(module, name)))
    power = groups._modular_power
    kept.append((groups, "_modular_power", power))
    groups._modular_power = lambda: noting(power())  # type: ignore[assignment]
    try:
        yield calls
    finally:
        for module, name, function in kept:
            setattr(module, name, function)


def bare(calls: list[Call]) -> None:
    """The same calls again, and nothing else."""
    for function, arguments, named in calls:
        made = function(*arguments, **named)
        if hasattr(made, "digest"):
            made.digest()


def config(here: Endpoint, there: Endpoint, ike: str, esp: str) -> PeerConfig:
    """What one side wants of the other."""
    local, remote = Selector.parse(NETS[here]), Selector.parse(NETS[there])
    connection = Connection(
        name="net",
        offers=ike_offers(ike),
        local_id=Identity.parse(here.address),
        remote_address=there.address,
        psk=b"correct horse battery staple",
        children=(Child(name="net", offers=esp_offers(esp), local=local, remote=remote),),
    )
    return PeerConfig(connections=(connection,))


def peers(here: PeerConfig, there: PeerConfig) -> tuple[Peer, Peer]:
    """Two peers that want to talk to each other."""
    return Peer(here, Seeded(b"left"), LEFT), Peer(there, Seeded(b"right"), RIGHT)


def untraced(here: PeerConfig, there: PeerConfig) -> None:
    """The handshake, datagrams handed over by hand."""
    left, right = peers(here, there)
    left.begin(Connect(connection="net", remote=RIGHT), 0.0)
    while datagrams := left.datagrams_to_send() + right.datagrams_to_send():
        for datagram in datagrams:
            receiver = left if datagram.destination == LEFT else right
            receiver.receive_datagram(datagram.octets, datagram.source, 0.0)
    assert all(len(peer.sas[0].children) == 2 for peer in (left, right))


def recorded(here: PeerConfig, there: PeerConfig) -> Link:
    """The handshake over a link that keeps every thought and every datagram."""
    left, right = peers(here, there)
    link = Link(left, right)
    left.begin(Connect(connection="net", remote=RIGHT), 0.0)
    link.run()
    return link


def traced(here: PeerConfig, there: PeerConfig) -> None:
    """The same, explained as a view shows it."""
    link = recorded(here, there)
    sas = [sa for peer in link.peers.values() for sa in peer.sas]
    trace_of_run(link.moments, link.wire, sas, title="bench", about="")
