"""What a strongSwan peer thought and knew: its log as lines, messages said and heard, complaints, and every secret.

Nothing here is derived by us: each secret is the one charon printed, under the name and with the `_i`/`_r` that
facts.json of a recorded conversation uses.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from typing import Literal

_LINE = re.compile(
    r"(?P<time>\d+\.\d+) (?P<thread>\d\d)\[(?P<group>[A-Z]{3})(?P<level>\d)\] "
    r"(?:<(?:[^>|]*\|)?(?P<sa>\d+)> )?(?P<text>.*)"
)
_DUMP = re.compile(r"(?P<name>.*) => (?P<size>\d+) bytes @ (?:0x[0-9a-f]+|\(nil\))")
_MESSAGE = re.compile(
    r"(?P<direction>generating|parsed) (?P<exchange>\w+) (?:request|response) (?P<message_id>\d+) "
    r"\[ (?P<payloads>.*?) ?\]"
)
_COMPLAINT = re.compile(
    r"fail|not match|none allows|no (?:matching|proposal|peer|IKE|shared key)|giving up|error notify|malformed|missing"
    r"|invalid|unable|could not|not found|not supported",
    re.IGNORECASE,
)
_COOKIES = r"with SPIs (?P<cookie_i>[0-9a-f]{16})_i (?P<cookie_r>[0-9a-f]{16})_r"
_ARRIVED = re.compile(rf"checkout IKEv1 SA by message {_COOKIES}")
_FOUND = re.compile(r"(?:IKE_SA .*\[(?P<found>\d+)\] successfully checked out|created IKE_SA .*\[(?P<created>\d+)\])")
_STORED = re.compile(rf"checkin IKEv1 SA .* {_COOKIES}")
_ALGORITHM = re.compile(r" +using (?P<name>\w+) for (?P<purpose>encryption|integrity)")
_STORY_GROUPS = frozenset(("IKE", "ENC", "CFG", "CHD", "NET"))

IKE_SECRET_NAMES = {
    "shared Diffie Hellman secret": "g_xy",
    "SKEYID": "SKEYID",
    "SKEYID_d": "SKEYID_d",
    "SKEYID_a": "SKEYID_a",
    "SKEYID_e": "SKEYID_e",
    "encryption key Ka": "Ka",
    "initial IV": "iv0",
    "HASH_I": "HASH_I",
    "HASH_R": "HASH_R",
}
QUICK_SECRET_NAMES = {
    "encryption initiator key": "enc_i",
    "encryption responder key": "enc_r",
    "integrity initiator key": "auth_i",
    "integrity responder key": "auth_r",
}
PROTOCOLS = {2: "AH", 3: "ESP"}
WIRESHARK_ENCRYPTION = {
    "AES_CBC": "AES-CBC [RFC3602]",
    "3DES_CBC": "TripleDES-CBC [RFC2451]",
    "NULL": "NULL",
    "AES_GCM_16": "AES-GCM with 16 octet ICV [RFC4106]",
}
WIRESHARK_INTEGRITY = {
    None: "NULL",
    "HMAC_MD5_96": "HMAC-MD5-96 [RFC2403]",
    "HMAC_SHA1_96": "HMAC-SHA-1-96 [RFC2404]",
    "HMAC_SHA2_256_128": "HMAC-SHA-256-128 [RFC4868]",
}


@dataclass(frozen=True, kw_only=True)
class LogLine:
    """One entry: seconds since 1970, thread, group (IKE, CFG ...), level, number of the IKE_SA, octets of a dump."""

    time: float
    thread: str
    group: str
    level: int
    sa: int | None
    text: str
    octets: bytes | None


@dataclass(frozen=True, kw_only=True)
class LoggedMessage:
    """A message as charon names it: exchange "ID_PROT", payloads ("ID", "HASH", "N(INITIAL_CONTACT)")."""

    direction: Literal["said", "heard"]
    exchange: str
    message_id: int
    payloads: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.direction} {self.exchange} [ {' '.join(self.payloads)} ]"


@dataclass(frozen=True, kw_only=True)
class IkeSecrets:
    """The secrets of one ISAKMP SA in hex; None for what charon never came to. `iv0`: the first IV of phase 1."""

    cookie_i: str | None = None
    cookie_r: str | None = None
    g_xy: str | None = None
    SKEYID: str | None = None
    SKEYID_d: str | None = None
    SKEYID_a: str | None = None
    SKEYID_e: str | None = None
    Ka: str | None = None
    iv0: str | None = None
    HASH_I: str | None = None
    HASH_R: str | None = None


@dataclass(frozen=True, kw_only=True)
class QuickSecrets:
    """The keys of one Quick Mode in hex; `_i`: packets that its initiator sends. `g_xy`: with PFS only.

    `encryption` and `integrity` are charon's names (AES_CBC, HMAC_SHA1_96); `integrity` is None for an AEAD.
    """

    protocol: str
    spi_i: str
    spi_r: str
    encryption: str | None = None
    integrity: str | None = None
    enc_i: str | None = None
    enc_r: str | None = None
    auth_i: str | None = None
    auth_r: str | None = None
    g_xy: str | None = None

    def esp_sa_lines(self) -> tuple[str, str]:
        """The two lines of Wireshark's esp_sa table; KeyError for an algorithm whose name there is not listed here."""
        cipher, mac = WIRESHARK_ENCRYPTION[self.encryption or "NULL"], WIRESHARK_INTEGRITY[self.integrity]

        def line(spi: str, enc: str | None, auth: str | None) -> str:
            keys = (f"0x{spi}", cipher, f"0x{enc}" if enc else "", mac, f"0x{auth}" if auth else "")
            return ",".join(f'"{value}"' for value in ("IPv4", "*", "*", *keys))

        return line(self.spi_i, self.enc_i, self.auth_i), line(self.spi_r, self.enc_r, self.auth_r)


