"""Quick Mode: under an ISAKMP SA, agree on what protects packets, and make keys that only this one pair of SAs has.

The script at the end is RFC 2409 §5.5's figure. HASH(1), HASH(2) and HASH(3) are not in it: they are checked before
anything else of a message is looked at (`ikelab.ike.hearing`), and made after all the rest (`ikelab.ike.saying`). Who
begins a Quick Mode is its initiator, whichever role it had in phase 1.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace

from ikelab.crypto.book import Chapter
from ikelab.crypto.derived import Given
from ikelab.errors import Refusal
from ikelab.ike.bargain import CPI_SIZE, NEGOTIATED_CPIS
from ikelab.ike.config import MOST_PAIRS, Child, SelectorPolicy
from ikelab.ike.lifetimes import as_the_responder_keeps_it, kept_shorter
from ikelab.ike.natt import encapsulation, tell_originals
from ikelab.ike.negotiate import ChildChoice, check_child_answer, choose_child, offer_child
from ikelab.ike.offers import ChildOffer
from ikelab.ike.phase1 import check_nonce, refuse_own
from ikelab.ike.sa import IpsecSa, Pact
from ikelab.ike.script import DONE, I, R, Role, Script
from ikelab.ike.selector import Selector
from ikelab.ike.turn import Turn
from ikelab.wire.numbers import ExchangeType, Notify, Protocol
from ikelab.wire.payloads import ID, KE, SA, Nonce

SMALLEST_SPI = 256
"""SPIs below are reserved (RFC 4303 §2.1)."""


def draw_spi(turn: Turn, what: str, taken: Collection[bytes]) -> bytes:
    """The number under which this side wants to receive protected packets: none that is reserved or in use.

    what: what for, so that no two are drawn alike. taken: those that it must not be, the other side's among them: by
    the SPI alone do the keys of the two directions differ (RFC 2409 §5.5).
    """
    in_use = {*taken, *(child.spi for child in turn.sa.children)}
    attempt = 0
    while True:
        spi = turn.draw(f"SPI{what}{f' again {attempt}' if attempt else ''}", 4)
        if int.from_bytes(spi) >= SMALLEST_SPI and spi not in in_use:
            return spi
        attempt += 1


def draw_cpi(turn: Turn, what: str, taken: Collection[bytes]) -> bytes:
    """The number under which this side wants to receive compressed packets: one of those that are to be negotiated."""
    in_use = {*taken, *(child.cpi for child in turn.sa.children)}
    attempt = 0
    while True:
        cpi = turn.draw(f"CPI{what}{f' again {attempt}' if attempt else ''}", CPI_SIZE)
        if int.from_bytes(cpi) in NEGOTIATED_CPIS and cpi not in in_use:
            return cpi
        attempt += 1


def draw_numbers(turn: Turn, protocols: Iterable[int], place: int, taken: set[bytes]) -> tuple[bytes, dict[int, bytes]]:
    """The SPI of SA payload `place` (from 0), and one for each protocol beside; all are put among the taken ones."""
    which = f" {place + 1}" if place else ""
    spi = draw_spi(turn, which, taken)
    taken.add(spi)
    beside: dict[int, bytes] = {}
    for protocol in dict.fromkeys(protocols):
        if protocol == Protocol.IPCOMP:
            beside[protocol] = draw_cpi(turn, which, taken)
        else:
            beside[protocol] = draw_spi(turn, f" for {Protocol(protocol).short}{which}", taken)
        taken.add(beside[protocol])
    return spi, beside


def offer_protection(turn: Turn) -> None:
    """What the initiator offers for its child; inside UDP, where a NAT is on the way."""
    child = _on_this_way(turn, turn.child)
    together = [protocol for offer in child.offers for protocol in offer.protocols if protocol != offer.protocol]
    taken: set[bytes] = set()
    pacts = []
    for place in range(child.pairs):
        spi, beside = draw_numbers(turn, together, place, taken)
        offered = offer_child(child.offers, spi, child.mode, child.lifetime, kilobytes=child.kilobytes, beside=beside)
        pacts.append(Pact(offered=offered, spi=spi, beside=beside))
        turn.say(offered)
    turn.update(child=child)
    turn.agree(pacts)


def send_nonce(turn: Turn) -> None:
    """A fresh nonce, and with PFS a fresh half of a Diffie-Hellman exchange."""
    nonce = turn.draw(f"N{turn.side}", turn.config.nonce_size)
    turn.know(f"N{turn.side}_b", nonce, "said")
    turn.say(Nonce(data=nonce))
    group = (turn.exchange.choice.offer if turn.exchange.choice else turn.child.offers[0]).dh
    if group is not None:
        exponent = group.private(turn.draw(f"x_{turn.side}", group.entropy_size))
        turn.update(exponent=exponent, group=group.number)
        turn.say(KE(data=group.public(exponent)))


def send_clients(turn: Turn) -> None:
    """Whose packets are meant: first the initiator's side, then the responder's."""
    local, remote = turn.child.ends(turn.sa.local.address, turn.sa.remote.address)
    ids = local.payload(), remote.payload()
    turn.update(ids=ids)
    turn.say(*ids)


def repeat_clients(turn: Turn) -> None:
    """The responder says the same, if the initiator has said anything of it."""
    turn.say(*(replace(payload, reserved=0) for payload in turn.exchange.ids))


def _clients_heard(turn: Turn) -> tuple[ID, ...]:
    return (turn.payload("IDci", ID), turn.payload("IDcr", ID)) if turn.heard("IDci") else ()


def _on_this_way(turn: Turn, child: Child) -> Child:
    """The child as it can be had between these two places."""
    return replace(child, mode=encapsulation(child.mode, turn.sa.natt))


def _ends(turn: Turn) -> tuple[Selector, Selector]:
    return turn.exchange.ends(turn.sa.local.address, turn.sa.remote.address)


def choose_protection(turn: Turn) -> None:
    """The responder finds the child whose packets are meant, then takes the first offer that it accepts of each SA."""
    child = _on_this_way(turn, _child_meant(turn))
    offered = _sas_heard(turn)
    if len(offered) > MOST_PAIRS:
        raise Refusal(
            notify=Notify.NO_PROPOSAL_CHOSEN,
            why=f"expected at most {MOST_PAIRS} SA payloads, got {len(offered)}",
            rfc="RFC 2409 §5.5",
            hint="a limit of this implementation",
        )
    choices = [choose_child(each, child) for each in offered]
    taken = {choice.spi_of(protocol) for choice in choices for protocol in choice.protocols}
    pacts = []
    for place, choice in enumerate(choices):
        others = [protocol for protocol in choice.protocols if protocol != choice.protocol]
        spi, beside = draw_numbers(turn, others, place, taken)
        pacts.append(Pact(spi=spi, beside=beside, choice=choice))
    _refuse_shared_numbers(pacts)
    turn.update(child=child, ids=_clients_heard(turn))
    turn.agree(pacts)


def _sas_heard(turn: Turn) -> tuple[SA, ...]:
    assert turn.sheet is not None
    return tuple(payload for payload in turn.sheet.payloads if isinstance(payload, SA))


def _refuse_shared_numbers(pacts: Iterable[Pact]) -> None:
    """Raise Refusal where the other side has given one SPI to two SAs: they would have the same keys."""
    theirs = [number for pact in pacts for number in pact.theirs.items()]
    if len(set(theirs)) < len(theirs):
        raise Refusal(
            notify=Notify.INVALID_SPI,
            why="expected an SPI of its own for each SA, got one twice",
            rfc="RFC 2409 §5.5",
            hint="the keys of two SAs differ by nothing but their SPIs",
        )


def _child_meant(turn: Turn) -> Child:
    local, remote = turn.sa.local.address, turn.sa.remote.address
    if turn.heard("IDci"):
        theirs = Selector.from_payload(turn.payload("IDci", ID))
        ours = Selector.from_payload(turn.payload("IDcr", ID))
    else:  # without names the SA is for the two peers themselves (RFC 2409 §5.5)
        theirs, ours = Selector.parse(remote), Selector.parse(local)
    children = [(child, child.ends(local, remote)) for child in turn.connection.children]
    fitting = [(child, ends) for child, ends in children if child.takes(ends, (ours, theirs))]
    if fitting:  # the one that was asked for exactly before one that has it within
        return min(fitting, key=lambda each: each[1] != (ours, theirs))[0]
    configured = "; ".join(f"{child.name}: {own[1]} to {own[0]}" for child, own in children) or "no child"
    subset = any(child.selectors is SelectorPolicy.SUBSET for child, _ in children)
    within = "packets among those" if subset else "the packets"
    raise Refusal(
        notify=Notify.INVALID_ID_INFORMATION,
        why=f"expected {within} of a configured child ({configured}), got {theirs} to {ours}",
        rfc="RFC 2409 §5.5",
        hint="each side's local network must be the other's remote network, with the same mask, protocol and port",
    )


def answer_protection(turn: Turn) -> None:
    """The chosen transforms, with this side's SPIs; and lifetimes, where those are shorter."""
    settled = [(pact, choice) for pact in turn.exchange.pacts if (choice := pact.choice) is not None]
    turn.say(*(choice.answer(pact.spi, pact.beside) for pact, choice in settled))
    turn.say(*(news for pact, choice in settled for news in kept_shorter(choice, pact.spi)))


