"""A packet on its way from one gateway to the other: as it leaves, as somebody alters it, and what becomes of it.

Every value here shows itself, as text and in a notebook.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from html import escape
from typing import TYPE_CHECKING, ClassVar

from ikelab.course import hosts
from ikelab.course.calling import told_when_miscalled
from ikelab.course.shown import NotHere, Secret, whole_lines, wrapped_lines
from ikelab.crypto.derived import counted
from ikelab.errors import Misuse
from ikelab.ipsec import coverage
from ikelab.ipsec.association import Association, Inbound
from ikelab.ipsec.boundary import Crossed, How, NeedsIke, Outcome
from ikelab.ipsec.coverage import Piece
from ikelab.ipsec.esp import TRAILER_SIZE, open_esp
from ikelab.ipsec.refused import Refused
from ikelab.ipsec.unprotect import Unprotected, unprotect
from ikelab.ipsec.window import ReplayWindow
from ikelab.timeline.trace import Trace
from ikelab.view import pieces as drawn
from ikelab.view.narration import visible
from ikelab.wire import ip

if TYPE_CHECKING:
    from ikelab.view.player import Player

OPENS_WITH = ("SPI", "AH Next Header")
"""The first field of ESP, and of AH."""
AT_THE_SPI = [0, 0]
"""Where the player begins in a packet: the first field of its first sheet, which for ESP is the SPI."""
IS_ENCRYPTED = "Ciphertext"
"""What the encrypted fields are called together."""


class OnePacket:
    """What is true of any packet here. AS_IN: how to come by one. INSTEAD: what it cannot do, and what to do then."""

    AS_IN: ClassVar[str] = 'a packet that was sent, as in pair.send("ping")'
    INSTEAD: ClassVar[Mapping[str, str]] = {
        "play": "a packet is not played alone, but with the run that made its SAs: talk.ping().play()"
    }

    if not TYPE_CHECKING:  # to a type checker, what is not declared is not there

        def __getattr__(self, name: str) -> object:
            """Say what to do instead."""
            if name in self.INSTEAD:
                raise NotHere(f"{name}: {self.INSTEAD[name]}")
            return object.__getattribute__(self, name)


@dataclass(frozen=True, kw_only=True, repr=False)
class Sent(OnePacket):
    """A packet as it left a gateway. inner: as the host sent it; packet: as it is on the wire, IP header and all.

    sas: what was applied, the innermost first. pieces: its fields. notes: what somebody has done to it since.
    """

    side: str
    inner: bytes
    packet: bytes
    how: How
    policy: str
    sas: tuple[Association, ...]
    pieces: tuple[Piece, ...]
    notes: tuple[str, ...] = ()

    def __getitem__(self, name: str) -> bytes:
        """The octets of a field, such as "SPI" or "ICV"; "Ciphertext" is all that is encrypted. Raises Misuse."""
        if name == IS_ENCRYPTED:
            return b"".join(self.packet[piece.at : piece.end] for piece in self.pieces if piece.encrypted)
        piece = self._piece(name)
        return self.packet[piece.at : piece.end]

    @property
    def esp(self) -> bytes:
        """The packet from its ESP or AH header on."""
        begin = next((piece.at for piece in self.pieces if piece.name in OPENS_WITH), 0)
        return self.packet[begin:]

    @told_when_miscalled
    def flipped(self, where: str | int) -> Sent:
        """The same with one bit flipped: the last one of a field, or of the octet of that number. Raises Misuse."""
        at = where if isinstance(where, int) else self._piece(where).end - 1
        if isinstance(at, bool) or not 0 <= at < len(self.packet):
            raise Misuse(f"flipped: expected a field, or an octet from 0 to {len(self.packet) - 1}, got {where!r}")
        octets = self.packet[:at] + bytes((self.packet[at] ^ 1,)) + self.packet[at + 1 :]
        what = f"octet {at}" if isinstance(where, int) else where
        return replace(self, packet=octets, notes=(*self.notes, f"{what}: one bit is flipped"))

    @told_when_miscalled
    def altered(self, name: str, to: bytes | int) -> Sent:
        """The same with other octets in a field, or a number. Raises Misuse where they do not fit."""
        piece = self._piece(name)
        try:
            octets = to if isinstance(to, bytes) else to.to_bytes(piece.size)
        except (OverflowError, AttributeError):
            octets = b""
        if len(octets) != piece.size:
            raise Misuse(f"altered: {name} takes {counted(piece.size)}, got {to!r}")
        packet = self.packet[: piece.at] + octets + self.packet[piece.end :]
        return replace(self, packet=packet, notes=(*self.notes, f"{name} is now {octets.hex()}"))

    @told_when_miscalled
    def decrypted(self, key: bytes | Secret) -> Attempt:
        """What this key makes of the encrypted octets, without a look at the ICV.

        Raises Misuse where nothing is encrypted, or the key has another size than the cipher's.
        """
        inner = next((each for each in self.sas if each.keys.cipher is not None), None)
        if inner is None:
            raise Misuse("decrypted: expected an ESP packet, got one in which nothing is encrypted")
        octets = key.value if isinstance(key, Secret) else key
        size = len(inner.keys.enc_key or b"")
        if len(octets) != size:
            raise Misuse(f"decrypted: expected a key of {counted(size)}, got {counted(len(octets))}")
        begin = self._piece("SPI" if len(self.sas) == 1 else "ESP SPI").at
        opened = open_esp(replace(inner.keys, enc_key=octets, auth_key=None), self.packet[begin:])
        inside = opened.payload if opened.next_header is not None else b""
        return Attempt(octets=opened.plaintext or b"", inside=inside, why=opened.remarks)

    def _piece(self, name: str) -> Piece:
        found = [piece for piece in self.pieces if piece.name == name]
        if not found:
            known = dict.fromkeys(piece.name for piece in self.pieces)
            raise Misuse(f"field: expected one of {', '.join(known) or 'none: it is not protected'}, got {name!r}")
        return found[0]

    @property
    def leaves(self) -> bool:
        """Whether it has left its gateway."""
        return True

    @property
    def verdict(self) -> str:
        """Which policy it met, in a line."""
        how = f"protected with {' in '.join(each.keys.protocol for each in self.sas)}" if self.sas else self.how.value
        return visible(f"✓ {hosts.summary(self.inner)}: policy {self.policy}, it leaves {how}")

    @property
    def heading(self) -> tuple[str, ...]:
        """What it is, which policy and SAs it met, and how long it has become."""
        lines = [f"the {self.side}'s host: {hosts.summary(self.inner)}"]
        if self.sas:
            lines.append(f"policy {self.policy}, {' in '.join(map(_named, self.sas))}")
            lines.append(f"{counted(len(self.inner))} have become {len(self.packet)}")
        else:
            lines.append(f"policy {self.policy}: it leaves {self.how.value}")
        return tuple(map(visible, (*lines, *self.notes)))

    @property
    def _covers(self) -> str:
        """Whose ICV the table tells of: of two, the outer one's."""
        return f"{self.sas[-1].keys.protocol}'s ICV covers" if len(self.sas) > 1 else drawn.COVERS

    def __repr__(self) -> str:
        """The same, and every field beside its octets."""
        table = drawn.text(self.pieces, self.packet, self._covers)
        return "\n".join([*self.heading, "", table] if self.pieces else self.heading)

    def _repr_html_(self) -> str:
        """The same for a notebook, coloured."""
        head, *more = map(escape, self.heading)
        words = f"<div><strong>{head}</strong>{''.join(f'<br>{line}' for line in more)}</div>"
        legend = "blue: encrypted; green: readable, covered by the ICV; orange: the ICV; plain: neither"
        return words + drawn.html(self.pieces, self.packet, legend, self._covers) if self.pieces else words


