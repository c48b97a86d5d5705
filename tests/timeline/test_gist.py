"""A line for each payload: the words in which offers, identities, news and settings are summed up."""

from __future__ import annotations

import pytest

from ikelab.follow import Followed, follow
from ikelab.net.capture import CapturedDatagram
from ikelab.net.peel import sent
from ikelab.timeline.gist import MOST_TRANSFORMS, Line, Sign, gist, transform_words
from ikelab.timeline.recorded import labels_of
from ikelab.wire.attributes import Attribute, long, short
from ikelab.wire.message import Header, Message
from ikelab.wire.numbers import (
    ConfigAttribute,
    ConfigType,
    Encryption,
    ExchangeType,
    IdType,
    IkeAttribute,
    IpsecAttribute,
    Notify,
    Protocol,
    TransformEsp,
    TransformIpcomp,
)
from ikelab.wire.payloads import (
    ID,
    SA,
    CertRequest,
    Config,
    Delete,
    NatOa,
    Notification,
    Opaque,
    Payload,
    VendorID,
)
from ikelab.wire.proposals import Proposal, Transform
from ikelab.wire.udp import Endpoint

AES_128 = (short(IkeAttribute.KEY_LENGTH, 128), short(IkeAttribute.ENCRYPTION_ALGORITHM, Encryption.AES_CBC))


def lines(*payloads: Payload) -> list[Line]:
    """The gist of a message that carries these, as a listener without keys hears it."""
    header = Header(cookie_i=bytes(range(1, 9)), exchange=ExchangeType.INFORMATIONAL)
    octets = Message(header=header, payloads=payloads).write()
    made: CapturedDatagram = sent(
        frame=1, time=0, source=Endpoint("10.0.0.1", 500), destination=Endpoint("10.0.0.2", 500), octets=octets
    )
    (followed,) = follow([made])
    assert isinstance(followed, Followed)
    return gist(followed, labels_of(followed))


class TestOffers:
    def test_a_key_length_joins_its_cipher_wherever_it_stands(self) -> None:
        transform = Transform(number=1, id=1, attributes=AES_128)
        assert transform_words(transform, Protocol.ISAKMP) == "AES-CBC-128"

    def test_lifetimes_have_the_unit_before_them(self) -> None:
        attributes = (
            short(IpsecAttribute.SA_LIFE_TYPE, 2),
            long(IpsecAttribute.SA_LIFE_DURATION, 4_608_000),
            short(IpsecAttribute.SA_LIFE_TYPE, 1),
            short(IpsecAttribute.SA_LIFE_DURATION, 3600),
        )
        transform = Transform(number=1, id=TransformEsp.NULL, attributes=attributes)
        assert transform_words(transform, Protocol.ESP) == "NULL, 4608000 kB, 3600 s"

    def test_what_is_not_known_keeps_its_number(self) -> None:
        attributes = (short(20000, 7), Attribute(12, bytes(40), False), short(11, 9), Attribute(12, b"\1", False))
        transform = Transform(number=1, id=1, attributes=attributes)
        assert transform_words(transform, Protocol.ISAKMP) == "IKEAttribute 20000 7, 00000000…00000000, 1 LifeType 9"
        bare = Transform(number=1, id=200, attributes=())
        assert transform_words(bare, Protocol.IPCOMP) == "IPCompTransform 200"
        assert transform_words(bare, 77) == "transform 200"
        assert transform_words(bare, Protocol.ISAKMP) == "no attributes"

    def test_only_the_first_offers_are_listed(self) -> None:
        transforms = tuple(Transform(number=n, id=1, attributes=AES_128) for n in range(1, 11))
        said = lines(SA(proposals=(Proposal(number=1, protocol=Protocol.ISAKMP, transforms=transforms),)))
        assert [line.note for line in said[:MOST_TRANSFORMS]] == [f"offer {n} of 10" for n in range(1, 7)]
        assert said[MOST_TRANSFORMS].text == "and 4 more offers"

    def test_no_offer_at_all(self) -> None:
        assert lines(SA(proposals=()))[0].text == "no offer at all"

    def test_protocols_and_spis_of_a_bundle(self) -> None:
        esp = Proposal(
            number=1, protocol=Protocol.ESP, spi=b"\1\2\3\4", transforms=(Transform(number=1, id=3, attributes=()),)
        )
        ipcomp = Proposal(
            number=1,
            protocol=Protocol.IPCOMP,
            spi=b"\5\6",
            transforms=(Transform(number=1, id=TransformIpcomp.DEFLATE, attributes=()),),
        )
        said = lines(SA(proposals=(esp, ipcomp)))
        assert [line.text for line in said] == ["ESP 01020304: 3DES", f"IPCOMP 0506: {TransformIpcomp.DEFLATE.short}"]


class TestOtherPayloads:
    def test_vendor_ids_share_a_line(self) -> None:
        said = lines(VendorID(data=bytes.fromhex("09002689dfd6b712")), VendorID(data=b"\0" * 20))
        assert said == [Line("VID", "XAuth · unknown 00000000…00000000", role="public")]

    @pytest.mark.parametrize(
        ("payload", "text", "note"),
        [
            (
                ID(id_type=IdType.IPV4_ADDR, protocol=17, port=1701, data=b"\n\0\0\1"),
                "10.0.0.1",
                "ID_IPV4_ADDR, UDP port 1701",
            ),
            (ID(id_type=IdType.FQDN, protocol=6, data=b"a.test"), '"a.test"', "ID_FQDN, TCP port any"),
            (Notification(notify=Notify.R_U_THERE, data=b"\0\0\0\7"), "R-U-THERE", "sequence number 7"),
            (Notification(notify=Notify.R_U_THERE, data=b"\7"), "R-U-THERE", "about ISAKMP, 07"),
            (
                Notification(notify=14, protocol=Protocol.ESP, spi=b"\1\2\3\4", data=b"no"),
                "NO-PROPOSAL-CHOSEN",
                'about ESP 01020304, "no"',
            ),
            (Delete(protocol=Protocol.AH, spis=(b"\1\2\3\4", b"\5\6\7\10")), "AH 01020304 05060708", "deleted"),
            (CertRequest(encoding=4, authority=b""), "X.509 Certificate - Signature", "from any authority"),
            (NatOa(id_type=1, data=b"\n\0\0\1"), "10.0.0.1", "the address before translation"),
            (
                Config(
                    kind=ConfigType.REQUEST,
                    identifier=0,
                    attributes=(
                        Attribute(ConfigAttribute.INTERNAL_IP4_ADDRESS, b"", False),
                        Attribute(30000, b"\1\2", False),
                    ),
                ),
                "REQUEST",
                None,
            ),
            (Opaque(number=200, data=b"\1\2\3"), "010203", "not read, 3 octets"),
        ],
    )
    def test_what_they_say(self, payload: Payload, text: str, note: str | None) -> None:
        (line,) = lines(payload)
        assert line.text == text
        assert line.sign is Sign.NONE
        assert note is None or line.note == note

    def test_a_payload_that_does_not_fit_says_where(self) -> None:
        (line,) = lines(Opaque(number=11, data=b"\1\2\3"))
        assert "expected" in line.note
        assert line.role == "error"
