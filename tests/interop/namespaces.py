"""Two machines and a cable on one: network namespaces joined by veth, with a NAT between them where a test wants one.

Names carry the process that made them and the moment it was born, so parallel runs never meet and a later run
recognises what a killed one left behind (`sweep`). There is no route between the inner networks: a ping that
arrives has gone through a tunnel.
"""

from __future__ import annotations

import contextlib
import ctypes
import functools
import itertools
import json
import os
import re
import signal
import socket
import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import IO, ParamSpec, TypeVar

from tests.interop.waiting import GENEROUS, wait_until
from tests.needs import program

Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")

RUN_NETNS = Path("/run/netns")
CLONE_NEWNET = 0x40000000
_OURS = re.compile(r"ikelab-(?P<pid>\d+)-(?P<born>\d+)-\d+-[a-z]+")
_serial = itertools.count(1)


class CommandFailed(AssertionError):
    """A program of the harness ended with a non-zero status; the message holds all it said."""


@dataclass(frozen=True, kw_only=True)
class Namespace:
    """One machine: `address` on the cable (eth0), `inner_address` on lo within the `inner_network` it protects."""

    name: str
    address: str
    inner_address: str
    inner_network: str


@dataclass(frozen=True, kw_only=True)
class Link:
    """Two machines that reach each other; `left_seen_as` is the address under which right sees left."""

    left: Namespace
    right: Namespace
    left_seen_as: str


@contextlib.contextmanager
def direct_link() -> Iterator[Link]:
    """Left 10.99.0.1 and right 10.99.0.2 on one cable; inner networks 10.1.0.0/24 and 10.2.0.0/24."""
    with _names("left", "right") as (left_name, right_name):
        left, right = _left(left_name, "10.99.0.1"), _right(right_name)
        _cable(left_name, "eth0", f"{left.address}/24", right_name, "eth0", f"{right.address}/24")
        _inner_addresses(left, right)
        yield Link(left=left, right=right, left_seen_as=left.address)


@contextlib.contextmanager
def nat_link() -> Iterator[Link]:
    """Left 10.99.1.2 behind a NAT that shows it to right (10.99.0.2) as 10.99.0.1, from random ports above 20000."""
    with _names("left", "nat", "right") as (left_name, nat_name, right_name):
        left, right = _left(left_name, "10.99.1.2"), _right(right_name)
        _cable(left_name, "eth0", f"{left.address}/24", nat_name, "inside", "10.99.1.1/24")
        _cable(nat_name, "outside", "10.99.0.1/24", right_name, "eth0", f"{right.address}/24")
        _inner_addresses(left, right)
        _ip("-n", left_name, "route", "add", "default", "via", "10.99.1.1")
        call_in(nat_name, Path("/proc/sys/net/ipv4/ip_forward").write_text, "1")
        run_in(nat_name, ("nft", "-f", "-"), stdin=MASQUERADE)
        yield Link(left=left, right=right, left_seen_as="10.99.0.1")


MASQUERADE = """
# A port below 500 would be drawn for port 500, and tshark would take the frame for the NTP or DNS of that port.
table ip nat {
  chain postrouting {
    type nat hook postrouting priority 100
    oifname "outside" meta l4proto udp masquerade to :20000-29999 random
    oifname "outside" masquerade
  }
}
"""


def run_in(
    namespace: Namespace | str,
    argv: Sequence[str],
    *,
    stdin: str = "",
    environment: Mapping[str, str] | None = None,
    within: float = GENEROUS,
) -> str:
    """Run a program to its end inside a namespace and return what it printed.

    Raises CommandFailed where its exit status is not 0, subprocess.TimeoutExpired after `within` seconds.
    """
    return run(_inside(namespace, argv), stdin=stdin, environment=environment, within=within)


def run(
    argv: Sequence[str], *, stdin: str = "", environment: Mapping[str, str] | None = None, within: float = GENEROUS
) -> str:
    """Run a program to its end and return what it printed; errors as in `run_in`."""
    done = attempt(argv, stdin=stdin, environment=environment, within=within)
    if done.returncode:
        raise CommandFailed(f"{' '.join(argv)}: exit status {done.returncode}\n{done.stdout}{done.stderr}")
    return done.stdout


def attempt(
    argv: Sequence[str], *, stdin: str = "", environment: Mapping[str, str] | None = None, within: float = GENEROUS
) -> subprocess.CompletedProcess[str]:
    """Run a program to its end, whatever the end is; raises subprocess.TimeoutExpired after `within` seconds."""
    return subprocess.run(
        (_program(argv[0]), *argv[1:]),
        input=stdin,
        env=dict(os.environ) | dict(environment or {}),
        capture_output=True,
        text=True,
        timeout=within,
        check=False,
    )


@contextlib.contextmanager
def running_in(
    namespace: Namespace | str,
    argv: Sequence[str],
    *,
    stdout: IO[bytes],
    stderr: IO[bytes],
    environment: Mapping[str, str] | None = None,
    ended_by: signal.Signals = signal.SIGTERM,
) -> Iterator[subprocess.Popen[bytes]]:
    """Keep a program running inside a namespace, in a session of its own; on leaving it is ended, gently and then not.

    It also dies with the thread that started it: so start it from the test's own thread, not from `call_in`.
    """
    process = subprocess.Popen(
        (_program("setpriv"), "--pdeathsig", "KILL", *_inside(namespace, argv)),
        stdin=subprocess.DEVNULL,
        stdout=stdout,
        stderr=stderr,
        env=dict(os.environ) | dict(environment or {}),
        start_new_session=True,
    )
    try:
        yield process
    finally:
        end(process, ended_by)


