"""What the lesson on ESP and AH asks: what a listener sees, which key opens, what an ICV covers, what a NAT breaks."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

from ikelab.course.behind_nat import WAYS, nat_trial
from ikelab.course.hosts import DATA
from ikelab.course.packet_keys import runs
from ikelab.course.protected import Sent
from ikelab.course.question import Choice, Numbers, Octets, Question, Results, Slip, Whole
from ikelab.course.two_gateways import Gateways
from ikelab.wire import ip
from ikelab.wire.numbers import IpProtocol

ORDER = (1, 3, 2, 3, 200, 60, 90)
"""The sequence numbers of packets as they arrive."""
SIZES = (40, 84, 94, 95, 1400)
"""Octets of packets whose protected sizes are asked for: 94 fills its last block, 95 needs another one."""
ICV_SIZE, BLOCK = 16, 16


def _chose(letter: str, hint: str) -> Slip[str]:
    return Slip(made=lambda answer: answer == letter, hint=hint)


# -- one packet

WIRE = Question[str](
    name="wire",
    ask="10.1.0.10 sends a ping to 10.2.0.10, and it travels in ESP, in tunnel mode. What does somebody learn who "
    "listens between the gateways?",
    kind=Choice(
        {
            "a": "the addresses of both hosts, and nothing more",
            "b": "the addresses of both gateways, how much is sent, and when",
            "c": "that it is a ping, but not between whom",
            "d": "nothing at all",
        }
    ),
    right=lambda: "b",
    because="The whole packet of the host is inside, its header included. What can be read is a new IP header from "
    "gateway to gateway, the SPI, and the number of the packet. Even that it is a ping says only the Protocol field "
    "of the inner IP header, which is encrypted (RFC 4303 §3.1.2).",
    slips=(
        _chose("a", "These addresses are in the header of the host's packet. Look where that is."),
        _chose("c", "Next Header, at the end, says no more than IPv4. ICMP says the inner IP header: is it encrypted?"),
        _chose("d", "Routers have to know where to send it. Look at what is not encrypted."),
    ),
    otherwise="Look at the column that says what is encrypted.",
)

OPENER = Question[str](
    name="opener",
    ask="Which key opens this packet?",
    kind=Choice(
        {
            "a": "SKEYID_e: it is the one for encrypting",
            "b": "the first key of KEYMAT, made with the SPI in this packet",
            "c": "the first key of KEYMAT, made with the SPI of the other direction",
            "d": "the pre-shared key",
        }
    ),
    right=lambda: "b",
    because="You made it in the last lesson: SKEYID_d, protocol, SPI, nonces. The SPI in the packet tells the receiver "
    "which SA, and in that record stands the key. SKEYID_e is for IKE's own messages.",
    slips=(
        _chose("a", "SKEYID_e makes Ka, which encrypts messages of IKE. Into which formula of Quick Mode did it go?"),
        _chose("c", "Each direction has its own keys. Which SPI did the packet carry, and who chose it?"),
        _chose("d", "It went into SKEYID, and nowhere else: it encrypts nothing at all."),
    ),
    otherwise="See which of the keys gives a packet, and which nonsense.",
)

# -- the ICV

Parts = tuple[Mapping[str, bytes], Mapping[str, bytes]]
"""The keys at hand by name, and the fields of a packet by name."""
FIELDS = ("Outer IP header", "SPI", "Sequence Number", "IV", "Ciphertext", "ICV")


@cache
def packets() -> tuple[Sent, ...]:
    """A first and a second packet of two runs."""
    pairs = [each.gateways() for each in runs()]
    return tuple(_sent(pair) for pair in pairs for _ in range(2))


def _sent(pair: Gateways) -> Sent:
    sent = pair.send("ping")
    assert isinstance(sent, Sent)
    return sent


@cache
def parts() -> tuple[Parts, ...]:
    """What the function of the learner's is called with."""
    return tuple((_keys(each), _fields(each)) for each in packets())


def _keys(sent: Sent) -> Mapping[str, bytes]:
    keys = sent.sas[0].keys
    return {"encryption": keys.enc_key or b"", "integrity": keys.auth_key or b""}


def _fields(sent: Sent) -> Mapping[str, bytes]:
    return {name: sent[name] for name in FIELDS}


def _joined(esp: Mapping[str, bytes], *names: str) -> bytes:
    return b"".join(esp[name] for name in names)


COVERED = ("SPI", "Sequence Number", "IV", "Ciphertext")


