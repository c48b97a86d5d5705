"""A run is determined by its recipe: the same octets anywhere; forked, it differs from the change on and not before."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from ikelab.course.comparing import Divergence, Passage
from ikelab.course.presets import PRESETS, scenario
from ikelab.course.runs import Run, run
from ikelab.errors import Misuse
from ikelab.timeline.trace import Trace


def octets(talk: Run) -> list[bytes]:
    return [carried.octets for carried in talk.wire]


def digest(talk: Run) -> str:
    """Of the whole trace: captions, values and all."""
    return hashlib.sha256(json.dumps(talk.trace.to_json()).encode()).hexdigest()


class TestSameSeedSameOctets:
    @pytest.mark.parametrize("name", PRESETS)
    def test_again_in_this_process(self, name: str) -> None:
        assert digest(run(name)) == digest(run(name))

    def test_in_other_processes_with_other_hash_seeds(self) -> None:
        program = (
            "import hashlib, json\nfrom ikelab.course.runs import run\n"
            "for name in ('main', 'aggressive', 'quick-pfs', 'loss', 'psk', 'copies'):\n"
            "    print(hashlib.sha256(json.dumps(run(name).trace.to_json()).encode()).hexdigest())"
        )
        told = [
            subprocess.run(
                [sys.executable, "-c", program],
                env={**os.environ, "PYTHONHASHSEED": seed},
                capture_output=True,
                check=True,
                text=True,
            ).stdout.split()
            for seed in ("0", "1", "4711")
        ]
        assert told[0] == told[1] == told[2]
        assert told[0] == [digest(run(name)) for name in ("main", "aggressive", "quick-pfs", "loss", "psk", "copies")]

    def test_these_very_octets_on_every_machine(self) -> None:
        first = run("main").wire[0].octets.hex()
        assert first[:16] == hashed_by_hand("1/initiator", "10.99.0.2/1/CKY-I", 8)
        assert first[16:32] == "0" * 16

    def test_another_seed_gives_others(self) -> None:
        assert octets(run("main", seed=1))[0] != octets(run("main", seed=2))[0]

    def test_without_gmpy2_the_same(self) -> None:
        program = (
            "import sys; sys.modules['gmpy2'] = None\nfrom ikelab.course.runs import run\n"
            "print(*[carried.octets.hex() for carried in run('main').wire])"
        )
        told = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True, text=True).stdout
        assert told.split() == [each.hex() for each in octets(run("main"))]


def hashed_by_hand(seed: str, label: str, size: int) -> str:
    """What `Seeded` promises, written out again: HMAC-SHA256(seed, label | 0 | block number)."""
    import hmac

    return hmac.digest(b"octets " + seed.encode(), label.encode() + bytes(5), "sha256")[:size].hex()


CHANGES: dict[str, tuple[int, dict[str, Any]]] = {
    "a message is lost": (3, {"message": 3, "drop": True}),
    "an octet": (5, {"message": 5, "octet": 60, "to": "00"}),
    "a field by name": (2, {"message": 2, "field": "Transform > Life Duration > Life Duration", "to": 99}),
    "all octets": (6, {"message": 6, "edit": b"nothing that IKE knows, and long enough to be looked at"}),
    "a function of the octets": (4, {"message": 4, "edit": lambda was: was[:-1] + bytes([was[-1] ^ 1])}),
    "a field inside the encryption": (6, {"message": 6, "field": "Hash Data", "to": "00" * 32}),
    "the pre-shared key of one side": (6, {"side": "responder", "psk": "another"}),
    "what one side offers for packets": (7, {"side": "initiator", "esp": "aes256-sha256"}),
}
"""What is changed, and the first message that may differ."""


class TestFork:
    @pytest.mark.parametrize(("first", "change"), CHANGES.values(), ids=CHANGES)
    def test_up_to_there_nothing_differs(self, first: int, change: dict[str, Any]) -> None:
        before = run("main")
        after = before.fork(**change)
        assert before.wire[: first - 1] == after.wire[: first - 1]
        parted = before.diff(after)
        assert isinstance(parted, Divergence)
        assert parted.message == first
        until = before.wire[first - 1].time
        earlier = [[each.outcome.fired for each in talk.moments if each.time < until] for talk in (before, after)]
        assert earlier[0] == earlier[1]
        assert len(earlier[0]) >= first - 1

    def test_so_it_is_on_a_bad_network(self) -> None:
        before = run("loss")
        after = before.fork(message=8, drop=True).fork(message=10, drop=True)
        assert before.wire[:9] == after.wire[:9]
        assert before.wire[9] != after.wire[9]

    def test_the_fork_of_a_fork_keeps_both(self) -> None:
        talk = run("main").fork(message=3, drop=True).fork(message=4, drop=True).fork(side="responder", psk="x")
        assert [carried.fate.value for carried in talk.wire][2:5] == ["lost", "lost", "delivered"]
        assert talk.heading == ("Main Mode and Quick Mode; message 3 is lost; message 4 is lost; the responder's psk x")
        assert talk.result.refused is not None

    def test_two_changes_of_one_message_come_together(self) -> None:
        once = run("main").fork(message=1, octet=20, to="01")
        twice = once.fork(message=1, octet=21, to="02")
        assert twice.wire[0].octets[20:22] == b"\x01\x02"
        assert twice.wire[0].sent == run("main").wire[0].sent

    def test_the_run_itself_is_not_touched(self) -> None:
        talk = run("main")
        before = digest(talk)
        talk.fork(message=1, drop=True)
        assert digest(talk) == before

    def test_an_altered_nonce_ends_as_the_rfc_has_it(self) -> None:
        talk = run("main").fork(message=3, field="Nonce > Nonce Data", to="00" * 32)
        assert not talk.established
        assert talk.result.refused is not None
        assert talk.result.refused.at == 5

    def test_who_has_the_key_can_change_what_is_inside(self) -> None:
        talk = run("main").fork(message=5, field="IDii > Address", to="0a090909")
        assert talk.trace.messages[4]["sheets"][1]["octets"][16:24] == "0a090909"
        assert talk.trace.messages[4]["verified"][0]["ok"] is False
        assert talk.established, "the initiator says it again, unharmed"

    def test_a_number_is_as_wide_as_its_field(self) -> None:
        talk = run("main").fork(message=1, field="ISAKMP Header > Message ID", to=1)
        assert talk.wire[0].octets[20:24] == bytes([0, 0, 0, 1])

    def test_who_alters_a_whole_payload_is_told_that_its_header_went_with_it(self) -> None:
        talk = run("main")
        whole, value = (talk.fork(message=4, field=name, to=1).heading for name in ("KE", "Key Exchange Data"))
        assert whole.endswith("; Key Exchange of message 4, all of it, its header too, is altered")
        assert value.endswith("; Key Exchange > Key Exchange Data of message 4 is altered")

    @pytest.mark.parametrize(("field", "at"), [("Transform 1 > Key Length", 0x3E), ("Transform 2 > Key Length", 0x62)])
    def test_of_several_transforms_one_is_meant_by_its_number(self, field: str, at: int) -> None:
        offers = run("main", ike="aes256-sha256-modp2048, aes128-sha256-modp2048")
        said, arrived = offers.message(1).octets, offers.fork(message=1, field=field, to=192).message(1).octets
        assert arrived == said[:at] + (192).to_bytes(2) + said[at + 2 :]

    def test_and_without_its_number_every_one_is_named(self) -> None:
        offers = run("main", ike="aes256-sha256-modp2048, aes128-sha256-modp2048")
        with pytest.raises(Misuse, match=r"'Security .* > Transform 1 > Key .*', 'Security .* > Transform 2 > Key .*'"):
            offers.fork(message=1, field="Key Length", to=192)

    @pytest.mark.parametrize(
        ("change", "complaint"),
        [
            ({}, "expected something to change"),
            ({"drop": True}, "expected message=N beside"),
            ({"message": 99, "drop": True}, "message: expected a number from 1 to 9, got 99"),
            ({"message": 0, "drop": True}, "message: expected a number from 1 to 9, got 0"),
            ({"message": 1}, "expected octet=N or field=NAME, and to=OCTETS"),
            ({"message": 1, "octet": 3}, "expected octet=N or field=NAME, and to=OCTETS"),
            ({"message": 1, "octet": 3, "field": "Version", "to": "00"}, "expected octet=N or field=NAME"),
            ({"message": 1, "octet": 84, "to": "00"}, r"expected octets of message 1 \(0 to 83\), got 84"),
            ({"message": 1, "octet": 83, "to": "0000"}, r"expected octets of message 1 \(0 to 83\), got 83"),
            ({"message": 1, "octet": -1, "to": "00"}, "got -1"),
            ({"message": 1, "octet": 3, "to": "xy"}, "to: expected pairs of hex digits, got 'xy'"),
            ({"message": 1, "octet": 3, "to": 256}, "expected a number that fits into 1 octets, got 256"),
            ({"message": 1, "octet": 0, "to": "a4"}, "expected other octets than it has, got the same"),
            ({"message": 1, "drop": True, "to": "00"}, "expected drop=True alone"),
            ({"message": 1, "edit": b"x", "octet": 1}, "expected edit alone"),
            ({"message": 1, "edit": lambda _: "text"}, r"expected edit to answer octets \(bytes\), got str"),
            ({"message": 1, "drop": True, "psk": "x"}, "expected either a message or a side's words"),
            ({"message": 3, "field": "Nonse Data", "to": "00"}, "did you mean 'Nonce Data'"),
            ({"message": 3, "field": "Next Payload", "to": "00"}, "expected one field of message 3, .* which may mean"),
            ({"message": 5, "field": "Hash Data", "to": "00"}, r"lies inside the encryption: .* \(32\), got 1"),
            ({"side": "attacker", "psk": "x"}, "side: expected initiator or responder, got 'attacker'"),
            ({"psk_": "x"}, "did you mean 'psk'"),
        ],
    )
    def test_what_cannot_be_meant_is_misuse(self, change: dict[str, Any], complaint: str) -> None:
        with pytest.raises(Misuse, match=complaint):
            run("main").fork(**change)


class TestAt:
    def test_before_anything_is_said(self) -> None:
        start = run("main").at(0)
        assert start.said == ()
        assert start.sas == {"initiator": None, "responder": None}
        assert start.knows == {"initiator": (), "responder": ()}
        assert start.what == "Nothing has been said yet."

    def test_sas_are_those_of_that_moment(self) -> None:
        talk = run("main")
        here = talk.at(4)
        assert here.sas["responder"] is not None
        assert here.sas["responder"].state == "KE_SENT"
        assert here.sas["initiator"] is not None
        assert here.sas["initiator"].state == "KE_SENT"
        assert "SKEYID" in here.knows["responder"]
        assert "SKEYID" not in here.knows["initiator"]
        assert (here.said, here.on_the_way) == ((1, 2, 3, 4), (4,))

    def test_what_is_lost_is_not_on_the_way(self) -> None:
        assert run("main").fork(message=3, drop=True).at(3).on_the_way == ()

    def test_copies_are_on_the_way_too(self) -> None:
        assert run("copies").at(1).on_the_way == (1, 2)

    @pytest.mark.parametrize("name", PRESETS)
    def test_every_step_can_be_looked_at(self, name: str) -> None:
        talk = run(name)
        for step in range(talk.last + 1):
            here = talk.at(step)
            assert f"Step {step}," in repr(here)
            for side, sa in here.sas.items():
                assert here.states[side] == (sa.state if sa is not None else "START")

    @pytest.mark.parametrize("step", [-1, 12, "3", None, 2.5])
    def test_other_steps_are_misuse(self, step: Any) -> None:
        with pytest.raises(Misuse, match="step: expected a number from 0 to 11"):
            run("main").at(step)


class TestDiff:
    def test_between_two_steps(self) -> None:
        passage = run("main").diff(4, 6)
        assert isinstance(passage, Passage)
        assert passage.said == (5, 6)
        assert passage.states == {"initiator": ("KE_SENT", "ID_SENT"), "responder": ("KE_SENT", "ESTABLISHED")}
        assert passage.learned["responder"] == ("IDii_b", "IDir_b", "HASH_I", "HASH_R")
        assert repr(passage).startswith("From step 4 to step 6: message 5, 6\n  initiator  KE_SENT to ID_SENT")

    def test_in_either_order(self) -> None:
        talk = run("main")
        assert repr(talk.diff(6, 4)) == repr(talk.diff(4, 6))

    def test_two_runs_that_are_the_same(self) -> None:
        same = run("main").diff(run("main"))
        assert isinstance(same, Divergence)
        assert same.message is None
        assert repr(same).endswith("Not one octet differs.")

    def test_the_field_in_which_two_runs_part(self) -> None:
        talk = run("main")
        parted = talk.diff(talk.fork(message=3, field="Nonce Data", to="00" * 32))
        assert isinstance(parted, Divergence)
        (field,) = parted.differences
        assert (parted.message, field.field, field.size, field.other) == (3, "Nonce > Nonce Data", 32, bytes(32))
        assert field.one == talk.secret("Ni_b").value
        assert parted.endings[0] == "established"
        assert parted.endings[1].startswith("refused at message 5 by the responder: decrypted to nonsense")

    def test_inside_the_encryption(self) -> None:
        talk = run("main")
        parted = talk.diff(run("main", initiator={"id": "moon.example.org"}, responder={"peer_id": "moon.example.org"}))
        assert isinstance(parted, Divergence)
        assert parted.message == 5
        assert parted.differences[0].sheet == "Decrypted"

    def test_a_message_that_only_one_has(self) -> None:
        talk = run("main")
        parted = talk.diff(run("main", ending="deleted"))
        assert isinstance(parted, Divergence)
        assert (parted.message, parted.how, parted.differences) == (10, "only the other has it", ())

    def test_a_loss(self) -> None:
        talk = run("main")
        parted = talk.diff(talk.fork(message=2, drop=True))
        assert isinstance(parted, Divergence)
        assert (parted.message, parted.how) == (2, "delivered, in the other lost")

    def test_one_step_alone_is_misuse(self) -> None:
        with pytest.raises(Misuse, match="expected two steps of this run, or another run, got one step"):
            run("main").diff(3)


class TestFiles:
    def test_what_was_saved_is_stepped_and_forked_as_before(self, tmp_path: Path) -> None:
        talk = run("main").fork(message=3, drop=True)
        talk.save(tmp_path / "talk.json")
        again = Run.load(tmp_path / "talk.json")
        assert again == talk
        assert digest(again) == digest(talk)
        assert again.at(5).states == talk.at(5).states
        assert octets(again.fork(message=5, drop=True)) == octets(talk.fork(message=5, drop=True))

    def test_it_is_one_json_file_that_is_also_a_trace(self, tmp_path: Path) -> None:
        run("psk").save(tmp_path / "psk.json")
        trace = Trace.load(tmp_path / "psk.json")
        assert trace.title == scenario("psk").title
        assert trace.more["result"]["refused"]["at"] == 5
        assert json.loads((tmp_path / "psk.json").read_text("utf-8"))["recipe"]["name"] == "psk"

    def test_a_trace_without_recipe_is_misuse(self, tmp_path: Path) -> None:
        trace = run("main").trace
        Trace(
            **{name: getattr(trace, name) for name in ("title", "about", "peers", "messages", "frames", "secrets")}
        ).save(tmp_path / "bare.json")
        with pytest.raises(Misuse, match=r"bare\.json: expected a trace with its recipe, got one without"):
            Run.load(tmp_path / "bare.json")

    @pytest.mark.parametrize("cut", [0, 1, 100, -20])
    def test_an_unfinished_file_is_misuse(self, tmp_path: Path, cut: int) -> None:
        run("main").save(tmp_path / "whole.json")
        text = (tmp_path / "whole.json").read_bytes()
        (tmp_path / "cut.json").write_bytes(text[:cut])
        with pytest.raises(Misuse, match=r"cut\.json: expected one whole JSON object"):
            Run.load(tmp_path / "cut.json")

    def test_octets_that_its_recipe_does_not_give_are_misuse(self, tmp_path: Path) -> None:
        run("main").save(tmp_path / "talk.json")
        whole = json.loads((tmp_path / "talk.json").read_text("utf-8"))
        whole["messages"][4]["sheets"][0]["octets"] = "00" * 108
        (tmp_path / "talk.json").write_text(json.dumps(whole), "utf-8")
        with pytest.raises(Misuse, match="expected the octets that its recipe gives, got others in message 5"):
            Run.load(tmp_path / "talk.json")
        whole = run("main").trace.to_json()
        whole["messages"] = whole["messages"][:4]
        (tmp_path / "talk.json").write_text(json.dumps(whole), "utf-8")
        with pytest.raises(Misuse, match="expected 9 messages, as its recipe gives, got 4"):
            Run.load(tmp_path / "talk.json")

    def test_nowhere_to_write_is_misuse_and_leaves_nothing(self, tmp_path: Path) -> None:
        with pytest.raises(Misuse, match="expected a place to write"):
            run("main").save(tmp_path / "no" / "such" / "folder.json")
        assert [*tmp_path.iterdir()] == []

    def test_no_file_is_misuse(self, tmp_path: Path) -> None:
        with pytest.raises(Misuse, match="expected a trace file, got No such file"):
            Run.load(tmp_path / "none.json")


class TestWhatIsShown:
    def test_the_ladder_with_states_on_both_sides(self) -> None:
        lines = repr(run("main")).splitlines()
        assert lines[0] == "Main Mode and Quick Mode"
        assert lines[4] == "SA_SENT        1 |----------------- SA ----------------->|"
        assert lines[5] == "               2 |<----------------- SA -----------------| SA_CHOSEN"
        assert lines[9].endswith("| ESTABLISHED  verified: HASH_R")
        assert lines[-1].startswith("Established: aes128-sha256 ")

    def test_no_line_is_wider_than_a_notebook(self) -> None:
        for name in PRESETS:
            assert all(len(line) <= 120 for line in repr(run(name)).splitlines())

    def test_messages_and_secrets_as_of_a_recording(self) -> None:
        talk = run("main")
        assert len(talk) == 9
        assert "HASH_I" in repr(talk.message(5))
        assert talk.message(5).verified == {"HASH_I": True}
        assert repr(talk.secret("SKEYID")).splitlines()[0].startswith("SKEYID = prf(PSK, Ni_b | Nr_b)")
        assert "known since step 4" in repr(talk.secret("SKEYID"))

    def test_the_player_takes_it(self) -> None:
        player = run("psk").play(step=6)
        assert (player.step, player.last) == (6, run("psk").last)

    def test_a_page_of_its_own(self, tmp_path: Path) -> None:
        run("psk").save_page(tmp_path / "psk.html")
        assert "decrypted to nonsense" in (tmp_path / "psk.html").read_text("utf-8")

    @pytest.mark.parametrize("what", [3, None, object()])
    def test_what_is_no_scenario_is_misuse(self, what: Any) -> None:
        with pytest.raises(Misuse, match="run: expected the name of a scenario, or a Scenario"):
            run(what)

    def test_a_scenario_of_ones_own(self) -> None:
        own = scenario("main", seed=5)
        assert octets(run(own)) == octets(run("main", seed=5))
        assert octets(run(own, seed=6)) == octets(run("main", seed=6))
