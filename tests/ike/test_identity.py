"""Identities are read as users write them, sent as strongSwan sends them, and compared as the RFCs say."""

from __future__ import annotations

import pytest
from hypothesis import given, strategies as st

from ikelab.errors import Misuse, Refusal
from ikelab.ike.identity import ANY, Identity
from ikelab.wire.numbers import IdType, Notify
from ikelab.wire.payloads import ID

NAMED_TYPES = [1, 2, 3, 5, 9, 10, 11]
ADDRESS_SIZES = {1: 4, 5: 16}


@st.composite
def identities(draw: st.DrawFn) -> Identity:
    id_type = draw(st.sampled_from(NAMED_TYPES))
    if id_type in ADDRESS_SIZES:
        return Identity(id_type=id_type, data=draw(st.binary(min_size=(size := ADDRESS_SIZES[id_type]), max_size=size)))
    texts = st.text(min_size=1, max_size=30).map(lambda text: text.encode("utf-8", "surrogatepass"))
    return Identity(id_type=id_type, data=draw(texts | st.binary(min_size=1, max_size=30)))


class TestWriting:
    @pytest.mark.parametrize(
        ("words", "id_type", "data"),
        [
            ("10.99.0.1", IdType.IPV4_ADDR, bytes([10, 99, 0, 1])),
            ("2001:db8::1", IdType.IPV6_ADDR, bytes.fromhex("20010db8000000000000000000000001")),
            ("moon.example.org", IdType.FQDN, b"moon.example.org"),
            ("@moon", IdType.FQDN, b"moon"),
            ("fqdn:10.0.0.1", IdType.FQDN, b"10.0.0.1"),
            ("carol@example.org", IdType.USER_FQDN, b"carol@example.org"),
            ("@@carol", IdType.USER_FQDN, b"carol"),
            ("email:carol", IdType.USER_FQDN, b"carol"),
            ("@#67726f757031", IdType.KEY_ID, b"group1"),
            ("keyid:group1", IdType.KEY_ID, b"group1"),
            ("keyid:#00ff", IdType.KEY_ID, b"\x00\xff"),
            ("asn1dn:#3000", IdType.DER_ASN1_DN, b"\x30\x00"),
            (" ipv4:10.0.0.1 ", IdType.IPV4_ADDR, bytes([10, 0, 0, 1])),
        ],
    )
    def test_words(self, words: str, id_type: int, data: bytes) -> None:
        identity = Identity.parse(words)
        assert (identity.id_type, identity.data) == (id_type, data)
        assert Identity.parse(str(identity)) == identity

    @given(identities())
    def test_every_identity_is_read_back_from_its_words(self, identity: Identity) -> None:
        assert Identity.parse(str(identity)) == identity

    @pytest.mark.parametrize(
        ("words", "says"),
        [
            ("", "got no address and no name"),
            ("10.0.0.256", "got no address"),
            ("fe80::1%eth0", "got no address"),
            ("2001:db8::g", "got no address"),
            ("@", "expected an address"),
            ("keyid:", "expected an address"),
            ("@#6", "hex digits"),
            ("@#", "hex digits"),
            ("ipv4:::1", "ID_IPV4_ADDR"),
            ("C=CH, CN=moon", "distinguished name"),
            ("asn1dn:C=CH", "DER"),
            ("moon\nsun", "expected an address"),
            ("müller", "expected an address"),
        ],
    )
    def test_what_is_no_identity_is_named(self, words: str, says: str) -> None:
        with pytest.raises(Misuse, match=says) as raised:
            Identity.parse(words)
        assert words.strip() in str(raised.value)

    @given(st.text(max_size=40))
    def test_any_text_is_an_identity_or_a_misuse(self, words: str) -> None:
        try:
            assert Identity.parse(words) == Identity.parse(str(Identity.parse(words)))
        except Misuse as misuse:
            complaint = str(misuse)
        else:
            complaint = "expected nothing else"
        assert "expected" in complaint


class TestIdentificationPayload:
    """RFC 2407 §4.6.2: identities of phase 1."""

    def test_protocol_and_port_are_zero_as_strongswan_sends_them(self) -> None:
        assert Identity.parse("10.99.0.1").payload().write() == bytes.fromhex("01 00 0000 0a630001")

    @given(identities())
    def test_a_payload_is_read_back(self, identity: Identity) -> None:
        assert Identity.from_payload(ID.read(identity.payload().write())) == identity

    @pytest.mark.parametrize(
        ("protocol", "port", "good"),
        [(0, 0, True), (17, 500, True), (17, 4500, False), (17, 0, False), (0, 500, False), (6, 500, False)],
    )
    def test_protocol_and_port_must_be_none_or_udp_500(self, protocol: int, port: int, good: bool) -> None:
        payload = ID(id_type=1, protocol=protocol, port=port, data=bytes(4))
        if good:
            assert Identity.from_payload(payload).id_type == 1
        else:
            with pytest.raises(Refusal, match=f"got {protocol}/{port}") as raised:
                Identity.from_payload(payload)
            assert (raised.value.notify, raised.value.rfc) == (Notify.INVALID_ID_INFORMATION, "RFC 2407 §4.6.2")

    @pytest.mark.parametrize(("id_type", "size"), [(1, 0), (1, 3), (1, 5), (1, 16), (5, 4), (5, 15), (2, 0), (0, 4)])
    def test_an_address_has_its_size_and_every_name_an_octet(self, id_type: int, size: int) -> None:
        with pytest.raises(Refusal) as raised:
            Identity.from_payload(ID(id_type=id_type, data=bytes(size)))
        assert raised.value.notify == Notify.INVALID_ID_INFORMATION

    @given(st.integers(0, 255), st.binary(max_size=300))
    def test_any_payload_is_an_identity_or_refused(self, id_type: int, data: bytes) -> None:
        payload = ID(id_type=id_type, data=data)
        notify: int | None = Notify.INVALID_ID_INFORMATION
        try:
            assert Identity.from_payload(payload).matches(payload)
            assert str(Identity.from_payload(payload))
        except Refusal as refusal:
            notify = refusal.notify
        assert notify == Notify.INVALID_ID_INFORMATION


class TestMatching:
    def test_type_and_octets_must_be_the_same(self) -> None:
        moon = Identity.parse("moon.example.org")
        assert moon.matches(ID(id_type=2, data=b"moon.example.org"))
        assert not moon.matches(ID(id_type=3, data=b"moon.example.org"))
        assert not moon.matches(ID(id_type=11, data=b"moon.example.org"))
        assert not moon.matches(ID(id_type=2, data=b"moon.example.orG\0"))
        assert not Identity.parse("fqdn:10.0.0.1").matches(Identity.parse("10.0.0.1").payload())

    def test_names_of_hosts_and_users_match_in_either_case(self) -> None:
        assert Identity.parse("moon.example.org").matches(ID(id_type=2, data=b"MOON.example.ORG"))
        assert Identity.parse("carol@example.org").matches(ID(id_type=3, data=b"Carol@Example.org"))
        assert not Identity.parse("keyid:group1").matches(ID(id_type=11, data=b"Group1"))

    def test_any_matches_everybody_and_names_nobody(self) -> None:
        assert Identity.parse("%any") == ANY
        assert ANY.matches(ID(id_type=11, data=b"group1"))
        assert str(ANY) == "%any"
        with pytest.raises(Misuse, match="got %any"):
            ANY.payload()