def _proof(covered: bytes, key: bytes) -> bytes:
    return hmac.digest(key, covered, "sha256")


def _covers(formula: Callable[[Mapping[str, bytes]], bytes], hint: str) -> Slip[tuple[bytes, ...]]:
    """A slip that covers what this formula joins, with the right key and size."""
    return _makes(lambda keys, esp: _proof(formula(esp), keys["integrity"])[:ICV_SIZE], hint)


def _makes(formula: Callable[[Mapping[str, bytes], Mapping[str, bytes]], bytes], hint: str) -> Slip[tuple[bytes, ...]]:
    return Slip(made=lambda answers: answers == tuple(formula(*each) for each in parts()), hint=hint)


ICV = Question[tuple[bytes, ...]](
    name="icv",
    ask="Write the function that computes the ICV.",
    kind=Results(parts, Octets(), wanted="the function"),
    right=lambda: tuple(each["ICV"] for each in packets()),
    because="The last 16 octets of four packets, from two runs. Whoever has this key can tell his own packets from all "
    "others; and can make such packets, too: it is known to both. The other direction has another key, since KEYMAT is "
    "made with its own SPI (RFC 2409 §5.5).",
    slips=(
        _makes(
            lambda keys, esp: _proof(_joined(esp, *COVERED), keys["integrity"]),
            "All 32 octets of the HMAC. ESP sends half of them: the first 16.",
        ),
        _makes(
            lambda keys, esp: _proof(_joined(esp, *COVERED), keys["integrity"])[-ICV_SIZE:],
            "The right HMAC, and its last 16 octets. It is the first 16 that are sent.",
        ),
        _covers(
            lambda esp: _joined(esp, "Outer IP header", *COVERED),
            "The IP header is not covered by ESP: routers change it. Begin with the SPI.",
        ),
        _covers(
            lambda esp: _joined(esp, "Ciphertext"),
            "The ciphertext alone: then somebody could give an old packet a new number. Begin with the SPI.",
        ),
        _covers(
            lambda esp: _joined(esp, "IV", "Ciphertext"),
            "SPI and number are missing. They travel in clear, and still nobody may change them.",
        ),
        _covers(
            lambda esp: _joined(esp, "SPI", "Sequence Number", "Ciphertext"),
            "The IV is missing. Whoever could change it would change the first block of what is inside.",
        ),
        _covers(
            lambda esp: _joined(esp, *COVERED, "ICV"),
            "The ICV cannot cover itself: it is not there yet.",
        ),
        _makes(
            lambda keys, esp: _proof(_joined(esp, *COVERED), keys["encryption"])[:ICV_SIZE],
            "All is right but the key: this one encrypts. For proving, there is the other.",
        ),
        _makes(
            lambda keys, esp: hashlib.sha256(_joined(esp, *COVERED)).digest()[:ICV_SIZE],
            "This is the plain hash, which anybody can compute. HMAC needs a key.",
        ),
        *(
            _makes(formula, "Key and octets hashed together are not yet HMAC, which hashes twice (RFC 2104 §2).")
            for formula in (
                lambda keys, esp: hashlib.sha256(keys["integrity"] + _joined(esp, *COVERED)).digest()[:ICV_SIZE],
                lambda keys, esp: hashlib.sha256(_joined(esp, *COVERED) + keys["integrity"]).digest()[:ICV_SIZE],
            )
        ),
        _makes(
            lambda keys, esp: _proof(_joined(esp, *COVERED), keys["integrity"])[:12],
            "12 octets are what HMAC-SHA-1-96 and HMAC-MD5-96 send. Of HMAC-SHA-256 it is half: 16 (RFC 4868 §2.3).",
        ),
        Slip(
            made=lambda answers: (
                answers
                in [
                    tuple(
                        hmac.digest(keys["integrity"], _joined(esp, *COVERED), "sha1")[:size] for keys, esp in parts()
                    )
                    for size in (12, ICV_SIZE, 20)
                ]
            ),
            hint="This is HMAC-SHA-1. Which hash did Quick Mode agree on for this SA?",
        ),
    ),
    otherwise='Other octets than the packets have. Which fields, which key, how many octets? Help: hint("icv").',
    hints=(
        'Look at the column "ICV covers": what has a sign there, in its order, joined with +. The blue rows together '
        'are esp["Ciphertext"].',
        'hmac.new(keys["integrity"], covered, "sha256").digest() is the HMAC. How many octets has the ICV?',
        'covered = esp["SPI"] + esp["Sequence Number"] + esp["IV"] + esp["Ciphertext"]; '
        'proof = hmac.new(keys["integrity"], covered, "sha256").digest()[:16]',
    ),
)

