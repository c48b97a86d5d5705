"""Packets go through the SAs of finished runs, in memory; scapy opens what left, and what was altered stays out."""

from __future__ import annotations

import pytest
from scapy.layers.inet import IP
from scapy.layers.ipsec import AH, ESP, SecurityAssociation

from ikelab.course.behind_nat import OUTSIDE, WAYS, nat_trial
from ikelab.course.hosts import Ends, echo_request, summary
from ikelab.course.protected import Arrived, Sent, Stopped
from ikelab.course.runs import run
from ikelab.course.two_gateways import Gateways, gateways
from ikelab.errors import Misuse
from ikelab.ipsec.boundary import Crossed, How
from ikelab.ipsec.refused import Reason, Refused
from ikelab.view import twin

ANY = {"local_ts": "0.0.0.0/0", "remote_ts": "0.0.0.0/0"}
AH_ALONE = {"esp": "", "ah": "sha256"}


def sent(pair: Gateways, *what: str, **words: str) -> Sent:
    packet = pair.send(*what, **words)  # type: ignore[arg-type]
    assert isinstance(packet, Sent), packet
    return packet


def refusal(arrived: Arrived | Stopped) -> Reason:
    assert isinstance(arrived.outcome, Refused), arrived
    return arrived.outcome.reason


class TestAcross:
    @pytest.mark.parametrize(
        ("name", "words", "protocols"),
        [
            ("main", {}, ["ESP"]),
            ("main", {"esp": "aes256gcm16-esn"}, ["ESP"]),
            ("quick-pfs", {}, ["ESP"]),
            ("transport", {}, ["ESP"]),
            ("ah", {}, ["AH"]),
            ("transport", AH_ALONE, ["AH"]),
            ("main", {"ah": "sha256"}, ["ESP", "AH"]),
            ("main", {"encapsulation": "udp-tunnel"}, ["ESP"]),
            ("transport", {"encapsulation": "udp-transport"}, ["ESP"]),
        ],
    )
    def test_a_ping_is_answered(self, name: str, words: dict[str, str], protocols: list[str]) -> None:
        ping = run(name, **words).ping()
        assert ping.answered, ping
        for step in ping.steps:
            if isinstance(step, Sent):
                assert [each.keys.protocol for each in step.sas] == protocols
                assert step.inner not in step.packet or protocols == ["AH"]
                assert "".join(piece.name for piece in step.pieces)
                assert sum(piece.size for piece in step.pieces) == len(step.packet) == step.pieces[-1].end

    def test_scapy_opens_what_left(self) -> None:
        packet = sent(run("main").gateways(), "tcp")
        keys = packet.sas[0].keys
        sa = SecurityAssociation(
            ESP, spi=int.from_bytes(packet["SPI"]), crypt_algo="AES-CBC", crypt_key=keys.enc_key,
            auth_algo="SHA2-256-128", auth_key=keys.auth_key, tunnel_header=IP(src="10.99.0.1", dst="10.99.0.2"),
        )  # fmt: skip
        assert bytes(sa.decrypt(IP(packet.packet))) == packet.inner

    def test_scapy_verifies_ah(self) -> None:
        packet = sent(run("ah").gateways())
        sa = SecurityAssociation(
            AH, spi=int.from_bytes(packet["SPI"]), auth_algo="SHA2-256-128", auth_key=packet.sas[0].keys.auth_key,
            tunnel_header=IP(src="10.99.0.1", dst="10.99.0.2"),
        )  # fmt: skip
        assert bytes(sa.decrypt(IP(packet.packet))) == packet.inner

    def test_what_has_no_sa_yet_asks_for_one_and_then_goes(self) -> None:
        pair = gateways("main")
        first = pair.send()
        assert isinstance(first, Stopped)
        assert first.needs_ike
        assert "no SA: IKE is asked" in repr(first)
        assert not pair.ping().answered
        assert pair.negotiate().established
        assert pair.ping().answered

    def test_gateways_whose_sas_are_for_any_packet_have_a_tunnel_interface(self) -> None:
        forms = {
            name: (run(name).gateways().form, gateways(name).form) for name in ("main", "route-based", "transport")
        }
        assert forms["route-based"] == ("route-based", "route-based")
        assert forms["main"] == forms["transport"] == ("policy-based", "policy-based")
        assert run("route-based").gateways("policy-based").form == "policy-based"

    @pytest.mark.parametrize("sides", [{}, {"initiator": ANY, "responder": ANY}])
    def test_routes_lead_into_a_tunnel_interface(self, sides: dict[str, object]) -> None:
        pair = run("main", **sides).gateways("route-based")
        assert pair.ping().answered
        assert "vti0; routes: 10.2.0.0/24" in repr(pair.spd)
        elsewhere = pair.send(destination="10.9.0.1")
        assert isinstance(elsewhere, Stopped)
        assert refusal(elsewhere) is Reason.DISCARDED

    def test_compressed_packets_are_not_promised(self) -> None:
        with pytest.raises(Misuse, match="with IPComp"):
            run("bundle").gateways()