def check_protection(turn: Turn) -> None:
    """The initiator makes sure that each answer is one of its offers, for the same packets."""
    pacts, answers = turn.exchange.pacts, _sas_heard(turn)
    if len(answers) != len(pacts):
        raise Refusal(
            notify=Notify.NO_PROPOSAL_CHOSEN,
            why=f"expected as many SA payloads as were offered, {len(pacts)}, got {len(answers)}",
            rfc="RFC 2409 §5.5",
        )
    assert turn.sheet is not None
    cookies, settled = turn.sa.cookie_i + turn.sa.cookie_r, []
    for pact, answer in zip(pacts, answers, strict=True):
        assert pact.offered is not None
        choice = check_child_answer(pact.offered, answer)
        settled.append(replace(pact, choice=as_the_responder_keeps_it(choice, turn.sheet.payloads, cookies)))
    ours = {number for pact in settled for number in pact.own.items() if number[0] != Protocol.IPCOMP}
    for _, spi in (number for pact in settled for number in pact.theirs.items() if number in ours):
        raise Refusal(
            notify=Notify.INVALID_SPI,
            why=f"expected an SPI of the other side's own, got this side's {spi.hex()}",
            rfc="RFC 2409 §5.5",
            hint="the keys of the two directions differ by nothing but their SPIs",
        )
    _refuse_shared_numbers(settled)
    turn.agree(settled)
    came = _clients_heard(turn)
    if [payload.write() for payload in came] != [payload.write() for payload in turn.exchange.ids]:
        said, got = (" to ".join(map(str, ids)) or "none" for ids in (turn.exchange.ids, came))
        raise Refusal(
            notify=Notify.INVALID_ID_INFORMATION,
            why=f"expected the same IDci and IDcr as offered ({said}), got {got}",
            rfc="RFC 2409 §5.5",
        )


