"""Phase 1 with a pre-shared key: Main Mode and Aggressive Mode say the same things, in six messages or in three.

The two scripts at the end are RFC 2409 §5.4's figures; every action above them is used by both.
"""

from __future__ import annotations

from collections.abc import Mapping
from hmac import compare_digest

from ikelab.errors import Refusal
from ikelab.ike.config import Connection, ModeName, Weak
from ikelab.ike.identity import Identity
from ikelab.ike.natt import announce, compare_addresses, follow, move, notice, tell_addresses
from ikelab.ike.negotiate import check_answer, choose_ike, offer_ike
from ikelab.ike.proof import verify
from ikelab.ike.script import ESTABLISHED, I, R, Script
from ikelab.ike.turn import Turn
from ikelab.wire.numbers import AuthMethod, ExchangeType, Notify
from ikelab.wire.payloads import ID, KE, SA, Hash, Nonce, VendorID

NONCE_SIZES = range(8, 257)
PSK_HINT = "do both sides have the same pre-shared key for each other?"
MODES: Mapping[ModeName, ExchangeType] = {
    "main": ExchangeType.IDENTITY_PROTECTION,
    "aggressive": ExchangeType.AGGRESSIVE,
}
NAMES: Mapping[int, ModeName] = {number: mode for mode, number in MODES.items()}


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
    mode = NAMES[turn.exchange.script.exchange]
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


def connections_for(turn: Turn, mode: ModeName) -> list[Connection]:
    """The connections that a peer at this address may use in this mode: those first that name it, then its address.

    In Main Mode with a pre-shared key nothing but the address can tell them apart; in Aggressive Mode the name comes
    with the first message (RFC 2409 §5.4). A name that nobody expects is found out only when its proof is checked, so
    that the answer to message 1 does not tell which names there are.
    """
    address = turn.sa.remote.address
    name = turn.payload("IDii", ID) if turn.heard("IDii") else None

    def fit(connection: Connection) -> tuple[bool, bool]:
        named = name is not None and connection.remote_id is not None and connection.remote_id.matches(name)
        return not named, connection.remote_address is None

    fitting = [each for each in turn.config.connections if each.mode == mode and each.remote_address in (None, address)]
    return sorted(fitting, key=fit)


def no_connection(turn: Turn, mode: ModeName) -> Refusal:
    """Why nobody is waiting for this peer."""
    address = turn.sa.remote.address
    other: ModeName = "aggressive" if mode == "main" else "main"
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
    side = turn.side
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
    side = turn.other_side
    public, nonce = turn.body("KE"), turn.body(f"N{side}")
    assert turn.sa.choice is not None
    turn.sa.choice.offer.dh.check(public)
    check_nonce(turn, f"N{side}", nonce)
    refuse_own(turn, public, f"g^x{turn.side}")
    refuse_own(turn, nonce, f"N{turn.side}_b")
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


def refuse_own(turn: Turn, came: bytes, own: str) -> None:
    """Raise Refusal if what the other side should have drawn is this side's own value, sent back to it."""
    if own in turn.exchange.given and came == turn.exchange.given[own].value:
        raise Refusal(
            notify=Notify.PAYLOAD_MALFORMED,
            why=f"expected a value of the other side's own, got this side's {own}",
            hint="a message sent back by someone between the two",
        )


def compute_secret(turn: Turn) -> None:
    """g^xy, which only the two of them can compute; from here on every key is known."""
    assert turn.sa.choice is not None
    public = turn.exchange.given[f"g^x{turn.other_side}"].value
    shared = turn.sa.choice.offer.dh.shared(turn.exchange.exponent, public)
    turn.know("g^xy", shared, "computed with this side's exponent")
    turn.learned += ["SKEYID", "SKEYID_d", "SKEYID_a", "SKEYID_e", "Ka", "IV"]


def send_name(turn: Turn) -> None:
    """Who this side is."""
    name = turn.connection.local_id.payload()
    turn.know(f"IDi{turn.side}_b", name.write(), "said")
    turn.say(name)


