"""What the reader of a recorded conversation believes to know: pre-shared keys, shared secrets, ready keys.

They come from a JSON object in the shape of a recording's facts.json, or from Wireshark's own tables. Beliefs may be
wrong and may contradict each other (two sides with different pre-shared keys): nothing here decides, everything is kept
to be tried. What is well formed and merely unknown here is a remark; what is malformed is a Misuse that names the
place, what was expected and what came.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import TypeVar

from ikelab.crypto.protection import ESP_CIPHERS, INTEGRITIES, AeadCipher, EspCipher, Integrity
from ikelab.crypto.sa_keys import SaKeys
from ikelab.errors import Misuse
from ikelab.ike import given

COOKIE_SIZE, SPI_SIZE = 8, 4

IKE_VALUES: Mapping[str, str] = {
    **{name: name for name in ("g^xy", "SKEYID", "SKEYID_d", "SKEYID_a", "SKEYID_e", "Ka", "iv0", "HASH_I", "HASH_R")},
    "g_xy": "g^xy",
    "IV": "iv0",
}
"""What an `ike` entry may give under which names: those of facts.json, and those that `ikelab derive` prints."""

ESP_KEYS = ("enc_i", "enc_r", "auth_i", "auth_r")
PROTOCOLS = ("ESP", "AH")

WIRESHARK_FAMILIES = {
    "TripleDES-CBC": "3DES-CBC",
    **{f"AES-GCM with {size} octet ICV": f"AES-GCM with {size}-octet ICV" for size in (8, 12, 16)},
}
"""Wireshark's names of ciphers (without the RFC that it puts behind them) where they are not the families' own."""

UNCHECKED_ICVS = {f"ANY {bits} bit authentication [no checking]": bits // 8 for bits in (64, 96, 128, 192, 256)}
"""Wireshark's names for an ICV of so many octets that is there and cannot be checked."""


@dataclass(frozen=True, kw_only=True)
class Belief:
    """What someone believes about one ISAKMP SA. `cookie_r` and `psk` are None where nothing is said of them.

    values: octets by RFC name: "g^xy", "SKEYID", "SKEYID_d", "SKEYID_a", "SKEYID_e", "Ka", "HASH_I", "HASH_R", and
    "iv0", the IV of the first encrypted message of phase 1 (RFC 2409 Appendix B).
    """

    cookie_i: bytes
    cookie_r: bytes | None = None
    psk: bytes | None = None
    values: Mapping[str, bytes] = field(default_factory=dict)

    def is_about(self, cookie_i: bytes, cookie_r: bytes | None) -> bool:
        """Whether it concerns the SA of these cookies; a responder cookie not yet known (None or zeros) fits any."""
        known = self.cookie_r is not None and any(self.cookie_r) and cookie_r is not None and any(cookie_r)
        return self.cookie_i == cookie_i and (not known or self.cookie_r == cookie_r)

    def adds_nothing_to(self, other: Belief) -> bool:
        """Whether `other` says all that this one does.

        One without a pre-shared key of its own is tried with the common one, so another with its own is no substitute;
        but where all that is said is Ka, no pre-shared key matters.
        """
        replaceable = {other.psk, None} if self.values.keys() == {"Ka"} else {other.psk}
        return (
            self.cookie_i == other.cookie_i
            and self.cookie_r in (None, other.cookie_r)
            and self.psk in replaceable
            and self.values.items() <= other.values.items()
        )


@dataclass(frozen=True, kw_only=True)
class QuickBelief:
    """What someone believes about one Quick Mode; `_i` and `_r` name the sender of the protected packets by role in it.

    So `spi_i` was chosen by the Quick Mode responder and travels in message 2. None where nothing is said.
    """

    spi_i: bytes | None = None
    spi_r: bytes | None = None
    g_xy: bytes | None = None
    protocol: str | None = None
    enc_i: bytes | None = None
    enc_r: bytes | None = None
    auth_i: bytes | None = None
    auth_r: bytes | None = None


