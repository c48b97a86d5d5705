"""The registries against the RFCs' own figures, and against any number at all."""

from __future__ import annotations

import copy
import pickle
import re
from collections import Counter
from collections.abc import Callable

import pytest
from hypothesis import given, strategies as st

from ikelab.wire.numbers import (
    REGISTRIES,
    AuthAlgorithm,
    AuthMethod,
    Bits,
    CertEncoding,
    ConfigAttribute,
    ConfigType,
    Doi,
    Encapsulation,
    Encryption,
    EsnChoice,
    ExchangeType,
    Group,
    Hash,
    HeaderFlag,
    IdType,
    IkeAttribute,
    IpProtocol,
    IpsecAttribute,
    Notify,
    Number,
    PayloadType,
    Prf,
    Protocol,
    Situation,
    Standing,
    TransformAh,
    TransformEsp,
    TransformIpcomp,
    XauthType,
)
from ikelab.wire.numbers.number import Registry

registries = pytest.mark.parametrize("registry", REGISTRIES, ids=lambda registry: registry.__name__)


class TestEveryRegistry:
    @registries
    def test_labels_are_unique(self, registry: type[Number]) -> None:
        assert [label for label, times in Counter(n.label for n in registry).items() if times > 1] == []

    @registries
    def test_numbers_are_unique_and_fit_their_field(self, registry: type[Number]) -> None:
        assert len(registry) == len(registry.__members__)
        assert all(0 <= n < 1 << 8 * registry.registry.octets for n in registry)

    @registries
    def test_each_member_explains_itself_in_one_sentence(self, registry: type[Number]) -> None:
        for number in registry:
            assert re.fullmatch(r"[A-Z0-9].{8,118}[.?]", number.meaning), number
            assert number.label == number.label.strip() != ""
            assert number.assigned
            assert number.rfc

    @registries
    def test_ranges_lie_in_order_and_apart(self, registry: type[Number]) -> None:
        ends = [end for low, high, _ in registry.registry.ranges for end in (low, high + 1)]
        assert ends == sorted(ends)
        assert all(low <= high < 1 << 8 * registry.registry.octets for low, high, _ in registry.registry.ranges)

    @registries
    def test_clauses_name_a_document(self, registry: type[Number]) -> None:
        documents = re.compile(
            r"RFC \d+ (§\d+(\.\d+)*|App\. A)(; RFC 2407 §4\.5)?|IANA .+|draft-.+|private use .+|Vendor ID .+"
        )
        assert [n for n in registry if not documents.fullmatch(n.rfc)] == []

    def test_the_list_is_whole(self) -> None:
        assert set(REGISTRIES) == {*Number.__subclasses__(), *Bits.__subclasses__()} - {Bits}

    def test_a_number_is_an_integer(self) -> None:
        assert Notify(14) == 14
        assert {14: "here"}[Notify(14)] == "here"
        assert Notify.NO_PROPOSAL_CHOSEN.to_bytes(2) == b"\x00\x0e"


