"""What the lesson on policies holds for right is so, the engine being the judge; each slip gets its own hint."""

from __future__ import annotations

import pytest

from ikelab.course import gateways, policies
from ikelab.course.policies import Met, Wanted, meetings
from ikelab.course.protected import Sent, Stopped
from ikelab.course.runs import run
from ikelab.errors import Misuse
from tests.course.answers import Answers


def out(policy: Wanted, packet: Met) -> bool:
    return packet.source in policy.local and packet.destination in policy.remote


def back(policy: Wanted, packet: Met) -> bool:
    return packet.source in policy.remote and packet.destination in policy.local


def right_fit(policy: Wanted, packet: Met) -> bool:
    return out(policy, packet) if packet.leaves else back(policy, packet)


RIGHT = {
    "first_packet": "c",
    "meets": [1, 2],
    "fits": right_fit,
    "two_tunnels": "c",
    "in_clear": "b",
    "any_ids": "b",
    "third": "c",
}

SLIPS: list[tuple[str, object, str]] = [
    ("first_packet", "a", "only now and then"),
    ("first_packet", "b", "Somebody must begin"),
    ("first_packet", "d", "What negotiates?"),
    ("meets", [1, 2, 3], "is not in 10.2.0.0/24"),
    ("meets", [1, 2, 4], "is a ping on UDP 500"),
    ("meets", [1, 2, 5], "A gateway to the Internet"),
    ("meets", [1], "one SA serves the whole network"),
    ("meets", [2], "Go down the list"),
    ("fits", out, "Right for packets that leave"),
    ("fits", lambda policy, packet: out(policy, packet) or back(policy, packet), "the way counts"),
    ("fits", lambda policy, packet: back(policy, packet) if packet.leaves else out(policy, packet), "wrong way round"),
    (
        "fits",
        lambda policy, packet: packet.destination in (policy.remote if packet.leaves else policy.local),
        "The source counts, too",
    ),
    (
        "fits",
        lambda policy, packet: packet.source in (policy.local if packet.leaves else policy.remote),
        "The destination counts, too",
    ),
    (
        "fits",
        lambda policy, packet: (
            (packet.source in policy.local or packet.destination in policy.remote)
            if packet.leaves
            else (packet.source in policy.remote or packet.destination in policy.local)
        ),
        "and instead of or",
    ),
    ("fits", lambda policy, packet: packet.source == policy.local, "No packet ever fits"),
    ("fits", lambda policy, packet: not packet.leaves and back(policy, packet), "What comes in you judge rightly"),
    ("fits", lambda policy, packet: True, "Some packet is judged otherwise"),
    ("fits", lambda policy, packet: packet.source & policy.local, "'IPv4Address' and 'IPv4Network'. (Called"),
    ("fits", lambda policy, packet: "yes", "Expected True or False"),
    ("fits", lambda policy, packet: policy.source, "AttributeError"),
    ("two_tunnels", "a", "anything of IKE around it"),
    ("two_tunnels", "b", "Where was UDP 500"),
    ("two_tunnels", "d", "What would keep it open"),
    ("in_clear", "a", "beside an open gate"),
    ("in_clear", "c", "no message of IKE"),
    ("in_clear", "d", "brought its protection"),
    ("any_ids", "a", "the route has done already"),
    ("any_ids", "c", "in transport mode"),
    ("any_ids", "d", "the two gateways alone"),
    ("third", "a", "Policy net says"),
    ("third", "b", "takes any packet"),
    ("third", "d", "Nobody new has come"),
]


class TestQuestions(Answers):
    questions, right, slips = policies.QUESTIONS, RIGHT, SLIPS

    def test_the_exercise_has_packets_both_ways_that_fit_and_that_do_not(self) -> None:
        found = {(packet.leaves, right_fit(policy, packet)) for policy, packet in meetings()}
        assert len(found) == 4


class TestWhatTheLessonShows:
    def test_a_packet_asks_for_an_sa_and_ike_makes_it(self) -> None:
        pair = gateways("main")
        first = pair.send("ping")
        assert isinstance(first, Stopped)
        assert first.needs_ike
        assert first.verdict.startswith("… ")
        assert len(pair.negotiate()) == 9
        assert pair.send("ping").leaves

    def test_an_sa_is_two_records_that_count_nothing_but_esp(self) -> None:
        pair = run("main").gateways()
        assert all(row.packets == 0 for side in ("initiator", "responder") for row in pair.sad.rows(side))
        ping = pair.ping()
        assert all(row.packets == 1 for side in ("initiator", "responder") for row in pair.sad.rows(side))
        assert {each.keys.protocol for step in ping.steps if isinstance(step, Sent) for each in step.sas} == {"ESP"}

    def test_the_ids_of_a_tunnel_interface_are_any(self) -> None:
        for child in policies.any_talk().result.children:
            assert (str(child.local), str(child.remote)) == ("0.0.0.0/0", "0.0.0.0/0")

    def test_the_player_opens_on_the_first_of_them(self) -> None:
        player = policies.any_talk().play(step=8, field=[1, 55])
        (message,) = [each for each in player.trace["messages"] if each["frame"] == 8]
        field = message["sheets"][1]["fields"][55]
        assert (field["name"], field["text"], field["leaf"]) == ("Network Address", "0.0.0.0", True)
        first = next(each for each in message["sheets"][1]["fields"] if each["name"] == "Network Address")
        assert player.field == [1, message["sheets"][1]["fields"].index(first)]

    def test_one_side_that_means_any_is_refused(self) -> None:
        mixed = run("main", initiator={"local_ts": "0.0.0.0/0", "remote_ts": "0.0.0.0/0"})
        assert not mixed.established
        assert "INVALID-ID-INFORMATION" in mixed.says("initiator")[0]

    def test_a_third_network_takes_a_route_or_a_policy(self) -> None:
        routed = policies.any_talk().gateways("route-based")
        assert not routed.ping(destination="10.3.0.10").answered
        routed.route("10.3.0.0/24")
        assert routed.ping(destination="10.3.0.10").answered
        picked = run("main").gateways()
        assert not picked.ping(destination="10.3.0.10").answered
        with pytest.raises(Misuse, match="no tunnel interface"):
            picked.route("10.3.0.0/24")
        with pytest.raises(Misuse, match=r"expected a network such as 10\.3\.0\.0/24"):
            routed.route("the third office")