@dataclass(frozen=True, kw_only=True)
class Beliefs:
    """All that is believed: a pre-shared key for every SA that has none of its own, and what concerns single SAs.

    remarks: what the sources held that could not be used.
    """

    psk: bytes | None = None
    ike: tuple[Belief, ...] = ()
    quick: tuple[QuickBelief, ...] = ()
    esp: tuple[SaKeys, ...] = ()
    remarks: tuple[str, ...] = ()

    def about(self, cookie_i: bytes, cookie_r: bytes | None = None) -> tuple[Belief, ...]:
        """What there is to try on the SA of these cookies, each with a pre-shared key where one is known."""
        found = tuple(belief for belief in self.ike if belief.is_about(cookie_i, cookie_r))
        if not found and self.psk is not None:
            found = (Belief(cookie_i=cookie_i, cookie_r=cookie_r),)
        return tuple(replace(belief, psk=self.psk) if belief.psk is None else belief for belief in found)

    def about_quick(self, spi: bytes) -> tuple[QuickBelief, ...]:
        """What is believed of the Quick Mode that negotiated this SPI, for either direction."""
        return tuple(belief for belief in self.quick if spi in (belief.spi_i, belief.spi_r))

    def about_esp(self, spi: bytes) -> tuple[SaKeys, ...]:
        """The ready keys to try on packets of this SPI: those that name it, then those for any."""
        return tuple(key for named in (spi, None) for key in self.esp if key.spi == named)

    def with_psk(self, psk: bytes) -> Beliefs:
        """The same, with `psk` wherever an SA has none of its own."""
        return replace(self, psk=psk)

    def merged(self, other: Beliefs) -> Beliefs:
        """Both together, nothing twice; this one's pre-shared key counts where both have one."""
        return Beliefs.of_all((self, other))

    @classmethod
    def of_all(cls, sources: Iterable[Beliefs]) -> Beliefs:
        """All of these together, nothing twice; the first pre-shared key counts for SAs that have none of their own."""
        every = tuple(sources)
        return cls(
            psk=next((each.psk for each in every if each.psk is not None), None),
            ike=_worth_trying(belief for each in every for belief in each.ike),
            quick=tuple(dict.fromkeys(belief for each in every for belief in each.quick)),
            esp=tuple(dict.fromkeys(key for each in every for key in each.esp)),
            remarks=tuple(dict.fromkeys(remark for each in every for remark in each.remarks)),
        )

    @classmethod
    def from_json(cls, obj: object, *, name: str = "keys") -> Beliefs:
        """From a parsed JSON object in the shape of facts.json; `name` begins what a Misuse says."""
        document = given.mapping(obj, name)
        psk = document.get("psk")
        beliefs = cls(psk=None if psk is None else given.psk(psk, f"{name}: psk"))
        readers = {
            "ike": _ike_entry,
            "quick": _quick_entry,
            "esp": _esp_entry,
            "wireshark_ikev1_decryption_table": _wireshark_entry,
            "wireshark_esp_sa": _wireshark_entry,
        }
        read = (readers[key](entry, place) for key in readers for place, entry in given.entries(document, key, name))
        return cls.of_all((beliefs, *read))

    @classmethod
    def from_wireshark(cls, text: str, *, name: str = "keys") -> Beliefs:
        """From the lines of Wireshark's `ikev1_decryption_table` or `esp_sa` files, or of both."""
        return cls.of_all(
            _wireshark_entry(line, f"{name}: line {number}")
            for number, line in enumerate(text.splitlines(), 1)
            if line.strip() and not line.lstrip().startswith("#")
        )


