"""Who knows what since when: every value is what arithmetic and HMAC make of its inputs, and can be walked back."""

from __future__ import annotations

import hashlib
import hmac
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey

from ikelab.course.runs import Run, run

MODP_2048 = int(
    "FFFFFFFFFFFFFFFFC90FDAA22168C234C4C6628B80DC1CD129024E088A67CC74020BBEA63B139B22514A08798E3404DD"
    "EF9519B3CD3A431B302B0A6DF25F14374FE1356D6D51C245E485B576625E7EC6F44C42E9A637ED6B0BFF5CB6F406B7ED"
    "EE386BFB5A899FA5AE9F24117C4B1FE649286651ECE45B3DC2007CB8A163BF0598DA48361C55D39A69163FA8FD24CF5F"
    "83655D23DCA3AD961C62F356208552BB9ED529077096966D670C354E4ABC9804F1746C08CA18217C32905E462E36CE3B"
    "E39E772C180E86039B2783A2EC07A28FB5C55DF06F4C52C9DE2BCBF6955817183995497CEA956AE515D2261898FA0510"
    "15728E5A8AACAA68FFFFFFFFFFFFFFFF",
    16,
)
"""The prime of RFC 3526 §3, as printed."""


def entries(talk: Run) -> dict[str, dict[str, Any]]:
    return {secret["name"]: dict(secret) for secret in talk.trace.secrets}


def value(talk: Run, name: str) -> bytes:
    return bytes.fromhex(entries(talk)[name]["value"])


def roots(talk: Run, name: str) -> set[str]:
    """All that a value was made from, down to what nothing made."""
    known = entries(talk)
    inputs = known[name]["inputs"]
    return {name} if not inputs else {root for each in inputs for root in roots(talk, each)}


def learned_at(talk: Run, name: str, side: str) -> int | None:
    return next((frame["step"] for frame in talk.trace.frames if name in frame["learned"][side]), None)


class TestDiffieHellman:
    def test_a_modp_public_value_is_the_generator_to_the_exponent(self) -> None:
        talk = run("main")
        for side in "ir":
            exponent = int.from_bytes(value(talk, f"x_{side}"))
            assert value(talk, f"g^x{side}") == pow(2, exponent, MODP_2048).to_bytes(256)
            assert entries(talk)[f"g^x{side}"]["formula"] == f"2 ^ x_{side} mod p"

    def test_both_ways_of_computing_the_shared_secret_are_told_and_agree(self) -> None:
        talk = run("main")
        shared = entries(talk)["g^xy"]
        assert shared["formula"] == "(g^xi) ^ x_r mod p"
        (other,) = shared["also"]
        assert other == {"by": "initiator", "formula": "(g^xr) ^ x_i mod p", "inputs": ["g^xr", "x_i"]}
        for public, exponent in (("g^xi", "x_r"), ("g^xr", "x_i")):
            base, power = (int.from_bytes(value(talk, name)) for name in (public, exponent))
            assert value(talk, "g^xy") == pow(base, power, MODP_2048).to_bytes(256)

    def test_on_curve25519_they_are_what_x25519_gives(self) -> None:
        talk = run("curve")
        mine = X25519PrivateKey.from_private_bytes(value(talk, "x_i"))
        assert mine.public_key().public_bytes_raw() == value(talk, "g^xi")
        assert mine.exchange(X25519PublicKey.from_public_bytes(value(talk, "g^xr"))) == value(talk, "g^xy")
        assert entries(talk)["g^xi"]["formula"] == "X25519(x_i, 9)"
        assert entries(talk)["g^xy"]["formula"] == "X25519(x_r, g^xi)"

    def test_on_other_curves_the_formula_says_so(self) -> None:
        shared = entries(run("main", ike="aes128-sha256-ecp384"))["g^xy"]
        assert shared["formula"] == "x of x_r * (g^xi)"

    def test_an_exponent_is_drawn_and_never_sent(self) -> None:
        talk = run("main")
        for side, role in (("i", "initiator"), ("r", "responder")):
            drawn = entries(talk)[f"x_{side}"]
            assert drawn["origin"] == {"kind": "drawn", "text": f"drawn by the {role}, never sent"}
            assert drawn["secret"]
            assert all(drawn["value"] not in message["sheets"][0]["octets"] for message in talk.trace.messages)
            other = {"initiator": "responder", "responder": "initiator"}[role]
            assert learned_at(talk, f"x_{side}", other) is None

    def test_quick_mode_with_pfs_has_exponents_of_its_own(self) -> None:
        talk = run("quick-pfs")
        fresh = [name for name in entries(talk) if "(qm)" in name]
        assert {name.split(" ")[0] for name in fresh} == {"x(qm)_i", "x(qm)_r", "g(qm)^xi", "g(qm)^xr", "g(qm)^xy"}
        message_id = fresh[0].split(" ")[1]
        base, power = (int.from_bytes(value(talk, f"{name} {message_id}")) for name in ("g(qm)^xr", "x(qm)_i"))
        assert value(talk, f"g(qm)^xy {message_id}") == pow(base, power, MODP_2048).to_bytes(256)


