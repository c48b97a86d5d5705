"""SAs that two peers have negotiated in memory carry packets between them."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import ip_address

import pytest

from ikelab.ike.peer import Peer
from ikelab.ipsec.boundary import Boundary, Crossed, How, enter, leave, policy_based
from ikelab.ipsec.policy import Template
from ikelab.net.tunnel import association_of
from ikelab.wire import ip
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
        association = replace(association_of(sa, child), udp=None)  # there is no NAT, nor a socket
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
