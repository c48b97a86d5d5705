"""Whatever a network or an attacker does to datagrams: no run ends in two truths, and every run can be explained."""

from __future__ import annotations

from hypothesis import Phase, given, settings, strategies as st

from ikelab.course.presets import scenario
from ikelab.course.runs import Run, run
from tests.timeline.shapes import TRACE_OF_RUN, contradictions, misfits

NETWORKS = st.fixed_dictionaries(
    {
        "seed": st.integers(0, 2**31),
        "mode": st.sampled_from(["main", "aggressive"]),
        "ike": st.sampled_from(["aes128-sha256-x25519", "3des-md5-ecp256", "aes256-aes128-sha1-x25519"]),
        "pfs": st.sampled_from(["", "x25519"]),
        "ending": st.sampled_from(["kept", "deleted"]),
        "loss": st.floats(0, 0.5),
        "repeat": st.floats(0, 0.5),
        "reorder": st.floats(0, 0.5),
        "jitter": st.floats(0, 0.5),
    }
)
CHANGES = st.tuples(st.integers(1, 9), st.integers(0, 200), st.binary(min_size=1, max_size=4))


def one_truth(talk: Run) -> None:
    """Two sides that are authenticated to each other hold the same keys, and so do both ends of an SA for packets."""
    believed = [sa for sa in talk.result.sas if sa.authenticated is not None]
    assert len({sa.book["SKEYID_e"].value for sa in believed if sa.book is not None}) <= 1
    keys: dict[bytes, set[tuple[bytes, bytes]]] = {}
    for moment in talk.moments:
        for child in moment.outcome.after.children if moment.outcome.after is not None else ():
            keys.setdefault(child.spi, set()).add((child.enc_key, child.auth_key))
    assert all(len(pair) == 1 for pair in keys.values())


def can_be_explained(talk: Run) -> None:
    trace = talk.trace.to_json()
    assert [*misfits(trace, TRACE_OF_RUN)] == []
    assert [*contradictions(trace)] == []
    for frame in trace["frames"]:
        assert not set("{}") & set(frame["caption"]["what"])
    assert (talk.result.refused is None) == talk.established
    assert repr(talk)


@settings(max_examples=20, phases=(Phase.explicit, Phase.reuse, Phase.generate))
@given(network=NETWORKS)
def test_losing_repeating_and_reordering(network: dict[str, object]) -> None:
    talk = run(scenario("main", **network))
    one_truth(talk)
    can_be_explained(talk)


@settings(max_examples=20, phases=(Phase.explicit, Phase.reuse, Phase.generate))
@given(network=NETWORKS, changes=st.lists(CHANGES, min_size=1, max_size=3))
def test_altering(network: dict[str, object], changes: list[tuple[int, int, bytes]]) -> None:
    talk = run(scenario("main", **network | {"loss": 0.0}))
    for message, octet, to in changes:
        if message <= len(talk) and octet + len(to) <= len(talk.wire[message - 1].octets):
            octets = talk.wire[message - 1].octets
            if octets[octet : octet + len(to)] != to:
                talk = talk.fork(message=message, octet=octet, to=to)
    one_truth(talk)
    can_be_explained(talk)
