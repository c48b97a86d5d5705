"""A recording is shown, opened, asked for its secrets, and heard otherwise; what cannot be is said in a sentence."""

from __future__ import annotations

import builtins
import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from ikelab.course.datasets import dataset, datasets
from ikelab.course.recording import Recording, read, recorded, recordings
from ikelab.errors import Misuse
from ikelab.ike.beliefs import Beliefs
from ikelab.net.capture import write_capture

PSK = "correct horse battery staple"


@pytest.fixture(scope="module")
def talk() -> Recording:
    return recorded("main_psk_nopfs")


def verdicts(heard: Recording) -> dict[str, bool]:
    """Every hash of Main Mode that could be checked."""
    return {name: ok for each in heard.followed[:6] for name, ok in each.verified.items()}


class TestShown:
    def test_as_a_ladder(self, talk: Recording) -> None:
        lines = repr(talk).splitlines()
        assert lines[0] == "main_psk_nopfs: the conversation to begin with"
        assert [line.split()[0] for line in lines if line[:4].strip().isdigit()] == [str(n) for n in range(1, 12)]
        fifth = next(line for line in lines if line.startswith("   5 "))
        assert "[IDii HASH_I N]" in fifth
        assert fifth.endswith("verified: HASH_I")

    def test_in_a_notebook_its_lines_stay_whole_and_are_text(self, talk: Recording) -> None:
        named = replace(talk, title="<b>&")
        drawn = ElementTree.fromstring(named._repr_html_())
        assert (drawn.tag, drawn.text, len(drawn)) == ("pre", repr(named), 0)

    def test_as_a_player(self, talk: Recording) -> None:
        player = talk.play(step=5, view="secrets")
        assert (player.step, player.view, player.last) == (5, "secrets", len(talk))
        assert player.trace == talk.trace.to_json()

    def test_without_widgets_it_says_what_to_do(self, talk: Recording, monkeypatch: pytest.MonkeyPatch) -> None:
        imported = builtins.__import__

        def without_widgets(name: str, *rest: Any, **more: Any) -> Any:
            if name == "ikelab.view.player":
                raise ModuleNotFoundError("No module named 'anywidget'", name="anywidget")
            return imported(name, *rest, **more)

        monkeypatch.setattr(builtins, "__import__", without_widgets)
        with pytest.raises(Misuse, match=r"needs anywidget, .* pip install 'ikelab\[all\]'; without it, print"):
            talk.play()

    def test_as_a_page(self, talk: Recording, tmp_path: Path) -> None:
        talk.save_page(tmp_path / "talk.html")
        assert "a1f49d7b5141b96b" in (tmp_path / "talk.html").read_text("utf-8")
        with pytest.raises(Misuse, match=r"nowhere.talk\.html: expected a file that can be written, got: No such"):
            talk.save_page(tmp_path / "nowhere" / "talk.html")

    def test_names_of_what_there_is(self) -> None:
        assert list(recordings()) == [each.name for each in datasets()]
        line = next(line for line in repr(recordings()).splitlines() if line.startswith("main_rsa "))
        assert line.endswith(dataset("main_rsa").what)


class TestMessage:
    def test_octets_fields_and_what_they_mean(self, talk: Recording) -> None:
        message = talk.message(5)
        assert message.encrypted
        assert message.verified == {"HASH_I": True}
        assert message.decrypted is not None
        assert message.decrypted[8:12] == bytes((10, 99, 0, 1))
        assert len(message.octets) == 108
        shown = repr(message)
        assert "9f 96 dd 56" in shown
        assert "Identification Data  10.99.0.1" in shown
        assert "The initiator says who it is and proves it, encrypted." in shown
        assert max(map(len, shown.splitlines())) <= 100

    def test_in_a_notebook_the_same_in_colours(self, talk: Recording) -> None:
        class Printer:
            said = ""

            def text(self, words: str) -> None:
                self.said += words

        talk.message(5)._repr_pretty_(printer := Printer(), cycle=False)
        assert "\x1b[1mInitiator Cookie\x1b[0m" in printer.said
        plain = re.sub(r"\x1b\[[0-9;]*m", "", printer.said)
        assert plain.split() == repr(talk.message(5)).split()
        assert "\x1b" not in repr(talk.message(5))

    def test_a_closed_one_shows_its_length_and_what_is_lacking(self, talk: Recording) -> None:
        message = talk.without_keys().message(5)
        assert message.decrypted is None
        assert not message.verified
        assert "cannot be decrypted: PSK and g^xy are not known" in repr(message)
        assert "10.99.0.1  " not in repr(message)

    def test_all_of_them(self, talk: Recording) -> None:
        assert [each.number for each in talk.messages] == list(range(1, len(talk) + 1))

    @pytest.mark.parametrize("number", [0, 12, -1, True, "5", 5.0, None])
    def test_a_number_there_is_not(self, talk: Recording, number: Any) -> None:
        with pytest.raises(Misuse, match="message: expected a number from 1 to 11, got "):
            talk.message(number)


