"""How messages are protected under an ISAKMP SA: what is encrypted, which IV comes next, and what a HASH covers.

The rules are RFC 2409's (§5.5, §5.7, Appendix B). Whoever speaks, whoever hears and whoever merely listens uses this
one page; the formulas themselves stand in the book (`ikelab.crypto.lines`).
"""

from __future__ import annotations

from collections.abc import Mapping

from ikelab.crypto.book import Book, Chapter
from ikelab.crypto.derived import Given, Value
from ikelab.crypto.suite import Cipher
from ikelab.errors import WireError
from ikelab.wire.message import HEADER_SIZE, Dissection
from ikelab.wire.numbers import ExchangeType
from ikelab.wire.payloads import Opaque

CHAPTERS: Mapping[int, Chapter] = {
    ExchangeType.INFORMATIONAL: Chapter.INFORMATIONAL,
    ExchangeType.TRANSACTION: Chapter.TRANSACTION,
    ExchangeType.QUICK_MODE: Chapter.QUICK_MODE,
    ExchangeType.NEW_GROUP_MODE: Chapter.NEW_GROUP_MODE,
}
"""The formulas that hold in each exchange under an ISAKMP SA."""

LAST_OF_QUICK_MODE = 3

PHASE_1 = frozenset(
    {ExchangeType.BASE, ExchangeType.IDENTITY_PROTECTION, ExchangeType.AUTHENTICATION_ONLY, ExchangeType.AGGRESSIVE}
)


def exchange_of(exchange: int, number: int) -> int:
    """The exchange type that message `number` (from 1) carries: CONNECTED behind Quick Mode's three is news."""
    after = exchange == ExchangeType.QUICK_MODE and number > LAST_OF_QUICK_MODE
    return ExchangeType.INFORMATIONAL if after else exchange


def proof_name(exchange: int, number: int) -> str:
    """What the HASH payload of message `number` (from 1) of a phase 2 exchange is called."""
    match exchange:
        case ExchangeType.TRANSACTION:
            return "HASH"
        case ExchangeType.QUICK_MODE:
            return f"HASH({min(number, 3)})"
        case ExchangeType.NEW_GROUP_MODE:
            return f"HASH({min(number, 2)})"
    return "HASH(1)"


def exchange_iv(book: Book, exchange: int, message_id: int, last_block: bytes) -> Value:
    """The first IV of an exchange under the SA: from the last ciphertext block of phase 1 and the message ID."""
    chapter = CHAPTERS.get(exchange, Chapter.INFORMATIONAL)
    return book.chapter(chapter, {"M-ID": message_id.to_bytes(4), "last_block": last_block})["IV"]


def last_block(ciphertext: bytes, cipher: Cipher) -> bytes:
    """The block that is the IV of the next message of the same exchange."""
    return ciphertext[-cipher.block_size :]


def seal(cipher: Cipher, key: bytes, iv: bytes, chain: bytes) -> bytes:
    """Payloads encrypted, padded with zeros to whole blocks (RFC 2409 Appendix B)."""
    return cipher.encrypt(key, iv, chain + bytes(-len(chain) % cipher.block_size))


def unseal(cipher: Cipher, key: bytes, iv: bytes, body: bytes) -> bytes:
    """The plaintext, padding included. Raises WireError where the body is empty or not whole blocks."""
    if not body or len(body) % cipher.block_size:
        raise WireError(
            expected=f"one or more blocks of {cipher.block_size} octets",
            got=f"{len(body)} octets",
            at=HEADER_SIZE,
            path="Encrypted Data",
            rfc="RFC 2409 Appendix B",
        )
    return cipher.decrypt(key, iv, body)


def covered(sheet: Dissection) -> bytes:
    """What HASH(1) and its kin cover: all octets behind the HASH payload, payload headers included, padding not."""
    begin = sheet.starts[1] if len(sheet.starts) > 1 else sheet.end
    return sheet.raw[begin : sheet.end]


def message_hash(book: Book, exchange: int, number: int, given: Mapping[str, bytes | Given]) -> Value:
    """What the HASH payload of message `number` (from 1) of an exchange under the SA must hold.

    given: M-ID, payloads (what it covers), and the nonces of the exchange as far as they are known.
    """
    return book.chapter(CHAPTERS[exchange], given)[proof_name(exchange, number)]


NONSENSE = "decrypted to nonsense: the key is probably wrong (another pre-shared key?), so nothing inside can be read"


def plausible(sheet: Dissection) -> bool:
    """Whether decrypted octets look like payloads: every length fits, every type is known, no RESERVED is set."""
    return (
        sheet.error is None
        and bool(sheet.payloads)
        and all(not isinstance(payload, Opaque) and payload.reserved == 0 for payload in sheet.payloads)
    )