class TestNumbersThatNobodyRegistered:
    @pytest.mark.parametrize(
        ("number", "label"),
        [
            (Notify(9999), "NotifyType 9999 (private use)"),
            (PayloadType(77), "PayloadType 77 (unassigned)"),
            (PayloadType(128), "PayloadType 128 (private use)"),
            (PayloadType(255), "PayloadType 255 (private use)"),
            (PayloadType(33), "PayloadType 33 (IKEv2)"),
            (ExchangeType(31), "ExchangeType 31 (reserved)"),
            (ExchangeType(35), "ExchangeType 35 (IKEv2)"),
            (ExchangeType(38), "ExchangeType 38 (DOI-specific)"),
            (ExchangeType(239), "ExchangeType 239 (DOI-specific)"),
            (ExchangeType(240), "ExchangeType 240 (private use)"),
            (Notify(0), "NotifyType 0 (reserved)"),
            (Notify(31), "NotifyType 31 (reserved)"),
            (Notify(8191), "NotifyType 8191 (reserved)"),
            (Notify(8192), "NotifyType 8192 (reserved)"),
            (Notify(16383), "NotifyType 16383 (private use)"),
            (Notify(16385), "NotifyType 16385 (reserved)"),
            (Notify(24575), "NotifyType 24575 (reserved)"),
            (Notify(24579), "NotifyType 24579 (DOI-specific)"),
            (Notify(32000), "NotifyType 32000 (DOI-specific)"),
            (Notify(32001), "NotifyType 32001 (private use)"),
            (Notify(40959), "NotifyType 40959 (private use)"),
            (Notify(40960), "NotifyType 40960 (reserved)"),
            (Protocol(0), "Protocol-ID 0 (reserved)"),
            (Protocol(248), "Protocol-ID 248 (unassigned)"),
            (Protocol(249), "Protocol-ID 249 (private use)"),
            (TransformAh(1), "AHTransform 1 (reserved)"),
            (TransformEsp(17), "ESPTransform 17 (unassigned)"),
            (TransformIpcomp(47), "IPCompTransform 47 (unassigned)"),
            (TransformIpcomp(48), "IPCompTransform 48 (private use)"),
            (TransformIpcomp(64), "IPCompTransform 64 (reserved)"),
            (IkeAttribute(17), "IKEAttribute 17 (unassigned)"),
            (IkeAttribute(16384), "IKEAttribute 16384 (private use)"),
            (IkeAttribute(32768), "IKEAttribute 32768 (out of range)"),
            (IpsecAttribute(32000), "IPsecAttribute 32000 (unassigned)"),
            (IpsecAttribute(32001), "IPsecAttribute 32001 (private use)"),
            (Encryption(65000), "EncryptionAlgorithm 65000 (unassigned)"),
            (Encryption(65001), "EncryptionAlgorithm 65001 (private use)"),
            (Group(32767), "Group 32767 (unassigned)"),
            (Group(32768), "Group 32768 (private use)"),
            (AuthAlgorithm(61439), "AuthenticationAlgorithm 61439 (unassigned)"),
            (AuthAlgorithm(61440), "AuthenticationAlgorithm 61440 (private use)"),
            (Prf(1), "PRF 1 (unassigned)"),
            (Prf(65001), "PRF 65001 (private use)"),
            (CertEncoding(11), "CertificateEncoding 11 (reserved)"),
            (ConfigType(127), "ConfigType 127 (reserved)"),
            (ConfigType(128), "ConfigType 128 (private use)"),
            (ConfigAttribute(16), "ConfigAttribute 16 (reserved)"),
            (ConfigAttribute(16530), "ConfigAttribute 16530 (private use)"),
            (XauthType(4), "XAuthType 4 (reserved)"),
            (XauthType(32768), "XAuthType 32768 (private use)"),
            (IpProtocol(137), "IPProtocol 137 (not listed here)"),
            (IpProtocol(255), "IPProtocol 255 (reserved)"),
            (Doi(3), "DOI 3 (unassigned)"),
            (Doi(1 << 32), "DOI 4294967296 (out of range)"),
            (PayloadType(256), "PayloadType 256 (out of range)"),
            (Notify(-1), "NotifyType -1 (out of range)"),
        ],
        ids=lambda value: value if isinstance(value, str) else "",
    )
    def test_is_named_after_its_range(self, number: Number, label: str) -> None:
        assert number.label == label
        assert not number.assigned
        assert number.meaning == number.standing.meaning

    @registries
    @given(value=st.integers(min_value=0, max_value=2**32 - 1) | st.integers())
    def test_any_integer_has_a_name(self, registry: type[Number], value: int) -> None:
        number = registry(value)
        assert number == value
        assert number.value == value
        assert number.label
        assert number.meaning.endswith((".", "?"))
        assert number.rfc
        assert number.assigned or str(value) in number.label or issubclass(registry, Bits)
        assert type(number) is registry

    @pytest.mark.parametrize("registry", [r for r in REGISTRIES if r.registry.octets == 1])
    def test_a_whole_octet_has_256_names(self, registry: type[Number]) -> None:
        assert len({registry(value).label for value in range(256)}) == 256

    @registries
    def test_looking_up_strangers_leaves_no_trace(self, registry: type[Number]) -> None:
        before = len(registry._value2member_map_), list(registry)
        for value in range(-1000, 100_000, 7):
            registry(value)
        assert (len(registry._value2member_map_), list(registry)) == before

    @registries
    @pytest.mark.parametrize("nonsense", ["14", None, b"\x0e", 1.5, (14,)])
    def test_what_is_no_integer_is_a_mistake(self, registry: type[Number], nonsense: object) -> None:
        look_up: Callable[[object], Number] = registry.__call__
        with pytest.raises(ValueError, match="is not a valid"):
            look_up(nonsense)

    @given(value=st.integers(min_value=0, max_value=65535))
    def test_survives_copying_and_pickling(self, value: int) -> None:
        number = Notify(value)
        for twin in (copy.deepcopy(number), pickle.loads(pickle.dumps(number))):
            assert (twin, twin.label, twin.meaning, twin.rfc) == (number, number.label, number.meaning, number.rfc)

    def test_shows_itself(self) -> None:
        assert repr(Notify(14)) == "<Notify 14: NO-PROPOSAL-CHOSEN>"
        assert repr(Notify(9999)) == "<Notify 9999: NotifyType 9999 (private use)>"

    def test_the_first_range_that_fits_decides(self) -> None:
        ranges = ((5, 5, Standing.RESERVED), (0, 9, Standing.PRIVATE))
        registry = Registry(title="Example", octets=1, rfc="", ranges=ranges)
        said = [registry.standing(value) for value in (4, 5, 10, 256)]
        assert said == [Standing.PRIVATE, Standing.RESERVED, Standing.UNASSIGNED, Standing.OUT_OF_RANGE]