def take_name(turn: Turn) -> None:
    """Who the other side says it is; believed when its hash has been checked. Raises Refusal where it is no name."""
    Identity.from_payload(turn.payload(f"IDi{turn.other_side}", ID))
    turn.know(f"IDi{turn.other_side}_b", turn.body(f"IDi{turn.other_side}"), "heard")


def send_proof(turn: Turn) -> None:
    """HASH_I or HASH_R of this side."""
    name = f"HASH_{turn.side.upper()}"
    turn.learned.append(name)
    turn.say(Hash(data=turn.book[name].value))


def check_proof(turn: Turn) -> None:
    """The other side's hash, then its name: both must be what this connection expects."""
    side, symbol = turn.other_side.upper(), f"IDi{turn.other_side}"
    payload = turn.payload(symbol, ID) if turn.heard(symbol) else ID.read(turn.exchange.given[f"{symbol}_b"].value)
    proof = verify(turn.body(f"HASH_{side}"), turn.book[f"HASH_{side}"], identity=str(payload), hint=PSK_HINT)
    turn.learned.append(f"HASH_{side}")
    expected = turn.connection.remote_id
    if expected is not None and not expected.matches(payload):
        turn.choose(connection=_same_key_other_name(turn, payload, expected))
    turn.authenticate(proof)
    turn.happen("established", f"{turn.exchange.script.name}: {payload} is authenticated", peer=str(payload))


def _same_key_other_name(turn: Turn, payload: ID, expected: Identity) -> Connection:
    """Another connection that expects this name, with the very same key, and with the terms that were agreed on."""
    choice, own = turn.sa.choice, turn.connection.psk or b""
    for other in connections_for(turn, turn.connection.mode) if turn.exchange.role == "responder" else ():
        named = other.remote_id is not None and other.remote_id.matches(payload)
        if named and compare_digest(other.psk or b"", own) and choice is not None and choice.offer in other.offers:
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
      build=(offer_sa, name_vendors, announce), absorb=(choose_transform, notice)),
    R("HDR, SA", then="SA_CHOSEN",
      build=(answer_sa, name_vendors, announce), absorb=(check_choice, notice)),
    I("HDR, KE, Ni", then="KE_SENT",
      build=(send_ke_nonce, tell_addresses), absorb=(take_ke_nonce, compare_addresses)),
    R("HDR, KE, Nr", then="KE_SENT",
      build=(send_ke_nonce, compute_secret, tell_addresses),
      absorb=(take_ke_nonce, compute_secret, compare_addresses)),
    I("HDR*, IDii, HASH_I", then="ID_SENT",
      build=(move, send_name, send_proof), absorb=(take_name, check_proof, follow)),
    R("HDR*, IDir, HASH_R", then=ESTABLISHED,
      build=(send_name, send_proof), absorb=(take_name, check_proof)),
), done=ESTABLISHED)  # fmt: skip

AGGRESSIVE_MODE = Script("Aggressive Mode", ExchangeType.AGGRESSIVE, "RFC 2409 §5.4", (
    I("HDR, SA, KE, Ni, IDii", then="AM_SENT",
      build=(offer_sa, send_ke_nonce, send_name, name_vendors, announce),
      absorb=(choose_transform, take_ke_nonce, take_name, notice)),
    R("HDR, SA, KE, Nr, IDir, HASH_R", then="AM_ANSWERED",
      build=(answer_sa, send_ke_nonce, compute_secret, send_name, send_proof, name_vendors, announce, tell_addresses),
      absorb=(check_choice, take_ke_nonce, compute_secret, take_name, check_proof, notice, compare_addresses)),
    I("HDR(*), HASH_I", then=ESTABLISHED,
      build=(move, send_proof, tell_addresses), absorb=(compare_addresses, check_proof, follow)),
), done=ESTABLISHED)  # fmt: skip

SCRIPTS: Mapping[int, Script] = {script.exchange: script for script in (MAIN_MODE, AGGRESSIVE_MODE)}
