"""The form: what stands in it is what two peers are told, and what cannot be run is said."""

from __future__ import annotations

import pytest

from ikelab import lab, run
from ikelab.errors import Misuse


def test_it_begins_with_the_scenario_itself() -> None:
    form = lab("aggressive")
    assert form.player is not None
    assert form.player.trace["messages"] == run("aggressive").trace.to_json()["messages"]
    assert form.words["mode"] == "aggressive"


def test_what_stands_in_the_form_is_run() -> None:
    form = lab()
    before = form.player
    form.inputs["ike"].value = "aes256-sha256-x25519"
    form.inputs["responder_psk"].value = "another"
    form.button.click()
    assert form.player is not before
    assert form.player is form.children[-1]
    told = run("main", ike="aes256-sha256-x25519", responder={"psk": "another"})
    assert form.player.trace["messages"] == told.trace.to_json()["messages"]
    assert not told.established


def test_another_network_and_another_seed() -> None:
    form = lab("main", esp="aes256-sha256")
    form.inputs["loss"].value, form.inputs["seed"].value = 0.3, 7
    form.run()
    told = run("main", esp="aes256-sha256", loss=0.3, seed=7)
    assert form.player.trace["messages"] == told.trace.to_json()["messages"]


@pytest.mark.parametrize("word", ["ike", "esp", "pfs"])
def test_what_cannot_be_run_is_said_and_the_player_stays(word: str) -> None:
    form = lab()
    before = form.player
    form.inputs[word].value = "<b>nonsense"
    form.run()
    assert "nonsense" in form.complaint.value
    assert form.player is before
    form.inputs[word].value = lab().inputs[word].value
    form.run()
    assert form.complaint.value == ""
    assert form.player is not before


def test_a_scenario_that_is_not_there_is_refused() -> None:
    with pytest.raises(Misuse, match="mian"):
        lab("mian")


def test_it_leaves_words_where_no_widget_can_be_shown() -> None:
    data = lab()._repr_mimebundle_()
    assert "SKEYID = prf(PSK, Ni_b | Nr_b)" in str(data["text/plain"])
    assert "<svg" in str(data["text/html"])
    assert "mode='main'" in repr(lab())