def end(process: subprocess.Popen[bytes], by: signal.Signals = signal.SIGTERM, *, patience: float = 5.0) -> int:
    """Ask a program of ours to end, insist after `patience` seconds, and return its exit status."""
    if process.poll() is None:
        process.send_signal(by)
        try:
            process.wait(patience)
        except subprocess.TimeoutExpired:
            process.kill()
    return process.wait()


def call_in(
    namespace: Namespace | str, function: Callable[Arguments, Result], *args: Arguments.args, **kwargs: Arguments.kwargs
) -> Result:
    """Call a Python function inside a namespace, in a thread that enters it; return its result or raise its error.

    What it leaves behind stays inside: a socket made there, a process started there (which outlives the thread).
    """

    def inside() -> Result:
        _enter(_name(namespace))
        return function(*args, **kwargs)

    with ThreadPoolExecutor(max_workers=1) as thread:
        return thread.submit(inside).result()


def udp_socket(namespace: Namespace, address: str, port: int = 0, *, patience: float = GENEROUS) -> socket.socket:
    """A UDP socket of that machine, bound; receiving waits `patience` seconds. Port 0: any."""
    made = call_in(namespace, socket.socket, socket.AF_INET, socket.SOCK_DGRAM)
    made.settimeout(patience)
    made.bind((address, port))
    return made


def sweep() -> tuple[str, ...]:
    """Remove the namespaces of processes that are gone, and what still runs inside them; return their names."""
    left_behind = tuple(sorted(path.name for path in RUN_NETNS.glob("ikelab-*") if _is_orphan(path.name)))
    for name in left_behind:
        _remove(name)
    return left_behind


def _is_orphan(name: str) -> bool:
    made = _OURS.fullmatch(name)
    return made is not None and _born(int(made["pid"])) != made["born"]


def _born(pid: int) -> str | None:
    """When a process began, in clock ticks since boot; None where there is no such process."""
    try:
        after_name = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2]
    except (FileNotFoundError, ProcessLookupError):
        return None
    return after_name.split()[19]


@contextlib.contextmanager
def _names(*sides: str) -> Iterator[tuple[str, ...]]:
    """New, empty namespaces with lo up, removed on leaving."""
    born, serial = _born(os.getpid()), next(_serial)
    with contextlib.ExitStack() as stack:
        names = tuple(f"ikelab-{os.getpid()}-{born}-{serial}-{side}" for side in sides)
        for name in names:
            _ip("netns", "add", name)
            stack.callback(_remove, name)
            _ip("-n", name, "link", "set", "lo", "up")
        yield names


def _remove(name: str) -> None:
    """Delete a namespace and end what runs in it; another sweeper may have been there first."""
    with contextlib.suppress(CommandFailed):
        for pid in _ip("netns", "pids", name).split():
            with contextlib.suppress(ProcessLookupError):
                os.kill(int(pid), signal.SIGKILL)
    with contextlib.suppress(CommandFailed):
        _ip("netns", "del", name)


def _left(name: str, address: str) -> Namespace:
    return Namespace(name=name, address=address, inner_address="10.1.0.1", inner_network="10.1.0.0/24")


def _right(name: str) -> Namespace:
    return Namespace(name=name, address="10.99.0.2", inner_address="10.2.0.1", inner_network="10.2.0.0/24")


def _inner_addresses(*namespaces: Namespace) -> None:
    for namespace in namespaces:
        _ip("-n", namespace.name, "addr", "add", f"{namespace.inner_address}/32", "dev", "lo")


def _cable(one: str, one_port: str, one_address: str, other: str, other_port: str, other_address: str) -> None:
    """A veth pair, born inside the namespaces: no interface of ours is ever seen outside them."""
    _ip("-n", one, "link", "add", one_port, "type", "veth", "peer", "name", other_port, "netns", other)
    ends = ((one, one_port, one_address), (other, other_port, other_address))
    for name, port, address in ends:
        _ip("-n", name, "addr", "add", address, "dev", port)
        _ip("-n", name, "link", "set", port, "up")
    for name, port, _ in ends:
        wait_until(functools.partial(_is_up, name, port), what=f"{port} of {name} to come up")


def _is_up(name: str, port: str) -> bool:
    (interface,) = json.loads(_ip("-n", name, "-json", "link", "show", "dev", port))
    return bool(interface["operstate"] == "UP")


def _ip(*arguments: str) -> str:
    return run(("ip", *arguments))


def _inside(namespace: Namespace | str, argv: Sequence[str]) -> tuple[str, ...]:
    return (_program("ip"), "netns", "exec", _name(namespace), _program(argv[0]), *argv[1:])


def _name(namespace: Namespace | str) -> str:
    return namespace if isinstance(namespace, str) else namespace.name


def _program(name: str) -> str:
    """The program's full path; its bare name where it is not found, so that the failure names it."""
    return program(name) or name


@functools.cache
def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)


def _enter(name: str) -> None:
    """Move the calling thread, and it alone, into a namespace (setns(2))."""
    with (RUN_NETNS / name).open("rb") as namespace:
        if _libc().setns(namespace.fileno(), CLONE_NEWNET):
            raise OSError(ctypes.get_errno(), f"cannot enter the network namespace {name}")