class TestInBetween:
    def test_every_covered_octet_and_no_other_is_missed(self) -> None:
        """Each field flipped in turn: what the table says is noticed, by the ICV, is; what it says is not, is not."""
        for name, words in (("main", {}), ("ah", {}), ("transport", AH_ALONE), ("main", {"ah": "sha256"})):
            whole = sent(run(name, **words).gateways())
            for piece in whole.pieces:
                arrived = run(name, **words).gateways().receive(whole.flipped(piece.name))
                noticed = piece.covered or "ICV" in piece.name
                if piece.name in ("Header Checksum", "TOS", "TTL", "Flags, Fragment Offset"):
                    continue
                if piece.name != "Outer IP header":
                    assert arrived.taken is not noticed, (name, piece.name, arrived)

    def test_kept_and_sent_again(self) -> None:
        pair = run("main").gateways()
        once = sent(pair)
        assert pair.receive(once).taken
        assert refusal(pair.receive(once)) is Reason.REPLAYED
        assert pair.refused() == {"replayed": 1}
        assert "1 replayed" in repr(pair.sad)

    def test_out_of_order(self) -> None:
        pair = run("main").gateways()
        packets = [sent(pair) for _ in range(200)]
        came = [pair.receive(packets[number - 1]) for number in (1, 3, 2, 3, 200, 60, 90)]
        assert [each.taken for each in came] == [True, True, True, False, True, False, True]
        assert (refusal(came[3]), refusal(came[5])) == (Reason.REPLAYED, Reason.BEFORE_WINDOW)

    def test_altered(self) -> None:
        pair = run("main").gateways()
        packet = sent(pair)
        for altered in (packet.flipped("Inner payload"), packet.flipped(60), packet.altered("Sequence Number", 9)):
            assert refusal(pair.receive(altered)) is Reason.WRONG_ICV
            assert altered.notes
        assert refusal(pair.receive(packet.altered("SPI", b"\1\2\3\4"))) is Reason.UNKNOWN_SPI
        assert pair.receive(packet).taken, "nothing of it has moved the window on"
        assert pair.refused() == {"unknown SPI": 1, "wrong ICV": 3}

    def test_from_outside_and_unprotected(self) -> None:
        pair = run("main").gateways()
        forged = echo_request(Ends(source="10.2.0.10", destination="10.1.0.10"), 1)
        assert refusal(pair.receive(forged, side="initiator")) is Reason.UNPROTECTED

    def test_decrypting(self) -> None:
        talk = run("main")
        packet = sent(talk.gateways())
        keys = packet.sas[0].keys
        assert keys.enc_key is not None
        assert packet.decrypted(keys.enc_key).inside == packet.inner
        assert packet.decrypted(talk.secret("encryption key dc1761f5")).inside == packet.inner
        for wrong in (talk.secret("SKEYID_e").value[:16], talk.secret("Ka").value[:16]):
            attempt = packet.decrypted(wrong)
            assert attempt.inside == b""
            assert repr(attempt).startswith("✗ decrypted to nonsense")
        bundle = sent(run("main", ah="sha256").gateways())
        assert bundle.decrypted(keys.enc_key).inside == bundle.inner
        with pytest.raises(Misuse, match="expected a key of 16 octets, got 32 octets"):
            packet.decrypted(talk.secret("SKEYID_e").value)
        with pytest.raises(Misuse, match="nothing is encrypted"):
            sent(run("ah").gateways()).decrypted(keys.enc_key)


