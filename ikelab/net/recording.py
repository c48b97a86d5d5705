"""What passed at a station as a capture would show it: messages of IKE and packets of ESP, in their order."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from heapq import merge
from typing import NamedTuple

from ikelab.net.peel import CapturedDatagram, sent
from ikelab.timeline.live import Carried
from ikelab.wire.udp import NON_ESP_MARKER, Endpoint

MOST_PACKETS = 10_000
"""ESP packets that are remembered for a recording; then the oldest is dropped."""


class Packet(NamedTuple):
    """The content of a UDP datagram as it passed, `time` seconds after the station began."""

    time: float
    octets: bytes
    source: Endpoint
    destination: Endpoint


def recording(
    wire: Iterable[Carried], packets: Iterable[Packet], *, marked: Collection[int], begun: float
) -> Iterator[CapturedDatagram]:
    """Datagrams with IP and UDP headers.

    wire: messages of IKE; those with numbers in `marked` travelled behind a Non-ESP Marker. packets: of ESP. begun:
    when the clock of both began, in seconds since 1970.
    """
    messages = (
        Packet(
            carried.time,
            (NON_ESP_MARKER if carried.number in marked else b"") + carried.octets,
            carried.source,
            carried.destination,
        )
        for carried in wire
    )
    in_order = merge(messages, packets, key=lambda packet: packet.time)
    for frame, (when, octets, source, destination) in enumerate(in_order, 1):
        yield sent(frame=frame, time=begun + when, source=source, destination=destination, octets=octets)
