"""Phase 1 with a pre-shared key: Main Mode and Aggressive Mode say the same things, in six messages or in three.

The two scripts at the end are RFC 2409 §5.4's figures; every action above them is used by both.
"""

from __future__ import annotations

from collections.abc import Mapping
from hmac import compare_digest

from ikelab.errors import Refusal
from ikelab.ike.config import Connection, Weak
from ikelab.ike.identity import Identity
from ikelab.ike.negotiate import check_answer, choose_ike, offer_ike
from ikelab.ike.proof import verify
from ikelab.ike.script import ESTABLISHED, I, R, Script
from ikelab.ike.turn import Turn
from ikelab.wire.numbers import AuthMethod, ExchangeType, Notify
from ikelab.wire.payloads import ID, KE, SA, Hash, Nonce, VendorID

NONCE_SIZES = range(8, 257)
PSK_HINT = "do both sides have the same pre-shared key for each other?"
MODES = {"main": ExchangeType.IDENTITY_PROTECTION, "aggressive": ExchangeType.AGGRESSIVE}


def offer_sa(turn: Turn) -> None:
    """The initiator's offer; its octets go into both proofs."""
    connection = turn.connection
    offered = offer_ike(connection.offers, connection.method, connection.lifetime)
    turn.update(offered=offered)
    turn.know("SAi_b", offered.write(), "said")
    turn.say(offered)


def choose_transform(turn: Turn) -> None:
    """The responder looks for a connection of this mode and address, and takes the first offer that it accepts."""
    offered = turn.payload("SA", SA)
    mode = next(name for name, number in MODES.items() if number == turn.exchange.script.exchange)
    candidates = connections_for(turn, mode)
    if not candidates:
        raise no_connection(turn, mode)
    refusals = []
    for connection in candidates:
        if mode == "aggressive" and connection.method == AuthMethod.PRE_SHARED_KEY and turn.config.weak is Weak.REFUSED:
            refusals.append(too_weak())
            continue
        try:
            choice = choose_ike(offered, connection.offers, connection.method, connection.lifetime)
        except Refusal as refusal:
            refusals.append(refusal)
            continue
        turn.choose(connection=connection, choice=choice, cookie_r=turn.draw("CKY-R", 8))
        turn.know("SAi_b", turn.body("SA"), "heard")
        return
    raise refusals[0]


def connections_for(turn: Turn, mode: str) -> list[Connection]:
    """The connections that a peer at this address may use in this mode, those that name the address first.

    In Main Mode with a pre-shared key nothing but the address can tell them apart (RFC 2409 §5.4).
    """
    address = turn.sa.remote.address
    fitting = [
        connection
        for connection in turn.config.connections
        if connection.mode == mode and connection.remote_address in (None, address)
    ]
    return sorted(fitting, key=lambda connection: connection.remote_address is None)


def no_connection(turn: Turn, mode: str) -> Refusal:
    """Why nobody is waiting for this peer."""
    address = turn.sa.remote.address
    other = "aggressive" if mode == "main" else "main"
    if connections_for(turn, other):
        return Refusal(
            notify=Notify.UNSUPPORTED_EXCHANGE_TYPE,
            why=f"expected {other.capitalize()} Mode from {address}, got {mode.capitalize()} Mode",
            rfc="RFC 2408 §5.2",
            hint="Aggressive Mode with a pre-shared key shows a name and a hash to everyone: many gateways refuse it",
        )
    return Refusal(
        notify=Notify.NO_PROPOSAL_CHOSEN,
        why=f"expected one of the configured peers, got a message from {address}",
        rfc="RFC 2408 §5.4",
        hint="no connection of this responder fits the address",
    )


def too_weak() -> Refusal:
    """Why this side does not answer Aggressive Mode with a pre-shared key, unless its owner has allowed it."""
    return Refusal(
        notify=Notify.UNSUPPORTED_EXCHANGE_TYPE,
        why="expected Main Mode, got Aggressive Mode with a pre-shared key, which this side does not answer",
        rfc="RFC 2409 §5.4",
        hint="HASH_R would go out in clear to whoever asks, to test guessed keys against; weak=Weak.ALLOWED, on the "
        "command line --allow-weak, permits it",
    )