def take_nonce(turn: Turn) -> None:
    """The other side's nonce, and its KE if and only if PFS was agreed on."""
    side = turn.other_side
    nonce = turn.body(f"N{side}")
    check_nonce(turn, f"N{side}", nonce)
    refuse_own(turn, nonce, f"N{turn.side}_b")
    turn.know(f"N{side}_b", nonce, "heard")
    group = turn.child_choice.offer.dh
    if (group is not None) != turn.heard("KE"):
        wants, came = "a KE payload" if group else "no KE payload", "one" if turn.heard("KE") else "none"
        raise Refusal(
            notify=Notify.NO_PROPOSAL_CHOSEN,
            why=f"expected {wants}, as this side is set for {'' if group else 'no '}PFS, got {came}",
            rfc="RFC 2409 §5.5",
            hint="perfect forward secrecy must be on at both ends, with the same group, or off at both",
        )
    if group is not None:
        group.check(turn.body("KE"))
        turn.update(group=group.number, public=turn.body("KE"))


def compute_pfs(turn: Turn) -> None:
    """With PFS: g(qm)^xy, the shared secret of this Quick Mode alone."""
    group = turn.child_choice.offer.dh
    if group is not None:
        shared = group.shared(turn.exchange.exponent, turn.exchange.public)
        turn.know("g(qm)^xy", shared, "computed with this side's exponent of this Quick Mode")


