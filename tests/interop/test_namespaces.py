"""Two machines on one: they reach each other, keep apart from all others, and nothing of them is left."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.interop.namespaces import CommandFailed, Link, call_in, direct_link, run, run_in, sweep, udp_socket
from tests.interop.waiting import wait_until
from tests.needs import needs

pytestmark = needs("netns")


class TestLink:
    def test_the_two_ends_reach_each_other(self, link: Link) -> None:
        left, right = link.left, link.right
        with udp_socket(left, left.address) as one, udp_socket(right, right.address, 500) as other:
            one.sendto(b"hello", (right.address, 500))
            octets, (source, _) = other.recvfrom(100)
        assert (octets, source) == (b"hello", left.address)

    def test_there_is_no_way_between_the_inner_networks(self, link: Link) -> None:
        with (
            udp_socket(link.left, link.left.inner_address) as one,
            pytest.raises(OSError, match="unreachable") as refused,
        ):
            one.sendto(b"in clear", (link.right.inner_address, 500))
        assert refused.value.errno == errno.ENETUNREACH

    def test_two_links_live_side_by_side(self, link: Link) -> None:
        with (
            direct_link() as other,
            udp_socket(link.right, link.right.address, 500),
            udp_socket(other.right, other.right.address, 500),
        ):
            assert other.left.name != link.left.name
            assert other.left.address == link.left.address

    @needs("nat")
    def test_a_nat_shows_its_own_address_and_lets_answers_back(self, link_through_nat: Link) -> None:
        left, right = link_through_nat.left, link_through_nat.right
        with udp_socket(left, left.address, 500) as one, udp_socket(right, right.address, 500) as other:
            one.sendto(b"who am I?", (right.address, 500))
            _, seen = other.recvfrom(100)
            other.sendto(b"an answer", seen)
            assert one.recv(100) == b"an answer"
        assert seen[0] == link_through_nat.left_seen_as != left.address
        assert 20000 <= seen[1] < 30000


class TestCallIn:
    def test_the_calling_thread_stays_where_it_was(self, link: Link) -> None:
        before = Path("/proc/thread-self/ns/net").readlink()
        assert call_in(link.left, Path("/proc/thread-self/ns/net").readlink) != before
        assert Path("/proc/thread-self/ns/net").readlink() == before

    def test_an_error_inside_is_raised_outside(self, link: Link) -> None:
        with pytest.raises(ZeroDivisionError):
            call_in(link.left, divmod, 1, 0)

    def test_a_namespace_that_is_not_there(self) -> None:
        with pytest.raises(FileNotFoundError, match="ikelab-nowhere"):
            call_in("ikelab-nowhere", os.getpid)


class TestRunIn:
    def test_a_program_that_fails_says_what_it_said(self, link: Link) -> None:
        with pytest.raises(CommandFailed, match=r"exit status 3\nout\nerr"):
            run_in(link.left, ("sh", "-c", "echo out; echo err >&2; exit 3"))

    def test_a_program_that_hangs_is_cut_off(self, link: Link) -> None:
        with pytest.raises(subprocess.TimeoutExpired):
            run_in(link.left, ("sleep", "600"), within=0.1)


KILLED_HARNESS = """
import os, signal, subprocess, sys
from tests.interop.namespaces import call_in, direct_link, running_in

with direct_link() as link, running_in(link.left, ("sleep", "600"), stdout=sys.stderr, stderr=sys.stderr) as minded:
    stray = call_in(link.right, subprocess.Popen, ("sleep", "600"), stdout=subprocess.DEVNULL)
    print(link.left.name, link.right.name, minded.pid, stray.pid, flush=True)
    os.kill(os.getpid(), signal.SIGKILL)
"""


class TestNothingIsLeft:
    def test_after_a_failure(self) -> None:
        link, process = _link_that_fails()
        assert process.wait(10) == -signal.SIGKILL
        assert link.left.name not in run(("ip", "netns", "list"))

    def test_after_a_run_that_was_killed(self, link: Link) -> None:
        program = (sys.executable, "-c", KILLED_HARNESS)
        harness = subprocess.run(program, stdout=subprocess.PIPE, check=False, text=True, timeout=30)
        assert harness.returncode == -signal.SIGKILL
        left, right, minded, stray = harness.stdout.split()
        wait_until(lambda: not _runs(int(minded)), what="the minded process to die with its harness")
        sweep()
        wait_until(lambda: not _runs(int(stray)), what="the stray process to be ended")
        listed = run(("ip", "netns", "list"))
        assert left not in listed
        assert right not in listed
        assert link.left.name in listed


def _link_that_fails() -> tuple[Link, subprocess.Popen[bytes]]:
    try:
        with direct_link() as link:
            process = call_in(link.left, subprocess.Popen, ("sleep", "600"))
            raise ZeroDivisionError
    except ZeroDivisionError:
        return link, process


def _runs(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False
