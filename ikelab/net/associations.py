"""How an SA that IKE has made becomes the record that packets need: keys, mode and ends of one direction.

Of a bundle of ESP and AH, ESP is inside and has the tunnel; AH guards what ESP has made, in transport mode.
"""

from __future__ import annotations

from ikelab.crypto.sa_keys import IpsecProtocol, SaKeys
from ikelab.errors import Misuse
from ikelab.ike.config import TUNNEL_MODES
from ikelab.ike.sa import IkeSa, IpsecSa
from ikelab.ipsec.association import Association, Tunnel, UdpPorts
from ikelab.ipsec.sad import Sad
from ikelab.ipsec.traffic import Traffic
from ikelab.wire.numbers import Encapsulation, EsnChoice, Protocol

NAMES: dict[int, IpsecProtocol] = {Protocol.ESP: "ESP", Protocol.AH: "AH"}
STANDARD = UdpPorts()
PLAIN_MODES = frozenset({Encapsulation.TUNNEL, Encapsulation.TRANSPORT})


def association_of(sa: IkeSa, child: IpsecSa, *, udp: UdpPorts | None = None) -> Association:
    """One direction of a child as packets need it. udp: the ports around ESP; None where it travels bare.

    Raises Misuse where IPComp is part of it, whose compressed packets nothing here carries.
    """
    if Protocol.IPCOMP in child.choice.protocols:
        raise Misuse(f"packets: expected ESP, AH or both, got {child.words} with IPComp, which is agreed on alone")
    here, there = (sa.remote, sa.local) if child.inbound else (sa.local, sa.remote)
    near, far = (child.remote, child.local) if child.inbound else (child.local, child.remote)
    name = NAMES[child.protocol]
    outside_esp = name == "AH" and Protocol.ESP in child.choice.protocols
    tunnels = child.choice.mode in TUNNEL_MODES and not outside_esp
    esn = child.choice.offer.part(child.protocol).esn == EsnChoice.ESN
    return Association(
        keys=SaKeys.from_keymat(name, child.spi, child.protection, child.enc_key + child.auth_key, esn=esn),
        tunnel=Tunnel(source=here.address, destination=there.address) if tunnels else None,
        udp=udp,
        traffic=Traffic(source=near, destination=far),
    )


def sad_of(sa: IkeSa, ports: UdpPorts = STANDARD) -> Sad:
    """All that an ISAKMP SA has made for packets; in UDP on these ports where that was agreed on. Raises Misuse."""
    sad = Sad()
    for child in sa.children:
        udp = ports if child.choice.mode not in PLAIN_MODES and child.protocol == Protocol.ESP else None
        association = association_of(sa, child, udp=udp)
        sad = sad.receiving(association, child.name) if child.inbound else sad.sending(association, child.name)
    return sad