class TestSecret:
    def test_formula_inputs_origins_and_value(self, talk: Recording) -> None:
        secret = talk.secret("SKEYID")
        assert secret.value.hex() == "3638caa85eb65b9a0bab5d2921f1a072e376cd35"
        assert [made_of.name for made_of in secret.inputs] == ["PSK", "Ni_b", "Nr_b"]
        assert repr(secret).splitlines() == [
            "SKEYID = prf(PSK, Ni_b | Nr_b)    RFC 2409 §5",
            "The root of all keys. With a pre-shared key only its two owners can compute it, which is what",
            "authenticates them; g^xy joins one step later.",
            f'  PSK  = "{PSK}"  configured on both sides',
            "  Ni_b = beb9ed24…8ade653a  message 3",
            "  Nr_b = 453d4c1d…2e04a32d  message 4",
            "= 3638caa85eb65b9a0bab5d2921f1a072e376cd35 (20 octets, known since message 4)",
        ]

    def test_what_nothing_makes_says_where_it_comes_from(self, talk: Recording) -> None:
        assert repr(talk.secret("Ni_b")).startswith("Ni_b: message 3\n")
        assert repr(talk.secret("PSK")).startswith("PSK: configured on both sides\n")

    def test_what_follows_is_derived_though_the_facts_tell_it(self, talk: Recording) -> None:
        told = talk.beliefs.ike[0].values
        for name in ("SKEYID", "SKEYID_d", "SKEYID_a", "SKEYID_e", "Ka", "HASH_I", "HASH_R"):
            secret = talk.secret(name)
            assert secret.formula, name
            assert secret.value == told[name], name

    def test_a_name_there_is_not(self, talk: Recording) -> None:
        with pytest.raises(Misuse, match=r"got 'SKEYD'; did you mean 'SKEYID'"):
            talk.secret("SKEYD")
        with pytest.raises(Misuse, match=r"did you mean 'HASH\(1\) 4d0134ca' or 'HASH\(1\) 5df227dc'"):
            talk.secret("HASH(1)")


class TestHeardOtherwise:
    def test_without_keys(self, talk: Recording) -> None:
        heard = talk.without_keys()
        assert [each.opened for each in heard.followed] == [None] * 11
        assert not verdicts(heard)
        assert repr(heard).count("closed, ") == 7

    def test_with_the_right_key_once_more(self, talk: Recording) -> None:
        assert verdicts(talk.with_psk(PSK)) == {"HASH_I": True, "HASH_R": True}
        assert verdicts(talk.with_psk(PSK.encode())) == verdicts(talk.with_psk("0x" + PSK.encode().hex()))

    def test_with_another_key(self, talk: Recording) -> None:
        heard = talk.with_psk("correct horse battery stable")
        assert [each.decrypted for each in heard.followed] == [None] * 4 + [False] * 7
        assert heard.secret("SKEYID").value != talk.secret("SKEYID").value
        assert 'heard with the pre-shared key "correct horse battery stable"' in repr(heard)
        assert repr(heard).count("decrypts to nonsense") == 7

    def test_one_bit_of_the_offer(self, talk: Recording) -> None:
        heard = talk.flipped(1, "Life Duration")
        assert verdicts(heard) == {"HASH_I": False, "HASH_R": False}
        changed = [a ^ b for a, b in zip(heard.message(1).octets, talk.message(1).octets, strict=True) if a != b]
        assert changed == [1]
        assert "Life Duration  15841" in repr(heard.message(1))

    def test_one_bit_of_a_vendor_id(self, talk: Recording) -> None:
        heard = talk.flipped(1, "Vendor ID")
        assert heard.message(1).octets != talk.message(1).octets
        assert verdicts(heard) == verdicts(talk) == {"HASH_I": True, "HASH_R": True}

    def test_one_bit_of_a_nonce(self, talk: Recording) -> None:
        assert talk.flipped(3, "Nonce Data").followed[4].decrypted is False

    def test_a_cookie_takes_the_message_out_of_the_conversation(self, talk: Recording) -> None:
        heard = talk.flipped(3, "Initiator Cookie")
        assert len(heard) == len(heard.trace.messages) == 10
        assert heard.message(3).octets == talk.message(4).octets

    def test_the_original_stays_as_it_is(self, talk: Recording) -> None:
        before = repr(talk)
        talk.flipped(1, "Life Duration").with_psk("x").without_keys()
        assert repr(talk) == before

    def test_fields_that_cannot_be_met(self, talk: Recording) -> None:
        with pytest.raises(
            Misuse, match=r"message 5: expected one of its fields \(Initiator Cookie, .*got 'Hash Data'"
        ):
            talk.flipped(5, "Hash Data")
        reassembled = recorded("main_rsa4096_frag")
        place = next(n for n, each in enumerate(reassembled.followed, 1) if each.whole)
        with pytest.raises(Misuse, match="expected one of its fields"):
            reassembled.flipped(place, "Encrypted Data")


