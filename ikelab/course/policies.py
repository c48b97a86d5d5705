"""What the lesson on policies asks: who starts IKE, which packets a policy means, what a tunnel is, what is dropped."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from ipaddress import IPv4Address, IPv4Network
from typing import Any

from ikelab.course.packet_keys import talk
from ikelab.course.question import Choice, Numbers, Question, Results, Slip, Truth
from ikelab.course.runs import Run, run
from ikelab.ike.selector import Selector
from ikelab.ipsec.policy import Action, Direction, Policy, Template
from ikelab.ipsec.traffic import Flow
from ikelab.wire.numbers import IpProtocol

DESTINATIONS = ("10.2.0.10", "10.2.0.99", "10.3.0.10", "10.99.0.2", "192.0.2.1")
"""Where a host of the initiator's office sends something."""


def _chose(letter: str, hint: str) -> Slip[str]:
    return Slip(made=lambda answer: answer == letter, hint=hint)


# -- who starts IKE

FIRST_PACKET = Question[str](
    name="first_packet",
    ask="Both gateways have been configured, and nothing has been negotiated. A host sends a packet to the other "
    "office. What does its gateway do?",
    kind=Choice(
        {
            "a": "it sends it in clear: there is no tunnel yet",
            "b": "it drops it: the tunnel must be there first",
            "c": "it asks IKE for an SA, and the packet waits or is lost",
            "d": "it asks the other gateway for a key, in ESP",
        }
    ),
    right=lambda: "c",
    because="The policy says that such packets are to be protected. There is no SA to do it with, so the policy itself "
    "tells IKE whom to ask for what. Whether the packet is kept meanwhile is left to the gateway (RFC 4301 §5.1): here "
    "it is lost.",
    slips=(
        _chose("a", "A policy that protects would be worth nothing if it did so only now and then."),
        _chose("b", "Somebody must begin. Who knows first that an SA is wanted?"),
        _chose("d", "ESP carries packets, and asks nothing. What negotiates?"),
    ),
    otherwise="See what the gateway says.",
)

# -- selectors


def those_that_leave() -> tuple[int, ...]:
    """Which of the five packets leave their gateway, by place from 1."""
    pair = talk().gateways()
    sent = [pair.send("ping", destination=each) for each in DESTINATIONS]
    return tuple(place for place, each in enumerate(sent, 1) if each.leaves)


MEETS = Question[tuple[int, ...]](
    name="meets",
    ask=f"Now there are SAs. The host 10.1.0.10 sends to five places: {', '.join(DESTINATIONS)}. Which of the five "
    "packets leave the gateway? (Count from 1.)",
    kind=Numbers(len(DESTINATIONS), wanted="a list of places, such as [1, 2]"),
    right=those_that_leave,
    because="The list is read from the top, and the first policy that fits decides (RFC 4301 §4.4.1). Two of the "
    "packets fit net; IKE's ports are not asked for by a ping; for the rest there is the last line, which discards. So "
    "it must be (RFC 4301 §5); many routers, though, send in clear what no crypto list names.",
    slips=(
        Slip(
            made=lambda places: 3 in places,
            hint="10.3.0.10 is not in 10.2.0.0/24. That there is an SA to its gateway does not matter.",
        ),
        Slip(
            made=lambda places: 4 in places,
            hint="10.99.0.2 is the gateway itself. Packets to it are let out if they are IKE's: is a ping on UDP 500?",
        ),
        Slip(
            made=lambda places: 5 in places,
            hint="A gateway to the Internet would need a policy that lets such packets pass. Is there one?",
        ),
        Slip(
            made=lambda places: 2 not in places,
            hint="10.2.0.99 is as good an address of 10.2.0.0/24 as 10.2.0.10: one SA serves the whole network.",
        ),
    ),
    otherwise="Go down the list of policies with each packet, and stop at the first one that fits.",
)


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """A policy as the exercise sees it: whose packets, at this end and at the other."""

    local: IPv4Network
    remote: IPv4Network


@dataclass(frozen=True, kw_only=True)
class Met:
    """A packet as the exercise sees it. leaves: on its way out; else it comes in."""

    source: IPv4Address
    destination: IPv4Address
    leaves: bool


