"""Phase 1 with a pre-shared key between two peers in memory: who is answered, with which key, and who is believed."""

from __future__ import annotations

import hmac
from dataclasses import replace
from typing import Any

import pytest

from ikelab.crypto.groups import ModpGroup, group_by_word
from ikelab.ike.config import Connection, Identity, ModeName, PeerConfig, Seeded, Weak, ike_offers
from ikelab.ike.peer import Connect, Peer
from ikelab.wire.numbers import Notify, PayloadType
from ikelab.wire.payloads import KE
from tests.ike.traitors import converse, instead, saying_otherwise
from tests.ike.two_peers import ALICE, BOB, mirrored, peer, run, wish

AGGRESSIVE = wish(mode="aggressive")


class TestAggressiveModeWithAPreSharedKey:
    def test_a_responder_answers_it_only_where_weak_things_are_allowed(self) -> None:
        alice, bob = peer(AGGRESSIVE, ALICE), peer(mirrored(AGGRESSIVE), BOB, weak=Weak.REFUSED)
        link = run(alice, bob)
        refused = next(moment.outcome.refused for moment in link.moments if moment.actor == BOB)
        assert refused is not None
        assert refused.notify == Notify.UNSUPPORTED_EXCHANGE_TYPE
        assert "--allow-weak" in refused.hint
        assert bob.sas == ()
        assert not any(sa.established for sa in alice.sas)

    def test_an_initiator_may_use_it_all_the_same(self) -> None:
        alice, bob = peer(AGGRESSIVE, ALICE, weak=Weak.REFUSED), peer(mirrored(AGGRESSIVE), BOB)
        run(alice, bob)
        assert [sa.established for sa in (*alice.sas, *bob.sas)] == [True, True]


class TestRfc2409Section54:
    """With a pre-shared key: in Main Mode only the address tells whose it is, in Aggressive Mode the name does."""

    def test_the_figure_of_main_mode(self) -> None:
        assert said("main")[:6] == [
            "SA VID", "SA VID", "KE NONCE", "KE NONCE", "ID HASH", "ID HASH",
        ]  # fmt: skip

    def test_the_figure_of_aggressive_mode(self) -> None:
        assert said("aggressive")[:3] == ["SA KE NONCE ID VID", "SA KE NONCE ID HASH VID", "HASH"]

    def test_both_sides_compute_the_rfcs_values(self) -> None:
        """By HMAC-SHA-1 from what went over the wire, the key, and g^xy."""
        alice, bob = peer(wish(), ALICE), peer(mirrored(wish()), BOB)
        run(alice, bob)
        for sa in (*alice.sas, *bob.sas):
            given, book = {name: value.value for name, value in sa.main.given.items()}, sa.book
            assert book is not None

            def prf(key: bytes, *data: bytes) -> bytes:
                return hmac.new(key, b"".join(data), "sha1").digest()

            skeyid = prf(b"correct horse battery staple", given["Ni_b"], given["Nr_b"])
            shared = given["g^xy"] + sa.cookie_i + sa.cookie_r
            skeyid_d = prf(skeyid, shared, b"\0")
            skeyid_a = prf(skeyid, skeyid_d, shared, b"\1")
            skeyid_e = prf(skeyid, skeyid_a, shared, b"\2")
            halves = given["g^xi"], given["g^xr"], sa.cookie_i, sa.cookie_r
            hash_i = prf(skeyid, *halves, given["SAi_b"], given["IDii_b"])
            hash_r = prf(skeyid, halves[1], halves[0], halves[3], halves[2], given["SAi_b"], given["IDir_b"])
            expected = [skeyid, skeyid_d, skeyid_a, skeyid_e, skeyid_e[:16], hash_i, hash_r]
            names = ["SKEYID", "SKEYID_d", "SKEYID_a", "SKEYID_e", "Ka", "HASH_I", "HASH_R"]
            assert [book[name].value for name in names] == expected

    def test_no_diffie_hellman_before_the_initiator_has_echoed_the_cookie(self) -> None:
        """What a stranger's first message costs in Main Mode: no exponent, no key (RFC 2408 §1.7.1)."""
        alice, bob = peer(wish(), ALICE), peer(mirrored(wish()), BOB)
        alice.begin(Connect(connection="net", remote=BOB), 0.0)
        bob.receive_datagram(alice.datagrams_to_send()[0].octets, ALICE, 0.0)
        (sa,) = bob.sas
        assert sa.main.exponent == b""
        assert set(sa.main.given) == {"SAi_b"}

    def test_aggressive_mode_finds_the_key_by_the_name(self) -> None:
        mine = replace(wish(mode="aggressive", psk=b"carol's key"), local_id=Identity.parse("carol@ikelab.test"))
        other = replace(mirrored(wish(mode="aggressive")), name="dave", remote_id=Identity.parse("dave@ikelab.test"))
        hers = replace(other, name="carol", psk=b"carol's key", remote_id=Identity.parse("carol@ikelab.test"))
        alice, bob = peer(mine, ALICE), Peer(PeerConfig(connections=(other, hers), weak=Weak.ALLOWED), Seeded(1), BOB)
        run(alice, bob)
        assert [sa.connection.name for sa in bob.sas if sa.connection and sa.established] == ["carol"]

    def test_a_name_that_nobody_expects_is_answered_like_any_other(self) -> None:
        """Otherwise message 2 would tell which names there are; the proof in message 3 decides."""
        sizes = []
        for name in ("carol@ikelab.test", "abcde@ikelab.test"):
            mine = replace(wish(mode="aggressive"), local_id=Identity.parse(name))
            expecting = replace(mirrored(wish(mode="aggressive")), remote_id=Identity.parse("carol@ikelab.test"))
            alice, bob = peer(mine, ALICE), peer(expecting, BOB)
            link = run(alice, bob)
            sizes.append(len(link.wire[1].octets))
            assert any(sa.established for sa in bob.sas) == (name == "carol@ikelab.test")
        assert sizes[0] == sizes[1]


