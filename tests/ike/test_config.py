"""A configuration that exists makes sense, patience follows its profile, and a seed repeats itself."""

from __future__ import annotations

import hmac
import os
import subprocess
import sys
from dataclasses import replace
from itertools import accumulate

import pytest
from hypothesis import given, strategies as st

from ikelab.errors import Misuse
from ikelab.ike.config import (
    ANY,
    PROFILES,
    Child,
    Connection,
    Identity,
    PeerConfig,
    Profile,
    Seeded,
    Selector,
    Weak,
    ah_offers,
    esp_offers,
    ike_offers,
)
from ikelab.wire.numbers import Encapsulation

NET = Child(
    name="net",
    offers=esp_offers("aes128-sha256"),
    local=Selector.parse("10.1.0.0/24"),
    remote=Selector.parse("10.2.0.0/24"),
)
MOON = Connection(
    name="moon",
    offers=ike_offers("aes128-sha256-modp2048"),
    local_id=Identity.parse("10.99.0.1"),
    remote_id=Identity.parse("10.99.0.2"),
    remote_address="10.99.0.2",
    psk=b"correct horse battery staple",
    children=(NET,),
)


class TestChild:
    def test_defaults(self) -> None:
        assert (NET.mode, NET.lifetime, NET.group) == (Encapsulation.TUNNEL, 3600, None)
        assert replace(NET, offers=esp_offers("aes128-sha1-modp2048")).group == 14

    @pytest.mark.parametrize(
        ("change", "says"),
        [
            ({"offers": ()}, "at least one offer"),
            ({"offers": (*esp_offers("aes128-sha1"), *esp_offers("aes128-sha1-modp2048"))}, "RFC 2409 §5.5"),
            ({"mode": Encapsulation.UDP_TUNNEL_CHECK_POINT}, r"udp-tunnel \(3\)"),
            ({"mode": Encapsulation.TRANSPORT}, "single addresses in transport mode"),
            ({"mode": Encapsulation.UDP_TRANSPORT_DRAFT}, "single addresses in transport mode"),
            ({"kilobytes": 0}, "1 to 4294967295 kilobytes, got 0"),
            ({"remote": Selector.parse("::/0")}, "one family"),
            ({"lifetime": 0}, "1 to 86400 seconds, got 0"),
            ({"lifetime": 86401}, "got 86401"),
        ],
    )
    def test_what_does_not_fit_together_is_a_misuse(self, change: dict[str, object], says: str) -> None:
        with pytest.raises(Misuse, match=says) as raised:
            replace(NET, **change)  # type: ignore[arg-type]
        assert "child net" in str(raised.value)

    def test_esp_and_ah_may_be_offered_side_by_side(self) -> None:
        assert len(replace(NET, offers=(*esp_offers("aes128-sha1"), *ah_offers("sha1"))).offers) == 2


