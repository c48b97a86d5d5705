"""What either peer computed is read out of its own memory; whether a key was ever sent is looked up in every octet."""

from __future__ import annotations

import hmac

import pytest

from ikelab.course import keys
from ikelab.course.held_keys import NEVER_SENT
from ikelab.course.recording import recorded
from ikelab.course.runs import run
from ikelab.errors import Misuse

MAIN = run("main")


def held(talk: object) -> dict[str, tuple[bytes | None, bytes | None]]:
    return {each.name: (each.initiator, each.responder) for each in keys(talk).values}  # type: ignore[arg-type]


def test_both_have_the_same_and_the_trace_says_so_too() -> None:
    has = held(MAIN)
    for name in ("g^xy", "SKEYID", "Ka"):
        assert has[name] == (MAIN.secret(name).value,) * 2
    psk, nonces = MAIN.secret("PSK").value, MAIN.secret("Ni_b").value + MAIN.secret("Nr_b").value
    assert has["SKEYID"][0] == hmac.digest(psk, nonces, "sha256")
    for child in MAIN.result.children:
        spi = child.spi.hex()
        assert has[f"ESP {spi}, encryption"] == (MAIN.secret(f"encryption key {spi}").value,) * 2
        assert has[f"ESP {spi}, integrity"] == (MAIN.secret(f"integrity key {spi}").value,) * 2
    assert keys(MAIN).same
    assert len(has) == 7


def test_two_pre_shared_keys_make_two_of_everything_but_the_shared_secret() -> None:
    talk = keys(run("psk"))
    assert [(each.name, each.same) for each in talk.values] == [("g^xy", True), ("SKEYID", False), ("Ka", False)]
    assert not talk.same
    assert repr(talk).count("ANOTHER") == 2


def test_where_nobody_came_so_far() -> None:
    assert held(run("proposal")) == dict.fromkeys(("g^xy", "SKEYID", "Ka"), (None, None))
    assert repr(keys(run("proposal"))).count("–") == 6


def test_no_key_for_integrity_alone_with_a_combined_cipher() -> None:
    names = [name for name in held(run("main", esp="aes128gcm16")) if name.startswith("ESP")]
    assert all(name.endswith(", encryption") for name in names)
    assert len(names) == 2


def test_a_key_that_is_sent_is_found_also_in_an_encrypted_message() -> None:
    assert repr(keys(MAIN)).endswith(NEVER_SENT)
    careless = MAIN.fork(message=7, field="Nonce Data", to=MAIN.secret("SKEYID").value)
    assert keys(careless).travelled == (7,)
    assert repr(keys(careless)).endswith("Sent in message 7.")


@pytest.mark.parametrize("what", [recorded("main_psk_nopfs"), "main", None])
def test_only_peers_can_be_asked(what: object) -> None:
    with pytest.raises(Misuse, match="keys: expected a run"):
        held(what)


def test_in_a_notebook_its_lines_stay_whole() -> None:
    shown = keys(MAIN)._repr_html_()
    assert shown.startswith("<pre tabindex")
    assert 'aria-label="Keys of both sides"' in shown
    assert repr(keys(MAIN)) in shown
