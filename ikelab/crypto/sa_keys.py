"""What it takes to open the packets of one direction of an IPsec SA: its SPI, its algorithms, its keys."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Literal

from ikelab.crypto.protection import AeadCipher, EspCipher, Integrity, Protection
from ikelab.crypto.registry import expect_size
from ikelab.errors import Misuse

IpsecProtocol = Literal["ESP", "AH"]


@dataclass(frozen=True, kw_only=True)
class SaKeys:
    """The algorithms and keys of packets that carry this SPI; `spi` is None where they are to be tried on every packet.

    cipher, enc_key: how ESP encrypts; the key of AES-GCM has its salt behind it (RFC 4106 §8.1); AH has neither.
    integrity, auth_key: how the ICV is made; both None where there is none, or where the cipher makes it.
    A key is None where it is not known. Of an ICV that has `unchecked_icv` octets nothing but that is known.
    esn: whether sequence numbers have 64 bits, of which packets carry the lower half (RFC 4303 §2.2.1).
    Raises Misuse where sizes or algorithms do not fit together.
    """

    protocol: IpsecProtocol
    spi: bytes | None
    cipher: EspCipher | None = None
    enc_key: bytes | None = None
    integrity: Integrity | None = None
    auth_key: bytes | None = None
    unchecked_icv: int = 0
    esn: bool = False

    def __post_init__(self) -> None:
        algorithms = Protection(cipher=self.cipher, integrity=self.integrity)
        if (algorithms.cipher is None) != (self.protocol == "AH"):
            got = algorithms.cipher.family if algorithms.cipher else "no cipher"
            raise Misuse(f"{self.protocol}: expected a cipher for ESP and none for AH, got {got}")
        if self.enc_key is not None:
            expect_size("encryption key", self.enc_key, self.cipher.keymat_size if self.cipher else 0)
        if self.auth_key is not None:
            expect_size("integrity key", self.auth_key, self.integrity.key_size if self.integrity else 0)

    @classmethod
    def from_keymat(
        cls, protocol: IpsecProtocol, spi: bytes, algorithms: Protection, keymat: bytes, *, esn: bool = False
    ) -> SaKeys:
        """Keys cut from Quick Mode's KEYMAT (RFC 2409 §5.5), of which exactly as much is given as they need."""
        enc_key, auth_key = algorithms.split(keymat)
        return cls(
            protocol=protocol,
            spi=spi,
            cipher=algorithms.cipher,
            enc_key=enc_key if algorithms.cipher else None,
            integrity=algorithms.integrity,
            auth_key=auth_key if algorithms.integrity else None,
            esn=esn,
        )

    @cached_property
    def icv_size(self) -> int:
        """Octets of ICV at the end of a packet."""
        if isinstance(self.cipher, AeadCipher):
            return self.cipher.icv_size
        return self.integrity.icv_size if self.integrity else self.unchecked_icv