class TestConnection:
    def test_defaults(self) -> None:
        assert (MOON.mode, MOON.method, MOON.lifetime) == ("main", 1, 28800)

    def test_the_pre_shared_key_is_not_shown(self) -> None:
        assert "horse" not in repr(MOON) + repr(PeerConfig(connections=(MOON,)))

    @pytest.mark.parametrize(
        ("change", "says"),
        [
            ({"offers": ()}, "at least one offer"),
            ({"mode": "base"}, "got 'base'"),
            ({"psk": None}, "a pre-shared key, got none"),
            ({"psk": b""}, "a pre-shared key, got none"),
            ({"local_id": ANY}, "got %any"),
            ({"remote_address": "moon.example.org"}, "an IP address, got 'moon.example.org'"),
            ({"children": (NET, NET)}, "net twice"),
            ({"lifetime": 100_000}, "got 100000"),
            ({"mode": "aggressive", "offers": ike_offers("aes128-sha1-modp2048-ecp256")}, "cannot be negotiated"),
        ],
    )
    def test_what_does_not_fit_together_is_a_misuse(self, change: dict[str, object], says: str) -> None:
        with pytest.raises(Misuse, match=says) as raised:
            replace(MOON, **change)  # type: ignore[arg-type]
        assert "connection moon" in str(raised.value)

    def test_a_peer_may_come_from_anywhere_and_be_called_anything(self) -> None:
        anybody = replace(MOON, remote_address=None, remote_id=None)
        assert (anybody.remote_address, anybody.remote_id) == (None, None)
        assert replace(MOON, remote_address="2001:db8::2").remote_address == "2001:db8::2"

    def test_aggressive_mode_may_offer_several_transforms_of_one_group(self) -> None:
        assert replace(MOON, mode="aggressive", offers=ike_offers("aes256-aes128-sha1-modp2048")).offers

    @pytest.mark.parametrize(
        ("words", "children", "weak"),
        [
            ("aes128-sha1-modp2048", "aes128-sha1", []),
            ("3des-sha256-modp2048", "null-sha256", []),
            ("des-md5-modp768", "aes128-sha1", ["des", "md5", "modp768"]),
            ("aes128-sha1-modp1024,aes128-sha1-modp1536", "aes128-sha1", ["modp1024", "modp1536"]),
            ("aes128-sha256-toy", "aes128-sha1", ["toy"]),
            ("aes128-sha256-x25519", "des-md5-modp1024", ["des", "md5", "modp1024"]),
        ],
    )
    def test_weak_things_are_named_with_what_is_wrong(self, words: str, children: str, weak: list[str]) -> None:
        connection = replace(MOON, offers=ike_offers(words), children=(replace(NET, offers=esp_offers(children)),))
        assert [each.partition(":")[0] for each in connection.weaknesses] == weak
        assert all(len(each.partition(": ")[2]) > 20 for each in connection.weaknesses)

    def test_sha1_and_a_short_key_are_worth_a_remark(self) -> None:
        assert MOON.remarks == ()
        sha1, guessable = replace(MOON, offers=ike_offers("aes128-sha1-modp2048"), psk=b"swordfish").remarks
        assert "SHA-1" in sha1
        assert "9 octets" in guessable
        assert "swordfish" not in guessable
        assert len(replace(MOON, children=(replace(NET, offers=ah_offers("sha1")),)).remarks) == 1


class TestPeerConfig:
    def test_a_connection_is_found_by_name(self) -> None:
        config = PeerConfig(connections=(MOON,))
        assert config.connection("moon") is MOON
        with pytest.raises(Misuse, match="expected one of moon, got 'sun'"):
            config.connection("sun")

    def test_weak_things_need_consent(self) -> None:
        weak = replace(MOON, offers=ike_offers("aes128-md5-modp2048"))
        with pytest.raises(Misuse, match=r"connection moon: .*md5.*weak=Weak.ALLOWED"):
            PeerConfig(connections=(weak,))
        assert PeerConfig(connections=(weak,), weak=Weak.ALLOWED).connections == (weak,)

    @pytest.mark.parametrize("size", [7, 257])
    def test_a_nonce_has_8_to_256_octets(self, size: int) -> None:
        with pytest.raises(Misuse, match=f"8 to 256 octets, got {size}"):
            PeerConfig(connections=(MOON,), nonce_size=size)

    def test_connections_have_names_of_their_own(self) -> None:
        with pytest.raises(Misuse, match="moon twice"):
            PeerConfig(connections=(MOON, MOON))