def make_keys(turn: Turn) -> None:
    """KEYMAT for both directions of every protocol of every SA payload, and the pairs of SAs that use it."""
    exchange, child = turn.exchange, turn.child
    other: Role = "responder" if exchange.role == "initiator" else "initiator"
    local, remote = _ends(turn)
    for pair, pact in enumerate(exchange.pacts):
        choice = pact.choice
        assert choice is not None
        for part in choice.offer.parts:
            turn.add_children(
                _one_direction(turn, choice, part, exchange.role, pact.theirs, pair),
                _one_direction(turn, choice, part, other, pact.own, pair),
            )
        spis = f"SPIs {pact.spi.hex()} in, {choice.spi.hex()} out"
        turn.happen(
            "child up",
            f"{child.name}: {choice.offer} for {local} and {remote}, {spis}",
            child=child.name,
            spi_in=pact.spi,
            spi_out=choice.spi,
        )
    turn.learned.append("KEYMAT")


def _one_direction(
    turn: Turn, choice: ChildChoice, part: ChildOffer, sender: Role, spis: Mapping[int, bytes], pair: int
) -> IpsecSa:
    """The SA for packets that one side sends, and the other receives under these SPIs."""
    exchange, child = turn.exchange, turn.child
    spi = spis[part.protocol]
    named: dict[str, bytes] = {"protocol": bytes([part.protocol]), "SPI": spi}
    given: dict[str, bytes | Given] = {**exchange.given, **named}
    protection = part.protection
    local, remote = _ends(turn)
    page = turn.book.chapter(Chapter.QUICK_MODE, given, keymat_size=protection.keymat_size)
    enc_key, auth_key = protection.split(page["KEYMAT"].value)
    return IpsecSa(
        protocol=part.protocol,
        spi=spi,
        sender=sender,
        role=exchange.role,
        choice=choice,
        enc_key=enc_key,
        auth_key=auth_key,
        keymat=page["KEYMAT"],
        local=local,
        remote=remote,
        name=child.name,
        message_id=exchange.message_id,
        pair=pair,
        cpi=spis.get(Protocol.IPCOMP, b"") if part.protocol == choice.protocol else b"",
    )


QUICK_MODE = Script("Quick Mode", ExchangeType.QUICK_MODE, "RFC 2409 §5.5", (
    I("HDR*, HASH(1), SA, Ni [, KE] [, IDci, IDcr]", then="QM_SENT",
      build=(offer_protection, send_nonce, send_clients, tell_originals),
      absorb=(choose_protection, take_nonce)),
    R("HDR*, HASH(2), SA, Nr [, KE] [, IDci, IDcr]", then="QM_ANSWERED", resend=True,
      build=(answer_protection, send_nonce, compute_pfs, repeat_clients, tell_originals),
      absorb=(check_protection, take_nonce, compute_pfs)),
    I("HDR*, HASH(3)", then=DONE,
      build=(make_keys,),
      absorb=(make_keys,)),
), done=DONE)  # fmt: skip