def answer_sa(turn: Turn) -> None:
    """The chosen transform, as it was offered."""
    assert turn.sa.choice is not None
    turn.say(turn.sa.choice.answer)


def check_choice(turn: Turn) -> None:
    """The initiator makes sure that what was chosen is what it had offered."""
    assert turn.exchange.offered is not None
    turn.choose(choice=check_answer(turn.exchange.offered, turn.payload("SA", SA)))


def send_ke_nonce(turn: Turn) -> None:
    """This side's half of the Diffie-Hellman exchange, and a nonce."""
    side = turn.exchange.role[0]
    # In Aggressive Mode the group cannot be negotiated: the KE goes out with the offer (RFC 2409 §5).
    group = (turn.sa.choice.offer if turn.sa.choice else turn.connection.offers[0]).dh
    exponent = group.private(turn.draw(f"x_{side}", group.entropy_size))
    public, nonce = group.public(exponent), turn.draw(f"N{side}", turn.config.nonce_size)
    turn.update(exponent=exponent, group=group.number)
    turn.know(f"g^x{side}", public, "said")
    turn.know(f"N{side}_b", nonce, "said")
    turn.say(KE(data=public), Nonce(data=nonce))


def take_ke_nonce(turn: Turn) -> None:
    """The other side's half and nonce, checked before they are used."""
    side = "r" if turn.exchange.role == "initiator" else "i"
    public, nonce = turn.body("KE"), turn.body(f"N{side}")
    assert turn.sa.choice is not None
    turn.sa.choice.offer.dh.check(public)
    check_nonce(turn, f"N{side}", nonce)
    if public == _own(turn, "g^x") or nonce == _own(turn, "N"):
        raise Refusal(why="expected the other side's KE and nonce, got this side's own", hint="a message sent back")
    turn.know(f"g^x{side}", public, "heard")
    turn.know(f"N{side}_b", nonce, "heard")


def check_nonce(turn: Turn, name: str, nonce: bytes) -> None:
    """A nonce has from 8 to 256 octets. Raises Refusal."""
    if len(nonce) not in NONCE_SIZES:
        raise Refusal(
            notify=Notify.PAYLOAD_MALFORMED,
            why=f"{name}: expected from 8 to 256 octets, got {len(nonce)}",
            rfc="RFC 2409 §5",
        )


def _own(turn: Turn, kind: str) -> bytes:
    side = turn.exchange.role[0]
    given = turn.exchange.given.get(f"{kind}{side}" if kind == "g^x" else f"{kind}{side}_b")
    return given.value if given else b""


def compute_secret(turn: Turn) -> None:
    """g^xy, which only the two of them can compute; from here on every key is known."""
    side = "r" if turn.exchange.role == "initiator" else "i"
    assert turn.sa.choice is not None
    shared = turn.sa.choice.offer.dh.shared(turn.exchange.exponent, turn.exchange.given[f"g^x{side}"].value)
    turn.know("g^xy", shared, "computed with this side's exponent")
    turn.learned += ["SKEYID", "SKEYID_d", "SKEYID_a", "SKEYID_e", "Ka", "IV"]


def send_name(turn: Turn) -> None:
    """Who this side is."""
    name = turn.connection.local_id.payload()
    turn.know(f"IDi{turn.exchange.role[0]}_b", name.write(), "said")
    turn.say(name)


def take_name(turn: Turn) -> None:
    """Who the other side says it is; believed when its hash has been checked."""
    side = "r" if turn.exchange.role == "initiator" else "i"
    turn.know(f"IDi{side}_b", turn.body(f"IDi{side}"), "heard")


