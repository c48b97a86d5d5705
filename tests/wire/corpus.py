"""Recorded IKE octets, as they travelled and as they were before encryption, and ways to spoil them."""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import NamedTuple

from ikelab.ike.beliefs import parse_keys
from ikelab.ike.listen import Heard, Listener
from ikelab.net.capture import read_capture
from ikelab.wire.fields import Uint
from ikelab.wire.message import Dissection, dissect, dissect_body
from ikelab.wire.udp import Carries, classify
from tests.needs import CHECKOUT, captures_dir

PAYLOAD_TYPES = (*range(22), *range(128, 134), 255)


class Place(NamedTuple):
    """Where a number lies that says a type, a length or a count."""

    name: str
    at: int
    size: int


class Sample(NamedTuple):
    """Octets worth reading. `first` is the type of the first payload of decrypted data, None for a datagram."""

    octets: bytes
    first: int | None
    numbers: tuple[Place, ...]
    payloads: tuple[tuple[int, int], ...]
    payloads_are_open: bool

    def dissected(self, octets: bytes) -> Dissection:
        """These octets read as what the sample is."""
        return dissect(octets) if self.first is None else dissect_body(octets, self.first)


def sample(octets: bytes, first: int | None) -> Sample:
    sheet = dissect(octets) if first is None else dissect_body(octets, first)
    leaves = (leaf for leaf in sheet.leaves() if isinstance(leaf.field, Uint) and leaf.field.role == "plumbing")
    numbers = tuple(Place(leaf.name, leaf.at, leaf.size) for leaf in leaves)
    payloads = tuple((top.at, top.end) for top in sheet.tree[sheet.header is not None :])
    return Sample(octets, first, numbers, payloads, not sheet.encrypted)


def conversations() -> list[Path]:
    """The folders with recordings: all shared ones, or the project's own where there are no others."""
    shared = [capture.parent for capture in captures_dir().glob("*/capture.pcap")]
    return sorted(shared or [capture.parent for capture in (CHECKOUT / "datasets").glob("*/capture.pcap")])


@functools.cache
def samples() -> tuple[Sample, ...]:
    """Every IKE message of every recording, and the inside of every one that its keys open; nothing twice."""
    found: dict[tuple[bytes, int | None], Sample] = {}
    for folder in conversations():
        listener = Listener(beliefs=parse_keys((folder / "facts.json").read_bytes()))
        for datagram in read_capture(folder / "capture.pcap"):
            content = classify(datagram.octets, datagram.source.port, datagram.destination.port)
            if datagram.protocol != "udp" or content.carries is not Carries.IKE:
                continue
            heard = Heard(
                frame=datagram.frame,
                source=datagram.source,
                destination=datagram.destination,
                octets=content.octets,
                time=datagram.time,
            )
            followed = listener.hear(heard)
            found.setdefault((content.octets, None), sample(content.octets, None))
            if followed.whole is not None:
                found.setdefault((followed.whole.raw, None), sample(followed.whole.raw, None))
            if followed.opened is not None:
                inside = followed.opened.sheet
                found.setdefault((inside.raw, inside.first), sample(inside.raw, inside.first))
    return tuple(found.values())


def pick(random: Random) -> Sample:
    """A sample; a closed one, in which there is little to spoil, only now and then."""
    while True:
        found = random.choice(samples())
        if found.payloads_are_open or random.random() < 0.1:
            return found


# -- ways to spoil octets ----------------------------------------------------------------------------------------------


def flip_bits(octets: bytearray, kept: Sample, random: Random) -> None:
    for _ in range(random.choice((1, 1, 2, 8)) if octets else 0):
        octets[random.randrange(len(octets))] ^= 1 << random.randrange(8)


def set_octets(octets: bytearray, kept: Sample, random: Random) -> None:
    for _ in range(random.choice((1, 2, 4)) if octets else 0):
        octets[random.randrange(len(octets))] = random.choice((0, 1, 4, 0x7F, 0x80, 0xFF, random.randrange(256)))


def cut(octets: bytearray, kept: Sample, random: Random) -> None:
    del octets[random.randrange(len(octets) + 1) :]


def append(octets: bytearray, kept: Sample, random: Random) -> None:
    more = random.randrange(1, 40)
    octets += random.choice((bytes(more), random.randbytes(more)))


def lie(octets: bytearray, kept: Sample, random: Random) -> None:
    """Change a length, a count, a size, or anything else that tells a reader how to go on."""
    if not kept.numbers:
        return
    place = random.choice(kept.numbers)
    if place.at + place.size > len(octets):
        return
    most = (1 << 8 * place.size) - 1
    true = int.from_bytes(octets[place.at : place.at + place.size])
    near = true + random.choice((-4, -1, 1, 4, 8))
    told = random.choice((0, 1, 3, 4, len(octets), most, most - 3, near, near, near, random.randrange(most + 1)))
    octets[place.at : place.at + place.size] = (told & most).to_bytes(place.size)


def swap_types(octets: bytearray, kept: Sample, random: Random) -> None:
    places = [place for place in kept.numbers if place.name == "Next Payload" and place.at < len(octets)]
    if places:
        octets[random.choice(places).at] = random.choice(PAYLOAD_TYPES)


def splice(octets: bytearray, kept: Sample, random: Random) -> None:
    """The beginning of one message and the end of another."""
    other = random.choice(samples()).octets
    octets[random.randrange(len(octets) + 1) :] = other[random.randrange(len(other) + 1) :]


def repeat(octets: bytearray, kept: Sample, random: Random) -> None:
    begin, end = sorted((random.randrange(len(octets) + 1), random.randrange(len(octets) + 1)))
    octets[begin:begin] = octets[begin:end] * random.choice((1, 1, 2, 5))


def leave_out(octets: bytearray, kept: Sample, random: Random) -> None:
    begin = random.randrange(len(octets) + 1)
    del octets[begin : begin + random.choice((1, 2, 4, 8, random.randrange(1, 60)))]


def move_payload(octets: bytearray, kept: Sample, random: Random) -> None:
    """A payload of some other message in the place of one of this."""
    other = random.choice(samples())
    if not kept.payloads or not other.payloads:
        return
    (begin, end), (other_begin, other_end) = random.choice(kept.payloads), random.choice(other.payloads)
    octets[begin:end] = other.octets[other_begin:other_end]


SPOILERS: tuple[Callable[[bytearray, Sample, Random], None], ...] = (
    flip_bits,
    set_octets,
    cut,
    append,
    lie,
    lie,
    lie,
    swap_types,
    splice,
    repeat,
    leave_out,
    move_payload,
)


def spoilt(kept: Sample, random: Random) -> bytes:
    """A sample's octets, spoilt in one to four ways."""
    octets = bytearray(kept.octets)
    for _ in range(random.choice((1, 1, 1, 2, 3, 4))):
        random.choice(SPOILERS)(octets, kept, random)
    return bytes(octets)