@dataclass(frozen=True, kw_only=True, repr=False)
class Attempt:
    """What a key made of encrypted octets. inside: the packet, where there is one. why: what is wrong otherwise."""

    octets: bytes
    inside: bytes
    why: tuple[str, ...]

    def __repr__(self) -> str:
        """A verdict, and the octets."""
        if not self.inside:
            first = f"✗ {'; '.join(self.why)}"
        else:
            trailer = self.octets[len(self.inside) :]
            padding = counted(len(trailer) - TRAILER_SIZE)
            first = f"✓ {hosts.summary(self.inside)}, then {padding} of padding, and the trailer"
        rows = (self.octets[at : at + drawn.PER_ROW] for at in range(0, len(self.octets), drawn.PER_ROW))
        return "\n".join([visible(first), *(f"  {row.hex(' '):<47}  {_printable(row)}" for row in rows)])

    def _repr_html_(self) -> str:
        """The same for a notebook."""
        return whole_lines(repr(self), "What a key opens")


@dataclass(frozen=True, kw_only=True, repr=False)
class Stopped(OnePacket):
    """A packet that did not leave its gateway, and why."""

    INSTEAD: ClassVar[Mapping[str, str]] = {
        **OnePacket.INSTEAD,
        **dict.fromkeys(
            ("inner", "esp", "flipped", "altered", "decrypted"),
            "this packet never left its gateway; where there is no SA yet, run pair.negotiate(), then send again",
        ),
    }

    side: str
    packet: bytes
    outcome: Outcome

    @property
    def leaves(self) -> bool:
        """Whether it has left its gateway."""
        return False

    @property
    def verdict(self) -> str:
        """What keeps it, in a line."""
        if isinstance(self.outcome, Refused):
            clause = f" ({self.outcome.rfc})" if self.outcome.rfc else ""
            return visible(f"✗ {hosts.summary(self.packet)}: {self.outcome.reason.words}{clause}")
        return visible(f"… {hosts.summary(self.packet)}: {self._why}")

    @property
    def _why(self) -> str:
        if isinstance(self.outcome, NeedsIke):
            wanted = " and ".join(self.outcome.missing)
            return f"policy {self.outcome.policy.name} wants it in {wanted}, and there is no SA: IKE is asked"
        return f"the {self.side} drops it: {self.outcome}"

    @property
    def needs_ike(self) -> bool:
        """Whether it waits for an SA."""
        return isinstance(self.outcome, NeedsIke)

    def __repr__(self) -> str:
        """The packet, and what the gateway says."""
        lines = [
            f"the {self.side}'s host: {hosts.summary(self.packet)}",
            f"{'…' if self.needs_ike else '✗'} {self._why}",
        ]
        return "\n".join(map(visible, lines))

    def _repr_html_(self) -> str:
        """The same for a notebook."""
        return wrapped_lines(repr(self), "A packet that did not leave")


