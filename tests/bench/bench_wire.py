"""How fast messages are dissected, values only and with the full tree, over scapy's ISAKMP layer on the same messages.

Every message is read by each in turn, a few times running, in many rounds of one run; the best time of each message
counts, summed over the messages. Aims: values at least 15 times as fast as scapy, with the tree at least 5 times.
"""

from __future__ import annotations

import gc
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence

from ikelab.wire.message import dissect, read_message
from tests.wire.corpus import samples

ROUNDS, RUNNING, PROCESSES = 12, 5, 15
READERS: Mapping[str, Callable[[bytes], object]] = {
    "values": dissect,
    "strict": read_message,
    "with tree": lambda octets: dissect(octets).tree,
}
IMPORTS = {
    "bare Python": "pass",
    "what wire is made of": "import dataclasses, enum, struct, ipaddress, functools, itertools",
    "ikelab.wire.message": "import ikelab.wire.message",
}


def main() -> None:
    """Print how many times as fast as scapy each way of reading is, for messages in clear and for closed ones."""
    datagrams = [sample.octets for sample in samples() if sample.first is None]
    in_clear = [octets for octets in datagrams if not dissect(octets).encrypted]
    closed = [octets for octets in datagrams if dissect(octets).encrypted]
    for name, messages in (("in clear", in_clear), ("encrypted", closed), ("all recorded", in_clear + closed)):
        times = best_times(messages)
        scapy = times.pop("scapy")
        size = sum(map(len, messages)) // len(messages)
        print(f"  {name}: {len(messages)} messages of {size} octets on average; scapy {scapy:.1f} us each")
        for way, taken in times.items():
            print(f"    {way:10} {taken:7.2f} us   {scapy / taken:5.1f} times as fast as scapy")
    imports()


def best_times(messages: Sequence[bytes]) -> dict[str, float]:
    """Microseconds per message of scapy and of each of our readers, taken in turn."""
    from scapy.layers.isakmp import ISAKMP

    readers = {"scapy": ISAKMP, **READERS}
    best = {name: [float("inf")] * len(messages) for name in readers}
    gc.collect()
    for _ in range(ROUNDS):
        for number, octets in enumerate(messages):
            for name, read in readers.items():
                for _ in range(RUNNING):
                    began = time.perf_counter()
                    read(octets)
                    best[name][number] = min(best[name][number], time.perf_counter() - began)
    return {name: sum(times) / len(messages) * 1e6 for name, times in best.items()}


def imports() -> None:
    """Print what whole processes take, in turn."""
    taken: dict[str, list[float]] = {name: [] for name in IMPORTS}
    for _ in range(PROCESSES):
        for name, program in IMPORTS.items():
            began = time.perf_counter()
            subprocess.run([sys.executable, "-c", program], check=True)
            taken[name].append((time.perf_counter() - began) * 1000)
    bare, base, wire = (min(times) for times in taken.values())
    for name, milliseconds in taken.items():
        print(f"  {name:22} min {min(milliseconds):6.1f} ms   median {statistics.median(milliseconds):6.1f} ms")
    print(f"  ikelab.wire.message takes {(wire - bare) / (base - bare):.1f} times as long as what it is made of")
