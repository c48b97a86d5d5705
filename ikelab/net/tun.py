"""A network interface of this machine whose packets come to this program: what the kernel routes there, `read` gives.

Linux alone has it in this form (TUN), and only root, or who has the capability cap_net_admin, may make one. Addresses
and routes are given to it with the `ip` command; all of it is gone when the device is closed.
"""

from __future__ import annotations

import errno
import fcntl
import json
import os
import shutil
import struct
import subprocess
from collections.abc import Iterable, Mapping
from ipaddress import ip_address
from pathlib import Path
from typing import Self

from ikelab.errors import Misuse

DEVICE = Path("/dev/net/tun")
TUNSETIFF = 0x400454CA
IFF_TUN, IFF_NO_PI = 0x0001, 0x1000
LONGEST_NAME = 15
LARGEST_PACKET = 65535
MTU = 1400
"""Octets of the largest packet that goes in: with all that protection adds it still fits 1,500."""

TROUBLES = {
    errno.EPERM: "root, or the capability cap_net_admin, which making a TUN device takes",
    errno.EACCES: f"root, or leave to open {DEVICE}",
    errno.ENOENT: f"{DEVICE}: this kernel has no TUN devices, or this container was not given them",
    errno.EBUSY: "a name that no other program's device has",
}


def own_addresses() -> tuple[str, ...]:
    """The addresses that this machine has. Raises Misuse where nobody tells."""
    told = subprocess.run([ip_command(), "-json", "address"], capture_output=True, text=True, check=False)
    try:
        interfaces = json.loads(told.stdout)
        return tuple(str(each["local"]) for interface in interfaces for each in interface.get("addr_info", ()))
    except (ValueError, KeyError, TypeError, AttributeError):
        raise Misuse(
            f"expected `ip -json address` to list addresses, got: {told.stderr.strip() or 'no list'}"
        ) from None


def ip_command() -> str:
    """Where this machine has the command that gives devices their addresses. Raises Misuse."""
    tool = shutil.which("ip")
    if tool is None:
        raise Misuse("--tun: expected the command ip (package iproute2), which gives a device its addresses, got none")
    return tool


class Tun:
    """A TUN device. addresses: it gets these; routes: the networks behind it, each with this side's address for it.

    Nothing is made before `open`, which raises Misuse where it cannot be, and then nothing stays behind.
    """

    def __init__(self, name: str, *, addresses: Iterable[str] = (), routes: Mapping[str, str] | None = None) -> None:
        if not 1 <= len(name) <= LONGEST_NAME or not name.isascii() or "/" in name:
            raise Misuse(f"TUN device: expected a name of 1 to {LONGEST_NAME} letters and digits, got {name!r}")
        self.name = name
        self.addresses, self.routes = tuple(addresses), dict(routes or {})
        self._plug = -1

    def open(self) -> None:
        """Make the device, give it its addresses and routes. Raises Misuse."""
        tool = ip_command()
        try:
            self._plug = os.open(DEVICE, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
            wanted = struct.pack("16sH22x", self.name.encode(), IFF_TUN | IFF_NO_PI)
            self.name = fcntl.ioctl(self._plug, TUNSETIFF, wanted)[:16].rstrip(b"\0").decode()
        except OSError as problem:
            self.close()
            expected = TROUBLES.get(problem.errno or 0, f"a device, got: {problem.strerror}")
            raise Misuse(f"TUN device: expected {expected}") from None
        try:
            for address in self.addresses:
                self._tell(tool, "addr", "add", f"{address}/{ip_address(address).max_prefixlen}", "dev", self.name)
            self._tell(tool, "link", "set", "dev", self.name, "addrgenmode", "none")  # it asks for no IPv6 routers
            self._tell(tool, "link", "set", "dev", self.name, "mtu", str(MTU), "up")
            for network, own in self.routes.items():
                self._tell(tool, "route", "add", network, "dev", self.name, "src", own)
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Take it away, with its addresses and routes."""
        if self._plug >= 0:
            os.close(self._plug)
            self._plug = -1

    def __enter__(self) -> Self:
        self.open()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def fileno(self) -> int:
        """What an event loop waits for."""
        return self._plug

    def read(self) -> bytes | None:
        """The next packet that was routed here; None where there is none now."""
        try:
            return os.read(self._plug, LARGEST_PACKET)
        except BlockingIOError:
            return None

    def write(self, packet: bytes) -> None:
        """Let the kernel receive a packet as if it had come in on this device. Raises OSError where it will not."""
        os.write(self._plug, packet)

    def _tell(self, tool: str, *words: str) -> None:
        done = subprocess.run([tool, *words], capture_output=True, text=True, check=False)
        if done.returncode:
            complaint = done.stderr.strip() or f"exit status {done.returncode}"
            raise Misuse(f"TUN device {self.name}: expected `ip {' '.join(words)}` to work, got: {complaint}")
