"""What one step makes of news that comes before phase 1 is over, protected or not."""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Callable
from dataclasses import replace

import pytest
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from ikelab.ike.config import Identity
from ikelab.ike.peer import Connect, Peer
from ikelab.ike.sa import IkeSa
from ikelab.ike.script import COMPLAINT, GIVE_UP, REFUSE
from ikelab.ike.step import Outcome
from ikelab.net.link import Link, Path
from ikelab.wire.message import Header, write_chain
from ikelab.wire.numbers import ExchangeType, HeaderFlag, Notify, PayloadType, Protocol
from ikelab.wire.payloads import Delete, Hash, Notification
from ikelab.wire.records import Payload
from tests.ike.two_peers import ALICE, BOB, mirrored, peer, wish

DENIED = Notification(protocol=Protocol.ISAKMP, notify=Notify.AUTHENTICATION_FAILED)
MESSAGE_ID = 0x01020304
FIFTH, SIXTH = 5, 6


def protected(sa: IkeSa, payload: Payload, *, key: bytes | None = None) -> bytes:
    """An Informational exchange as a peer that knows the secrets of `sa` says it, made by hand (AES-128, SHA-1).

    Its IV continues from the last block of phase 1 that both sides know (RFC 2409 Appendix B).
    """
    assert sa.book is not None
    number, rest = MESSAGE_ID.to_bytes(4), write_chain((payload,))
    proof = hmac.new(key or sa.book["SKEYID_a"].value, number + rest, "sha1").digest()
    chain = write_chain((Hash(data=proof), payload))
    iv = hashlib.sha1(sa.main.said[-16:] + number).digest()[:16]
    sealing = Cipher(algorithms.AES(sa.book["Ka"].value), modes.CBC(iv)).encryptor()
    body = sealing.update(chain + bytes(-len(chain) % 16))
    header = Header(
        cookie_i=sa.cookie_i,
        cookie_r=sa.cookie_r,
        next_payload=PayloadType.HASH,
        exchange=ExchangeType.INFORMATIONAL,
        flags=HeaderFlag.ENCRYPTION,
        message_id=MESSAGE_ID,
        length=28 + len(body),
    )
    return header.write() + body


class Waiting:
    """Alice has sent message 5 of Main Mode, and message 6 does not come."""

    def __init__(self) -> None:
        self.alice, self.bob = peer(wish(), ALICE), peer(mirrored(wish()), BOB)
        self.link = Link(self.alice, self.bob, path=Path(lose=frozenset(range(SIXTH, 100))))
        self.alice.begin(Connect(connection="net", remote=BOB), 0.0)
        self.link.run(until=0.5)
        assert self.sa.state == "ID_SENT"

    @property
    def sa(self) -> IkeSa:
        (sa,) = self.alice.sas
        return sa

    def hears(self, octets: bytes) -> Outcome:
        self.alice.receive_datagram(octets, BOB, self.link.now)
        return self.link.moments[-1].outcome

    def ends(self) -> Outcome:
        """What ends it, as soon as the timer runs out often enough."""
        self.link.run()
        return next(each.outcome for each in self.link.moments if each.outcome.fired is GIVE_UP)

    def repetitions(self, alice: Peer) -> int:
        return sum(each.outcome.fired.name == "RESEND" for each in self.link.moments if each.actor == alice.local)


@pytest.fixture
def waiting() -> Waiting:
    return Waiting()