class TestSecrets:
    def test_skeyid_is_an_hmac_of_the_nonces_under_the_pre_shared_key(self) -> None:
        talk = run("main")
        made = hmac.digest(b"correct horse battery staple", value(talk, "Ni_b") + value(talk, "Nr_b"), "sha256")
        assert value(talk, "SKEYID") == made

    def test_hash_r_covers_what_the_rfc_prints(self) -> None:
        talk = run("aggressive")
        names = ("g^xr", "g^xi", "CKY-R", "CKY-I", "SAi_b", "IDir_b")
        covered = b"".join(value(talk, name) for name in names)
        assert value(talk, "HASH_R") == hmac.digest(value(talk, "SKEYID"), covered, "sha256")

    def test_the_iv_is_a_hash_of_what_everybody_saw(self) -> None:
        talk = run("main")
        public = value(talk, "g^xi") + value(talk, "g^xr")
        assert value(talk, "IV") == hashlib.sha256(public).digest()[:16]

    @pytest.mark.parametrize("name", ["main", "aggressive", "curve"])
    def test_every_key_can_be_walked_back_to_psk_nonces_and_exponents(self, name: str) -> None:
        talk = run(name)
        assert {"PSK", "Ni_b", "Nr_b", "x_i", "x_r", "CKY-I", "CKY-R"} <= roots(talk, "HASH_I")
        child = talk.result.children[0].spi.hex()
        assert {"PSK", "x_i", "x_r", f"SPI {child}"} <= roots(talk, f"encryption key {child}")

    def test_keymat_with_pfs_also_to_the_fresh_exponents(self) -> None:
        talk = run("quick-pfs")
        child = talk.result.children[0].spi.hex()
        assert {"x(qm)_i", "x(qm)_r"} <= {root.split(" ")[0] for root in roots(talk, f"KEYMAT {child}")}

    def test_keys_are_those_of_the_sas(self) -> None:
        talk = run("main")
        for child in talk.result.children:
            assert value(talk, f"encryption key {child.spi.hex()}") == child.enc_key
            assert value(talk, f"integrity key {child.spi.hex()}") == child.auth_key


