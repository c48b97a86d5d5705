"""The trace is a format that browsers and files rely on: every run and every recording keeps to it."""

from __future__ import annotations

import copy
import json
from functools import cache
from typing import Any

import pytest

from ikelab.course.datasets import datasets
from ikelab.course.presets import PRESETS
from ikelab.course.recording import recorded
from ikelab.course.runs import run
from tests.timeline.shapes import TRACE, TRACE_OF_RUN, contradictions, misfits


@cache
def trace_of(name: str) -> dict[str, Any]:
    return json.loads(json.dumps(run(name).trace.to_json()))


@pytest.mark.parametrize("name", PRESETS)
class TestEveryRun:
    def test_has_every_part_in_its_shape(self, name: str) -> None:
        assert [*misfits(trace_of(name), TRACE_OF_RUN)] == []

    def test_does_not_contradict_itself(self, name: str) -> None:
        assert [*contradictions(trace_of(name))] == []

    def test_every_message_is_said_once_or_made_by_the_network(self, name: str) -> None:
        trace = trace_of(name)
        said = [number for frame in trace["frames"] for number in frame["said"]]
        copies = [message["n"] for message in trace["messages"] if message["fate"] == "repeated"]
        assert sorted(said + copies) == [message["n"] for message in trace["messages"]]

    def test_every_message_that_arrives_is_heard_once(self, name: str) -> None:
        trace = trace_of(name)
        heard = [frame["heard"] for frame in trace["frames"] if frame["heard"] is not None]
        assert sorted(heard) == [message["n"] for message in trace["messages"] if message["arrives"] is not None]
        for message in trace["messages"]:
            if message["heard_at"] is not None:
                assert trace["frames"][message["heard_at"] - 1]["heard"] == message["n"]

    def test_each_step_is_a_row_or_a_rule(self, name: str) -> None:
        assert all((frame["row"] is None) != (frame["rule"] is None) for frame in trace_of(name)["frames"])

    def test_each_attribute_cites_what_names_it(self, name: str) -> None:
        clauses = {
            "Encryption Algorithm": "RFC 2409 App. A",
            "Life Duration": "RFC 2409 App. A",
            "SA Life Duration": "RFC 2407 §4.5",
        }
        sheets = [sheet for message in trace_of(name)["messages"] for sheet in message["sheets"]]
        named = [field for sheet in sheets for field in sheet["fields"] if field["name"] in clauses]
        assert named
        assert all(field["rfc"].partition(";")[0] == clauses[field["name"]] for field in named)

    def test_it_can_be_looked_at_step_by_step(self, name: str) -> None:
        trace = trace_of(name)
        assert [frame["time"] for frame in trace["frames"]] == sorted(frame["time"] for frame in trace["frames"])
        before = {"initiator": "START", "responder": "START"}
        for frame in trace["frames"]:
            other = {"initiator": "responder", "responder": "initiator"}[frame["actor"]]
            assert frame["states"][other] == before[other], "only who thinks can change its state"
            before = frame["states"]


@pytest.mark.parametrize("name", [dataset.name for dataset in datasets()])
def test_every_recording_has_every_part_in_its_shape(name: str) -> None:
    trace = json.loads(json.dumps(recorded(name).trace.to_json()))
    assert [*misfits(trace, TRACE)] == []
    assert [*contradictions(trace)] == []


class TestTheTable:
    """What the table says can be broken, and is seen to be."""

    @pytest.mark.parametrize(
        ("path", "value"),
        [
            (("format",), "ikelab-trace-2"),
            (("peers", "responder"), None),
            (("messages", 0, "n"), "1"),
            (("messages", 0, "encrypted"), 1),
            (("messages", 0, "sheets", 0, "octets"), "0g"),
            (("messages", 0, "fate"), "eaten"),
            (("frames", 3, "states"), {"initiator": "START"}),
            (("frames", 3, "caption", "why"), None),
            (("secrets", 2, "origin", "kind"), "guessed"),
        ],
    )
    def test_a_wrong_value_is_seen(self, path: tuple[str | int, ...], value: object) -> None:
        trace = copy.deepcopy(trace_of("main"))
        inner: Any = trace
        for part in path[:-1]:
            inner = inner[part]
        inner[path[-1]] = value
        assert [*misfits(trace, TRACE_OF_RUN)] != []

    @pytest.mark.parametrize("key", ["heard_at", "changed", "n", "chips"])
    def test_a_missing_key_is_seen(self, key: str) -> None:
        trace = copy.deepcopy(trace_of("main"))
        del trace["messages"][4][key]
        assert [*misfits(trace, TRACE_OF_RUN)] == [f"trace.messages[4]: no {key}"]

    def test_a_contradiction_is_seen(self) -> None:
        trace = copy.deepcopy(trace_of("main"))
        trace["messages"][0]["sheets"][0]["fields"][3]["size"] += 1
        trace["frames"][2]["learned"]["initiator"].append("SKEYID_x")
        trace["secrets"][5]["inputs"] = ["x_y"]
        assert len([*contradictions(trace)]) >= 3