class TestRfc2408Section48:
    """Once keying material has been exchanged, an Informational Exchange MUST be transmitted under its protection."""

    def test_an_error_with_proof_ends_phase_1_at_the_next_timer(self, waiting: Waiting) -> None:
        outcome = waiting.hears(protected(waiting.sa, DENIED))
        assert outcome.fired is COMPLAINT
        assert outcome.inside is not None
        assert waiting.sa.state == "ID_SENT"
        ended = waiting.ends()
        assert ended.refused is not None
        assert ended.refused.notify == Notify.AUTHENTICATION_FAILED
        assert ended.refused.hint == ""
        assert waiting.repetitions(waiting.alice) == 0

    def test_the_last_message_is_still_welcome_after_it(self, waiting: Waiting) -> None:
        waiting.hears(protected(waiting.sa, DENIED))
        sixth = waiting.link.wire[SIXTH - 1].octets
        waiting.hears(sixth)
        assert waiting.sa.established

    @pytest.mark.parametrize(
        ("octets", "says"),
        [
            (lambda sa: protected(sa, DENIED, key=b"another SKEYID_a"), r"HASH\(1\): expected .* got"),
            (
                lambda sa: protected(sa, Delete(protocol=Protocol.ISAKMP, spis=(sa.cookie_i + sa.cookie_r,))),
                "expected the end of Main Mode, got other news",
            ),
            (
                lambda sa: protected(sa, Notification(protocol=Protocol.ISAKMP, notify=Notify.INITIAL_CONTACT)),
                "expected the end of Main Mode, got other news",
            ),
        ],
        ids=["a wrong hash", "a Delete", "a status"],
    )
    def test_nothing_else_is_believed(self, waiting: Waiting, octets: Callable[[IkeSa], bytes], says: str) -> None:
        before = waiting.sa
        outcome = waiting.hears(octets(before))
        assert outcome.fired is REFUSE
        assert outcome.after is outcome.before is before
        assert outcome.said is None
        assert re.search(says, str(outcome.refused))

    def test_what_the_keys_do_not_open_is_how_different_pre_shared_keys_look(self, waiting: Waiting) -> None:
        """One such message could be forged; the answer to the repetition decides."""
        other = Waiting()
        noise = protected(other.sa, DENIED)[28:]
        before = waiting.sa
        head = protected(before, DENIED)[:28]
        altered = bytes(octet ^ 0x55 for octet in noise)
        outcome = waiting.hears(head + altered)
        assert outcome.fired is REFUSE
        assert outcome.after is outcome.before is before
        assert "decrypted to nonsense" in str(outcome.refused)
        assert "the same pre-shared key" in str(outcome.refused)
        waiting.link.run(until=1.5)
        waiting.hears(head + altered)
        ended = waiting.ends()
        assert "decrypted to nonsense" in str(ended.refused)
        assert waiting.repetitions(waiting.alice) == 1

    def test_a_responder_that_waits_for_message_5_hears_none(self) -> None:
        alice, bob = peer(wish(), ALICE), peer(mirrored(wish()), BOB)
        link = Link(alice, bob, path=Path(lose=frozenset({FIFTH})))
        alice.begin(Connect(connection="net", remote=BOB), 0.0)
        link.run(until=0.5)
        bob.receive_datagram(protected(alice.sas[0], DENIED), ALICE, link.now)
        refused = link.moments[-1].outcome
        assert refused.fired is REFUSE
        assert "expected the end of Main Mode first" in str(refused.refused)


class TestAnswersThatWillNotBecomeBetter:
    def test_a_right_hash_of_a_wrong_name_is_asked_for_once_more(self) -> None:
        alice = peer(replace(wish(), remote_id=Identity.parse("dave@ikelab.test")), ALICE)
        link = Link(alice, peer(mirrored(wish()), BOB))
        alice.begin(Connect(connection="net", remote=BOB), 0.0)
        link.run()
        ended = next(each.outcome for each in link.moments if each.outcome.fired is GIVE_UP)
        assert ended.refused is not None
        assert ended.refused.notify == Notify.INVALID_ID_INFORMATION
        resent = [each for each in link.moments if each.outcome.fired.name == "RESEND" and each.actor == ALICE]
        assert len(resent) == 1

    def test_silence_after_message_5_names_the_likeliest_reason(self, waiting: Waiting) -> None:
        assert "the same pre-shared key" in str(waiting.ends().refused)

    def test_silence_before_it_does_not(self) -> None:
        alice, bob = peer(wish(), ALICE), peer(mirrored(wish()), BOB)
        link = Link(alice, bob, path=Path(lose=frozenset(range(1, 100))))
        alice.begin(Connect(connection="net", remote=BOB), 0.0)
        link.run()
        ended = next(each.outcome for each in link.moments if each.outcome.fired is GIVE_UP)
        assert "pre-shared key" not in str(ended.refused)