class TestNat:
    def test_what_gets_through(self) -> None:
        """RFC 3715 §2.1: AH covers the addresses, ESP in transport mode hides the checksum that does."""
        assert nat_trial("tcp").through == (3, 5, 6)
        assert nat_trial("ping").through == (3, 4, 5, 6)
        ah, _, _, transport, *_ = nat_trial("tcp").trials
        assert refusal(ah.arrived) is Reason.WRONG_ICV
        assert isinstance(transport.arrived.outcome, Crossed), "the gateway has nothing against it"
        assert "the TCP checksum is wrong" in transport.arrived.verdict

    @pytest.mark.parametrize("way", range(len(WAYS)))
    def test_there_and_back(self, way: int) -> None:
        _, name, words = WAYS[way]
        assert run(name, **words).gateways(nat=OUTSIDE).ping().answered is (way > 1)

    def test_a_nat_leaves_nothing_of_itself_where_there_is_no_protection(self) -> None:
        pair = gateways("main", nat=OUTSIDE)
        for kind in ("tcp", "udp"):
            packet = pair._packet(kind, "initiator", "10.99.0.1", "10.99.0.2", 0)
            assert pair.nat is not None
            translated = pair.nat.translated(packet)
            again = IP(translated)
            shown = bytes(again)
            del again.chksum, again.payload.chksum
            assert bytes(IP(bytes(again))) == shown, "scapy computes the same checksums"
            assert summary(translated).startswith("203.0.113.7 > 10.99.0.2")


class TestPlayed:
    @pytest.mark.parametrize(
        ("name", "words", "titles"),
        [
            ("main", {}, ["On the wire", "Decrypted"]),
            ("ah", {}, ["On the wire"]),
            ("main", {"ah": "sha256"}, ["On the wire", "On the wire", "Decrypted"]),
            ("transport", {"encapsulation": "udp-transport"}, ["On the wire", "Decrypted"]),
        ],
    )
    def test_the_run_goes_on_with_the_packets(self, name: str, words: dict[str, str], titles: list[str]) -> None:
        talk = run(name, **words)
        player = talk.ping().play()
        trace = player.trace
        assert (len(trace["messages"]), len(trace["frames"])) == (len(talk) + 2, talk.last + 4)
        assert player.step == talk.last + 1
        assert trace["messages"][: len(talk)] == talk.trace.to_json()["messages"]
        for message in trace["messages"][len(talk) :]:
            assert [sheet["title"] for sheet in message["sheets"]] == titles
            for sheet in message["sheets"]:
                leaves = [(each["at"], each["size"]) for each in sheet["fields"]]
                assert sum(size for _, size in leaves) == len(sheet["octets"]) // 2
        assert "10.2.0.10" in twin.text(trace) or "10.99.0.2" in twin.text(trace)

    def test_the_key_that_opens_is_one_that_the_run_has_made(self) -> None:
        talk = run("main")
        trace = talk.ping().play().trace
        keys = {secret["value"]: secret["label"] for secret in trace["secrets"]}
        opened = [message["sheets"][1] for message in trace["messages"][len(talk) :]]
        assert [keys[sheet["key_value"]] for sheet in opened] == [
            "encryption key, ESP initiator to responder",
            "encryption key, ESP responder to initiator",
        ]

    def test_without_a_run_there_is_nothing_to_play(self) -> None:
        pair = gateways("main")
        with pytest.raises(Misuse, match="let IKE negotiate first"):
            pair.ping().play()
        pair.negotiate()
        assert pair.ping().play().step == 12
        assert pair.ping().play(step=3).step == 3


