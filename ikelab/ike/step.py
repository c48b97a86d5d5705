"""The heart of the engine: one pure function from what a peer was and what it hears to what it is and what it says.

`hear` finds the row that waits, opens and reads the message, checks its shape and its hash, lets the row's actions
absorb it and build an answer, seals that, and only then makes new records. If anything refuses on the way, the SA is
left exactly as it was (`after is before`): no IV moved, no nonce kept. Whatever a peer does is one `Outcome`, and every
change of state in it is declared by the row or the rule that fired.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from ikelab.errors import Refusal
from ikelab.ike.config import Env, PeerConfig
from ikelab.ike.hearing import Hearing, check_cookie, refuse_echoes, refuse_new_exchange, responder_cookie
from ikelab.ike.informational import INFORMATIONAL, complained, error_in
from ikelab.ike.natt import follow
from ikelab.ike.phase1 import PSK_HINT
from ikelab.ike.quick_mode import QUICK_MODE
from ikelab.ike.rules import (
    COMPLAINT,
    DECLINE,
    EXPIRE,
    GIVE_UP,
    IGNORE,
    LEAVE,
    REFUSE,
    REMIND,
    REPEAT,
    RESEND,
    TOLD,
    Rule,
)
from ikelab.ike.sa import Exchange, IkeSa, fingerprint
from ikelab.ike.saying import notice_in_clear, notice_of, say
from ikelab.ike.script import GONE, Row
from ikelab.ike.turn import Event, Turn
from ikelab.wire.message import Dissection, dissect
from ikelab.wire.numbers import ExchangeType
from ikelab.wire.records import Payload
from ikelab.wire.udp import Endpoint


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What one step did: the SA before and after, the row or rule that fired, what was heard and what is said.

    before: None where the SA was made for this step; after: None where none was kept. message_id: of the exchange that
    the step is about; ended: of those that are over with it besides. said: at most one datagram; saying: its payloads,
    readable. sheet: the message heard, `inside` its decrypted side where it could be opened; proven: whether a HASH
    under the SA's keys vouches for it. refused: why nothing changed, or why something ended. complaint: what the other
    side says it has refused. doubt: what speaks against waiting on: such a complaint, or an answer that was no good.
    learned: values by RFC name.
    """

    before: IkeSa | None
    after: IkeSa | None
    fired: Row | Rule
    said: bytes | None = None
    saying: tuple[Payload, ...] = ()
    heard: bytes | None = None
    sheet: Dissection | None = None
    inside: Dissection | None = None
    proven: bool = False
    refused: Refusal | None = None
    complaint: Refusal | None = None
    doubt: Refusal | None = None
    learned: tuple[str, ...] = ()
    events: tuple[Event, ...] = ()
    message_id: int = 0
    ended: tuple[int, ...] = ()
    notes: Mapping[str, str] = field(default_factory=dict)


def begin(sa: IkeSa, exchange: Exchange, env: Env, config: PeerConfig, saying: tuple[Payload, ...] = ()) -> Outcome:
    """Start an exchange: fire its first row. `saying` are payloads that belong into the first message as they are."""
    row = exchange.row
    assert row is not None
    assert row.hears is None, f"{exchange.script.name} does not begin with its {exchange.role}"
    turn = Turn(sa=sa, exchange=exchange, env=env, config=config, saying=list(saying))
    return _fire(sa, turn, row, None)


def hear(
    sa: IkeSa,
    octets: bytes,
    env: Env,
    config: PeerConfig,
    *,
    path: tuple[Endpoint, Endpoint] | None = None,
    is_new: bool = False,
) -> Outcome:
    """What a peer makes of a datagram for this SA. Never raises for anything that the datagram holds.

    path: from where the datagram came, and where it arrived; None where the SA says. is_new: the SA was made for this
    datagram and is forgotten if the datagram is refused.
    """
    before = None if is_new else sa
    hearing = Hearing(sa=sa, octets=octets, sheet=dissect(octets), commit=config.commit)
    try:
        outcome = _heard(hearing, before, env, config, path)
    except Refusal as refusal:
        outcome = _refused(hearing, before, refusal, env)
    return replace(
        outcome,
        before=before,
        heard=octets,
        sheet=hearing.sheet,
        inside=hearing.inside,
        proven=hearing.proven,
        message_id=hearing.header.message_id if hearing.sheet.header else 0,
    )


def resend(sa: IkeSa, message_id: int) -> Outcome:
    """The timer ran out with tries left: say the last message again."""
    exchange = sa.exchange(message_id)
    assert exchange is not None
    assert exchange.said
    return Outcome(before=sa, after=sa, fired=RESEND, said=exchange.said, message_id=message_id)