def send_proof(turn: Turn) -> None:
    """HASH_I or HASH_R of this side."""
    name = f"HASH_{turn.exchange.role[0].upper()}"
    turn.learned.append(name)
    turn.say(Hash(data=turn.book[name].value))


def check_proof(turn: Turn) -> None:
    """The other side's hash, then its name: both must be what this connection expects."""
    side = "R" if turn.exchange.role == "initiator" else "I"
    symbol = f"IDi{side.lower()}"
    payload = turn.payload(symbol, ID) if turn.heard(symbol) else ID.read(turn.exchange.given[f"{symbol}_b"].value)
    proof = verify(turn.body(f"HASH_{side}"), turn.book[f"HASH_{side}"], identity=str(payload), hint=PSK_HINT)
    turn.learned.append(f"HASH_{side}")
    expected = turn.connection.remote_id
    if expected is not None and not expected.matches(payload):
        turn.choose(connection=_same_key_other_name(turn, payload, expected))
    turn.authenticate(proof)
    turn.happen("established", f"{turn.exchange.script.name}: {payload} is authenticated", peer=str(payload))


def _same_key_other_name(turn: Turn, payload: ID, expected: Identity) -> Connection:
    """Another connection with the very same pre-shared key that expects this name never another key."""
    mode = turn.connection.mode
    for other in connections_for(turn, mode) if turn.exchange.role == "responder" else ():
        same = compare_digest(other.psk or b"", turn.connection.psk or b"")
        if same and other.remote_id is not None and other.remote_id.matches(payload):
            return other
    raise Refusal(
        notify=Notify.INVALID_ID_INFORMATION,
        why=f"expected the identity {expected}, got {payload}",
        rfc="RFC 2408 §5.8",
        hint="the hash is right: the other side has the pre-shared key and calls itself by another name",
    )


def name_vendors(turn: Turn) -> None:
    """The badges of this implementation."""
    turn.say(*(VendorID(data=octets) for octets in turn.config.vendor_ids))


MAIN_MODE = Script("Main Mode", ExchangeType.IDENTITY_PROTECTION, "RFC 2409 §5.4", (
    I("HDR, SA", then="SA_SENT",
      build=(offer_sa, name_vendors), absorb=(choose_transform,)),
    R("HDR, SA", then="SA_CHOSEN",
      build=(answer_sa, name_vendors), absorb=(check_choice,)),
    I("HDR, KE, Ni", then="KE_SENT",
      build=(send_ke_nonce,), absorb=(take_ke_nonce,)),
    R("HDR, KE, Nr", then="KE_SENT",
      build=(send_ke_nonce, compute_secret), absorb=(take_ke_nonce, compute_secret)),
    I("HDR*, IDii, HASH_I", then="ID_SENT",
      build=(send_name, send_proof), absorb=(take_name, check_proof)),
    R("HDR*, IDir, HASH_R", then=ESTABLISHED,
      build=(send_name, send_proof), absorb=(take_name, check_proof)),
), done=ESTABLISHED)  # fmt: skip

AGGRESSIVE_MODE = Script("Aggressive Mode", ExchangeType.AGGRESSIVE, "RFC 2409 §5.4", (
    I("HDR, SA, KE, Ni, IDii", then="AM_SENT",
      build=(offer_sa, send_ke_nonce, send_name, name_vendors),
      absorb=(choose_transform, take_ke_nonce, take_name)),
    R("HDR, SA, KE, Nr, IDir, HASH_R", then="AM_ANSWERED",
      build=(answer_sa, send_ke_nonce, compute_secret, send_name, send_proof, name_vendors),
      absorb=(check_choice, take_ke_nonce, compute_secret, take_name, check_proof)),
    I("HDR(*), HASH_I", then=ESTABLISHED,
      build=(send_proof,), absorb=(check_proof,)),
), done=ESTABLISHED)  # fmt: skip

SCRIPTS: Mapping[int, Script] = {script.exchange: script for script in (MAIN_MODE, AGGRESSIVE_MODE)}