class TestShown:
    def test_a_packet_with_its_fields(self) -> None:
        packet = sent(run("main").gateways(), "tcp")
        told = repr(packet).splitlines()
        assert told[2] == "58 octets have become 124"
        assert any(line.split()[:5] == ["28", "IV", "–", "✓", packet["IV"].hex()[:2]] for line in told)
        html = packet._repr_html_()
        assert "<table" in html
        assert packet["ICV"].hex(" ") in html
        assert len(packet["Ciphertext"]) == 64

    def test_what_a_host_says_is_text(self) -> None:
        pair = gateways("main")
        stopped = pair.send(b"<script>alert(1)</script>")
        assert isinstance(stopped, Stopped)
        assert "<script>" not in stopped._repr_html_()

    def test_of_two_icvs_the_table_tells_of_the_outer_one(self) -> None:
        assert "AH's ICV covers" in repr(sent(run("main", ah="sha256").gateways()))
        assert "AH's ICV covers" in sent(run("main", ah="sha256").gateways())._repr_html_().replace("&#x27;", "'")
        assert "'s ICV covers" not in repr(sent(run("main").gateways()))

    def test_sentences_are_wrapped_and_tables_are_not(self) -> None:
        pair = run("main").gateways()
        assert "white-space: pre-wrap" in pair.receive(sent(pair))._repr_html_()
        assert "white-space: pre;" in pair.sad._repr_html_()

    def test_the_nat_shows_what_it_does(self) -> None:
        assert repr(nat_trial()).startswith(f"source address: 10.99.0.1 before the NAT, {OUTSIDE} behind it\n1. AH")

    def test_tables(self) -> None:
        pair = run("main").gateways()
        pair.ping()
        assert repr(pair.sad).count("ESP dc1761f5") == 2
        assert "3.  net" in repr(pair.spd)
        assert repr(gateways("main").sad).count("no SA") == 2
        for shown in (pair.sad, pair.spd, nat_trial(), pair.ping(), pair.receive(sent(pair))):
            assert shown._repr_html_().startswith("<pre")

    @pytest.mark.parametrize(
        ("asked", "words"),
        [
            (lambda pair: pair.send("telnet"), "expected ping, tcp, udp"),
            (lambda pair: pair.send(side="eve"), "expected initiator or responder"),
            (lambda pair: pair.send(source="nowhere"), "two IP addresses"),
            (lambda pair: pair.receive(7), "got int"),
            (lambda pair: pair.receive(b"abc"), "expected an IP packet, got 3 octets that are none"),
            (lambda pair: pair.receive(), r"expected receive\(packet"),
            (lambda pair: pair.ping("10.2.0.10"), r"expected ping\(\*, source"),
            (lambda pair: pair.send().flipped(), r"expected flipped\(where\)"),
            (lambda pair: pair.send().altered("Sequence Number"), r"expected altered\(name, to\)"),
            (lambda pair: pair.send().decrypted(...), "expected octets .* or a secret, as in talk.secret"),
            (lambda pair: pair.send().play(), r"talk\.ping\(\)\.play\(\)"),
            (lambda pair: gateways("main").send().inner, r"never left its gateway; .* pair\.negotiate\(\)"),  # type: ignore[union-attr]
            (lambda pair: pair.negotiate(), "SAs that are there already"),
            (lambda pair: run("route-based").gateways().route("0.0.0.0/0"), "without the other gateway"),
            (lambda pair: run("psk").ping().play(), "packets that were sent, got none: .* there is no SA"),
            (lambda pair: pair.receive(gateways("main").send()), "never left"),
            (lambda pair: pair.send().flipped("Nose"), "expected one of Outer IP header, SPI"),
            (lambda pair: pair.send().flipped(4000), "from 0 to"),
            (lambda pair: pair.send().altered("SPI", 1 << 40), "takes 4 octets"),
            (lambda pair: gateways("main", "circular"), "policy-based or route-based"),  # type: ignore[arg-type]
            (lambda pair: gateways(7), "got int"),  # type: ignore[arg-type]
        ],
    )
    def test_what_makes_no_sense_is_told(self, asked: object, words: str) -> None:
        with pytest.raises(Misuse, match=words):
            asked(run("main").gateways())  # type: ignore[operator]

    def test_the_same_run_sends_the_same_octets(self) -> None:
        assert sent(run("main").gateways()) == sent(run("main").gateways())
        assert sent(run("main").gateways()).how is How.PROTECTED