def give_up(sa: IkeSa, message_id: int, because: Refusal | None = None) -> Outcome:
    """The timer ran out for good: the exchange is over, without fruit. because: what was known against it."""
    exchange = sa.exchange(message_id)
    assert exchange is not None
    silence = Refusal(
        why=f"expected an answer to {exchange.script.name} in state {exchange.state}, got none",
        rfc="RFC 2408 §5.1",
        hint=f"whoever cannot open the last message may be silent; {PSK_HINT}"
        if not message_id and exchange.iv
        else "",
    )
    return _end(sa, exchange, GIVE_UP, because or silence)


def decline(refusal: Outcome, notice_id: int, env: Env, config: PeerConfig) -> Outcome:
    """Close the exchange in which something was refused that its sender has proved to have said, and tell it why.

    notice_id: the message ID of the Informational that tells it. Whoever says the refused message again hears the same.
    """
    sa, refused = refusal.before, refusal.refused
    assert sa is not None
    assert refused is not None
    assert refusal.inside is not None
    assert refusal.heard is not None
    exchange = sa.exchange(refusal.message_id) or Exchange(
        script=QUICK_MODE, role="responder", message_id=refusal.message_id
    )
    closed = replace(exchange, state=GONE, heard=fingerprint(refusal.heard), said=b"")
    events = (_failure(exchange, refused),) if exchange.role == "initiator" else ()
    common = Outcome(
        before=sa, after=sa.with_exchange(closed), fired=DECLINE, refused=refused, events=events,
        message_id=refusal.message_id,
    )  # fmt: skip
    if refused.notify is None:
        return common
    notice = Exchange(script=INFORMATIONAL, role="initiator", message_id=notice_id)
    told = begin(sa, notice, env, config, (notice_of(refusal.inside, refused.notify),))
    assert told.after is not None
    assert told.said is not None
    after = told.after.with_exchange(replace(closed, said=told.said))
    return replace(common, after=after, said=told.said, saying=told.saying, learned=told.learned)


def leave(sa: IkeSa) -> Outcome:
    """The owner of this side takes leave: the SA is over, with all that is under it."""
    after = sa.but(gone="deleted by this side", children=())
    event = Event(name="deleted", text="this side deleted the ISAKMP SA")
    return Outcome(before=sa, after=after, fired=LEAVE, events=(event,))


def expire(sa: IkeSa, why: str) -> Outcome:
    """A stranger never finished what it began: the SA is over."""
    event = Event(name="forgotten", text=f"{sa.remote} never finished {sa.main.script.name}: {why}")
    return Outcome(before=sa, after=sa.but(gone=why), fired=EXPIRE, events=(event,))


def ignore(octets: bytes, why: str) -> Outcome:
    """A datagram that names no SA of this side, and begins none."""
    return Outcome(before=None, after=None, fired=IGNORE, heard=octets, events=(Event(name="ignored", text=why),))


# -- hearing -----------------------------------------------------------------------------------------------------------


def _heard(
    hearing: Hearing, before: IkeSa | None, env: Env, config: PeerConfig, path: tuple[Endpoint, Endpoint] | None
) -> Outcome:
    """What a datagram does that is not refused. Raises Refusal."""
    sa, exchange = hearing.sa, hearing.place()
    if exchange.heard == fingerprint(hearing.octets):
        return Outcome(before=before, after=before, fired=REPEAT, said=exchange.said or None)
    refuse_echoes(exchange, hearing.octets)
    check_cookie(sa, hearing.header)
    if exchange.script is INFORMATIONAL and not hearing.header.encrypted:
        return _complaint_in_clear(hearing, before)
    if not exchange.script.is_phase_1:
        refuse_new_exchange(sa, exchange)
        if not sa.established:
            return _too_early(hearing, before)
    exchange = hearing.take()
    cookie = responder_cookie(sa, hearing.header)
    known = sa if cookie == sa.cookie_r else sa.but(cookie_r=cookie)
    turn = Turn(
        sa=known, exchange=exchange, env=env, config=config, path=path, sheet=hearing.readable, found=hearing.found
    )
    if hearing.proven:
        follow(turn)
    assert hearing.row is not None
    return _fire(sa, turn, hearing.row, hearing.octets)


def _complaint_in_clear(hearing: Hearing, before: IkeSa | None) -> Outcome:
    """News without proof: an error is a doubt that counts when the timer runs out. Anything else is refused.

    Where nothing has shown that this side's last message of phase 1 was accepted, the other side may have no SA to say
    so with: then, too, it counts for what waits under the SA.
    """
    error = error_in(hearing.sheet.payloads)
    doubtful = before is not None and before.unconfirmed and before.waiting
    if error is None or before is None or (before.established and not doubtful):
        raise Refusal(
            why="expected an encrypted Informational with a HASH, got one in clear that proves nothing",
            rfc="RFC 2409 §5.7",
            hint="anyone on the way could have written it",
        )
    return _complaint(before, complained(error, with_proof=False))


