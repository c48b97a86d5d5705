"""What a thief can compute is worked out by hand where he can; where he cannot, he is told what he lacks."""

from __future__ import annotations

import hmac

import pytest

from ikelab.course import stolen
from ikelab.course.protected import Sent
from ikelab.course.recording import recorded
from ikelab.course.runs import run
from ikelab.course.shown import Shown
from ikelab.errors import Misuse

PLAIN, PFS = run("main"), run("quick-pfs")
INSIDE = ("Ni_b", "Nr_b")


@pytest.mark.parametrize(
    ("talk", "told", "lacking"),
    [
        (PLAIN, (), ("SKEYID_d", *INSIDE)),
        (PLAIN, ("SKEYID_d",), INSIDE),
        (PLAIN, ("SKEYID_e",), ("SKEYID_d",)),
        (PLAIN, ("PSK",), ("SKEYID_d", *INSIDE)),
        (PLAIN, ("SKEYID_d", "SKEYID_e"), ()),
        (PLAIN, ("SKEYID_d", "Ka"), ()),
        (PLAIN, ("PSK", "g^xy"), ()),
        (PLAIN, ("PSK", "x_r"), ()),
        (PFS, (), ("SKEYID_d", "g(qm)^xy", *INSIDE)),
        (PFS, ("SKEYID_d", "SKEYID_e"), ("g(qm)^xy",)),
        (PFS, ("PSK", "g^xy"), ("g(qm)^xy",)),
        (recorded("main_psk_nopfs"), ("SKEYID_d", "Ka"), ()),
        (recorded("main_psk_pfs_libipsec"), ("SKEYID_d", "Ka"), ("g(qm)^xy",)),
    ],
)
def test_what_is_lacking(talk: Shown, told: tuple[str, ...], lacking: tuple[str, ...]) -> None:
    robbed = stolen(talk, *told)
    assert len(robbed.lacking) == 4
    assert set(robbed.lacking.values()) == {lacking}
    assert repr(robbed).startswith(f"{talk.heading}\nstolen    {', '.join(told) or 'nothing'}\n")
    assert repr(robbed).count("✓  computes it") == len(robbed.computed) == (0 if lacking else 4)


def test_the_second_shared_secret_would_do_as_well() -> None:
    name = next(entry["name"] for entry in PFS.trace.secrets if entry["label"] == "g(qm)^xy")
    for called in (name, "g(qm)^xy"):
        robbed = stolen(PFS, "SKEYID_d", "SKEYID_e", called)
        assert (len(robbed.computed), robbed.told) == (4, ("SKEYID_d", "SKEYID_e", name))


def test_what_he_needs_not_steal_is_in_every_packet() -> None:
    """The SPI is in clear in front of each; a packet of ESP says so in the header before it (RFC 2406 §2)."""
    sent = PLAIN.gateways().send("ping")
    assert isinstance(sent, Sent)
    assert sent.packet[9] == 50
    assert sent.packet[20:24] == PLAIN.result.children[0].spi


def test_he_opens_what_is_encrypted_or_nothing() -> None:
    assert stolen(PLAIN, "SKEYID_e").opened == (5, 6, 7, 8, 9)
    assert "messages  5, 6, 7, 8, 9: he can read them" in repr(stolen(PLAIN, "SKEYID_e"))
    assert stolen(PLAIN, "SKEYID_d").opened == ()
    assert "they stay closed" in repr(stolen(PLAIN))


def test_by_hand_from_what_he_then_has() -> None:
    """Out of message 7 and 8 as he can read them, with SKEYID_d, comes the key of the packets to the responder."""
    first, second = (PLAIN.message(number).decrypted or b"" for number in (7, 8))
    spi, ni, nr = second[0x38:0x3C], first[0x5C:0x7C], second[0x5C:0x7C]
    k1 = hmac.digest(PLAIN.secret("SKEYID_d").value, b"\x03" + spi + ni + nr, "sha256")
    assert PLAIN.result.children[0].spi == spi
    assert PLAIN.result.children[0].enc_key == k1[:16]


@pytest.mark.parametrize(
    ("name", "advice"),
    [
        ("Ni_b", r" There are PSK, "),
        ("nothing", r" There are PSK, "),
        ("SKEYD_d", r"; did you mean 'SKEYID_d'.*\? There are PSK, "),
        ("K1", r"; did you mean 'K1 .*' or 'K1 .*'\? There are PSK, "),
    ],
)
def test_only_secrets_can_be_stolen(name: str, advice: str) -> None:
    with pytest.raises(Misuse, match=f"^stolen: expected the name of a secret, got '{name}'{advice}"):
        stolen(PLAIN, name)


def test_in_a_notebook_its_lines_stay_whole() -> None:
    assert repr(stolen(PLAIN, "PSK")) in stolen(PLAIN, "PSK")._repr_html_()
