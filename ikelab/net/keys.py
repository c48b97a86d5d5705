"""The keys that open the recording of a run: for `ikelab dissect --keys`, and for Wireshark."""

from __future__ import annotations

import hmac
from collections.abc import Iterable, Iterator, Mapping
from ipaddress import ip_address
from typing import Any

from ikelab.crypto.protection import AeadCipher, EspCipher, Integrity
from ikelab.ike import given
from ikelab.ike.beliefs import IKE_VALUES, WIRESHARK_FAMILIES
from ikelab.ike.sa import IkeSa, IpsecSa
from ikelab.net.results import PROTOCOLS, Run, secrets_known_to
from ikelab.wire.numbers import Protocol

FACTS_NAMES = {"g^xy": "g_xy", "IV": "iv0"}
"""The names of facts.json where they are not the formulas' own."""

WIRESHARK_NAMES = {family: name for name, family in WIRESHARK_FAMILIES.items()}
UNKNOWN_TO_WIRESHARK = frozenset(
    {"Camellia-CBC", "AES-GMAC", *(f"AES-CCM with {size}-octet ICV" for size in (8, 12, 16))}
)
"""ESP ciphers of ours that no esp_sa table of Wireshark 4 can name."""
UNCHECKED_BY_WIRESHARK = {"AES-XCBC-MAC-96": "ANY 96 bit authentication [no checking]"}
"""Integrity checks of ours that it can only step over, and what it calls that."""


def keys_object(run: Run) -> dict[str, Any]:
    """All that opens the recording of a run, in the shape of a recorded conversation's facts.json.

    Wireshark's two tables are in it ready for use. Where the two sides hold different pre-shared keys, both are there.
    """
    ike = [(sa, _named(secrets_known_to(sa))) for sa in run.sas]
    psks = [sa.connection.psk for sa, _ in ike if sa.connection is not None and sa.connection.psk is not None]
    entries = [_ike_entry(sa, named, psks[0]) for sa, named in ike if named and psks]
    version = next((ip_address(sa.remote.address).version for sa in run.sas), 4)
    esp = [_esp_entry(child, version) for child in run.children if child.protocol == Protocol.ESP]
    return {
        **({"psk": given.spelt_psk(psks[0])} if psks else {}),
        "ike": list({repr(entry): entry for entry in entries}.values()),
        "quick": [*_quick_entries(run)],
        "esp": [{name: value for name, value in entry.items() if name != "line"} for entry in esp],
        "wireshark_ikev1_decryption_table": [*_decryption_table(entries)],
        "wireshark_esp_sa": [entry["line"] for entry in esp if entry["line"]],
    }


def _named(secrets: Mapping[str, str]) -> dict[str, str]:
    return {FACTS_NAMES.get(name, name): value for name, value in secrets.items() if _is_fact(name)}


def _is_fact(name: str) -> bool:
    return FACTS_NAMES.get(name, name) in IKE_VALUES


def _ike_entry(sa: IkeSa, named: Mapping[str, str], common: bytes) -> dict[str, str]:
    psk = sa.connection.psk if sa.connection is not None else None
    own = {"psk": given.spelt_psk(psk)} if psk is not None and not hmac.compare_digest(psk, common) else {}
    return {"cookie_i": sa.cookie_i.hex(), "cookie_r": sa.cookie_r.hex(), **own, **named}


def _decryption_table(entries: Iterable[Mapping[str, str]]) -> Iterator[str]:
    """Wireshark's table has one key for a cookie: the first."""
    keys: dict[str, str] = {}
    for entry in entries:
        if "Ka" in entry:
            keys.setdefault(entry["cookie_i"], entry["Ka"])
    yield from (f"{cookie},{key}" for cookie, key in keys.items())


def _quick_entries(run: Run) -> Iterator[dict[str, str]]:
    """One entry for each Quick Mode and protocol; `_i`, `_r`: the sender of the packets, by role in it."""
    shared = {
        exchange.message_id: exchange.given["g(qm)^xy"].value.hex()
        for sa in run.sas
        for exchange in sa.exchanges.values()
        if "g(qm)^xy" in exchange.given
    }
    for named in dict.fromkeys((child.message_id, child.pair, child.protocol) for child in run.children):
        message_id, _, number = named
        pair = {it.sender[0]: it for it in run.children if (it.message_id, it.pair, it.protocol) == named}
        protocol = PROTOCOLS[Protocol(number)]
        spis = {f"spi_{side}": child.spi.hex() for side, child in sorted(pair.items())}
        fresh = {"g_xy": shared[message_id]} if message_id in shared else {}
        keys = {f"enc_{side}": child.enc_key.hex() for side, child in sorted(pair.items()) if child.enc_key}
        keys |= {f"auth_{side}": child.auth_key.hex() for side, child in sorted(pair.items()) if child.auth_key}
        yield {"protocol": protocol, **spis, **fresh, **keys}


def _esp_entry(child: IpsecSa, version: int) -> dict[str, Any]:
    protection = child.protection
    alg, auth_alg = _wireshark_name(protection.cipher), _wireshark_name(protection.integrity)
    keys = [f"0x{key.hex()}" if key else "" for key in (child.enc_key, child.auth_key)]
    fields = (f"IPv{version}", "*", "*", f"0x{child.spi.hex()}", alg, keys[0], auth_alg, keys[1])
    nameable = protection.cipher is not None and protection.cipher.family not in UNKNOWN_TO_WIRESHARK
    return {
        "spi": child.spi.hex(),
        "enc": child.enc_key.hex(),
        "auth": None if isinstance(protection.cipher, AeadCipher) else child.auth_key.hex(),
        "alg": alg,
        "auth_alg": auth_alg,
        "line": ",".join(f'"{field}"' for field in fields) if nameable else "",
    }


def _wireshark_name(algorithm: EspCipher | Integrity | None) -> str:
    """As its esp_sa table spells it: the family, and the RFC behind it."""
    if algorithm is None or algorithm.family == "NULL":
        return "NULL"
    if algorithm.family in UNCHECKED_BY_WIRESHARK:
        return UNCHECKED_BY_WIRESHARK[algorithm.family]
    rfc = algorithm.rfc.partition(" §")[0].replace(" ", "")
    return f"{WIRESHARK_NAMES.get(algorithm.family, algorithm.family)} [{rfc}]"