class TestWhoseNameItIs:
    """After HASH_I has been checked, the name must be one that this very key is for (RFC 2408 §5.8)."""

    def run(self, *connections: Connection, name: str = "carol@ikelab.test", psk: bytes = b"shared") -> Peer:
        mine = replace(wish(psk=psk), local_id=Identity.parse(name))
        bob = Peer(PeerConfig(connections=connections, weak=Weak.ALLOWED), Seeded(1), BOB)
        run(peer(mine, ALICE), bob)
        return bob

    def expecting(self, name: str, **changes: Any) -> Connection:
        base = mirrored(wish(psk=b"shared"))
        return replace(base, **{"name": name, "remote_id": Identity.parse(f"{name}@ikelab.test"), **changes})

    def test_another_connection_with_the_same_key_may_be_meant(self) -> None:
        bob = self.run(self.expecting("dave"), self.expecting("carol"))
        assert [sa.connection.name for sa in bob.sas if sa.connection] == ["carol"]
        assert all(sa.established for sa in bob.sas)

    def test_never_one_with_another_key(self) -> None:
        bob = self.run(self.expecting("dave"), self.expecting("carol", psk=b"her own"))
        assert not any(sa.established for sa in bob.sas)

    def test_never_one_that_would_not_have_agreed_on_these_terms(self) -> None:
        stronger = self.expecting("carol", offers=ike_offers("aes256-sha256-curve25519"))
        assert not any(sa.established for sa in self.run(self.expecting("dave"), stronger).sas)

    def test_the_name_of_nobody_is_refused(self) -> None:
        assert not any(sa.established for sa in self.run(self.expecting("dave")).sas)


class TestRfc6989:
    """A public value that could only serve an attack is refused in every group, by both roles."""

    @pytest.mark.parametrize("role", ["initiator", "responder"])
    @pytest.mark.parametrize("word", ["modp768", "modp2048", "ecp256", "curve25519", "toy"])
    def test_the_weakest_values(self, word: str, role: str) -> None:
        group = group_by_word(word)
        values = [bytes(group.public_size)]
        if isinstance(group, ModpGroup):
            p = group.prime
            values = [value.to_bytes(group.public_size) for value in (0, 1, p - 1, p, p + 1)]
        for value in values:
            wanted = wish(ike=f"aes128-sha1-{word}")
            alice, bob = peer(wanted, ALICE), peer(mirrored(wanted), BOB)
            number = 4 if role == "initiator" else 3
            with saying_otherwise("Main Mode", number, instead(KE, lambda _, value=value: KE(data=value))):  # type: ignore[misc]
                heard = converse(alice, bob)
            refused = heard.refusals()[0].refused
            assert refused is not None
            assert refused.notify == Notify.INVALID_KEY_INFORMATION


def said(mode: ModeName) -> list[str]:
    """The payloads of each message of a run."""
    wanted = wish(mode=mode)
    badge = {"vendor_ids": (b"an extension",)}
    link = run(peer(wanted, ALICE, **badge), peer(mirrored(wanted), BOB, **badge))
    payloads = [[PayloadType(each.type).name for each in m.outcome.saying] for m in link.moments if m.outcome.said]
    return [" ".join(names) for names in payloads]
