"""What listening to a recording came to: what was opened, what was proved, what stays closed and what it would take."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from ikelab.crypto.book import Method
from ikelab.crypto.protection import Protection
from ikelab.errors import WireError
from ikelab.ike.conversation import INITIATOR, RESPONDER, Child, Conversation
from ikelab.ike.listen import Followed
from ikelab.ipsec.packet import FollowedPacket
from ikelab.timeline.gist import SIGNS, Line, Sign, transform_words
from ikelab.wire.numbers import ExchangeType, Protocol
from ikelab.wire.payloads import ID

FRAMES_NAMED = 8
TOLD = {"PSK", "g^xy"}
CLOSED = "cannot be decrypted: "


@dataclass
class Outcome:
    """Counts what it is shown. `refuted`, `nonsense` and `unreadable` are frames for which the answer is no."""

    messages: int = 0
    encrypted: int = 0
    opened: int = 0
    repeated: int = 0
    proved: Counter[str] = field(default_factory=Counter)
    refuted: dict[str, list[int]] = field(default_factory=dict)
    nonsense: list[int] = field(default_factory=list)
    unreadable: list[int] = field(default_factory=list)
    closed: dict[str, list[int]] = field(default_factory=dict)
    unchecked: dict[str, list[int]] = field(default_factory=dict)
    packets: Counter[tuple[str, bytes]] = field(default_factory=Counter)
    genuine: Counter[tuple[str, bytes]] = field(default_factory=Counter)
    proofs: dict[int, dict[str, bool]] = field(default_factory=dict)
    believers: dict[int, dict[str, set[int]]] = field(default_factory=dict)

    @property
    def all_is_well(self) -> bool:
        """Whether no hash and no ICV was false and no frame unreadable; what stays closed for want of keys is well."""
        return not (self.refuted or self.nonsense or self.unreadable)

    def take(self, followed: Followed | FollowedPacket) -> None:
        """One more frame."""
        if isinstance(followed, FollowedPacket):
            self._packet(followed)
        else:
            self._message(followed)

    def _message(self, followed: Followed) -> None:
        frame = followed.heard.frame
        self.messages += 1
        self.repeated += followed.retransmission_of is not None
        self.encrypted += followed.message.encrypted
        self.opened += followed.opened is not None
        if followed.error is not None:
            self.unreadable.append(frame)
        elif followed.decrypted is False:
            self.nonsense.append(frame)
        elif followed.message.encrypted and followed.decrypted is None and followed.conversation is not None:
            self.closed.setdefault(_wanting(followed, followed.conversation), []).append(frame)
        if followed.opened is not None and followed.conversation is not None and followed.sender is not None:
            sides = self.believers.setdefault(id(followed.conversation), {INITIATOR: set(), RESPONDER: set()})
            sides[followed.sender].add(followed.opened.belief + 1)
        for name, holds in followed.verified.items():
            if followed.conversation is not None:
                self.proofs.setdefault(id(followed.conversation), {})[name] = holds
            if holds:
                self.proved[name] += followed.retransmission_of is None
            else:
                self.refuted.setdefault(name, []).append(frame)

    def _packet(self, packet: FollowedPacket) -> None:
        if packet.within is not None:
            self._packet(packet.within)
        key = packet.protocol, packet.spi or b""
        self.packets[key] += 1
        if packet.error is not None:
            self.unreadable.append(packet.frame)
        elif packet.icv is False:
            self.refuted.setdefault("ICV", []).append(packet.frame)
        elif packet.decrypted is False:
            self.nonsense.append(packet.frame)
        elif packet.why_not:
            where = self.unchecked if packet.protocol == "AH" else self.closed
            where.setdefault(_advice(packet.why_not), []).append(packet.frame)
        if packet.icv:
            self.genuine[key] += 1
            self.proved["ICV"] += 1

    # -- in words

    def about(self, conversation: Conversation) -> Iterator[Line]:
        """What an ISAKMP SA came to: its terms, who is at its ends, and the SAs made under it."""
        suite = conversation.suite
        name = ExchangeType(conversation.phase1_exchange).short if conversation.phase1_exchange else "phase 1 not heard"
        yield Line(name, transform_words(suite.transform, Protocol.ISAKMP) if suite else conversation.suite_problem)
        proofs = self.proofs.get(id(conversation), {})
        for side, identity, proof in (("I", "IDii_b", "HASH_I"), ("R", "IDir_b", "HASH_R")):
            said = conversation.given.get(identity)
            who = "identity not known" if said is None else _identity(said.value)
            signed = suite is not None and suite.method is Method.SIG
            note = proof if proof in proofs else "signed, and not checked" if signed else "not checked"
            yield Line(side, who, note if said else "", "identity", SIGNS[proofs.get(proof)])
        sides = self.believers.get(id(conversation), {})
        if len(sides) == 2 and all(sides.values()) and not sides[INITIATOR] & sides[RESPONDER]:
            words = " and ".join(f"{side}: belief {_listed(map(str, sorted(sides[side])))}" for side in sides)
            yield Line("apart", f"the two ends do not hold the same keys ({words})", "", "error", Sign.FAILS)
        for child in conversation.children:
            yield self._child(child)

    def _child(self, child: Child) -> Line:
        protocol = Protocol(child.protocol).short
        key, way = (protocol, child.spi), "I ▶ R" if child.speaker == INITIATOR else "I ◀ R"
        count, genuine = self.packets[key], self.genuine[key]
        algorithms = ", ".join(child.missing) if child.protection is None else _protection_words(child.protection)
        packets = f"{_counted(count, 'packet')}" + (f", {genuine} genuine" if genuine != count else "")
        sign = Sign.HOLDS if count and genuine == count else Sign.NONE
        return Line(protocol, f"{child.spi.hex()} {way}", f"{algorithms}; {packets}", "number", sign)

    def counts(self) -> Iterator[str]:
        """What was there and what came of it."""
        if self.messages:
            again = f", {self.repeated} of them repeated" if self.repeated else ""
            opened = f"{self.opened} of {self.encrypted} encrypted ones opened"
            yield f"{_counted(self.messages, 'IKE message')}{again}; {opened}"
        for protocol in ("ESP", "AH"):
            number = sum(count for (name, _), count in self.packets.items() if name == protocol)
            genuine = sum(count for (name, _), count in self.genuine.items() if name == protocol)
            if number:
                yield f"{_counted(number, f'{protocol} packet')}, {genuine or 'none'} proved genuine by the ICV"
        if self.proved:
            named = ", ".join(
                f"{name} ×{count}" if count > 1 else name for name, count in sorted(self.proved.items()) if count
            )
            yield f"true: {named}"
        if not self.messages and not self.packets:
            yield "nothing that IKE, ESP or AH has sent"

    def complaints(self) -> Iterator[str]:
        """Each thing that is wrong, with the frames and what is likeliest behind it."""
        for name, frames in self.refuted.items():
            yield f"{name} is false in {frames_in_words(frames)}: {_likeliest(name)}"
        if self.nonsense:
            yield (
                f"{frames_in_words(self.nonsense)} decrypted to nonsense: the keys do not fit. Is the pre-shared key "
                "right? Every key comes from SKEYID, so one wrong character in it spoils them all"
            )
        if self.unreadable:
            yield f"{frames_in_words(self.unreadable)} could not be read in full; each says where it breaks off"

    def wishes(self) -> Iterator[str]:
        """What stays closed, and what it would take to open it."""
        for became, reasons in (("stayed closed", self.closed), ("could not be checked", self.unchecked)):
            for reason, frames in reasons.items():
                yield f"{frames_in_words(frames)} {became}: {reason}"


def frames_in_words(frames: Sequence[int]) -> str:
    """Frame numbers in a sentence: "frame 5", "frames 5, 7 and 9 to 12"; of very many only the first."""
    numbers = sorted(set(frames))
    runs: list[list[int]] = []
    for number in numbers:
        if runs and runs[-1][-1] == number - 1:
            runs[-1].append(number)
        else:
            runs.append([number])
    named: list[str] = []
    for run in runs:
        named += [f"{run[0]} to {run[-1]}"] if len(run) > 2 else [str(number) for number in run]
    if len(named) > FRAMES_NAMED:
        return f"frames {', '.join(named[:FRAMES_NAMED])} and others, {len(numbers)} in all"
    return f"frame {named[0]}" if len(numbers) == 1 else f"frames {_listed(named)}"


def _identity(body: bytes) -> str:
    try:
        return str(ID.read(body))
    except WireError:
        return body.hex()


def _protection_words(protection: Protection) -> str:
    return ", ".join(part.label for part in (protection.cipher, protection.integrity) if part is not None)


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}" + ("" if number == 1 else "s")


def _wanting(followed: Followed, conversation: Conversation) -> str:
    """What is missing to open a message, and where it could come from."""
    cookie = conversation.cookie_i.hex()
    if conversation.suite is None:
        return f"{conversation.suite_problem} (initiator cookie {cookie})"
    names = min((book.missing("Ka") for book in conversation.books()), key=len, default=())
    if not names:
        return next((remark.removeprefix(CLOSED) for remark in followed.remarks if remark.startswith(CLOSED)), "")
    unknown = f"{_listed(names)} {'is' if len(names) == 1 else 'are'} not known"
    method = conversation.suite.method
    if method in (Method.PKE, Method.RPKE):
        return f"{unknown}. {_asking(cookie, 'SKEYID_e', 'SKEYID_a')}; only a peer can know these"
    if set(names) - TOLD:
        return f"{unknown}: the recording lacks messages that carry them"
    if "g^xy" not in names:
        return f"{unknown}. Give --psk"
    psk = '"psk": "...", ' if "PSK" in names else ""
    return f"{unknown}. {_asking(cookie, 'g_xy', before=psk)}; only a peer can know these, no recording holds them"


def _asking(cookie: str, *names: str, before: str = "") -> str:
    values = "".join(f', "{name}": "..."' for name in names)
    return f'Give --keys a file with {{{before}"ike": [{{"cookie_i": "{cookie}"{values}}}]}}'


def _advice(why_not: str) -> str:
    """Why a packet could not be opened or checked, and what to do about it."""
    if "g(qm)^xy" in why_not:
        return f'{why_not}. Give --keys a file with {{"quick": [{{"spi_i": "...", "spi_r": "...", "g_xy": "..."}}]}}'
    if "SPI" in why_not:
        return f"{why_not}. It comes with the Quick Mode that made the SA, if that is open, or from an esp_sa file"
    return why_not


def _likeliest(name: str) -> str:
    if name == "ICV":
        return "another key, or a packet that was altered on the way"
    if name in ("HASH_I", "HASH_R"):
        return "another pre-shared key, or something that was altered on the way"
    return "another key, or a message that was altered on the way"


def _listed(names: Iterable[str]) -> str:
    *first, last = names
    return f"{', '.join(first)} and {last}" if first else last