class TestBitsOfOneNumber:
    @pytest.mark.parametrize(
        ("number", "label", "standing"),
        [
            (HeaderFlag(0), "none", Standing.ASSIGNED),
            (HeaderFlag(1), "Encryption", Standing.ASSIGNED),
            (HeaderFlag(3), "Encryption | Commit", Standing.ASSIGNED),
            (HeaderFlag(5), "Encryption | Authentication Only", Standing.ASSIGNED),
            (HeaderFlag(0x08), "0x8 (IKEv2)", Standing.IKEV2),
            (HeaderFlag(0x81), "Encryption | 0x80 (unassigned)", Standing.UNASSIGNED),
            (HeaderFlag(0x100), "HeaderFlag 256 (out of range)", Standing.OUT_OF_RANGE),
            (Situation(7), "SIT_IDENTITY_ONLY | SIT_SECRECY | SIT_INTEGRITY", Standing.ASSIGNED),
            (Situation(0x80000001), "SIT_IDENTITY_ONLY | 0x80000000 (private use)", Standing.PRIVATE),
            (Situation(0x20000000), "0x20000000 (unassigned)", Standing.UNASSIGNED),
            (Situation(-1), "Situation -1 (out of range)", Standing.OUT_OF_RANGE),
        ],
        ids=lambda value: value if isinstance(value, str) else "",
    )
    def test_are_all_named(self, number: Bits, label: str, standing: Standing) -> None:
        assert (number.label, number.standing) == (label, standing)

    def test_short_forms_and_meanings_add_up(self) -> None:
        both = HeaderFlag(3)
        assert both.short == "E | C"
        assert both.meaning == f"{HeaderFlag.ENCRYPTION.meaning} {HeaderFlag.COMMIT.meaning}"