@cache
def meetings() -> tuple[tuple[Wanted, Met], ...]:
    """Every policy with every packet, both ways."""
    local, remote = IPv4Network("10.1.0.0/24"), IPv4Network("10.2.0.0/24")
    policies = (Wanted(local=local, remote=remote), Wanted(local=local, remote=IPv4Network("0.0.0.0/0")))
    hosts = [IPv4Address(each) for each in ("10.1.0.10", "10.2.0.10", "10.7.0.10")]
    return tuple(
        (policy, Met(source=source, destination=destination, leaves=leaves))
        for policy in policies
        for source in hosts
        for destination in hosts
        for leaves in (True, False)
    )


def _engine_covers(wanted: Wanted, met: Met) -> bool:
    policy = Policy(
        name="net",
        local=Selector.parse(str(wanted.local)),
        remote=Selector.parse(str(wanted.remote)),
        action=Action.PROTECT,
        template=Template(connection="net", child="net"),
    )
    flow = Flow(source=met.source, destination=met.destination, protocol=int(IpProtocol.ICMP))
    return policy.traffic(Direction.OUT if met.leaves else Direction.IN).covers(flow)


Answer = Callable[[Wanted, Met], bool]


def _out(wanted: Wanted, met: Met) -> bool:
    return met.source in wanted.local and met.destination in wanted.remote


def _back(wanted: Wanted, met: Met) -> bool:
    return met.source in wanted.remote and met.destination in wanted.local


def _answers(formula: Answer, hint: str) -> Slip[tuple[bool, ...]]:
    return Slip(made=lambda answers: answers == tuple(formula(*each) for each in meetings()), hint=hint)


def _differs(answers: tuple[bool, ...], *, leaves: bool) -> bool:
    """Whether a packet of this way is judged otherwise than by the engine."""
    told = zip(meetings(), answers, strict=True)
    return any(met.leaves is leaves and answer is not _engine_covers(wanted, met) for (wanted, met), answer in told)


FITS = Question[tuple[bool, ...]](
    name="fits",
    ask="Write the function that says whether a packet is one of those that a policy means.",
    kind=Results(meetings, Truth(), wanted="the function"),
    right=lambda: tuple(_engine_covers(*each) for each in meetings()),
    because="The engine agrees for two policies and nine packets, on their way out and in. One entry serves both ways: "
    "what is local is the source of a packet that leaves, and the destination of one that comes in.",
    slips=(
        Slip(
            made=lambda answers: not any(answers),
            hint="No packet ever fits. An address is never == a network: in asks whether it belongs there.",
        ),
        Slip(
            made=lambda answers: _differs(answers, leaves=True) and not _differs(answers, leaves=False),
            hint="What comes in you judge rightly. One from 10.1.0.10 to 10.2.0.10 on its way out fits 10.1.0.0/24 and "
            "10.2.0.0/24; one from 10.2.0.10 to 10.1.0.10 does not. What do you say?",
        ),
        _answers(_out, "Right for packets that leave. One that comes in has the other side's address as its source."),
        _answers(
            lambda wanted, met: _out(wanted, met) or _back(wanted, met),
            "A packet from 10.2.0.10 to 10.1.0.10 has no business leaving this office: the way counts.",
        ),
        _answers(
            lambda wanted, met: _back(wanted, met) if met.leaves else _out(wanted, met),
            "Just the wrong way round: the source of a packet that leaves is local.",
        ),
        _answers(
            lambda wanted, met: met.destination in (wanted.remote if met.leaves else wanted.local),
            "The source counts, too: else anybody's packets would be taken for this office's.",
        ),
        _answers(
            lambda wanted, met: met.source in (wanted.local if met.leaves else wanted.remote),
            "The destination counts, too: not everything that an office sends goes to the other one.",
        ),
        _answers(
            lambda wanted, met: (
                (met.source in wanted.local or met.destination in wanted.remote)
                if met.leaves
                else (met.source in wanted.remote or met.destination in wanted.local)
            ),
            "Both must fit, not one of them: and instead of or.",
        ),
    ),
    otherwise="Some packet is judged otherwise than the engine does. Try it by hand: which address of it is local, on "
    'its way out and on its way in? More help: hint("fits").',
    hints=(
        "in asks whether an address is in a network: packet.source in policy.local.",
        "A packet that leaves: source in local, and destination in remote. One that comes in: the other way round.",
        "out = packet.source in policy.local and packet.destination in policy.remote; "
        "back = packet.source in policy.remote and packet.destination in policy.local",
    ),
)

# -- what a tunnel is

