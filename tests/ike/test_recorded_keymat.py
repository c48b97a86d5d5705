"""Recorded gateways gave their kernels the keys that a listener derives, for ESP and AH, whatever the mode."""

from __future__ import annotations

import pytest

from ikelab.follow import Follower
from ikelab.ike.beliefs import Beliefs
from ikelab.ike.conversation import Child
from ikelab.wire.numbers import Encapsulation, IpsecAttribute
from tests.cli.dissecting import datagrams, facts, only_psk_and_dh
from tests.needs import needs, recorded_conversations

pytestmark = needs("shared-captures")

MODES = {
    "ipcomp": Encapsulation.TUNNEL,
    "encap_transport": Encapsulation.UDP_TRANSPORT,
    "esp_transport_l2tp": Encapsulation.TRANSPORT,
    "uml_ah_tunnel": Encapsulation.TUNNEL,
    "rekey_child_pfs": Encapsulation.TUNNEL,
}
"""Conversations with more than ESP in a tunnel, and the Encapsulation Mode that was agreed on."""


def children(name: str) -> list[Child]:
    """The SAs for packets that a listener finds who knows nothing but the pre-shared key and Diffie-Hellman secrets."""
    follower = Follower(Beliefs.from_json(only_psk_and_dh(facts(name))))
    for datagram in datagrams(name):
        follower.hear(datagram)
    return [child for each in follower.listener.conversations for child in each.children]


@pytest.mark.parametrize("name", recorded_conversations())
def test_every_key_is_the_one_that_was_installed(name: str) -> None:
    told: dict[tuple[str, str], tuple[str, str]] = {}
    for quick in facts(name).get("quick", []):
        for side in ("i", "r"):
            told[quick["protocol"], quick[f"spi_{side}"]] = (
                quick.get(f"enc_{side}") or "",
                quick.get(f"auth_{side}") or "",
            )
    found = {
        ({2: "AH", 3: "ESP"}[child.protocol], child.spi.hex()): (child.enc_key.hex(), child.auth_key.hex())
        for child in children(name)
        if not child.missing
    }
    assert found.items() >= told.items()
    if name in MODES:
        assert len(told) == (6 if name == "rekey_child_pfs" else 2)
        assert found == told


@pytest.mark.parametrize("name", MODES)
def test_nothing_is_made_twice_and_the_mode_is_as_agreed(name: str) -> None:
    made = children(name)
    assert len({(child.protocol, child.spi) for child in made}) == len(made)
    assert {child.transform.first(IpsecAttribute.ENCAPSULATION_MODE) for child in made} == {MODES[name]}