@dataclass(frozen=True, kw_only=True)
class Secrets:
    """All that one peer's log reveals, in the order in which it came to be."""

    ike: tuple[IkeSecrets, ...]
    quick: tuple[QuickSecrets, ...]

    def facts(self, psk: str) -> dict[str, object]:
        """The shape of a recorded conversation's facts.json, which `ikelab dissect --keys` takes."""
        return {"psk": psk, "ike": [_known(ike) for ike in self.ike], "quick": [_known(quick) for quick in self.quick]}

    def decryption_table(self) -> tuple[str, ...]:
        """The lines of Wireshark's ikev1_decryption_table."""
        return tuple(f"{ike.cookie_i},{ike.Ka}" for ike in self.ike if ike.cookie_i and ike.Ka)

    def esp_sa_table(self) -> tuple[str, ...]:
        """The lines of Wireshark's esp_sa table."""
        return tuple(line for quick in self.quick if quick.protocol == "ESP" for line in quick.esp_sa_lines())


def _known(secrets: IkeSecrets | QuickSecrets) -> dict[str, str]:
    algorithms = ("encryption", "integrity")
    return {name: value for name, value in asdict(secrets).items() if value is not None and name not in algorithms}


@dataclass(frozen=True)
class CharonLog:
    """The log as it stood when it was read; read again to see more."""

    text: str

    @cached_property
    def lines(self) -> tuple[LogLine, ...]:
        """Every entry, dumps folded into one; a last one that was still being written is left out."""
        whole_lines, _, _ = self.text.rpartition("\n")
        return tuple(_entries(whole_lines.splitlines()))

    @cached_property
    def messages(self) -> tuple[LoggedMessage, ...]:
        """What was said and heard, in order; retransmissions are not repeated, what could not be parsed is missing."""
        found = (_MESSAGE.fullmatch(line.text) for line in self.lines if line.group == "ENC")
        return tuple(
            LoggedMessage(
                direction="said" if message["direction"] == "generating" else "heard",
                exchange=message["exchange"],
                message_id=int(message["message_id"]),
                payloads=tuple(message["payloads"].split()),
            )
            for message in found
            if message
        )

    @property
    def said(self) -> tuple[str, ...]:
        """The messages this peer sent, as text: "ID_PROT [ SA V V ]"."""
        return self._spoken("said")

    @property
    def heard(self) -> tuple[str, ...]:
        """The messages this peer received and could read."""
        return self._spoken("heard")

    def _spoken(self, direction: str) -> tuple[str, ...]:
        prefix = f"{direction} "
        return tuple(str(message).removeprefix(prefix) for message in self.messages if message.direction == direction)

    @property
    def story(self) -> tuple[str, ...]:
        """The lines an administrator would see: no dumps, no details."""
        return tuple(line.text for line in self.lines if line.level <= 1 and line.group in _STORY_GROUPS)

    @property
    def complaints(self) -> tuple[str, ...]:
        """The lines of the story that tell of something refused, unreadable or given up."""
        return tuple(text for text in self.story if _COMPLAINT.search(text) and not _MESSAGE.fullmatch(text))

    def secrets(self) -> Secrets:
        """What charon computed, one IkeSecrets for each ISAKMP SA that got as far as SKEYID."""
        reading = _SecretsReading()
        for line in self.lines:
            reading.read(line)
        ike = (replace(found, **reading.cookies.get(sa, {})) for sa, found in reading.ike.items())
        return Secrets(ike=tuple(ike), quick=tuple(reading.quick))


