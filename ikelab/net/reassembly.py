"""How the pieces of a fragmented IP packet become one packet again, within bounds that no capture can break.

Large IKE messages (certificates) are often fragmented by IP. A piece seen twice counts once; pieces that contradict
each other condemn the packet. Nothing is kept for longer than a minute of the capture's own time, nor are more than
`OPEN_PACKETS` packets put together at once.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from ikelab.wire import ip

OPEN_PACKETS = 256
LIFETIME = 60.0  # seconds

Key = tuple[str, str, int, int]


@dataclass(kw_only=True)
class _Puzzle:
    """The pieces so far of one packet: octets by offset, the frames they came in, the size once the last is known."""

    since: float
    pieces: dict[int, bytes] = field(default_factory=dict)
    frames: list[int] = field(default_factory=list)
    gathered: int = 0
    size: int | None = None
    first: bytes = b""
    matters: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Whole:
    """A packet put together again, and the frames its pieces came in."""

    octets: bytes
    frames: tuple[int, ...]


class Reassembly:
    """The packets of one capture that are still in pieces."""

    def __init__(self) -> None:
        self._puzzles: dict[Key, _Puzzle] = {}
        self.remarks: list[str] = []

    def add(
        self, frame: int, time: float, octets: bytes, packet: ip.IpPacket, piece: ip.Fragment, *, matters: bool
    ) -> Whole | None:
        """Take in one fragment; give the whole packet if this was the last one missing.

        A packet that never becomes whole is remarked upon if one of its pieces `matters`.
        """
        key = (packet.source, packet.destination, piece.identification, packet.protocol if packet.version == 4 else 0)
        puzzle = self._puzzles.get(key)
        if puzzle is not None and abs(time - puzzle.since) > LIFETIME:
            self._give_up(key, "was not complete within a minute")
            puzzle = None
        if puzzle is None:
            if len(self._puzzles) >= OPEN_PACKETS:
                self._give_up(next(iter(self._puzzles)), f"gave way: {OPEN_PACKETS} newer ones were in pieces")
            puzzle = self._puzzles[key] = _Puzzle(since=time)
        payload = octets[packet.start : packet.end]
        puzzle.matters |= matters
        if packet.missing:
            self._give_up(key, f"has a piece (frame {frame}) that the capture cut short")
        elif fault := _fault(puzzle, payload, piece):
            self._give_up(key, f"{fault} (frame {frame})")
        elif piece.offset not in puzzle.pieces:
            puzzle.frames.append(frame)
            puzzle.pieces[piece.offset] = payload
            puzzle.gathered += len(payload)
            if not piece.more:
                puzzle.size = piece.offset + len(payload)
            if piece.offset == 0:
                puzzle.first = octets[: packet.end]
            if puzzle.size == puzzle.gathered:
                return self._solve(key, puzzle)
        return None

    def finish(self) -> None:
        """Say which packets never became whole."""
        for key in tuple(self._puzzles):
            self._give_up(key, "was never complete")

    def _solve(self, key: Key, puzzle: _Puzzle) -> Whole | None:
        payload = b""
        for offset, piece in sorted(puzzle.pieces.items()):
            if offset != len(payload):
                self._give_up(key, "has pieces that overlap")
                return None
            payload += piece
        del self._puzzles[key]
        return Whole(octets=ip.unfragmented(puzzle.first, payload), frames=tuple(puzzle.frames))

    def _give_up(self, key: Key, why: str) -> None:
        puzzle = self._puzzles.pop(key)
        if puzzle.matters:
            source, destination, *_ = key
            pieces = ", ".join(map(str, puzzle.frames)) or "none usable"
            self.remarks.append(f"a fragmented IP packet from {source} to {destination} (frames: {pieces}) {why}")


def _fault(puzzle: _Puzzle, payload: bytes, piece: ip.Fragment) -> str:
    """What makes this piece impossible; "" if nothing does."""
    end = piece.offset + len(payload)
    if piece.more and (len(payload) % 8 or not payload):
        return "has an inner piece that is not a multiple of 8 octets"
    if end > ip.LARGEST - ip.IPV4_HEADER:
        return f"would have more than {ip.LARGEST} octets"
    if puzzle.pieces.get(piece.offset, payload) != payload:
        return "has two different pieces for one place"
    if puzzle.size is not None and (end > puzzle.size or (not piece.more and end != puzzle.size)):
        return "has pieces beyond its end"
    return ""