TAMPERED = Question[str](
    name="tampered",
    ask="Somebody on the way flips one bit of the encrypted payload. What does the receiver notice first?",
    kind=Choice(
        {
            "a": "that the packet decrypts to nonsense",
            "b": "that the ICV is wrong, and it decrypts nothing",
            "c": "nothing: the host behind it finds a wrong checksum",
            "d": "that the number has come before",
        }
    ),
    right=lambda: "b",
    because="Number, then ICV, then decryption: nothing unproven is decrypted, and its number is not noted either, so "
    "the packet itself is still welcome (RFC 4303 §3.4.3, §3.4.4.1). Ciphers alone do not guard: with CBC "
    "and no ICV, a bit flipped in the IV flips just that bit of the first block inside.",
    slips=(
        _chose("a", "Then receivers would decrypt whatever anybody sends. What can be computed without decrypting?"),
        _chose("c", "Checksums find accidents: they have no key, so who alters a packet can often mend them."),
        _chose("d", "It has not: the packet is the first one of its number."),
    ),
    otherwise="See what the receiver says.",
)

# -- the window


def taken_in_order() -> tuple[int, ...]:
    """Which of the arrivals are taken, by place from 1: what a receiver makes of them."""
    pair = runs()[0].gateways()
    sent = [_sent(pair) for _ in range(max(ORDER))]
    arrived = [pair.receive(sent[number - 1]) for number in ORDER]
    return tuple(place for place, each in enumerate(arrived, 1) if each.taken)


LATE = Question[tuple[int, ...]](
    name="late",
    ask=f"Seven packets arrive, and their numbers are {', '.join(map(str, ORDER))}, in this order. Which of the seven "
    "does the receiver take? (Count their places, from 1 to 7.)",
    kind=Numbers(len(ORDER), wanted="a list of places, such as [1, 2]"),
    right=taken_in_order,
    because="Networks overtake, so what is late is no fault. The receiver knows the highest number so far, and which "
    "of the 128 up to it have come: 200 leaves room down to 73. 90 is still wanted; of 60 it can no longer tell. RFC "
    "4303 §3.4.3 demands at least 32 and prefers 64; 128 was our choice.",
    slips=(
        Slip(made=lambda places: 4 in places, hint="The fourth is number 3, which has come before: a copy."),
        Slip(made=lambda places: 3 not in places, hint="The third, number 2, is merely late: it has not come before."),
        Slip(made=lambda places: 5 not in places, hint="The fifth jumps ahead, as if 196 had been lost. Is that bad?"),
        Slip(made=lambda places: 6 in places, hint="The sixth is number 60, after 200. How far back can it remember?"),
        Slip(
            made=lambda places: 7 not in places,
            hint="The seventh is number 90, after 200: 110 back, and the window has 128.",
        ),
    ),
    otherwise="Two things: has this very number come, and is it too far behind the highest one?",
)

# -- AH

AH_COVERS = Question[str](
    name="ah_covers",
    ask="AH's ICV covers the IP header, too. Which change in that header does it not notice?",
    kind=Choice(
        {
            "a": "another source address",
            "b": "a TTL that is one less",
            "c": "another protocol number",
            "d": "none: every octet of it is covered",
        }
    ),
    right=lambda: "b",
    because="Each router takes one from the TTL, and mends the header's checksum. For such fields AH computes with "
    "zeros (RFC 4302 §3.3.3.1). An address may not change: that is what AH has over ESP, and what a NAT cannot leave "
    "alone.",
    slips=(
        _chose("a", "Look at the table: has the source address its sign?"),
        _chose("c", "It says that AH follows, and is the same on the whole way: it is covered."),
        _chose("d", "Then no packet would survive its first router. What does a router change?"),
    ),
    otherwise="Look which fields of the IP header have no sign.",
)

# -- NAT

NAT_WAYS = "; ".join(f"{number}: {way}" for number, (way, *_) in enumerate(WAYS, 1))