TWO_TUNNELS = Question[str](
    name="two_tunnels",
    ask="You will read of two tunnels, one of phase 1 and one of phase 2. A ping crosses. Through what?",
    kind=Choice(
        {
            "a": "through the tunnel of phase 2, which is inside the tunnel of phase 1",
            "b": "through the tunnel of phase 1, with the keys of phase 2",
            "c": "through nothing: two ESP packets were sent, and each met a record at the other end",
            "d": "through a tunnel that has been open ever since message 9",
        }
    ),
    right=lambda: "c",
    because="An SA is a record in two memories. Each ESP packet is an IP packet by itself, and no octet of it comes "
    "from the ISAKMP SA. While nobody sends, nothing is there to see. Tunnel is the name for a packet inside a packet.",
    slips=(
        _chose("a", "Take an ESP packet apart, as in the lesson before: is there anything of IKE around it?"),
        _chose(
            "b", "The ISAKMP SA has a number and an IV of its own, for messages of IKE. Where was UDP 500 in the ping?"
        ),
        _chose("d", "What would keep it open? Look at the counters: what was sent before the ping?"),
    ),
    otherwise="Look at what the tables have counted.",
)

# -- what is dropped

IN_CLEAR = Question[str](
    name="in_clear",
    ask="Somebody outside sends the initiator's gateway a ping from 10.2.0.10 to 10.1.0.10, in clear. These are the "
    "addresses that policy net is about. What becomes of it?",
    kind=Choice(
        {
            "a": "it passes: its addresses fit the policy",
            "b": "it is dropped: such packets must come in ESP",
            "c": "it is dropped: nothing from outside ever passes",
            "d": "the gateway asks IKE for an SA",
        }
    ),
    right=lambda: "b",
    because="A source address proves nothing: anybody can write one. The policy works both ways: what must be "
    "protected on its way out must have been protected on its way in (RFC 4301 §5.2).",
    slips=(
        _chose("a", "Then ESP would be a door beside an open gate. What does the policy demand of such packets?"),
        _chose("c", "Something must pass, or no message of IKE would ever have come in. Look at the first policies."),
        _chose("d", "That is for packets that leave. One that comes in should have brought its protection along."),
    ),
    otherwise="See what the gateway says.",
)

# -- routes


@cache
def any_talk() -> Run:
    """The run for gateways with tunnel interfaces."""
    return run("route-based")


ANY_IDS = Question[str](
    name="any_ids",
    ask="The same two offices, and now each gateway has a tunnel interface: whatever is routed into it is protected. "
    "What do IDci and IDcr say in Quick Mode?",
    kind=Choice(
        {
            "a": "10.1.0.0/24 and 10.2.0.0/24, as before",
            "b": "0.0.0.0/0 and 0.0.0.0/0",
            "c": "the addresses of both gateways",
            "d": "nothing: there are none",
        }
    ),
    right=lambda: "b",
    because="The SA takes any packet. What goes into it is decided by routes, and those Quick Mode does not know. "
    "Policy-based or route-based is a matter of each gateway's own tables: on the wire at most these IDs hint at it.",
    slips=(
        _chose("a", "So the policy would pick the packets once more. But that the route has done already."),
        _chose("c", "So it would be in transport mode, for packets of the gateways themselves, such as GRE."),
        _chose("d", "Left out, they would mean the two gateways alone (RFC 2409 §5.5)."),
    ),
    otherwise="Look into message 7.",
)

THIRD = Question[str](
    name="third",
    ask="A third office, 10.3.0.0/24, opens behind the responder. What is needed until its packets are protected?",
    kind=Choice(
        {
            "a": "policy-based: nothing; route-based: a route",
            "b": "in both cases a Quick Mode for the new network",
            "c": "policy-based: a policy at both ends, and a Quick Mode for it; route-based: a route",
            "d": "in both cases another pre-shared key",
        }
    ),
    right=lambda: "c",
    because="A policy names networks, its SA too, and one Quick Mode settles one pair of them. For an SA for any "
    "packet, a route is enough; so routing protocols can run through it. In return, it takes whatever somebody routes "
    "there.",
    slips=(
        _chose("a", "Policy net says 10.2.0.0/24. What became of the packet to 10.3.0.10?"),
        _chose("b", "The SA of the tunnel interface takes any packet. What would another one be good for?"),
        _chose("d", "Nobody new has come: the gateways know each other already."),
    ),
    otherwise="See with which of them the packet goes out, and after what.",
)

QUESTIONS: tuple[Question[Any], ...] = (
    FIRST_PACKET,
    MEETS,
    FITS,
    TWO_TUNNELS,
    IN_CLEAR,
    ANY_IDS,
    THIRD,
)  # fmt: skip
