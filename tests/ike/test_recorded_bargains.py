"""Recorded gateways bargained as this project does: their offers, their answers and their refusals are reproduced."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from ikelab.course.datasets import dataset, datasets
from ikelab.errors import Refusal
from ikelab.ike.attributes import PHASE_1, PHASE_2, differences
from ikelab.ike.beliefs import Beliefs, parse_keys
from ikelab.ike.config import Child, ChildOffer, Selector, ah_offers, child_offers, esp_offers, ike_offers
from ikelab.ike.identity import Identity
from ikelab.ike.listen import Heard, Listener
from ikelab.ike.negotiate import check_answer, check_child_answer, choose_child, choose_ike, offer_child, offer_ike
from ikelab.ike.transforms import child_terms, ike_terms
from ikelab.net.capture import Capture, read_capture
from ikelab.wire.numbers import Encapsulation, ExchangeType, IkeAttribute, IpsecAttribute, Notify, Protocol
from ikelab.wire.payloads import ID, SA, Notification
from ikelab.wire.proposals import Transform
from tests.needs import captures_dir, needs, recorded_conversations

PHASE_1_EXCHANGES = (ExchangeType.IDENTITY_PROTECTION, ExchangeType.AGGRESSIVE)
NON_ESP_MARKER = bytes(4)
DATASETS = [each.name for each in datasets()]


@dataclass(frozen=True, kw_only=True)
class Bargain:
    """One SA payload that was offered, and what was said to it: an SA payload, an error, or nothing that is known."""

    phase_1: bool
    offered: SA
    answer: SA | None
    error: int | None
    clients: tuple[ID, ...]

    @property
    def transforms(self) -> tuple[Transform, ...]:
        """Every transform that was offered."""
        return tuple(transform for proposal in self.offered.proposals for transform in proposal.transforms)


def bargains(capture: Capture, beliefs: Beliefs) -> Iterator[Bargain]:
    """The bargains of a recorded conversation in order, as a listener who was told its secrets hears them."""
    listener = Listener(beliefs=beliefs)
    opened: dict[tuple[bytes, int], tuple[SA, tuple[ID, ...]]] = {}
    order: list[tuple[bytes, int]] = []
    said: dict[tuple[bytes, int], tuple[SA | None, int | None]] = {}
    for datagram in capture:
        octets = datagram.octets.removeprefix(NON_ESP_MARKER)
        header = listener_header(octets)
        if datagram.protocol != "udp" or header is None:
            continue
        followed = listener.hear(
            Heard(frame=datagram.frame, source=datagram.source, destination=datagram.destination, octets=octets)
        )
        head = followed.message.header
        if head is None or followed.retransmission_of is not None:
            continue
        key = head.cookie_i, head.message_id
        for payload in followed.inside.payloads:
            if isinstance(payload, SA) and key not in opened:
                clients = tuple(each for each in followed.inside.payloads if isinstance(each, ID))
                opened[key] = payload, clients
                order.append(key)
            elif isinstance(payload, SA):
                said[key] = payload, None
            elif isinstance(payload, Notification) and payload.notify < 16384 and order:
                said.setdefault(order[-1], (None, payload.notify))
    for key in order:
        answer, error = said.get(key, (None, None))
        offered, clients = opened[key]
        yield Bargain(phase_1=key[1] == 0, offered=offered, answer=answer, error=error, clients=clients)


def listener_header(octets: bytes) -> bytes | None:
    """The first octets, if they look like an ISAKMP header of version 1.0 that fits."""
    fits = len(octets) >= 28 and octets[17] == 0x10 and int.from_bytes(octets[24:28]) == len(octets)
    return octets[:28] if fits else None


@functools.cache
def of_dataset(name: str) -> tuple[Bargain, ...]:
    recording = dataset(name)
    return tuple(bargains(recording.capture(), recording.beliefs()))


@functools.cache
def of_capture(name: str) -> tuple[Bargain, ...]:
    folder = captures_dir() / name
    return tuple(bargains(read_capture(folder / "capture.pcap"), parse_keys((folder / "facts.json").read_bytes())))


def configured(folder: Path, setting: str, peer: str) -> str | None:
    """A setting of a recorded strongSwan; None where it has none."""
    found = re.search(rf"^\s*{setting} = (.*)$", (folder / f"{peer}.swanctl.conf").read_text("utf-8"), re.MULTILINE)
    return found[1].strip() if found else None


def check(bargain: Bargain) -> None:
    """The initiator accepts what the responder answered, and this side would have answered the same."""
    assert bargain.answer is not None
    if bargain.phase_1:
        checked = check_answer(bargain.offered, bargain.answer)
        method = bargain.answer.proposals[0].transforms[0].first(IkeAttribute.AUTHENTICATION_METHOD)
        assert checked.method == method
        chosen = choose_ike(bargain.offered, (checked.offer,), checked.method)
        assert differences(chosen.transform, checked.transform, PHASE_1) == ()
        return
    checked_child = check_child_answer(bargain.offered, bargain.answer)
    assert checked_child.spi == bargain.answer.proposals[0].spi
    child = responders_child(bargain, (checked_child.offer,), checked_child.mode)
    chosen_child = choose_child(bargain.offered, child)
    assert differences(chosen_child.transform, checked_child.transform, PHASE_2) == ()
    beside = {protocol: checked_child.spi_of(protocol) for protocol in checked_child.protocols}
    answered = chosen_child.answer(checked_child.spi, beside)
    assert check_child_answer(bargain.offered, answered).offer == checked_child.offer


def responders_child(bargain: Bargain, offers: tuple[ChildOffer, ...], mode: int) -> Child:
    initiator, responder = (Selector.from_payload(each) for each in bargain.clients)
    return Child(name="recorded", offers=offers, local=responder, remote=initiator, mode=mode)


class TestDatasets:
    @pytest.mark.parametrize("name", DATASETS)
    def test_every_recorded_bargain_is_understood(self, name: str) -> None:
        found = of_dataset(name)
        assert found
        for bargain in found:
            if bargain.answer is not None:
                check(bargain)

    def test_strongswans_first_offer_is_made_octet_for_octet(self) -> None:
        recorded = of_dataset("main_psk_nopfs")[0].offered
        made = offer_ike(ike_offers("aes128-sha1-modp2048"), 1, 15840)
        assert made.write() == recorded.write()
        assert len(made.write()) == 52

    def test_strongswans_quick_mode_offer_is_made_octet_for_octet(self) -> None:
        recorded = of_dataset("main_psk_pfs_libipsec")[1].offered
        words, spi = esp_offers("aes128-sha1-modp2048"), recorded.proposals[0].spi
        assert offer_child(words, spi, Encapsulation.UDP_TUNNEL, 3960).write() == recorded.write()


@needs("shared-captures")
@pytest.mark.parametrize("name", recorded_conversations())
class TestRecordedConversations:
    def test_every_answer_is_one_of_the_offers_and_is_what_this_side_would_choose(self, name: str) -> None:
        found = of_capture(name)
        assert found
        for bargain in found:
            if bargain.answer is not None:
                check(bargain)

    def test_every_offer_is_made_octet_for_octet_from_what_it_says(self, name: str) -> None:
        for bargain in of_capture(name):
            if any(transform.number == 0 for transform in bargain.transforms):
                continue  # libreswan counts from 0 and has an order of its own
            *more, proposal = bargain.offered.proposals
            (transform,) = proposal.transforms
            if bargain.phase_1:
                terms = ike_terms(transform)
                assert terms.offer is not None
                assert terms.method is not None
                made = offer_ike((terms.offer,), terms.method, terms.lifetime.seconds or 0)
            else:
                said = child_terms(proposal.protocol, transform)
                assert said.offer is not None
                assert said.mode is not None
                offers = (replace(said.offer, compression=2), said.offer) if more else (said.offer,)
                beside = {each.protocol: each.spi for each in more if each.protocol == Protocol.IPCOMP}
                seconds = said.lifetime.seconds or 0
                made = offer_child(offers, proposal.spi, said.mode, seconds, beside=beside)
            assert made.write() == bargain.offered.write()

    def test_client_identities_are_read_and_written_back(self, name: str) -> None:
        for bargain in of_capture(name):
            for client in bargain.clients:
                if bargain.phase_1:
                    assert Identity.from_payload(client).payload() == client
                else:
                    assert Selector.from_payload(client).payload() == client


@needs("shared-captures")
class TestStrongswansOwnConfiguration:
    """From the words in the responder's file this side makes the responder's choice, and refuses what it refused."""

    @pytest.mark.parametrize("name", recorded_conversations())
    def test_phase_1(self, name: str) -> None:
        folder = captures_dir() / name
        if not (folder / "B.swanctl.conf").is_file():
            assert name == "pluto_resp_aggr_psk"  # libreswan answers there
            return
        words = configured(folder, "proposals", "B")
        assert words is not None
        for bargain in of_capture(name):
            if not bargain.phase_1:
                continue
            method = bargain.transforms[0].first(IkeAttribute.AUTHENTICATION_METHOD)
            assert method is not None
            if bargain.answer is None:
                with pytest.raises(Refusal) as raised:
                    choose_ike(bargain.offered, ike_offers(words), method)
                assert (name, raised.value.notify) == ("fail_p1_no_proposal", bargain.error)
                assert "AES-CBC-128: this side offers only AES-CBC-256" in raised.value.hint
            else:
                chosen = choose_ike(bargain.offered, ike_offers(words), method)
                answered = bargain.answer.proposals[0].transforms[0]
                assert differences(chosen.transform, answered, PHASE_1) == ()

    @pytest.mark.parametrize("name", recorded_conversations())
    def test_quick_mode(self, name: str) -> None:
        folder = captures_dir() / name
        refusals = {
            "fail_p2_no_proposal": "AES-CBC-128: this side offers only AES-CBC-256",
            "fail_p2_pfs_mismatch": "PFS with MODP-2048: this side offers only PFS with MODP-4096",
        }
        if not (folder / "B.swanctl.conf").is_file():
            assert name == "pluto_resp_aggr_psk"
            return
        for bargain in of_capture(name):
            if bargain.phase_1 or name == "fail_p2_ts":  # there the selectors were refused, not the offer
                continue
            ah = configured(folder, "ah_proposals", "B")
            words = ah or configured(folder, "esp_proposals", "B")
            assert words is not None
            mode = bargain.transforms[0].first(IpsecAttribute.ENCAPSULATION_MODE)
            assert mode is not None
            child = responders_child(bargain, ah_offers(words) if ah else esp_offers(words), mode)
            if bargain.answer is None:
                with pytest.raises(Refusal) as raised:
                    choose_child(bargain.offered, child)
                assert raised.value.notify == bargain.error == Notify.NO_PROPOSAL_CHOSEN
                assert refusals[name] in raised.value.hint
            else:
                chosen = choose_child(bargain.offered, child)
                answered = bargain.answer.proposals[-1].transforms[0]
                assert differences(chosen.transform, answered, PHASE_2) == ()

    def test_so_many_bargains_were_recorded(self) -> None:
        every = [bargain for name in recorded_conversations() for bargain in of_capture(name)]
        assert len(every) == 74
        assert sum(bargain.answer is not None for bargain in every) == 70
        refused = sorted(bargain.error for bargain in every if bargain.error is not None)
        assert refused == [Notify.NO_PROPOSAL_CHOSEN] * 3 + [Notify.INVALID_ID_INFORMATION]

    def test_libreswan_counts_from_zero_and_strongswan_from_one(self) -> None:
        first, quick = of_capture("pluto_ini_main_psk")
        for bargain, checked in (
            (first, check_answer(first.offered, first.answer or SA(proposals=()))),
            (quick, check_child_answer(quick.offered, quick.answer or SA(proposals=()))),
        ):
            assert bargain.transforms[0].number == 0
            assert checked.remarks == (
                "offered as proposal 0, transform 0, and answered as proposal 1, transform 1 "
                "(RFC 2408 §4.2: should be retained)",
            )

    def test_strongswan_answers_a_bundle_and_its_alternative_at_once(self) -> None:
        """RFC 2408 §4.2 asks for the selected proposal; the first that is answered is meant."""
        quick = of_capture("ipcomp")[1]
        assert quick.answer is not None
        assert [proposal.number for proposal in quick.answer.proposals] == [1, 1, 2]
        checked = check_child_answer(quick.offered, quick.answer)
        assert (checked.protocols, checked.offer.compression) == ((Protocol.ESP, Protocol.IPCOMP), 2)
        assert (checked.spi.hex(), checked.spi_of(Protocol.IPCOMP).hex()) == ("cb31710b", "82d4")
        assert checked.remarks == ("expected one of the offers, got 2: the first counts (RFC 2408 §4.2)",)
        both = responders_child(quick, child_offers(esp="aes128-sha1", ipcomp="deflate"), Encapsulation.TUNNEL)
        chosen = choose_child(quick.offered, both)
        assert [proposal.number for proposal in chosen.proposals] == [1, 1]
        child = responders_child(quick, esp_offers("aes128-sha1"), Encapsulation.TUNNEL)
        assert [proposal.number for proposal in choose_child(quick.offered, child).proposals] == [2]
