"""An exchange as the RFC draws it: what a shape asks of a message, and what each role does of a script."""

from __future__ import annotations

from itertools import pairwise, takewhile

import pytest
from hypothesis import given, strategies as st

from ikelab.errors import Misuse, Refusal
from ikelab.ike import script as scripts
from ikelab.ike.commit import QUICK_MODE_WITH_COMMIT
from ikelab.ike.informational import INFORMATIONAL
from ikelab.ike.phase1 import AGGRESSIVE_MODE, MAIN_MODE
from ikelab.ike.quick_mode import QUICK_MODE
from ikelab.ike.rules import COMPLAINT, EXPIRE, LEAVE, OWN_CHOICE, REFUSE, REMIND, REPEAT, RULES, rules_for
from ikelab.ike.script import ESTABLISHED, GONE, ROLES, START, Role, Row, Script, Shape
from ikelab.wire.numbers import Notify, PayloadType
from ikelab.wire.payloads import (
    ID,
    KE,
    SA,
    Delete,
    Hash,
    NatD,
    Nonce,
    Notification,
    Opaque,
    Payload,
    Signature,
    VendorID,
)
from tests.ike.transitions import SCRIPTS

ONE = {
    PayloadType.SA: SA(proposals=()),
    PayloadType.KE: KE(data=b"k"),
    PayloadType.NONCE: Nonce(data=b"n"),
    PayloadType.ID: ID(id_type=1, data=bytes(4)),
    PayloadType.HASH: Hash(data=b"h"),
}
QUICK = QUICK_MODE.steps[0].shape
JOINING = (VendorID(data=b"v"), NatD(data=b"d"), Notification(notify=24578), Opaque(number=200, data=b"?"))


def payloads_of(shape: Shape) -> list[Payload]:
    """A payload for every symbol, optional ones too."""
    return [ONE[PayloadType(slot.type)] for slot in shape.slots]


def shapes() -> list[Shape]:
    return [step.shape for script in (MAIN_MODE, AGGRESSIVE_MODE, QUICK_MODE) for step in script.steps]


class TestWhatAShapeSays:
    def test_brackets_are_optional_and_stay_together(self) -> None:
        groups = {slot.symbol: slot.group for slot in QUICK.slots}
        assert groups == {"HASH(1)": None, "SA": None, "Ni": None, "KE": 1, "IDci": 2, "IDcr": 2}

    @pytest.mark.parametrize(
        ("text", "encrypted", "either"),
        [("HDR, SA", False, False), ("HDR*, HASH(1), SA", True, False), ("HDR(*), HASH_I", True, True)],
    )
    def test_a_star_is_encryption(self, text: str, encrypted: bool, either: bool) -> None:
        assert (Shape(text).encrypted, Shape(text).either) == (encrypted, either)

    def test_a_symbol_that_the_rfc_does_not_know_is_a_misuse(self) -> None:
        with pytest.raises(Misuse, match="'SX'"):
            _ = Shape("HDR, SX").slots


class TestRfc2409Section5:
    """The SA payload MUST precede all others in phase 1; otherwise there is no order that must be kept."""

    @given(st.sampled_from(shapes()), st.data())
    def test_any_order_behind_what_must_come_first(self, shape: Shape, data: st.DataObject) -> None:
        first, rest = payloads_of(shape)[: len(shape.leading)], payloads_of(shape)[len(shape.leading) :]
        rest += data.draw(st.lists(st.sampled_from(JOINING), max_size=4))
        message = (*first, *data.draw(st.permutations(rest)))
        found = shape.match(message)
        assert set(found) == {slot.symbol for slot in shape.slots}
        assert all(message[place].type == slot.type for slot in shape.slots for place in [found[slot.symbol]])
        assert len(set(found.values())) == len(found)

    @pytest.mark.parametrize("shape", [each for each in shapes() if each.leading], ids=str)
    def test_what_must_come_first_must(self, shape: Shape) -> None:
        with pytest.raises(Refusal, match="as payload 1") as refused:
            shape.match((VendorID(data=b"v"), *payloads_of(shape)))
        assert refused.value.notify == Notify.PAYLOAD_MALFORMED

    @pytest.mark.parametrize("shape", shapes(), ids=str)
    def test_nothing_may_be_missing(self, shape: Shape) -> None:
        message = payloads_of(shape)
        for place, slot in enumerate(shape.slots):
            if slot.group != 1 or "KE" not in slot.symbol:  # a KE alone may be absent
                with pytest.raises(Refusal, match="expected") as refused:
                    shape.match((*message[:place], *message[place + 1 :]))
                assert refused.value.notify in (Notify.PAYLOAD_MALFORMED, Notify.INVALID_PAYLOAD_TYPE)

    @pytest.mark.parametrize(
        "extra", [SA(proposals=()), Signature(data=b"s"), Hash(data=b"h"), Delete(protocol=1, spis=())]
    )
    def test_nothing_may_be_too_much(self, extra: Payload) -> None:
        with pytest.raises(Refusal, match=r"expected no \w+ payload here") as refused:
            QUICK.match((*payloads_of(QUICK), extra))
        assert refused.value.notify == Notify.INVALID_PAYLOAD_TYPE