class TestRead:
    def test_with_the_keys_of_a_file_or_of_an_object(self, talk: Recording) -> None:
        mine = dataset("main_psk_nopfs")
        for keys in (mine.keys_path, str(mine.keys_path), mine.facts, mine.beliefs()):
            assert read(mine.capture_path, keys=keys).trace.messages == talk.trace.messages

    def test_without_any(self, talk: Recording) -> None:
        heard = read(dataset("main_psk_nopfs").capture_path)
        assert heard.title == "capture.pcap"
        assert heard.trace.messages == talk.without_keys().trace.messages

    def test_the_pre_shared_key_alone_opens_nothing_in_main_mode(self) -> None:
        heard = read(dataset("main_psk_nopfs").capture_path, psk=PSK)
        assert heard.secret("SKEYID").formula
        assert "cannot be decrypted: g^xy is not known" in repr(heard.message(5))

    def test_what_is_told_and_not_determined_is_used_as_it_is(self) -> None:
        mine = dataset("main_psk_nopfs")
        told = dict(mine.facts["ike"][0])  # type: ignore[index]
        del told["g_xy"]
        heard = read(mine.capture_path, keys={"ike": [told]})
        assert heard.message(5).verified == {"HASH_I": True}
        assert heard.secret("SKEYID").formula == ""

    def test_one_of_several(self, tmp_path: Path) -> None:
        both = [each for name in ("main_psk_nopfs", "aggr_psk_keyid") for each in dataset(name).capture()]
        write_capture(tmp_path / "both.pcap", both)
        first, second = (read(tmp_path / "both.pcap", conversation=number) for number in (1, 2))
        assert first.title == "both.pcap, conversation 1 of 2"
        assert "Main Mode" in repr(first)
        assert "Aggressive Mode" in repr(second)
        with pytest.raises(Misuse, match="conversation: expected a number from 1 to 2, got 3"):
            read(tmp_path / "both.pcap", conversation=3)

    def test_what_cannot_be_read(self, tmp_path: Path) -> None:
        mine = dataset("main_psk_nopfs")
        with pytest.raises(Misuse, match=r"facts\.json: expected a pcap or pcapng capture"):
            read(mine.keys_path)
        with pytest.raises(Misuse, match=r"nothing\.json: expected a key file that can be read, got: No such file"):
            read(mine.capture_path, keys=tmp_path / "nothing.json")
        (tmp_path / "keys.json").write_text(json.dumps({"ike": [{"cookie_i": "no hex"}]}))
        with pytest.raises(Misuse, match=r"keys\.json.*cookie_i"):
            read(mine.capture_path, keys=tmp_path / "keys.json")
        write_capture(tmp_path / "empty.pcap", [])
        with pytest.raises(Misuse, match=r"empty\.pcap: expected at least one IKEv1 message, got none"):
            read(tmp_path / "empty.pcap")


@pytest.mark.parametrize("name", [each.name for each in datasets()])
def test_every_dataset_opens_as_far_with_its_roots_as_with_all_it_tells(name: str) -> None:
    heard = recorded(name)
    assert heard.beliefs != Beliefs()
    assert heard.trace.secrets
    closed = [n for n, each in enumerate(heard.followed, 1) if each.inside.encrypted and not each.opened]
    assert closed == []
    assert all(repr(each) for each in heard.messages)