def _too_early(hearing: Hearing, before: IkeSa | None) -> Outcome:
    """A message of phase 2 before phase 1 is over on this side. Raises Refusal unless something follows from it."""
    sa = hearing.sa
    early = Refusal(
        why=f"expected the end of {sa.main.script.name} first (this side is in {sa.state}), "
        f"got {ExchangeType(hearing.header.exchange).short}",
        rfc="RFC 2409 §5.5",
    )
    row = sa.main.row
    assert row is not None
    assert row.hears is not None
    if row.hears.either and hearing.header.encrypted and sa.main.said:
        early.hint = "the message in between was lost, or the other side did not accept HASH_R and says so"
        return Outcome(before=before, after=before, fired=REMIND, said=sa.main.said, refused=early)
    is_news = hearing.header.encrypted and hearing.header.exchange == ExchangeType.INFORMATIONAL
    if is_news and sa.role == "initiator" and row.hears.encrypted:
        # Once there are keys, news must be protected by them (RFC 2408 §4.8); it is about the message said last.
        hearing.row = row
        shape = INFORMATIONAL.steps[0].shape
        hearing.prove(hearing.open(shape), 1)
        hearing.proven = True
        error = error_in(hearing.readable.payloads)
        if error is None or before is None:
            hearing.row = None
            raise Refusal(why=f"expected the end of {sa.main.script.name}, got other news", rfc="RFC 2409 §5.5")
        return _complaint(before, complained(error, with_proof=True))
    raise early


def _complaint(sa: IkeSa, complaint: Refusal) -> Outcome:
    event = Event(name="notified", text=str(complaint), detail={"notify": complaint.notify})
    return Outcome(before=sa, after=sa, fired=COMPLAINT, complaint=complaint, doubt=complaint, events=(event,))


def _refused(hearing: Hearing, before: IkeSa | None, refusal: Refusal, env: Env) -> Outcome:
    """Nothing changes. Before the SA is established the other side is told why in clear, where it is due.

    No notification answers a notification; under an established SA one is an exchange of its own (`decline`).
    """
    said = None
    header = hearing.sheet.header
    is_news = header is not None and header.exchange == ExchangeType.INFORMATIONAL
    in_phase_1 = not hearing.sa.established and not hearing.sa.gone
    if refusal.notify is not None and header is not None and in_phase_1 and not is_news:
        label = f"SA {hearing.sa.serial}/refusal/{fingerprint(hearing.octets).hex()}"
        said = notice_in_clear(header, refusal.notify, int.from_bytes(env.draw(label, 4)) | 1)
    event = Event(name="refused", text=str(refusal), detail={"notify": refusal.notify})
    answers = hearing.row is not None and (hearing.proven or not hearing.sa.established)
    return Outcome(
        before=before, after=before, fired=REFUSE, said=said, refused=refusal, doubt=refusal if answers else None,
        events=(event,),
    )  # fmt: skip


# -- changing ----------------------------------------------------------------------------------------------------------


def _fire(before: IkeSa, turn: Turn, row: Row, heard: bytes | None) -> Outcome:
    """Let the row's actions work, seal what they built, and commit."""
    for action in (*row.absorb, *row.build):
        action(turn)
    said = say(turn, row.says, row.number + 1) if row.says is not None else None
    former = turn.exchange
    turn.update(
        state=row.after,
        said=said or b"",
        heard=fingerprint(heard) if heard is not None else b"",
        older=(*former.older, former.heard) if former.heard else (),
        number=row.number + (said is not None),
    )
    if heard is not None and turn.sa.unconfirmed and not former.script.is_phase_1:
        turn.choose(main=replace(turn.sa.main, said=b""))  # the other side uses the SA: it has what phase 1 said last
    return Outcome(
        before=before,
        after=turn.whole,
        fired=turn.rule or row,
        said=said,
        saying=tuple(turn.saying) if said is not None else (),
        refused=turn.complaint if turn.rule is TOLD else None,
        complaint=turn.complaint,
        doubt=turn.complaint if turn.rule is not TOLD else None,
        learned=tuple(turn.learned),
        events=tuple(turn.events),
        message_id=turn.exchange.message_id,
        ended=tuple(turn.ended),
    )


def _end(sa: IkeSa, exchange: Exchange, rule: Rule, because: Refusal) -> Outcome:
    if exchange.message_id == 0:
        after = sa.but(gone=because.why, children=())
    else:
        after = sa.with_exchange(replace(exchange, state=GONE))
    return Outcome(
        before=sa, after=after, fired=rule, refused=because, events=(_failure(exchange, because),),
        message_id=exchange.message_id,
    )  # fmt: skip


def _failure(exchange: Exchange, because: Refusal) -> Event:
    detail = {"exchange": exchange.script.name, "state": exchange.state}
    return Event(name="failed", text=str(because), detail=detail)