class TestRfc2409Section55:
    """A HASH payload MUST immediately follow the header and an SA payload MUST immediately follow the HASH."""

    def test_hash_then_sa(self) -> None:
        assert [slot.symbol for slot in QUICK.leading] == ["HASH(1)", "SA"]
        hash_, sa, *rest = payloads_of(QUICK)
        with pytest.raises(Refusal, match="expected HASH"):
            QUICK.match((sa, hash_, *rest))
        with pytest.raises(Refusal, match="expected SA as payload 2"):
            QUICK.match((hash_, rest[0], sa, *rest[1:]))

    def test_client_identities_come_both_or_not_at_all(self) -> None:
        message = payloads_of(QUICK)
        assert "IDci" not in QUICK.match(tuple(message[:-2]))
        with pytest.raises(Refusal, match="expected IDcr"):
            QUICK.match(tuple(message[:-1]))


class TestRfc2409Section57:
    NEWS = INFORMATIONAL.steps[0].shape

    def test_news_are_one_or_more_notifications_or_deletes(self) -> None:
        note, farewell = Notification(notify=1), Delete(protocol=1, spis=())
        assert self.NEWS.match((ONE[PayloadType.HASH], note, farewell, note))["N/D"] == 1
        with pytest.raises(Refusal, match="expected a Notification or Delete payload"):
            self.NEWS.match((ONE[PayloadType.HASH], VendorID(data=b"v")))


def lived(script: Script, role: Role) -> list[Row]:
    """All rows that a role runs from the start; those of a branch are at first another script's."""
    own = script.project(role)
    before = () if script.branch_of is None else script.branch_of.project(role)
    return [*takewhile(lambda row: row.before != own[0].before, before), *own]


class TestProjection:
    @pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.name)
    def test_what_one_side_says_is_what_the_other_hears(self, script: Script) -> None:
        said = {role: [row.says for row in lived(script, role) if row.says] for role in ROLES}
        heard = {role: [row.hears for row in lived(script, role) if row.hears] for role in ROLES}
        assert said["initiator"] == heard["responder"]
        assert said["responder"] == heard["initiator"]

    @pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.name)
    def test_each_row_goes_on_where_the_one_before_ended(self, script: Script) -> None:
        for role in ROLES:
            rows = lived(script, role)
            assert rows[0].before == START
            assert rows[-1].after == script.done
            assert all(one.after == other.before for one, other in pairwise(rows))
            assert all(script.row(role, row.before) is row for row in script.project(role))
            assert script.row(role, script.done) is None

    def test_a_branch_has_the_rows_alone_in_which_it_differs(self) -> None:
        branch = QUICK_MODE_WITH_COMMIT
        assert [row.before for row in branch.project("initiator")] == ["QM_SENT", "QM_CONFIRMED"]
        assert [row.before for row in branch.project("responder")] == [START, "QM_ANSWERED"]
        assert branch.row("initiator", START) is None

    def test_main_mode_is_six_messages(self) -> None:
        """RFC 2409 §5.4's figure, as its initiator lives it."""
        assert [row.name for row in MAIN_MODE.project("initiator")] == [
            "START: begins; says HDR, SA; SA_SENT",
            "SA_SENT: hears HDR, SA; says HDR, KE, Ni; KE_SENT",
            "KE_SENT: hears HDR, KE, Nr; says HDR*, IDii, HASH_I; ID_SENT",
            "ID_SENT: hears HDR*, IDir, HASH_R; says nothing; ESTABLISHED",
        ]

    def test_states_are_in_the_order_of_life(self) -> None:
        assert MAIN_MODE.states("responder") == (START, "SA_CHOSEN", "KE_SENT", ESTABLISHED, GONE)
        assert QUICK_MODE.states("initiator") == (START, "QM_SENT", "DONE", GONE)


class TestWhoRepeatsByATimer:
    """A responder that answers strangers repeats nothing by itself: it would multiply what a forged source costs."""

    def test_no_answer_of_phase_1_has_a_timer(self) -> None:
        for script in (MAIN_MODE, AGGRESSIVE_MODE):
            assert not any(row.resend for row in script.project("responder"))

    def test_message_2_of_quick_mode_has_one(self) -> None:
        assert [row.resend for row in QUICK_MODE.project("responder")] == [True, False]

    def test_an_initiator_repeats_all_but_its_last_word(self) -> None:
        for script in (MAIN_MODE, AGGRESSIVE_MODE, QUICK_MODE, INFORMATIONAL):
            for row in script.project("initiator"):
                assert row.resend == (row.says is not None and row.after != script.done)


class TestRulesThatExchangesShare:
    def test_a_responder_of_main_mode(self) -> None:
        assert rules_for(MAIN_MODE, "responder", "SA_CHOSEN") == (REPEAT, REFUSE, COMPLAINT, LEAVE, EXPIRE)

    def test_only_a_responder_of_aggressive_mode_reminds(self) -> None:
        where = [
            (script.name, role, state)
            for script in SCRIPTS
            for role in ROLES
            for state in script.states(role)
            if REMIND in rules_for(script, role, state)
        ]
        assert where == [("Aggressive Mode", "responder", "AM_ANSWERED")]

    def test_every_rule_has_its_place_save_the_one_for_strangers(self) -> None:
        placed = {
            rule.name
            for script in SCRIPTS
            for role in ROLES
            for state in script.states(role)
            for rule in rules_for(script, role, state)
        }
        assert placed == {rule.name for rule in RULES} - {"IGNORE"}

    def test_each_says_when_and_what_and_by_which_clause(self) -> None:
        for rule in RULES:
            assert rule.when
            assert rule.does
            assert rule.rfc.startswith(("RFC 24", OWN_CHOICE))
        assert len({rule.name for rule in RULES}) == len(RULES)


def test_the_table_of_symbols_is_what_the_rfc_writes() -> None:
    assert scripts.SYMBOLS["Ni"] == scripts.SYMBOLS["Nr"] == 10
    assert scripts.SYMBOLS["IDci"] == 5
