"""The registries against the tables that tshark carries, every difference declared."""

from __future__ import annotations

import re
import subprocess

from ikelab.wire.numbers import (
    AuthAlgorithm,
    AuthMethod,
    CertEncoding,
    ConfigAttribute,
    ConfigType,
    Doi,
    EcnTunnel,
    Encapsulation,
    Encryption,
    EsnChoice,
    ExchangeType,
    Group,
    GroupType,
    Hash,
    IdType,
    IkeAttribute,
    IpsecAttribute,
    LifeType,
    Notify,
    Number,
    PayloadType,
    Protocol,
    TransformIpcomp,
    XauthStatus,
    XauthType,
)
from tests.needs import needs

TSHARK_TABLES: dict[str, type[Number]] = {
    "isakmp.typepayload": PayloadType,
    "isakmp.exchangetype": ExchangeType,
    "isakmp.sa.doi": Doi,
    "isakmp.prop.protoid": Protocol,
    "isakmp.id.type": IdType,
    "isakmp.cert.encoding": CertEncoding,
    "isakmp.notify.msgtype": Notify,
    "isakmp.cfg.type": ConfigType,
    "isakmp.cfg.attr.type": ConfigAttribute,
    "isakmp.cfg.attr.xauth.type": XauthType,
    "isakmp.cfg.attr.xauth.status": XauthStatus,
    "isakmp.ike.attr.type": IkeAttribute,
    "isakmp.ike.attr.encryption_algorithm": Encryption,
    "isakmp.ike.attr.hash_algorithm": Hash,
    "isakmp.ike.attr.authentication_method": AuthMethod,
    "isakmp.ike.attr.group_description": Group,
    "isakmp.ike.attr.group_type": GroupType,
    "isakmp.ike.attr.life_type": LifeType,
    "isakmp.ipsec.attr.type": IpsecAttribute,
    "isakmp.ipsec.attr.life_type": LifeType,
    "isakmp.ipsec.attr.encap_mode": Encapsulation,
    "isakmp.ipsec.attr.auth_algorithm": AuthAlgorithm,
    "isakmp.ipsec.attr.ecn_tunnel": EcnTunnel,
    "isakmp.ipsec.attr.ext_seq_nbr": EsnChoice,
    "isakmp.notify.data.ipcomp.transform_id": TransformIpcomp,
}

NOT_A_NAME = re.compile(r"(?i)(reserved|unassigned|future use|private use|doi-specific|<unknown>|undefined).*")

OTHER_PROTOCOL: dict[str, frozenset[int]] = {
    "isakmp.typepayload": frozenset(range(33, 54)),
    "isakmp.exchangetype": frozenset(range(34, 39)),
}
"""IKEv2's own numbers, which tshark keeps in the same tables."""

TSHARK_ALONE: dict[str, dict[int, str]] = {
    "isakmp.cfg.attr.type": {16400: "CHKPT_UNKNOWN1", 16401: "CHKPT_UNKNOWN2", 16402: "CHKPT_UNKNOWN3"},
    "isakmp.ike.attr.type": {17: "Block-Size", 20: "Asymmetric-Cryptographic-Algorithm-Type"},
    "isakmp.ike.attr.encryption_algorithm": {127: "SM4-CBC (DEPRECATED)", 128: "SM1-CBC", 129: "SM4-CBC"},
    "isakmp.ike.attr.hash_algorithm": {20: "SM3"},
    "isakmp.ike.attr.group_description": {33: "GOST3410_2012_256", 34: "GOST3410_2012_512"},
}
"""Names that IANA's registries of IKEv1 lack: China's algorithms, IKEv2's GOST groups, guesses about Check Point."""

TSHARK_SAYS: dict[str, dict[int, str]] = {
    "isakmp.typepayload": {
        0: "NONE / No Next Payload",
        20: "NAT-D (RFC 3947)",
        21: "NAT-OA (RFC 3947)",
        130: "NAT-D (draft-ietf-ipsec-nat-t-ike-01 to 03)",
        131: "NAT-OA (draft-ietf-ipsec-nat-t-ike-01 to 03)",
        132: "Cisco-Fragmentation",
    },
    "isakmp.id.type": {12: "KEY_LIST"},
    "isakmp.cfg.attr.type": {
        16525: "XAUTH_CHALLANGE",
        28675: "UNITY_SPLIT_DOMAIN",
        28678: "UNITY_SPLIT_EXCLUDE",
    },
    "isakmp.cfg.attr.xauth.status": {1: "Success"},
    "isakmp.ike.attr.type": {6: "Group-Prime"},
}
"""Where tshark's wording is not the RFC's, IANA's or the draft's (or is misspelt), but the same thing is meant."""


def tshark_tables() -> dict[str, dict[int, str]]:
    """Names by field and number; IKEv1's tables come first, and what they cover is not IKEv2's."""
    listing = subprocess.run(["tshark", "-G", "values"], capture_output=True, text=True, check=True, timeout=120).stdout
    rows: dict[str, list[tuple[int, int, str]]] = {}
    for line in listing.splitlines():
        kind, _, named = line.partition("\t")
        field, *rest = named.split("\t")
        if field in TSHARK_TABLES and kind in ("V", "R"):
            low, high = rest[0], rest[1 if kind == "R" else 0]
            rows.setdefault(field, []).append((int(low, 0), int(high, 0), rest[-1].strip()))
    return {
        field: {
            low: name
            for place, (low, high, name) in enumerate(table)
            if low == high and not any(first <= low <= last for first, last, _ in table[:place])
        }
        for field, table in rows.items()
    }


def bare(name: str) -> str:
    """A name without what varies from one printing to the next: case, hyphens, notation in brackets, the word group."""
    without_prefix = re.sub(r"^(proto|id|ipcomp|esp|ah)[-_ ]", "", name.lower())
    without_notation = re.sub(r"\((?!\d|was|crl|arl|draft|main|64)[^)]*\)|, group \d+", "", without_prefix)
    return re.sub(r"group$", "", re.sub(r"[^a-z0-9^]", "", without_notation))


@needs("tshark")
class TestAgainstTshark:
    def test_has_every_name_that_tshark_has(self) -> None:
        tables = tshark_tables()
        assert tables.keys() == TSHARK_TABLES.keys()
        unknown = {
            field: names
            for field, table in tables.items()
            if (
                names := {
                    value: name
                    for value, name in table.items()
                    if not TSHARK_TABLES[field](value).assigned
                    and not NOT_A_NAME.fullmatch(name)
                    and value not in OTHER_PROTOCOL.get(field, ())
                }
            )
        }
        assert unknown == TSHARK_ALONE

    def test_gives_them_the_same_names(self) -> None:
        different = {
            field: names
            for field, table in tshark_tables().items()
            if (
                names := {
                    value: name
                    for value, name in table.items()
                    if TSHARK_TABLES[field](value).assigned
                    and not NOT_A_NAME.fullmatch(name)
                    and bare(name) != bare(TSHARK_TABLES[field](value).label)
                }
            )
        }
        assert different == TSHARK_SAYS

    def test_compares_something(self) -> None:
        compared = sum(len(table) for table in tshark_tables().values())
        assert compared > 200
