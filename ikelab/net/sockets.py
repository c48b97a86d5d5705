"""Addresses and sockets of this machine, and in a sentence what is wrong where one cannot be had."""

from __future__ import annotations

import errno
import socket
from ipaddress import ip_address

from ikelab.errors import Misuse
from ikelab.ike.identity import IKE_PORT, IpAddress, read_address
from ikelab.wire.udp import Endpoint

BIND_TROUBLES = {
    errno.EADDRINUSE: "a UDP port that is free, got one that another program listens on; name another one (--port)",
    errno.EACCES: "a UDP port that this user may listen on, got one that is not permitted: ports below 1024 take root, "
    "or the capability cap_net_bind_service; or name a higher one (--port)",
    errno.EADDRNOTAVAIL: "an address of this machine (--bind), got one that it does not have",
}
BIND_TROUBLES[errno.EPERM] = BIND_TROUBLES[errno.EACCES]


def address_of(text: str, what: str) -> IpAddress:
    """The IP address that is written there; names are not looked up. Raises Misuse, which begins with `what`."""
    address = read_address(text)
    if address is None:
        raise Misuse(f"{what}: expected an IP address (no name is looked up), got {text!r}")
    return address


def address_towards(remote: str) -> str:
    """The address of this machine from which a packet to `remote` would go out; nothing is sent. Raises Misuse."""
    family = socket.AF_INET6 if ip_address(remote).version == 6 else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect((remote, IKE_PORT))
        except OSError as problem:
            raise Misuse(f"{remote}: expected an address that can be reached, got: {problem.strerror}") from None
        return str(probe.getsockname()[0])


def bound(local: Endpoint) -> socket.socket:
    """A UDP socket on this endpoint. Raises Misuse."""
    six = ":" in local.address
    try:
        plug = socket.socket(socket.AF_INET6 if six else socket.AF_INET, socket.SOCK_DGRAM)
        try:
            if six:
                plug.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            plug.bind(tuple(local))
        except OSError:
            plug.close()
            raise
    except OSError as problem:
        expected = BIND_TROUBLES.get(problem.errno or 0, f"a socket there, got: {problem.strerror}")
        raise Misuse(f"{local}: expected {expected}") from None
    return plug


def connect(plug: socket.socket, remote: Endpoint) -> None:
    """Hear nobody else on this socket, and hear of ICMP errors. Raises Misuse."""
    try:
        plug.connect(tuple(remote))
    except OSError as problem:
        raise Misuse(f"{remote}: expected a peer that can be reached, got: {problem.strerror}") from None
