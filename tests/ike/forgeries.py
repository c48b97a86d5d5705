"""What somebody on the way can do without any key: every kind of forgery, drawn from a seed and a situation."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace

from ikelab.ike.config import Seeded
from ikelab.ike.peer import Connect, Datagram
from ikelab.wire.message import HEADER_SIZE, Header, dissect, read_header, write_chain
from ikelab.wire.numbers import ExchangeType, HeaderFlag, Notify, PayloadType, Protocol
from ikelab.wire.payloads import Delete, Notification
from ikelab.wire.records import Payload
from tests.ike.situations import Situation, talk
from tests.ike.two_peers import ALICE, BOB, mirrored, peer, wish

EXCHANGES = (1, 2, 3, 4, 5, 6, 32, 33, 34, 37, 243)
FLAGS = (0, 1, 2, 3, 4, 5, 8, 0x80, 0xFF)


def another_conversation() -> tuple[bytes, ...]:
    """What two other peers with other keys have said."""
    alice = peer(wish(psk=b"somebody else's key"), ALICE, seed=99)
    bob = peer(mirrored(wish(psk=b"somebody else's key")), BOB, seed=99)
    alice.begin(Connect(connection="net", remote=BOB), 0.0)
    return tuple(datagram.octets for datagram in talk(alice, bob, 0.0))


class Forger:
    """Makes datagrams for the listener of a situation. The same seed gives the same ones."""

    def __init__(self, situation: Situation, seed: int, elsewhere: tuple[bytes, ...]) -> None:
        self.chance = random.Random(f"{seed} {situation.name}")
        self.noise = Seeded(seed)
        self.flight = [datagram.octets for datagram in situation.flight]
        self.history = [datagram.octets for datagram in situation.history]
        self.elsewhere = elsewhere
        self.spoken = [*self.flight, *self.history] or [elsewhere[0]]
        self.ids = sorted({read_header(octets).message_id for octets in self.spoken} | {1, 0xFFFFFFFF})
        self.made = 0

    def forge(self) -> bytes:
        self.made += 1
        kind = self.chance.choices(KINDS, WEIGHTS)[0]
        return kind(self)

    # -- material

    def honest(self) -> bytes:
        """A real message: mostly the one that is waited for."""
        source = self.flight if self.flight and self.chance.random() < 0.7 else self.spoken
        return self.chance.choice(source)

    def octets(self, size: int) -> bytes:
        self.made += 1
        return self.noise.draw(f"noise {self.made}", size)

    def header(self, **fields: int) -> Header:
        known = read_header(self.chance.choice(self.spoken))
        return replace(known, **{"message_id": self.chance.choice(self.ids), **fields})

    def put(self, header: Header, body: bytes) -> bytes:
        return replace(header, length=HEADER_SIZE + len(body)).write() + body

    # -- kinds

    def flip(self) -> bytes:
        changed = bytearray(self.honest())
        for _ in range(self.chance.choice((1, 1, 1, 2, 3, 16))):
            changed[self.chance.randrange(len(changed))] ^= 1 << self.chance.randrange(8)
        return bytes(changed)

    def cut(self) -> bytes:
        octets = self.honest()
        return octets[: self.chance.randrange(len(octets))]

    def cut_and_say_so(self) -> bytes:
        octets = self.honest()
        end = self.chance.randrange(HEADER_SIZE, len(octets) + 1)
        return self.put(read_header(octets), octets[HEADER_SIZE:end])

    def lengthen(self) -> bytes:
        octets = self.honest()
        longer = octets + self.octets(self.chance.choice((1, 4, 16, 300)))
        return longer if self.chance.random() < 0.5 else self.put(read_header(octets), longer[HEADER_SIZE:])

    def lie_about_length(self) -> bytes:
        """In the header, or in the two octets where a payload says how long it is."""
        changed = bytearray(self.honest())
        starts = dissect(bytes(changed)).starts or (20,)
        place = self.chance.choice((24, *(start + 2 - 2 * (start == 20) for start in starts)))
        size = 4 if place == 24 else 2
        lie = self.chance.choice((0, 1, 3, 4, 27, 28, len(changed) - 1, len(changed) + 1, 2**15, 2 ** (8 * size) - 1))
        changed[place : place + size] = min(lie, 2 ** (8 * size) - 1).to_bytes(size)
        return bytes(changed)

    def rearrange(self) -> bytes:
        """Payloads in clear shuffled, doubled, dropped, exchanged for those of another message."""
        sheet = dissect(self.honest())
        payloads: list[Payload] = list(sheet.payloads)
        others = list(dissect(self.chance.choice([*self.spoken, *self.elsewhere])).payloads)
        match self.chance.randrange(4):
            case 0:
                self.chance.shuffle(payloads)
            case 1 if payloads:
                payloads.append(self.chance.choice(payloads))
            case 2 if payloads:
                payloads.pop(self.chance.randrange(len(payloads)))
            case 3 if payloads and others:
                payloads[self.chance.randrange(len(payloads))] = self.chance.choice(others)
        assert sheet.header is not None
        if not payloads:
            return self.put(sheet.header, sheet.rest)
        return self.put(replace(sheet.header, next_payload=payloads[0].type), write_chain(tuple(payloads)) + sheet.rest)

    def crowd(self) -> bytes:
        """One payload again and again."""
        sheet = dissect(self.honest())
        assert sheet.header is not None
        payload = self.chance.choice(sheet.payloads) if sheet.payloads else Notification(notify=1)
        many = (payload,) * self.chance.choice((2, 21, 65, 200))
        return self.put(replace(sheet.header, next_payload=payload.type), write_chain(many))

    def replay(self) -> bytes:
        return self.chance.choice(self.history or self.elsewhere)

    def retell(self) -> bytes:
        """Another conversation's message under this one's cookies."""
        octets, known = self.chance.choice(self.elsewhere), self.header()
        return known.cookie_i + known.cookie_r + octets[16:]

    def splice(self) -> bytes:
        return self.put(read_header(self.honest()), self.chance.choice([*self.spoken, *self.elsewhere])[HEADER_SIZE:])

    def relabel(self) -> bytes:
        """The same body under another exchange, message ID, flag, cookie or first payload."""
        octets = self.honest()
        header, chance = read_header(octets), self.chance
        match chance.randrange(6):
            case 0:
                header = replace(header, exchange=chance.choice(EXCHANGES))
            case 1:
                header = replace(header, message_id=chance.choice(self.ids) ^ chance.choice((0, 1, 2**31)))
            case 2:
                header = replace(header, flags=header.flags ^ chance.choice(FLAGS))
            case 3:
                header = replace(header, cookie_r=chance.choice((bytes(8), header.cookie_i, self.octets(8))))
            case 4:
                header = replace(header, cookie_i=chance.choice((bytes(8), header.cookie_r, self.octets(8))))
            case 5:
                header = replace(header, next_payload=chance.randrange(256), version=chance.choice((0x10, 0x11, 0x20)))
        return header.write() + octets[HEADER_SIZE:]

    def sealed_with_no_key(self) -> bytes:
        """An encrypted body for these cookies by someone who has no key."""
        exchange = self.chance.choice((2, 4, 5, 32))
        header = self.header(exchange=exchange, flags=int(HeaderFlag.ENCRYPTION), next_payload=int(PayloadType.HASH))
        return self.put(header, self.octets(self.chance.choice((0, 8, 16, 15, 64, 160))))

    def news_in_clear(self) -> bytes:
        """An error, a status or a Delete that anyone could write."""
        header = self.header(exchange=int(ExchangeType.INFORMATIONAL), flags=0)
        cookies = header.cookie_i + header.cookie_r
        number = self.chance.choice((*(int(each) for each in Notify), 16384, 24576, 36136, 40503, 65535))
        payload: Payload = Notification(protocol=Protocol.ISAKMP, notify=number, spi=self.chance.choice((b"", cookies)))
        if self.chance.random() < 0.4:
            payload = Delete(protocol=Protocol.ISAKMP, spis=(cookies,))
        return self.put(replace(header, next_payload=payload.type), write_chain((payload,)))

    def anything(self) -> bytes:
        return self.octets(self.chance.choice((0, 1, 27, 28, 29, 100, 1500)))


Kind = Callable[[Forger], bytes]
KINDS: tuple[Kind, ...] = (
    Forger.flip, Forger.cut, Forger.cut_and_say_so, Forger.lengthen, Forger.lie_about_length, Forger.rearrange,
    Forger.crowd, Forger.replay, Forger.retell, Forger.splice, Forger.relabel, Forger.sealed_with_no_key,
    Forger.news_in_clear, Forger.anything,
)  # fmt: skip
WEIGHTS = (30, 5, 5, 5, 10, 8, 3, 10, 4, 4, 12, 8, 8, 2)

__all__ = ["KINDS", "Datagram", "Forger", "another_conversation"]
