"""What two honest ends must agree on, and what the rules allow between the first side's belief and the second's."""

from __future__ import annotations

from typing import Any

from ikelab.ike.peer import Peer
from ikelab.ike.sa import IkeSa, IpsecSa


def view_of(sa: IkeSa) -> dict[str, Any]:
    """All that an established ISAKMP SA means, in words that do not depend on the side."""
    assert sa.book is not None
    assert sa.choice is not None
    return {
        "terms": sa.choice.offer,
        "method": sa.choice.method,
        "mode": sa.main.script.name,
        "names": (sa.main.given["IDii_b"].value, sa.main.given["IDir_b"].value),
        "keys": [sa.book[name].value for name in ("SKEYID_d", "SKEYID_a", "SKEYID_e", "Ka")],
    }


def view_of_child(sa: IkeSa, child: IpsecSa) -> dict[str, Any]:
    """All that an SA for packets means: whose packets, under which terms and keys."""
    ends = (child.remote, child.local) if child.inbound else (child.local, child.remote)
    return {
        "terms": child.choice.offer,
        "mode": child.choice.mode,
        "lifetime": (child.choice.lifetime, child.choice.kilobytes),
        "packets": ends,
        "enc": child.enc_key,
        "auth": child.auth_key,
        "sender": child.sender,
        "under": (sa.cookie_i, sa.cookie_r),
    }


def established(peer: Peer) -> dict[tuple[bytes, bytes], dict[str, Any]]:
    return {(sa.cookie_i, sa.cookie_r): view_of(sa) for sa in peer.sas if sa.established}


def children(peer: Peer, *, alive: bool = True) -> dict[tuple[int, bytes], dict[str, Any]]:
    return {
        (child.protocol, child.spi): view_of_child(sa, child)
        for sa in peer.sas
        if sa.established or not alive
        for child in sa.children
    }


def never_split(alice: Peer, bob: Peer) -> None:
    """Whatever both sides hold under the same name is the same thing."""
    for mine, theirs in ((established(alice), established(bob)), (children(alice), children(bob))):
        for name in mine.keys() & theirs.keys():
            assert mine[name] == theirs[name]


def agreed(alice: Peer, bob: Peer, *, count: int = 1) -> None:
    """Both sides hold the same ISAKMP SA, and `count` pairs of SAs for packets under it."""
    assert established(alice) == established(bob)
    assert len(established(alice)) == 1
    assert children(alice) == children(bob)
    assert len(children(alice)) == 2 * count