@dataclass(frozen=True, kw_only=True, repr=False)
class Arrived(OnePacket):
    """What a gateway makes of a packet. octets: as it came. complaint: why the host behind it throws it away."""

    side: str
    octets: bytes
    outcome: Outcome

    @property
    def passed(self) -> bool:
        """Whether the gateway let it through."""
        return isinstance(self.outcome, Crossed) and self.outcome.how is not How.DUMMY

    @property
    def packet(self) -> bytes:
        """What the host behind it gets; b"" where the gateway keeps it out."""
        return self.outcome.packet if isinstance(self.outcome, Crossed) else b""

    @property
    def complaint(self) -> str:
        """Why the host throws away what the gateway let through; "" where it does not."""
        return hosts.complaint(self.packet) if self.passed else ""

    @property
    def taken(self) -> bool:
        """Whether gateway and host take it."""
        return self.passed and not self.complaint

    @property
    def verdict(self) -> str:
        """Both in a line."""
        if isinstance(self.outcome, Refused):
            return f"✗ the {self.side} drops it: {self.outcome}"
        if self.complaint:
            return f"✗ the {self.side} lets it in, its host drops it: {self.complaint}"
        names = [protocol for protocol, _ in self.outcome.sas] if isinstance(self.outcome, Crossed) else []
        does = f"checks and takes off {', then '.join(names)}" if names else "lets it pass as it is"
        return f"✓ the {self.side} {does}: {hosts.summary(self.packet)}"

    def __repr__(self) -> str:
        return visible(self.verdict)

    def _repr_html_(self) -> str:
        """The same for a notebook."""
        return wrapped_lines(repr(self), "What a gateway makes of a packet")


@dataclass(frozen=True, kw_only=True, repr=False)
class Ping:
    """There and back, as far as it came. trace: of the run that has made the SAs; None where there was none."""

    steps: tuple[Sent | Stopped | Arrived, ...]
    trace: Trace | None = field(default=None, compare=False)

    @property
    def answered(self) -> bool:
        """Whether the answer reached the host that asked."""
        last = self.steps[-1]
        return len(self.steps) == 4 and isinstance(last, Arrived) and last.taken

    def play(self, **place: object) -> Player:
        """The player of the run, which goes on with these packets; it begins at the first of them. Raises Misuse."""
        if self.trace is None:
            raise Misuse("play: expected packets through the SAs of a run, got none: let IKE negotiate first")
        if not any(isinstance(step, Sent) for step in self.steps):
            raise Misuse(f"play: expected packets that were sent, got none: {self.steps[0].verdict}")
        from ikelab.course.packet_film import with_packets
        from ikelab.view.player import Player

        begin: dict[str, object] = {"step": len(self.trace.frames) + 1, "field": AT_THE_SPI}
        return Player(with_packets(self.trace, self.steps), **(place if "step" in place else {**begin, **place}))

    def __repr__(self) -> str:
        """Each packet as its host sent it, as it was on the wire, and as the other gateway found it."""
        return "\n".join(line for step in self.steps for line in _lines(step))

    def _repr_html_(self) -> str:
        """The same for a notebook."""
        return wrapped_lines(repr(self), "A ping, there and back")


def _lines(step: Sent | Stopped | Arrived) -> Iterator[str]:
    if not isinstance(step, Sent):
        yield repr(step)
        return
    yield step.heading[0]
    yield f"  on the wire, {counted(len(step.packet))}: {visible(hosts.summary(step.packet))}"


def pieces_of(sas: tuple[Association, ...], packet: bytes) -> tuple[Piece, ...]:
    """The fields of a packet that these SAs protect, the innermost first. Of a bundle, those of ESP inside AH, too."""
    if not sas:
        return ()
    outer = coverage.pieces(sas[-1], packet)
    if len(sas) == 1:
        return outer
    *around, payload = outer
    opened = unprotect(Inbound(sas[-1], ReplayWindow()), packet)
    assert isinstance(opened, Unprotected)
    start = ip.read_ip(opened.packet).start
    inside = (
        replace(piece, name=f"ESP {piece.name}", at=piece.at - start + payload.at, covered=True)
        for piece in coverage.pieces(sas[0], opened.packet)
        if piece.at >= start
    )
    return (*around, *inside)


def _named(association: Association) -> str:
    keys = association.keys
    inside = " in UDP" if association.udp else ""
    return f"{keys.protocol} SA {association.spi.hex()} ({association.mode}, {association.algorithms}){inside}"


def _printable(octets: bytes) -> str:
    return "".join(chr(octet) if 32 <= octet < 127 else "." for octet in octets)