def _entries(raw_lines: Iterable[str]) -> Iterator[LogLine]:
    raw = iter(raw_lines)
    for entry in raw:
        found = _LINE.fullmatch(entry)
        if found is None:
            continue
        text, octets = found["text"], None
        if dump := _DUMP.fullmatch(text):
            text, octets = dump["name"], _dumped(raw, int(dump["size"]))
            if octets is None:
                return
        yield LogLine(
            time=float(found["time"]),
            thread=found["thread"],
            group=found["group"],
            level=int(found["level"]),
            sa=int(found["sa"]) if found["sa"] else None,
            text=text,
            octets=octets,
        )


def _dumped(raw: Iterator[str], size: int) -> bytes | None:
    """Read the rows of a dump, `   0: 12 1C 2F ...  ../`, sixteen octets each; None where the log ends first."""
    octets = b""
    while len(octets) < size:
        row = _LINE.fullmatch(next(raw, ""))
        if row is None:
            return None
        columns = row["text"].partition(": ")[2][: 3 * min(16, size - len(octets))]
        octets += bytes.fromhex(columns)
    return octets


class _SecretsReading:
    """What has been learned so far on a walk through the log."""

    def __init__(self) -> None:
        self.ike: dict[int, IkeSecrets] = {}
        self.quick: list[QuickSecrets] = []
        self.cookies: dict[int, dict[str, str]] = {}
        self._arrived: dict[str, dict[str, str]] = {}
        self._algorithms: dict[int, dict[str, str]] = {}
        self._pfs_secret: dict[int, bytes] = {}
        self._initiator_seed: dict[int, bytes] = {}

    def read(self, line: LogLine) -> None:
        if line.group == "MGR":
            self._read_cookies(line)
        elif line.sa is not None and line.octets is not None:
            self._read_secret(line.sa, line.text, line.octets)
        elif line.sa is not None and (algorithm := _ALGORITHM.fullmatch(line.text)):
            self._algorithms.setdefault(line.sa, {})[algorithm["purpose"]] = algorithm["name"]
        elif line.sa is not None and line.text.endswith("state change: CREATED => INSTALLING"):
            self._algorithms[line.sa] = {}

    def _read_cookies(self, line: LogLine) -> None:
        """Charon names the cookies of an arriving message before it knows the SA: the thread links the two lines."""
        if arrived := _ARRIVED.fullmatch(line.text):
            self._arrived[line.thread] = arrived.groupdict()
        elif found := _FOUND.fullmatch(line.text):
            if line.thread in self._arrived:
                self.cookies[int(found["found"] or found["created"])] = self._arrived.pop(line.thread)
        elif line.sa is not None and (stored := _STORED.fullmatch(line.text)):
            self.cookies[line.sa] = stored.groupdict()

    def _read_secret(self, sa: int, name: str, octets: bytes) -> None:
        if ike_name := IKE_SECRET_NAMES.get(name):
            self.ike[sa] = replace(self.ike.get(sa, IkeSecrets()), **{ike_name: octets.hex()})
        elif name == "DH secret":
            self._pfs_secret[sa] = octets
        elif name == "initiator SA seed":
            self._initiator_seed[sa] = octets
        elif name == "responder SA seed":
            self.quick.append(self._quick(sa, octets))
        elif quick_name := QUICK_SECRET_NAMES.get(name):
            self.quick[-1] = replace(self.quick[-1], **{quick_name: octets.hex()})

    def _quick(self, sa: int, responder_seed: bytes) -> QuickSecrets:
        """Begin a Quick Mode; a seed is [ g(qm)^xy | ] protocol | SPI | Ni_b | Nr_b (RFC 2409 §5.5)."""
        initiator_seed, secret = self._initiator_seed[sa], self._pfs_secret.get(sa, b"")
        pfs = secret if secret and initiator_seed.startswith(secret) else b""
        at = len(pfs)
        return QuickSecrets(
            protocol=PROTOCOLS[initiator_seed[at]],
            spi_i=initiator_seed[at + 1 : at + 5].hex(),
            spi_r=responder_seed[at + 1 : at + 5].hex(),
            g_xy=pfs.hex() or None,
            **self._algorithms.get(sa, {}),
        )
