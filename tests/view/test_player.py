"""The widget from Python's side: its place can be read and set, and it leaves words wherever no widget can be shown."""

from __future__ import annotations

import pytest
from traitlets import TraitError

from ikelab.errors import Misuse
from ikelab.timeline import Trace
from ikelab.view import front
from ikelab.view.player import Player
from tests.view.sample import sample


def test_the_bundle_has_a_widget_and_both_twins() -> None:
    player = Player(sample())
    data, _ = player._repr_mimebundle_()
    assert data["application/vnd.jupyter.widget-view+json"]["model_id"] == player.model_id
    assert "SKEYID = prf(PSK, Ni_b)" in data["text/plain"]
    assert "<svg" in data["text/html"]
    assert "SKEYID = prf(PSK, Ni_b)" in data["text/html"]


def test_the_whole_trace_goes_to_the_browser() -> None:
    trace = sample()
    state = Player(trace).get_state()
    assert state["trace"] == trace
    assert {"step", "view", "message", "field", "secret"} <= state.keys()
    assert state["_esm"] == front.module("widget.js")
    assert state["_css"] == front.styles()


def test_a_trace_may_be_given_as_a_trace() -> None:
    assert Player(Trace.from_json(sample())).trace == sample()


def test_it_says_what_it_shows() -> None:
    assert (
        repr(Player(sample(), step=3)) == "<Player of A conversation made by hand: 5 messages, 7 secrets; step 3 of 5>"
    )


def test_it_begins_before_anything_is_said_and_follows_by_itself() -> None:
    player = Player(sample())
    assert (player.step, player.last, player.view) == (0, 5, "octets")
    assert (player.message, player.field, player.secret) == (None, None, None)


def test_its_place_can_be_set() -> None:
    player = Player(sample(), step=5, view="secrets", secret="SKEYID")
    player.step = 2
    player.field = [0, 3]
    player.message = 1
    assert (player.step, player.view, player.secret, player.field, player.message) == (
        2,
        "secrets",
        "SKEYID",
        [0, 3],
        1,
    )


@pytest.mark.parametrize(
    ("place", "complaint"),
    [
        ({"step": 6}, "steps 0 to 5; got step 6"),
        ({"step": -1}, "steps 0 to 5; got step -1"),
        ({"view": "everything"}, "octets, states, secrets, people, hellman; got 'everything'"),
        ({"speed": 2}, "got speed"),
    ],
)
def test_a_place_that_is_not_there_is_refused(place: dict[str, object], complaint: str) -> None:
    with pytest.raises(Misuse, match=complaint):
        Player(sample(), **place)


def test_a_refused_step_changes_nothing() -> None:
    player = Player(sample(), step=3)
    with pytest.raises(Misuse):
        player.step = 99
    with pytest.raises(TraitError):
        player.step = "three"
    assert player.step == 3


def test_what_is_no_trace_is_refused() -> None:
    with pytest.raises(Misuse, match="ikelab-trace-1"):
        Player({"format": "pcap"})


def test_two_players_share_nothing() -> None:
    first, second = Player(sample()), Player(sample())
    first.step = 4
    assert second.step == 0
    assert first.model_id != second.model_id
