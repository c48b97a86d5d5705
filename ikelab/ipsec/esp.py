"""How an ESP packet is made, and opened by whoever has keys: the ICV first, then the ciphertext, then the padding.

The clauses are RFC 4303's (RFC 2406 has the same packet). Nothing is decrypted whose ICV is wrong (§3.4.4).
"""

from __future__ import annotations

from dataclasses import dataclass

from ikelab.crypto.protection import AeadCipher
from ikelab.crypto.sa_keys import SaKeys
from ikelab.errors import Misuse, Refusal, WireError
from ikelab.wire.numbers import IpProtocol

HEADER_SIZE = 8  # SPI and sequence number
TRAILER_SIZE = 2  # pad length and next header
ALIGNMENT = 4  # of the ICV (§2.4)
PADDING = bytes(range(1, 256))
IP_VERSIONS: dict[int, int] = {IpProtocol.IPV4: 4, IpProtocol.IPV6: 6}


@dataclass(frozen=True, kw_only=True)
class OpenedEsp:
    """An ESP packet, cut up and as far as keys allow opened.

    The packet's octets are spi, sequence (4 octets), iv, ciphertext, icv, in this order.
    icv_ok: whether the ICV is right; None where there is none or no key to check it with.
    plaintext: payload, padding, pad length and next header; None if it was not decrypted.
    payload, padding, next_header: its parts; next_header is None where there are none, or where they make no sense.
    remarks: what a reader should know.
    """

    spi: bytes
    sequence: int
    iv: bytes
    ciphertext: bytes
    icv: bytes
    icv_ok: bool | None
    plaintext: bytes | None = None
    payload: bytes = b""
    padding: bytes = b""
    next_header: int | None = None
    remarks: tuple[str, ...] = ()

    @property
    def pad_length(self) -> int:
        """Octets of padding."""
        return len(self.padding)

    @property
    def decrypted(self) -> bool | None:
        """True if it was opened, False if a key was tried and gave nonsense or a wrong ICV, None if there is no key."""
        if self.next_header is not None:
            return True
        return None if self.plaintext is None and self.icv_ok is not False else False


def spi_of(packet: bytes) -> bytes:
    """The SPI that an ESP packet begins with. Raises WireError."""
    _present(packet, HEADER_SIZE, "ESP header", "RFC 4303 §2")
    return packet[:4]


def seal_esp(keys: SaKeys, sequence: int, iv: bytes, next_header: int, payload: bytes) -> bytes:
    """An ESP packet around `payload`, which is of protocol `next_header`, as these keys protect it.

    sequence: of 64 bits where the SA has such, of which the lower half is sent (§2.2.1). iv: as the cipher needs it,
    and never used before. Padding is the least there may be: 1, 2, 3, ... (§2.4). Raises Misuse where keys are missing.
    """
    cipher, enc_key = keys.cipher, keys.enc_key
    if cipher is None or enc_key is None:
        raise Misuse(f"ESP: expected the encryption key of an ESP SA, got none of the {keys.protocol} SA")
    low = (sequence & 0xFFFFFFFF).to_bytes(4)
    high = (sequence >> 32).to_bytes(4) if keys.esn else b""
    head = spi_or_zeros(keys) + low
    pad_length = -(len(payload) + TRAILER_SIZE) % max(ALIGNMENT, cipher.block_size)
    plaintext = payload + PADDING[:pad_length] + bytes((pad_length, next_header))
    if isinstance(cipher, AeadCipher):
        return head + iv + cipher.seal(enc_key, iv, plaintext, head[:4] + high + low)
    packet = head + iv + cipher.encrypt(enc_key, iv, plaintext)
    if keys.integrity is None:
        return packet
    if keys.auth_key is None:
        raise Misuse("ESP: expected an integrity key, got none")
    return packet + keys.integrity.icv(keys.auth_key, packet + high)


def spi_or_zeros(keys: SaKeys) -> bytes:
    """The SPI that packets made with these keys carry; zeros where the keys name none."""
    return keys.spi or bytes(4)


def decrypt_esp(keys: SaKeys, packet: bytes, *, sequence_high: int = 0) -> tuple[bool | None, bytes | None]:
    """Whether the ICV is right (None without one, or without its key), and the plaintext with its trailer.

    There is no plaintext where the ICV is wrong, where the key is missing, or where the ciphertext is no whole number
    of blocks. Arguments and errors are those of `open_esp`.
    """
    cipher = keys.cipher
    if cipher is None:
        raise Misuse(f"ESP: expected keys of an ESP SA, got those of an {keys.protocol} SA")
    spi = spi_of(packet)
    if keys.spi not in (None, spi):
        raise Misuse(f"ESP: expected a packet of SPI {keys.spi.hex() if keys.spi else ''}, got one of {spi.hex()}")
    begin, end = HEADER_SIZE + cipher.iv_size, len(packet) - keys.icv_size
    if end < begin + TRAILER_SIZE:
        _present(packet, begin + TRAILER_SIZE + keys.icv_size, f"ESP packet of {cipher.family}", "RFC 4303 §2")
    high, enc_key = sequence_high.to_bytes(4) if keys.esn else b"", keys.enc_key
    if isinstance(cipher, AeadCipher):
        if enc_key is None:
            return None, None
        try:  # what is covered but not carried: RFC 4106 §5
            opened = cipher.open(enc_key, packet[HEADER_SIZE:begin], packet[begin:], spi + high + packet[4:HEADER_SIZE])
        except Refusal:
            return False, None
        return True, opened
    icv_ok = None
    if keys.integrity is not None and keys.auth_key is not None:
        icv_ok = keys.integrity.verify(keys.auth_key, packet[:end] + high, packet[end:])
    if icv_ok is False or enc_key is None or (end - begin) % cipher.block_size:
        return icv_ok, None
    return icv_ok, cipher.decrypt(enc_key, packet[HEADER_SIZE:begin], packet[begin:end])