class TestTheFiguresOfTheRfcs:
    """Typed from the RFCs, not from the code."""

    def test_rfc_2408_section_3_1_payload_types(self) -> None:
        printed = """NONE, Security Association (SA), Proposal (P), Transform (T), Key Exchange (KE),
            Identification (ID), Certificate (CERT), Certificate Request (CR), Hash (HASH), Signature (SIG),
            Nonce (NONCE), Notification (N), Delete (D), Vendor ID (VID)"""
        assert [PayloadType(n).label for n in range(14)] == [name.strip() for name in printed.split(",")]

    def test_short_forms_are_what_arrows_print(self) -> None:
        arrows = ["SA", "P", "T", "KE", "ID", "CERT", "CR", "HASH", "SIG", "NONCE", "N", "D", "VID", "ATTR"]
        assert [PayloadType(n).short for n in range(1, 15)] == arrows
        assert [PayloadType(n).short for n in (20, 21, 130, 131)] == ["NAT-D", "NAT-OA", "NAT-D", "NAT-OA"]
        assert [ExchangeType(n).short for n in (1, 2, 4, 6, 32)] == [
            "Base Mode",
            "Main Mode",
            "Aggressive Mode",
            "Mode Config",
            "Quick Mode",
        ]

    def test_rfc_2408_section_3_14_1_errors(self) -> None:
        printed = """INVALID-PAYLOAD-TYPE DOI-NOT-SUPPORTED SITUATION-NOT-SUPPORTED INVALID-COOKIE INVALID-MAJOR-VERSION
            INVALID-MINOR-VERSION INVALID-EXCHANGE-TYPE INVALID-FLAGS INVALID-MESSAGE-ID INVALID-PROTOCOL-ID INVALID-SPI
            INVALID-TRANSFORM-ID ATTRIBUTES-NOT-SUPPORTED NO-PROPOSAL-CHOSEN BAD-PROPOSAL-SYNTAX PAYLOAD-MALFORMED
            INVALID-KEY-INFORMATION INVALID-ID-INFORMATION INVALID-CERT-ENCODING INVALID-CERTIFICATE
            CERT-TYPE-UNSUPPORTED INVALID-CERT-AUTHORITY INVALID-HASH-INFORMATION AUTHENTICATION-FAILED
            INVALID-SIGNATURE ADDRESS-NOTIFICATION NOTIFY-SA-LIFETIME CERTIFICATE-UNAVAILABLE
            UNSUPPORTED-EXCHANGE-TYPE UNEQUAL-PAYLOAD-LENGTHS"""
        assert [Notify(n).label for n in range(1, 31)] == printed.split()

    def test_rfc_2407_section_4_4_4_esp_transforms(self) -> None:
        printed = "DES_IV64 DES 3DES RC5 IDEA CAST BLOWFISH 3IDEA DES_IV32 RC4 NULL"
        assert [TransformEsp(n).label for n in range(1, 12)] == [f"ESP_{name}" for name in printed.split()]

    def test_iana_isakmp_registry_ah_transforms(self) -> None:
        printed = """AH_MD5 AH_SHA AH_DES AH_SHA2-256 AH_SHA2-384 AH_SHA2-512 AH_RIPEMD AH_AES-XCBC-MAC AH_RSA
            AH_AES-128-GMAC AH_AES-192-GMAC AH_AES-256-GMAC"""
        assert [n.label for n in TransformAh] == printed.split()
        assert [*TransformAh] == [*range(2, 14)]

    def test_iana_isakmp_registry_later_esp_transforms(self) -> None:
        printed = """ESP_AES-CBC ESP_AES-CTR ESP_AES-CCM_8 ESP_AES-CCM_12 ESP_AES-CCM_16 - ESP_AES-GCM_8 ESP_AES-GCM_12
            ESP_AES-GCM_16 ESP_SEED_CBC ESP_CAMELLIA ESP_NULL_AUTH_AES-GMAC"""
        said = [TransformEsp(n).label if TransformEsp(n).assigned else "-" for n in range(12, 24)]
        assert said == printed.split()

    @pytest.mark.parametrize(
        ("number", "label", "rfc"),
        [
            (Notify(14), "NO-PROPOSAL-CHOSEN", "RFC 2408 §5.4"),
            (Notify(24578), "INITIAL-CONTACT", "RFC 2407 §4.6.3.3"),
            (Notify(36136), "R-U-THERE", "RFC 3706 §5.2"),
            (Notify(26), "ADDRESS-NOTIFICATION", "RFC 2408 §3.14.1"),
            (AuthMethod(1), "pre-shared key", "RFC 2409 §5.4"),
            (Group(5), "1536-bit MODP group", "RFC 3526 §2"),
            (Group(2), "alternate 1024-bit MODP group", "RFC 2409 §6.2"),
            (Hash(4), "SHA2-256", "RFC 4868 §4"),
            (Hash(2), "SHA", "RFC 2409 App. A"),
            (PayloadType(20), "NAT Discovery (NAT-D)", "RFC 3947 §3.2"),
            (Encapsulation(3), "UDP-Encapsulated-Tunnel", "RFC 3947 §5.1"),
            (TransformEsp(20), "ESP_AES-GCM_16", "RFC 4106 §8.3"),
            (TransformAh(9), "AH_AES-XCBC-MAC", "RFC 3566 §6"),
            (EsnChoice(1), "64-bit Sequence Number", "RFC 4304 §2"),
            (IdType(11), "ID_KEY_ID", "RFC 2407 §4.6.2.12"),
            (Prf(0), "RESERVED", "RFC 2409 §4"),
        ],
        ids=lambda value: value if isinstance(value, str) and " " not in value else "",
    )
    def test_number_name_and_clause(self, number: Number, label: str, rfc: str) -> None:
        assert (number.label, number.rfc) == (label, rfc)
