"""What happened, and why it matters: two plain sentences for every message of a conversation."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from ikelab.crypto.book import Method
from ikelab.ike.listen import Followed
from ikelab.wire.numbers import ExchangeType, Notify, Protocol
from ikelab.wire.payloads import Config, Delete, Fragment, Notification


class Caption(NamedTuple):
    """What happened (one sentence) and why it matters (one or two)."""

    what: str
    why: str


FAREWELL_WHY = "No answer is due. The hash proves that the news is genuine: otherwise anyone could cut the tunnel."
MAIN, AGGRESSIVE, QUICK = ExchangeType.IDENTITY_PROTECTION, ExchangeType.AGGRESSIVE, ExchangeType.QUICK_MODE

CAPTIONS: Mapping[tuple[int, int], Caption] = {
    (MAIN, 1): Caption(
        "The initiator offers its terms for a protected channel.",
        "Everything here is readable by anyone. Its SA payload will be hashed into both proofs, so the offer cannot be "
        "weakened on the way without being noticed.",
    ),
    (MAIN, 2): Caption(
        "The responder picks one of the offers and adds its own cookie.",
        "The two cookies now name this conversation. The responder may choose, but it must not change what it chose.",
    ),
    (MAIN, 3): Caption(
        "The initiator sends its half of the Diffie-Hellman exchange and a nonce.",
        "g^xi is public; the exponent behind it never leaves the initiator. The nonce Ni makes these keys new.",
    ),
    (MAIN, 4): Caption(
        "The responder answers with its own half and nonce: now both can compute every key.",
        "An eavesdropper has g^xi and g^xr and still cannot make g^xy of them. Whoever lacks the secret is left behind "
        "here.",
    ),
    (MAIN, 5): Caption(
        "The initiator says who it is and proves it, encrypted.",
        "HASH_I covers both public values, both cookies, the first offer and the name: only someone who knows SKEYID "
        "and saw the same conversation can compute it.",
    ),
    (MAIN, 6): Caption(
        "The responder does the same with HASH_R: phase 1 is complete.",
        "Both ends are authenticated, and an ISAKMP SA exists: a channel for IKE's own messages, not for user data.",
    ),
    (AGGRESSIVE, 1): Caption(
        "The initiator sends offer, Diffie-Hellman half, nonce and name at once.",
        "It saves a round trip; the price is that the name travels in clear and the group cannot be negotiated.",
    ),
    (AGGRESSIVE, 2): Caption(
        "The responder answers with everything, its proof HASH_R included, in clear.",
        "Who records this can test guessed pre-shared keys against HASH_R at home, offline, as fast as the machine "
        "allows.",
    ),
    (AGGRESSIVE, 3): Caption(
        "The initiator proves itself with HASH_I: phase 1 is complete.",
        "Three messages instead of six, and the same keys at the end.",
    ),
    (QUICK, 1): Caption(
        "Under the new channel, one end offers terms for protecting traffic, with a fresh nonce.",
        "HASH(1) is keyed with SKEYID_a: it proves that the offer comes from inside the ISAKMP SA. The two IDs say "
        "whose packets are meant.",
    ),
    (QUICK, 2): Caption(
        "The other end chooses, and adds its SPI and its nonce.",
        "HASH(2) covers the first nonce too, so it cannot be an old answer played again. Now both can compute KEYMAT, "
        "the keys for the packets.",
    ),
    (QUICK, 3): Caption(
        "A last hash proves that the first end is alive and saw the answer.",
        "HASH(3) covers both nonces. Without it anyone could replay the first message of an old Quick Mode and make a "
        "gateway set up SAs for nobody.",
    ),
}

SIGNED: Mapping[tuple[int, int], Caption] = {
    (MAIN, 5): Caption(
        "The initiator says who it is and signs HASH_I with its private key, encrypted.",
        "The signature proves the name in the certificate; the hash under it binds the proof to this conversation.",
    ),
    (MAIN, 6): Caption(
        "The responder does the same with its own key: phase 1 is complete.",
        "Both ends are authenticated without any shared password, and an ISAKMP SA exists.",
    ),
}


def caption(followed: Followed) -> Caption:
    """The caption of one followed datagram."""
    header = followed.message.header
    if header is None or (followed.error is not None and not followed.inside.payloads):
        return Caption("A datagram that cannot be read as IKE.", str(followed.error or ""))
    if followed.retransmission_of is not None:
        return Caption(
            f"The same octets again: a repetition of frame {followed.retransmission_of}.",
            "UDP promises nothing, so a peer that hears no answer says it again. Neither IV nor state moves.",
        )
    if not followed.fragments and any(isinstance(payload, Fragment) for payload in followed.inside.payloads):
        return Caption(
            "A fragment: one slice of a message too large for one packet.",
            "IKE cuts it itself, so that no router on the way has to. It is read when the last slice is there.",
        )
    if followed.decrypted is False:
        return Caption(
            "An encrypted message that the key does not open.",
            "The first sign of two different pre-shared keys: both sides computed keys, and not the same ones.",
        )
    told = _informational(followed)
    if told is not None:
        return told
    key = header.exchange, followed.number
    suite = followed.conversation.suite if followed.conversation else None
    signed = SIGNED.get(key) if suite is not None and suite.method is Method.SIG else None
    return signed or CAPTIONS.get(key) or _plain(followed)


def _informational(followed: Followed) -> Caption | None:
    header = followed.message.header
    assert header is not None
    for payload in followed.inside.payloads:
        match payload:
            case Delete(protocol=protocol):
                what = "the ISAKMP SA" if protocol == Protocol.ISAKMP else f"its {Protocol(protocol).short} SA"
                return Caption(
                    f"A farewell: the sender has deleted {what}.",
                    FAREWELL_WHY,
                )
            case Notification(notify=notify) if header.exchange == ExchangeType.INFORMATIONAL:
                known = Notify(notify)
                return Caption(f"News: {known.label}.", known.meaning)
            case Config():
                return Caption(
                    "A question for settings, or the answer to one.",
                    "Mode Config and XAuth travel between phase 1 and Quick Mode, under the ISAKMP SA.",
                )
    return None


def _plain(followed: Followed) -> Caption:
    header = followed.message.header
    assert header is not None
    name = ExchangeType(header.exchange).short
    if followed.message.encrypted and followed.opened is None:
        return Caption(f"An encrypted message of {name}.", "Without the key nothing but its length can be said.")
    return Caption(f"Message {followed.number} of {name}.", "")
