"""What a Main Mode and a Quick Mode between two peers cost over the bare cryptography in them, in one run.

The bare cost is that of the calls which both sides cannot do without: exponentiations, hashes, ciphers, made directly.
The handshake is the engine's, without sockets: untraced, then carried and recorded by a link, then made into a trace as
a notebook shows it. The ways take turns; the best time of each counts, as other work on the machine only adds to it.
"""

from __future__ import annotations

import hmac
import time
from collections.abc import Callable

from ikelab.crypto.groups import group_by_word
from ikelab.crypto.suite import cipher_by_word
from ikelab.ike.config import Child, Connection, PeerConfig, Seeded, Selector, esp_offers, ike_offers
from ikelab.ike.identity import Identity
from ikelab.ike.peer import Connect, Peer
from ikelab.net.link import Link
from ikelab.timeline.live import trace_of_run
from ikelab.wire.udp import Endpoint

LEFT, RIGHT = Endpoint("10.99.0.1", 500), Endpoint("10.99.0.2", 500)
NETS = {LEFT: "10.1.0.0/24", RIGHT: "10.2.0.0/24"}
ROUNDS = 15
SUITES = (("aes128-sha1-modp2048", "aes128-sha1"), ("aes256-sha256-x25519", "aes256-sha256"))
HASHES_OF_BOTH_SIDES, SEALED_MESSAGES = 2 * 16, 2 * 5
"""Keyed hashes of both sides: SKEYID and three more, HASH_I, HASH_R, three of Quick Mode, KEYMAT and their like; and
encrypted messages, each sealed once and opened once."""


def main() -> None:
    """Print the ratios of each suite."""
    for ike, esp in SUITES:
        ways: dict[str, Callable[[], object]] = {
            "bare": lambda ike=ike: bare(ike),  # type: ignore[misc]
            "untraced": lambda ike=ike, esp=esp: untraced(ike, esp),  # type: ignore[misc]
            "recorded": lambda ike=ike, esp=esp: recorded(ike, esp),  # type: ignore[misc]
            "as a trace": lambda ike=ike, esp=esp: traced(ike, esp),  # type: ignore[misc]
        }
        times: dict[str, list[float]] = {name: [] for name in ways}
        for _ in range(ROUNDS):
            for name, way in ways.items():
                began = time.perf_counter()
                way()
                times[name].append(time.perf_counter() - began)
        bare_time = min(times["bare"])
        print(f"  {ike}: bare cryptography {1000 * bare_time:.2f} ms")
        for name in list(ways)[1:]:
            taken = min(times[name])
            print(f"    {name:10} {1000 * taken:7.2f} ms   {taken / bare_time:5.1f} times the bare cryptography")


def bare(ike: str) -> None:
    """Four exponentiations, the keyed hashes of both sides, every encrypted message sealed and opened."""
    cipher_word, hash_word, group_word = ike.split("-")
    group, cipher = group_by_word(group_word), cipher_by_word(cipher_word)
    one, other = (group.private(Seeded(seed).draw("x", group.entropy_size)) for seed in (1, 2))
    shared = group.shared(one, group.public(other))
    assert shared == group.shared(other, group.public(one))
    for _ in range(HASHES_OF_BOTH_SIDES):
        hmac.digest(shared[:20], shared, hash_word)
    key, iv, body = bytes(cipher.key_size), bytes(cipher.block_size), bytes(10 * cipher.block_size)
    for _ in range(SEALED_MESSAGES // 2):
        cipher.decrypt(key, iv, cipher.encrypt(key, iv, body))


def peers(ike: str, esp: str) -> tuple[Peer, Peer]:
    """Two peers that want to talk to each other."""
    return tuple(  # type: ignore[return-value]
        Peer(PeerConfig(connections=(_connection(here, there, ike, esp),)), Seeded(here.address.encode()), here)
        for here, there in ((LEFT, RIGHT), (RIGHT, LEFT))
    )


def _connection(here: Endpoint, there: Endpoint, ike: str, esp: str) -> Connection:
    local, remote = Selector.parse(NETS[here]), Selector.parse(NETS[there])
    return Connection(
        name="net",
        offers=ike_offers(ike),
        local_id=Identity.parse(here.address),
        remote_address=there.address,
        psk=b"correct horse battery staple",
        children=(Child(name="net", offers=esp_offers(esp), local=local, remote=remote),),
    )


def untraced(ike: str, esp: str) -> None:
    """The handshake, datagrams handed over by hand."""
    left, right = peers(ike, esp)
    left.begin(Connect(connection="net", remote=RIGHT), 0.0)
    while datagrams := left.datagrams_to_send() + right.datagrams_to_send():
        for datagram in datagrams:
            receiver = left if datagram.destination == LEFT else right
            receiver.receive_datagram(datagram.octets, datagram.source, 0.0)
    assert all(len(peer.sas[0].children) == 2 for peer in (left, right))


def recorded(ike: str, esp: str) -> Link:
    """The handshake over a link that keeps every thought and every datagram."""
    left, right = peers(ike, esp)
    link = Link(left, right)
    left.begin(Connect(connection="net", remote=RIGHT), 0.0)
    link.run()
    return link


def traced(ike: str, esp: str) -> None:
    """The same, explained as a view shows it."""
    link = recorded(ike, esp)
    sas = [sa for peer in link.peers.values() for sa in peer.sas]
    trace_of_run(link.moments, link.wire, sas, title="bench", about="")