def parse_keys(text: str | bytes, *, name: str = "keys") -> Beliefs:
    """Beliefs from the contents of a key file of any known kind. Raises Misuse."""
    if isinstance(text, bytes):
        try:
            text = text.decode("utf-8")
        except UnicodeDecodeError as error:
            raise Misuse(f"{name}: expected JSON or Wireshark's key tables as UTF-8 text, got {error.reason}") from None
    text = text.removeprefix("\ufeff")
    if not text.strip():
        raise Misuse(f"{name}: expected JSON or Wireshark's key tables, got an empty file")
    if text.lstrip()[0] not in "{[":
        return Beliefs.from_wireshark(text, name=name)
    try:
        document: object = json.loads(text)
    except RecursionError:
        raise Misuse(f"{name}: expected a JSON object, got one nested too deep to read") from None
    except ValueError as error:
        raise Misuse(f"{name}: expected a JSON object, got a text that is none: {error}") from None
    return Beliefs.from_json(document, name=name)


def _ike_entry(entry: object, place: str) -> Beliefs:
    fields = given.mapping(entry, place)
    values: dict[str, bytes] = {}
    for key in IKE_VALUES:
        octets = given.optional_octets(fields, key, place)
        if octets is not None and values.setdefault(IKE_VALUES[key], octets) != octets:
            raise Misuse(f"{place}.{key}: expected one value of {IKE_VALUES[key]}, got two that differ")
    psk = fields.get("psk")
    belief = Belief(
        cookie_i=given.octets(given.required(fields, "cookie_i", place), f"{place}.cookie_i", size=COOKIE_SIZE),
        cookie_r=given.optional_octets(fields, "cookie_r", place, size=COOKIE_SIZE),
        psk=None if psk is None else given.psk(psk, f"{place}.psk"),
        values=values,
    )
    known = ("cookie_i", "cookie_r", "psk", *IKE_VALUES)
    return Beliefs(ike=(belief,), remarks=tuple(given.unknown_keys(fields, known, place)))


def _quick_entry(entry: object, place: str) -> Beliefs:
    fields = given.mapping(entry, place)
    protocol = fields.get("protocol")
    if protocol is not None and protocol not in PROTOCOLS:
        raise Misuse(f"{place}.protocol: expected {' or '.join(PROTOCOLS)}, got {given.shown(protocol)}")
    shared = [given.optional_octets(fields, key, place) for key in ("g_xy", "g^xy")]
    belief = QuickBelief(
        spi_i=given.optional_octets(fields, "spi_i", place, size=SPI_SIZE),
        spi_r=given.optional_octets(fields, "spi_r", place, size=SPI_SIZE),
        g_xy=shared[0] or shared[1],
        protocol=None if protocol is None else str(protocol),
        **{key: given.optional_octets(fields, key, place) for key in ESP_KEYS},
    )
    if belief.spi_i is None and belief.spi_r is None:
        raise Misuse(f"{place}: expected spi_i, spi_r or both, got neither")
    known = ("spi_i", "spi_r", "g_xy", "g^xy", "protocol", *ESP_KEYS)
    return Beliefs(quick=(belief,), remarks=tuple(given.unknown_keys(fields, known, place)))


def _esp_entry(entry: object, place: str) -> Beliefs:
    fields = given.mapping(entry, place)
    beliefs = _esp_key(
        given.octets(given.required(fields, "spi", place), f"{place}.spi", size=SPI_SIZE),
        encryption=given.text(given.required(fields, "alg", place), f"{place}.alg"),
        enc_key=_key(fields.get("enc"), f"{place}.enc"),
        integrity=given.text(given.required(fields, "auth_alg", place), f"{place}.auth_alg"),
        auth_key=_key(fields.get("auth"), f"{place}.auth"),
        place=place,
    )
    known = ("spi", "enc", "auth", "alg", "auth_alg")
    return replace(beliefs, remarks=(*beliefs.remarks, *given.unknown_keys(fields, known, place)))


def _key(value: object, place: str) -> bytes:
    """A key in hex; null and the empty text say that there is none."""
    return b"" if value is None or value == "" else given.octets(value, place)


