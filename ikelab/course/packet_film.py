"""A run goes on with packets: the player shows a ping in ESP as it shows messages, and where its key comes from.

A packet becomes a message of the trace, laid out as those of recordings are; the frames behind the run's last one say
what either side does with it, while the states of IKE stay as they are.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from ikelab.course import hosts
from ikelab.course.protected import Arrived, Sent, Stopped
from ikelab.ike.conversation import OTHER
from ikelab.ipsec.packet import FollowedPacket, inside, open_packet, spi_and_sequence
from ikelab.timeline.packets import sheets_of_packet
from ikelab.timeline.trace import Trace
from ikelab.wire import ip
from ikelab.wire.udp import Endpoint

Step = Sent | Stopped | Arrived
SECONDS_BETWEEN = 0.01


def with_packets(trace: Trace, steps: Sequence[Step]) -> Trace:
    """The trace of a run, and behind it these packets, a step each time one is sent or has come."""
    messages, frames = list(trace.messages), list(trace.frames)
    heard: int | None = None
    for step in steps:
        if isinstance(step, Sent) and step.sas:
            number = len(messages) + 1
            messages.append(_message(step, number, _time(frames) + SECONDS_BETWEEN))
            words = {"what": f"The {step.side} sends {hosts.summary(step.inner)}.", "why": _why(step)}
            frames.append(_frame(frames, step.side, words, said=[number]))
            heard = number
        elif isinstance(step, Arrived):
            words = {"what": f"{step.verdict[2:3].upper()}{step.verdict[3:]}.", "why": ""}
            frames.append(_frame(frames, step.side, words, heard=heard))
            if heard is not None:
                messages[heard - 1] = {**messages[heard - 1], "heard_at": len(frames)}
    return replace(trace, messages=messages, frames=frames)


def _why(sent: Sent) -> str:
    names = " in ".join(f"{each.keys.protocol} {each.spi.hex()}" for each in sent.sas)
    return f"Policy {sent.policy} protects it with SA {names}: {len(sent.inner)} octets become {len(sent.packet)}."


def _time(frames: Sequence[Mapping[str, Any]]) -> float:
    return float(frames[-1]["time"]) if frames else 0.0


def _frame(
    frames: Sequence[Mapping[str, Any]],
    actor: str,
    caption: Mapping[str, str],
    *,
    said: Sequence[int] = (),
    heard: int | None = None,
) -> dict[str, Any]:
    """A step that changes nothing of IKE's: as the last one left it."""
    return {
        **frames[-1],
        "step": len(frames) + 1,
        "actor": actor,
        "about": None,
        "heard": heard,
        "said": list(said),
        "time": round(_time(frames) + SECONDS_BETWEEN, 6),
        "waits": {},
        "timers": {},
        "row": None,
        "rule": None,
        "refused": None,
        "events": [],
        "caption": dict(caption),
        "learned": {actor: [], OTHER[actor]: []},
    }


def _message(sent: Sent, number: int, time: float) -> dict[str, Any]:
    """The packet in the form in which a trace has messages."""
    layers = list(_layers(sent))
    protocols = " in ".join(each.keys.protocol for each in sent.sas)
    spi, _ = spi_and_sequence(layers[0].protocol, layers[0].octets)
    sheets = [sheet for layer in layers for sheet in sheets_of_packet(layer)]
    return {
        "n": number,
        "frame": number,
        "time": round(time, 6),
        "from": sent.side,
        "exchange": 0,
        "exchange_name": f"Packets in {protocols}",
        "message_id": "",
        "encrypted": any(piece.encrypted for piece in sent.pieces),
        "decrypted": True,
        "summary": f"{protocols} {spi.hex()} number {layers[0].sequence}",
        "retransmission_of": None,
        "error": None,
        "remarks": [],
        "chips": [{"label": protocols, "type": 0, "sheet": 0, "field": 0}],
        "verified": [
            {"name": "ICV", "ok": True, "text": "ICV is what its key gives", "covers": [{"message": number, "chip": 0}]}
        ],
        "sheets": sheets,
        "fate": "delivered",
        "arrives": round(time + SECONDS_BETWEEN, 6),
        "heard_at": None,
        "sent": None,
        "changed": [],
    }


def _layers(sent: Sent) -> Iterator[FollowedPacket]:
    """The packet from its outer ESP or AH header on; of a bundle, then what AH holds."""
    packet = sent.packet
    for association in reversed(sent.sas):
        read = ip.read_ip(packet)
        begin = read.start + (ip.UDP_HEADER if association.udp else 0)
        octets = packet[begin : read.end]
        protocol = association.keys.protocol
        opening = open_packet([association.keys], protocol, octets, packet)
        spi, sequence = spi_and_sequence(protocol, octets)
        yield FollowedPacket(
            frame=0,
            source=Endpoint(read.source, 0),
            destination=Endpoint(read.destination, 0),
            protocol=protocol,
            octets=octets,
            spi=spi,
            sequence=sequence,
            sender=sent.side,
            keys=association.keys,
            opened=opening.opened,
            inner=inside(protocol, octets, opening.opened),
        )
        if protocol == "AH":
            size = (octets[1] + 2) * 4
            packet = ip.with_payload(packet, read, octets[0], octets[size:])