NAT = Question[tuple[int, ...]](
    name="nat",
    ask="A NAT before the initiator changes the source address, one to one: no other host is behind it. A TCP packet "
    f"is sent in six ways ({NAT_WAYS}). Which of them reach the server?",
    kind=Numbers(len(WAYS), wanted="a list of their numbers, such as [1, 2]"),
    right=lambda: nat_trial("tcp").through,
    because="AH covers the address. ESP does not; but in transport mode TCP's checksum does, and the NAT cannot mend "
    "what is under the ICV (RFC 3715 §2.1). In UDP the receiver knows of the NAT, and computes it anew; or corrects it "
    "by what NAT-OA has told of the first address (RFC 3948 §3.1.2). It is not the ICV of ESP that fails. What bare "
    "ESP lacks is ports, by which a NAT tells two hosts behind it apart.",
    slips=(
        Slip(
            made=lambda ways: bool({1, 2} & set(ways)), hint="AH's ICV covers the source address. What does a NAT do?"
        ),
        Slip(
            made=lambda ways: 3 not in ways,
            hint="Many pages say that ESP's integrity check fails. Which fields does its ICV cover? Any address?",
        ),
        Slip(
            made=lambda ways: 4 in ways,
            hint="In transport mode, the gateway finds nothing wrong. But TCP's checksum covers the addresses.",
        ),
        Slip(made=lambda ways: not {5, 6} <= set(ways), hint="It is for NATs that ESP is put into UDP."),
    ),
    otherwise="For each way: is the source address covered, by an ICV or by a checksum under one?",
)

# -- what it costs


@cache
def sizes() -> tuple[tuple[int], ...]:
    """What the function of the learner's is called with."""
    return tuple((each,) for each in SIZES)


def _protected_size(octets: int) -> int:
    payload = (DATA * (octets // len(DATA) + 1))[: octets - ip.IPV4_HEADER]
    packet = ip.build_ip("10.1.0.10", "10.2.0.10", int(IpProtocol.TCP), payload)
    sent = runs()[0].gateways().send(packet)
    assert isinstance(sent, Sent)
    return len(sent.packet)


def _blocks(octets: int) -> int:
    return -(-octets // BLOCK) * BLOCK


def _sized(formula: Callable[[int], int], hint: str) -> Slip[tuple[int, ...]]:
    return Slip(made=lambda answers: answers == tuple(map(formula, SIZES)), hint=hint)


FIXED = 20 + 8 + 16 + ICV_SIZE

SIZE = Question[tuple[int, ...]](
    name="size",
    ask="Write the function that says how large a packet becomes.",
    kind=Results(sizes, Whole(), wanted="the function"),
    right=lambda: tuple(map(_protected_size, SIZES)),
    because="So large were packets of 40, 84, 94, 95 and 1400 octets, with ESP in tunnel mode. In UDP it is 8 more "
    "(RFC 3948 §2.1). That is why packets that just fitted no longer fit.",
    slips=(
        _sized(
            lambda inner: FIXED + _blocks(inner),
            "Pad length and next header are encrypted as well: two octets more before you round up.",
        ),
        _sized(lambda inner: FIXED + inner + 2, "The padding is missing: a cipher of blocks takes whole blocks of 16."),
        _sized(lambda inner: FIXED + inner, "Between payload and ICV there are padding, pad length and next header."),
        _sized(lambda inner: FIXED - 20 + _blocks(inner + 2), "The new IP header is missing: 20 octets."),
        _sized(lambda inner: FIXED - BLOCK + _blocks(inner + 2), "16 octets are missing: the IV, or the ICV."),
        _sized(lambda inner: FIXED - 8 + _blocks(inner + 2), "SPI and number are missing, 4 octets each."),
        _sized(lambda inner: FIXED + 16 + _blocks(inner + 2), "The ICV has 16 octets, half of the HMAC."),
        _sized(
            lambda inner: FIXED + ((inner + 2) // BLOCK + 1) * BLOCK,
            "Nearly. 94 and 2 are just six blocks: then no padding is needed.",
        ),
        _sized(
            lambda inner: FIXED + (inner + 2) // BLOCK * BLOCK,
            "You round down. A block that is begun must be filled: round up.",
        ),
    ),
    otherwise='Other sizes than the packets have. More help: hint("size").',
    hints=(
        "Four things always have the same size: the new IP header, SPI and number, IV, ICV.",
        "The encrypted part is inner + 2, rounded up to whole blocks: (inner + 2 + 15) // 16 is their number.",
        "blocks = (inner + 2 + 15) // 16; whole = 20 + 8 + 16 + 16 * blocks + 16",
    ),
)

QUESTIONS: tuple[Question[Any], ...] = (
    WIRE,
    OPENER,
    ICV,
    TAMPERED,
    LATE,
    AH_COVERS,
    NAT,
    SIZE,
)  # fmt: skip