def _wireshark_entry(line: object, place: str) -> Beliefs:
    """One line of either of Wireshark's tables, which its number of fields tells apart."""
    try:
        row = next(csv.reader([given.text(line, place)], skipinitialspace=True), [])
    except csv.Error as error:
        raise Misuse(f"{place}: expected fields between commas, got a line that is none: {error}") from None
    if len(row) == 2:
        cookie, key = (cell.strip() for cell in row)
        belief = Belief(
            cookie_i=given.octets(cookie, f"{place}, initiator's cookie", size=COOKIE_SIZE),
            values={"Ka": given.octets(key, f"{place}, encryption key")},
        )
        return Beliefs(ike=(belief,))
    if len(row) < 8:
        raise Misuse(
            f"{place}: expected the 2 fields of an ikev1_decryption_table or the 8 of an esp_sa of Wireshark's, "
            f"got {len(row)}"
        )
    _, _, _, spi, encryption, enc_key, integrity, auth_key = (cell.strip() for cell in row[:8])
    return _esp_key(
        None if spi == "*" else given.octets(spi, f"{place}, SPI", size=SPI_SIZE),
        encryption=encryption,
        enc_key=_wireshark_key(enc_key, f"{place}, encryption key"),
        integrity=integrity,
        auth_key=_wireshark_key(auth_key, f"{place}, authentication key"),
        place=place,
    )


def _wireshark_key(text: str, place: str) -> bytes:
    """A key as Wireshark takes it: hex digits after "0x", else the text's own octets."""
    if text in ("", "0x"):
        return b""
    return given.octets(text, place) if text.startswith("0x") else given.utf8(text, place)


def _esp_key(
    spi: bytes | None, *, encryption: str, enc_key: bytes, integrity: str, auth_key: bytes, place: str
) -> Beliefs:
    """Ready keys of algorithms that are named as Wireshark or as a proposal does; a remark where one is unknown."""
    ciphers = _named(ESP_CIPHERS, encryption)
    cipher = next((each for each in ciphers if each.keymat_size == len(enc_key)), None)
    check = next(iter(_named(INTEGRITIES, integrity)), None)
    for name, known in (
        (encryption, bool(ciphers)),
        (integrity, check is not None or integrity.upper() == "NULL" or integrity in UNCHECKED_ICVS),
    ):
        if not known:
            return Beliefs(remarks=(f"{place}: keys of {given.shown(name)} were not read: ikelab does not know it",))
    if cipher is None:
        sizes = " or ".join(str(each.keymat_size) for each in ciphers)
        raise Misuse(f"{place}: expected {sizes} octets of key for {encryption}, got {len(enc_key)}")
    if check is not None and isinstance(cipher, AeadCipher):
        raise Misuse(f"{place}: expected no {integrity} beside {encryption}, which checks integrity itself")
    if check is not None and auth_key and len(auth_key) != check.key_size:
        raise Misuse(f"{place}: expected {check.key_size} octets of key for {integrity}, got {len(auth_key)}")
    key = SaKeys(
        protocol="ESP",
        spi=spi,
        cipher=cipher,
        enc_key=enc_key,
        integrity=check,
        auth_key=auth_key or None if check else None,
        unchecked_icv=UNCHECKED_ICVS.get(integrity, 0),
    )
    return Beliefs(esp=(key,))


_Algorithm = TypeVar("_Algorithm", EspCipher, Integrity)


def _named(algorithms: Iterable[_Algorithm], name: str) -> tuple[_Algorithm, ...]:
    """Those of a family ("AES-CBC [RFC3602]", of any key length) or of a proposal's word ("aes128")."""
    plain = name.split(" [")[0]
    family = WIRESHARK_FAMILIES.get(plain, plain)
    return tuple(each for each in algorithms if family == each.family or plain.lower() == each.word)


def _worth_trying(beliefs: Iterable[Belief]) -> tuple[Belief, ...]:
    """The beliefs, SA by SA, without those that add nothing to another; of equal ones the first stays."""
    about: dict[bytes, list[Belief]] = {}
    for belief in beliefs:
        others = about.setdefault(belief.cookie_i, [])
        if not any(belief.adds_nothing_to(other) for other in others):
            others[:] = [other for other in others if not other.adds_nothing_to(belief)]
            others.append(belief)
    return tuple(belief for others in about.values() for belief in others)
