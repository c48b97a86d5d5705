"""What one peer does in one step of a run, and why it matters: a caption for every row and rule that can fire.

A row is what a role does in a state, so its caption says what the peer has just checked as well as what it says next.
The why of a row that says a message is the caption of that message (`ikelab.timeline.captions`): it is written once.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import Enum

from ikelab.errors import Refusal
from ikelab.ike.conversation import OTHER
from ikelab.ike.rules import (
    COMPLAINT,
    DECLINE,
    DELETED,
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
from ikelab.ike.sa import IkeSa
from ikelab.ike.script import START, Row
from ikelab.ike.step import Outcome
from ikelab.timeline.captions import AGGRESSIVE, CAPTIONS, FAREWELL_WHY, MAIN, QUICK, Caption
from ikelab.wire.numbers import Notify, Protocol
from ikelab.wire.payloads import Delete, Notification
from ikelab.wire.records import Payload

ROWS: Mapping[tuple[str, str, str], Caption] = {
    ("Main Mode", "initiator", START): CAPTIONS[MAIN, 1],
    ("Main Mode", "responder", START): Caption(
        "The responder takes {terms}{of_several}, and adds its own cookie.", CAPTIONS[MAIN, 2].why
    ),
    ("Main Mode", "initiator", "SA_SENT"): Caption(
        "The initiator finds its own offer in the answer, unchanged, and sends its half of the Diffie-Hellman exchange "
        "and a nonce.",
        CAPTIONS[MAIN, 3].why,
    ),
    ("Main Mode", "responder", "SA_CHOSEN"): Caption(
        "The responder takes g^xi, answers with its own half and nonce, and can now compute every key.",
        "It is the first to have them: the initiator needs this very message. An eavesdropper has g^xi and g^xr and "
        "still cannot make g^xy of them.",
    ),
    ("Main Mode", "initiator", "KE_SENT"): Caption(
        "The initiator computes {the_same_keys}, and uses them at once: it says who it is and proves it, encrypted.",
        CAPTIONS[MAIN, 5].why,
    ),
    ("Main Mode", "responder", "KE_SENT"): Caption(
        "The responder opens the message and recomputes HASH_I: it is {name}, and holds the pre-shared key. It answers "
        "with its own name and HASH_R.",
        "With another key the message would have decrypted to nonsense. For the responder phase 1 is complete; the "
        "initiator still has only its word.",
    ),
    ("Main Mode", "initiator", "ID_SENT"): Caption(
        "The initiator checks HASH_R: only {name} could have computed it. Phase 1 is complete on both sides.",
        CAPTIONS[MAIN, 6].why,
    ),
    ("Aggressive Mode", "initiator", START): CAPTIONS[AGGRESSIVE, 1],
    ("Aggressive Mode", "responder", START): Caption(
        "The responder takes {terms}{of_several}, computes every key, and answers with everything at once: its proof "
        "HASH_R included, in clear.",
        CAPTIONS[AGGRESSIVE, 2].why,
    ),
    ("Aggressive Mode", "initiator", "AM_SENT"): Caption(
        "The initiator computes {the_same_keys}, checks HASH_R of {name}, and proves itself with HASH_I, encrypted.",
        "Three messages instead of six, and the same keys at the end. For the initiator phase 1 is complete.",
    ),
    ("Aggressive Mode", "responder", "AM_ANSWERED"): Caption(
        "The responder checks HASH_I: it is {name}. Phase 1 is complete on both sides.",
        "Only now does the responder know that it did not answer a stranger, who would have gone home with a HASH_R to "
        "try words against.",
    ),
    ("Quick Mode", "initiator", START): Caption(
        "Under the new channel, the {role} offers terms for protecting what goes between {ends}, with a fresh nonce"
        "{fresh_half}.",
        CAPTIONS[QUICK, 1].why,
    ),
    ("Quick Mode", "responder", START): Caption(
        "The {role} checks HASH(1), finds that it has a child for these packets, takes {child_terms}, and adds its SPI "
        "and its nonce.",
        CAPTIONS[QUICK, 2].why,
    ),
    ("Quick Mode", "initiator", "QM_SENT"): Caption(
        "The {role} checks HASH(2), computes KEYMAT for both directions, and says with HASH(3) that it has seen the "
        "answer.",
        CAPTIONS[QUICK, 3].why,
    ),
    ("Quick Mode", "responder", "QM_ANSWERED"): Caption(
        "The {role} checks HASH(3) and sets up the same two SAs: packets can flow.",
        "Now it knows that Quick Mode's first message was no old recording. Each direction has an SPI and keys of its "
        "own: {spis}.",
    ),
    ("Informational", "initiator", START): Caption(
        "The {role} tells some news, and expects no answer: {news}.",
        "HASH(1) proves that the news is genuine. UDP may lose it, and then the other side finds out in its own time.",
    ),
    ("Informational", "responder", START): Caption(
        "The {role} checks HASH(1) and believes the news: {events}.",
        "Without the hash anyone on the way could have written it.",
    ),
}  # fmt: skip
"""By exchange, role in it, and the state before. What stands in braces is filled in from the outcome."""


class Keys(Enum):
    """Whether two sides have come to the same keys: with two pre-shared keys, or a nonce that was altered, not."""

    EQUAL = "the same keys"
    DIFFERENT = "its keys, which are not the {other}'s"


@dataclass(frozen=True, kw_only=True)
class Seen:
    """What a step looks like from outside.

    heard: number of the message that set it off, None where none did; altered: whether that was changed on the way.
    saying: the payloads that it says. again: number of the message that it repeats; waited: seconds since it did last.
    keys: how its keys and the other side's compare, as far as both have any.
    """

    role: str
    heard: int | None = None
    altered: bool = False
    saying: tuple[Payload, ...] = ()
    again: int | None = None
    waited: float | None = None
    keys: Keys = Keys.EQUAL


def thought(outcome: Outcome, seen: Seen) -> Caption:
    """The caption of one step of one peer."""
    if isinstance(outcome.fired, Row):
        told = _of_row(outcome, outcome.fired, seen)
        warning = f"It has no way to know that message {seen.heard} was altered on the way."
    else:
        told = _of_rule(outcome, outcome.fired, seen)
        warning = f"Message {seen.heard} was altered on the way."
    return told._replace(why=f"{told.why} {warning}".strip()) if seen.altered else told


def waiting(sa: IkeSa | None) -> str:
    """The message that a side waits for, as the RFC draws it; "" where it waits for none."""
    rows = [each.row for each in (sa.main, *sa.exchanges.values())] if sa is not None and not sa.gone else []
    return next((str(row.hears) for row in rows if row is not None and row.hears is not None), "")


def explained(refusal: Refusal) -> str:
    """The reason of a refusal and what to try, as sentences."""
    return f"{_reason(refusal)} {_sentence(refusal.hint)}" if refusal.hint else _reason(refusal)


def _reason(refusal: Refusal) -> str:
    clause = f" ({refusal.rfc})" if refusal.rfc and refusal.rfc not in refusal.why else ""
    return _sentence(f"{refusal.why.rstrip('.')}{clause}")


def _sentence(words: str) -> str:
    return f"{words[:1].upper()}{words[1:]}{'' if words.endswith(('.', '?')) else '.'}"


# -- rows


def _of_row(outcome: Outcome, row: Row, seen: Seen) -> Caption:
    told = ROWS.get((row.script, row.role, row.before)) or _by_its_arrows(row, seen)
    facts = _facts(outcome, seen)
    return Caption(told.what.format_map(facts), told.why.format_map(facts))


def _by_its_arrows(row: Row, seen: Seen) -> Caption:
    """A row that nobody has written a caption for says what it does."""
    hears = f"hears {row.hears}" if row.hears else "begins"
    says = f" and says {row.says}" if row.says else ""
    return Caption(f"The {seen.role} {hears}{says}.", f"{row.script}: {row.before} becomes {row.after} ({row.rfc}).")


def _facts(outcome: Outcome, seen: Seen) -> dict[str, str]:
    """What captions may say of an outcome."""
    sa = outcome.after
    assert sa is not None
    facts = {"role": seen.role, "events": "; ".join(event.text for event in outcome.events) or "nothing of note"}
    facts["the_same_keys"] = seen.keys.value.format(other=OTHER[seen.role])
    facts["news"] = "; ".join(_news(seen.saying)) or "nothing"
    if sa.choice is not None:
        facts["terms"] = _listed(sa.choice.offer.labels.values())
        facts["of_several"] = f", one of {len(sa.choice.lost) + 1} offers" if sa.choice.lost else ""
    facts["name"] = sa.authenticated.identity if sa.authenticated is not None else f"the {OTHER[seen.role]}"
    exchange = sa.exchange(outcome.message_id)
    if exchange is not None and exchange.child is not None:
        ends = exchange.ends(sa.local.address, sa.remote.address)
        facts["ends"] = _listed(map(str, ends if exchange.role == "initiator" else reversed(ends)))
        facts["fresh_half"] = ", and a fresh half of a Diffie-Hellman exchange (PFS)" if exchange.exponent else ""
        if exchange.choice is not None:
            facts["child_terms"] = f"{Protocol(exchange.choice.protocol).short} with " + _listed(
                label for name, label in exchange.choice.offer.labels.items() if name != "esn"
            )
        pair = [child.spi.hex() for child in sa.children if child.message_id == outcome.message_id]
        facts["spis"] = _listed(pair) if pair else "none"
    return facts


def _news(payloads: Iterable[Payload]) -> Iterator[str]:
    """What an Informational says, as its sender means it."""
    for payload in payloads:
        match payload:
            case Delete(protocol=Protocol.ISAKMP):
                yield "it has deleted the ISAKMP SA"
            case Delete(protocol=protocol, spis=spis):
                yield f"it has deleted its {Protocol(protocol).short} SA {' '.join(spi.hex() for spi in spis)}"
            case Notification(notify=notify):
                yield Notify(notify).label


def _listed(words: Iterable[object]) -> str:
    *first, last = map(str, words)
    return f"{', '.join(first)} and {last}" if first else last


# -- rules


def _of_rule(outcome: Outcome, rule: Rule, seen: Seen) -> Caption:
    who, heard = f"The {seen.role}", f"message {seen.heard}"
    told = outcome.refused
    reason = explained(told) if told is not None else ""
    if rule is RESEND:
        waited = f"{seen.waited:.1f} seconds" if seen.waited is not None else "long enough"
        again = f"message {seen.again}" if seen.again is not None else "its last message"
        return Caption(
            f"{who} has waited {waited} for an answer, and says {again} again.",
            "UDP promises nothing, so whoever wants an answer has to ask again. The octets stay the same: nonce, IV "
            "and state do not move.",
        )
    if rule is REPEAT:
        again = "gives the same answer again" if outcome.said else "has nothing to add"
        return Caption(
            f"{who} has heard {heard} before, octet for octet, and {again}.",
            "It does not think twice about it: no new nonce, no step of the IV. So a lost answer costs time and "
            "nothing else, and a recording played again gains nothing.",
        )
    if rule is REMIND:
        return Caption(
            f"{who} still waits for HASH_I, and hears that the other side has gone ahead: it says its last answer "
            "again.",
            f"The last message of phase 1 must have been lost; the repeated answer brings it out again. {reason}",
        )
    if rule is COMPLAINT:
        news = _reason(outcome.complaint) if outcome.complaint is not None else ""
        return Caption(
            f"{who} hears a complaint, and goes on waiting.",
            f"{news} It came in clear and proves nothing: believed at once, it would let anyone end a negotiation with "
            "one forged datagram. The timer decides.",
        )
    if rule is GIVE_UP:
        return Caption(f"{who} gives up {_meant(outcome)}.", reason)
    if rule is REFUSE:
        saying = f", and says {_label(told)}" if outcome.said and told is not None else ""
        if told is not None and told.notify is None:
            saying = " and says nothing"
        return Caption(f"{who} refuses {heard}{saying}. Nothing changes on its side.", reason)
    if rule is DELETED:
        return Caption(
            f"{who} checks HASH(1) and believes the Delete: the ISAKMP SA and all its keys are forgotten.",
            FAREWELL_WHY,
        )
    if rule is IGNORE:
        return Caption(
            f"{who} knows no conversation of these cookies, and drops {heard}.",
            "Cookies name the conversation; a datagram that names none costs the receiver next to nothing.",
        )
    if rule is LEAVE:
        return Caption(
            f"{who} forgets the ISAKMP SA and all its keys.",
            "It has said so, and waits for no answer: a Delete is news, not a question.",
        )
    if rule is DECLINE:
        saying = f" and says {_label(told)}, under a HASH" if outcome.said and told is not None else ""
        return Caption(
            f"{who} closes {_meant(outcome)}{saying}.",
            "Whoever said it has proved to be the other side, so it may know why, and nothing more can come of it.",
        )
    if rule is TOLD:
        return Caption(f"{who} hears, with proof, that the other side refuses, and gives up {_meant(outcome)}.", reason)
    if rule is EXPIRE:
        return Caption(
            f"{who} forgets a conversation that was never finished.",
            "Whoever begins and goes away must not cost memory for ever.",
        )
    return Caption(f"{who} {rule.does}.", reason)


def _meant(outcome: Outcome) -> str:
    """The exchange that a step ends."""
    message_id = outcome.ended[0] if outcome.ended else outcome.message_id
    sa = outcome.after or outcome.before
    exchange = sa.exchange(message_id) if sa is not None else None
    return exchange.script.name if exchange is not None else "the exchange"


def _label(refusal: Refusal) -> str:
    return Notify(refusal.notify).label if refusal.notify is not None else "nothing"