class TestProfile:
    @pytest.mark.parametrize(
        ("name", "sent_at", "given_up_at"),
        [
            ("strongswan", [0, 4, 11, 24, 47, 89], 165),
            ("cisco", [0, 10, 20, 30, 40, 50], 60),
            ("libreswan", [0, 0.5, 1.5, 3.5, 7.5, 15.5, 31.5], 60),
            ("ikelab", [0, 1, 2.8, 6.04, 11.872, 22.3696, 41.26528], 61.26528),
        ],
    )
    def test_messages_go_out_when_those_peers_send_theirs(
        self, name: str, sent_at: list[float], given_up_at: float
    ) -> None:
        waits = PROFILES[name].waits
        times = [0.0, *accumulate(waits)]
        assert times[:-1] == pytest.approx(sent_at, abs=0.5 if name == "strongswan" else 1e-9)
        assert times[-1] == pytest.approx(given_up_at, abs=0.5)

    def test_the_lossy_lab_tries_25_times_and_never_waits_more_than_2_seconds(self) -> None:
        waits = PROFILES["lossy-lab"].waits
        assert len(waits) == 25
        assert waits[0] == 0.5
        assert max(waits) == 2.0

    def test_a_wait_for_each_sending_and_then_no_more(self) -> None:
        profile = Profile(name="short", first=1, factor=2, tries=2)
        assert [profile.wait(sent) for sent in range(5)] == [None, 1, 2, 4, None]

    def test_giving_up_cuts_the_last_wait_short(self) -> None:
        assert Profile(name="cut", first=1, factor=2, tries=9, give_up=5).waits == (1, 2, 2)

    @pytest.mark.parametrize(
        "wrong", [{"first": 0.0}, {"factor": 0.5}, {"tries": -1}, {"jitter": 1.0}, {"jitter": -0.1}]
    )
    def test_what_is_no_patience_is_a_misuse(self, wrong: dict[str, float]) -> None:
        with pytest.raises(Misuse, match="profile x"):
            Profile(**({"name": "x", "first": 1.0, "factor": 1.0, "tries": 1} | wrong))  # type: ignore[arg-type]


class TestSeeded:
    def test_octets_are_hmac_sha256_in_counter_mode(self) -> None:
        blocks = [hmac.digest(b"number 7", b"Ni\0" + bytes([0, 0, 0, n]), "sha256") for n in (0, 1)]
        assert Seeded(7).draw("Ni", 40) == (blocks[0] + blocks[1])[:40]
        assert Seeded(b"7").draw("Ni", 8) == hmac.digest(b"octets 7", b"Ni\0\0\0\0\0", "sha256")[:8]

    @given(st.integers() | st.binary(max_size=64), st.text(max_size=20), st.integers(0, 600))
    def test_a_draw_depends_on_nothing_but_seed_label_and_size(self, seed: int | bytes, label: str, size: int) -> None:
        try:
            label.encode("utf-8")
        except UnicodeEncodeError:
            return
        one, other = Seeded(seed), Seeded(seed)
        other.draw("something else", 33)
        assert one.draw(label, size) == other.draw(label, size)
        assert len(one.draw(label, size)) == size

    @given(st.integers(), st.integers(), st.text("ab\0", max_size=5), st.text("ab\0", max_size=5))
    def test_another_seed_or_label_gives_other_octets(self, one: int, other: int, label: str, second: str) -> None:
        same = (one, label) == (other, second)
        assert (Seeded(one).draw(label, 32) == Seeded(other).draw(second, 32)) == same

    def test_a_number_and_its_octets_are_different_seeds(self) -> None:
        assert Seeded(1).draw("x", 16) != Seeded(b"1").draw("x", 16)

    def test_a_negative_size_is_a_misuse(self) -> None:
        with pytest.raises(Misuse, match="got -1"):
            Seeded(1).draw("x", -1)

    def test_another_process_with_another_hash_seed_draws_the_same(self) -> None:
        program = "from ikelab.ike.config import Seeded; print(Seeded(5).draw('CKY-I', 8).hex())"
        drawn = {
            subprocess.run(
                [sys.executable, "-c", program],
                capture_output=True,
                check=True,
                text=True,
                env={**os.environ, "PYTHONHASHSEED": seed},
            ).stdout.strip()
            for seed in ("0", "1")
        }
        assert drawn == {Seeded(5).draw("CKY-I", 8).hex()}