class TestWhoKnowsWhatSinceWhen:
    def test_the_responder_has_all_keys_one_step_before_the_initiator(self) -> None:
        talk = run("main")
        for name in ("g^xy", "SKEYID", "SKEYID_d", "SKEYID_a", "SKEYID_e", "Ka", "IV"):
            assert (learned_at(talk, name, "responder"), learned_at(talk, name, "initiator")) == (4, 5)

    def test_a_value_is_learned_once_by_each_side(self) -> None:
        for name in ("main", "loss", "quick-pfs", "delete"):
            for side in ("initiator", "responder"):
                learned = [each for frame in run(name).trace.frames for each in frame["learned"][side]]
                assert len(learned) == len(set(learned))

    def test_nobody_learns_while_the_other_thinks(self) -> None:
        for frame in run("main").trace.frames:
            other = {"initiator": "responder", "responder": "initiator"}[frame["actor"]]
            assert frame["learned"][other] == []

    def test_both_know_the_same_in_the_end(self) -> None:
        knows = run("main").at(run("main").last).knows
        alone = set(knows["initiator"]) ^ set(knows["responder"])
        assert alone == {"x_i", "x_r"}

    def test_a_refusal_teaches_nothing(self) -> None:
        for name in ("psk", "psk-aggressive", "selectors", "proposal"):
            for frame in run(name).trace.frames:
                if frame["rule"] in ("REFUSE", "COMPLAINT", "RESEND", "REPEAT", "IGNORE"):
                    assert frame["learned"] == {"initiator": [], "responder": []}

    def test_an_entry_is_known_since_the_first_side_learned_it(self) -> None:
        for name in ("main", "aggressive", "psk"):
            talk = run(name)
            for entry in entries(talk).values():
                steps = [learned_at(talk, entry["name"], side) for side in ("initiator", "responder")]
                if entry["step"] and any(steps):
                    assert entry["step"] == min(step for step in steps if step is not None)


class TestTwoTruths:
    def test_two_pre_shared_keys_are_two_values_and_so_is_all_that_follows(self) -> None:
        talk = run("psk")
        assert value(talk, "PSK") == b"correct horse battery staple"
        assert value(talk, "PSK (responder)") == b"correct horse battery stable"
        for name in ("SKEYID", "SKEYID_d", "SKEYID_a", "SKEYID_e", "Ka"):
            assert value(talk, name) != value(talk, f"{name} (responder)")
            assert "PSK (responder)" in roots(talk, f"{name} (responder)")
            assert "PSK (responder)" not in roots(talk, name)
        assert "IV (responder)" not in entries(talk), "no secret goes into it"

    def test_the_responders_are_marked_also_where_the_initiator_never_kept_its_own(self) -> None:
        talk = run("psk-aggressive")
        assert "SKEYID" not in entries(talk)
        assert "PSK (responder)" in roots(talk, "HASH_R (responder)")

    def test_a_nonce_altered_on_the_way_is_two_nonces(self) -> None:
        talk = run("main").fork(message=3, field="Nonce Data", to="00" * 32)
        assert value(talk, "Ni_b (responder)") == bytes(32)
        assert value(talk, "Ni_b") == value(run("main"), "Ni_b")
        assert entries(talk)["Ni_b (responder)"]["origin"]["message"] == 3
        assert "message" not in entries(talk)["Ni_b"]["origin"], "what was drawn cannot be seen in the altered message"
        made = hmac.digest(b"correct horse battery staple", bytes(32) + value(talk, "Nr_b"), "sha256")
        assert value(talk, "SKEYID (responder)") == made

    def test_a_public_value_altered_on_the_way_makes_two_shared_secrets(self) -> None:
        four = (4).to_bytes(256)
        talk = run("main").fork(message=3, field="KE > Key Exchange Data", to=four)
        exponent = int.from_bytes(value(talk, "x_r"))
        assert value(talk, "g^xy (responder)") == pow(4, exponent, MODP_2048).to_bytes(256)
        assert value(talk, "g^xy") == value(run("main"), "g^xy")
        assert entries(talk)["g^xi (responder)"]["formula"] == ""


def test_two_values_of_one_name_are_named_by_their_messages() -> None:
    talk = run("main")
    named = [name for name in entries(talk) if name.startswith("payloads")]
    assert len(named) == 2
    assert named[1] == f"{named[0]}, message 8"
    assert not any("'" in name for name in entries(talk))