def open_esp(keys: SaKeys, packet: bytes, *, sequence_high: int = 0) -> OpenedEsp:
    """Open an ESP packet, which begins with its SPI, with these keys.

    sequence_high: the upper half of the 64-bit sequence number, where the SA has such (it is not in the packet).
    Raises Misuse where the keys are not this packet's, WireError where octets are missing.
    """
    icv_ok, plaintext = decrypt_esp(keys, packet, sequence_high=sequence_high)
    cipher = keys.cipher
    assert cipher is not None
    begin, end = HEADER_SIZE + cipher.iv_size, len(packet) - keys.icv_size
    remarks: list[str] = []
    payload, padding, next_header = b"", b"", None
    if plaintext is not None:
        parts = _without_trailer(plaintext)
        if nonsense := _nonsense(plaintext[-TRAILER_SIZE], *parts, verified=icv_ok is True):
            remarks.append(f"decrypted to nonsense, the key is probably wrong: {nonsense}")
        else:
            payload, padding, next_header = parts
            if not _counts_up(padding):
                remarks.append(f"the padding is not 1, 2, 3, ... but {padding.hex()} (RFC 4303 §2.4)")
    elif icv_ok is False:
        remarks.append("the ICV is wrong: another key, or altered on the way (RFC 4303 §3.4.4)")
    elif keys.enc_key is not None:
        remarks.append(
            f"expected whole blocks of {cipher.block_size} octets of {cipher.family}, got {end - begin} octets "
            "(RFC 4303 §2.4)"
        )
    return OpenedEsp(
        spi=packet[:4],
        sequence=(sequence_high << 32 if keys.esn else 0) | int.from_bytes(packet[4:HEADER_SIZE]),
        iv=packet[HEADER_SIZE:begin],
        ciphertext=packet[begin:end],
        icv=packet[end:],
        icv_ok=icv_ok,
        plaintext=plaintext,
        payload=payload,
        padding=padding,
        next_header=next_header,
        remarks=tuple(remarks),
    )


def _without_trailer(plaintext: bytes) -> tuple[bytes, bytes, int]:
    """Payload, padding and next header, found from the end (RFC 4303 §2.4 to §2.6)."""
    pad_length, next_header = plaintext[-TRAILER_SIZE:]
    end = max(len(plaintext) - TRAILER_SIZE - pad_length, 0)
    return plaintext[:end], plaintext[end:-TRAILER_SIZE], next_header


def _nonsense(pad_length: int, payload: bytes, padding: bytes, next_header: int, *, verified: bool) -> str:
    """Why these cannot be the parts of a plaintext, "" if they can.

    Odd padding betrays a wrong key; but where the ICV vouches for the packet, a sender of old that pads as it likes is
    likelier, if the next header is one that exists.
    """
    if len(padding) < pad_length:
        return f"a pad length of {pad_length} where there are {len(padding)} octets (RFC 4303 §2.5)"
    version = IP_VERSIONS.get(next_header)
    if version is not None and (not payload or payload[0] >> 4 != version):
        return f"expected a packet of IP version {version}, as the next header says (RFC 4303 §2.6)"
    if not _counts_up(padding) and not (verified and IpProtocol(next_header).assigned):
        return f"expected padding of 1, 2, 3, ..., got {padding.hex()} (RFC 4303 §2.4)"
    return ""


def payload_of(plaintext: bytes) -> bytes | None:
    """The payload alone; None where the padding is not 1, 2, 3, ... or more than there is (RFC 4303 §2.4, §2.5)."""
    pad_length = plaintext[-TRAILER_SIZE]
    end = len(plaintext) - TRAILER_SIZE - pad_length
    if end < 0 or plaintext[end:-TRAILER_SIZE] != PADDING[:pad_length]:
        return None
    return plaintext[:end]


def _counts_up(padding: bytes) -> bool:
    return padding == PADDING[: len(padding)]


def _present(octets: bytes, size: int, path: str, rfc: str) -> None:
    if len(octets) < size:
        raise WireError(expected=f"at least {size} octets", got=str(len(octets)), at=0, path=path, rfc=rfc)
