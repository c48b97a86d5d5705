"""scapy's ESP and AH as an oracle: what it calls ikelab's algorithms, and the packets it makes with them."""

from __future__ import annotations

from typing import Any

from scapy.layers.inet import ICMP, IP
from scapy.layers.inet6 import ICMPv6EchoRequest, IPv6
from scapy.layers.ipsec import AH, ESP, SecurityAssociation
from scapy.packet import Packet, Raw

from ikelab.crypto.protection import AeadCipher, esp_cipher_by_word, integrity_by_word
from ikelab.crypto.sa_keys import SaKeys
from ikelab.ipsec.association import Association, Tunnel, UdpPorts
from ikelab.ipsec.traffic import Traffic

SPI = 0xC930A8D1
CIPHERS = {
    "null": "NULL",
    "des": "DES",
    "3des": "3DES",
    **{f"aes{bits}": "AES-CBC" for bits in (128, 192, 256)},
    **{f"aes{bits}ctr": "AES-CTR" for bits in (128, 192, 256)},
}
AEADS = {
    **{f"aes{bits}gcm16": "AES-GCM" for bits in (128, 192, 256)},
    **{f"aes{bits}ccm16": "AES-CCM" for bits in (128, 192, 256)},
    **{f"aes{bits}gmac": "AES-NULL-GMAC" for bits in (128, 192, 256)},
}
CHECKS = {
    "md5": "HMAC-MD5-96",
    "sha1": "HMAC-SHA1-96",
    "sha256": "SHA2-256-128",
    "sha384": "SHA2-384-192",
    "sha512": "SHA2-512-256",
}
MODES = ("tunnel", "transport")
VERSIONS = (4, 6)


def inner(version: int) -> Packet:
    """A ping between two hosts."""
    data = Raw(b"forty octets, more or less, of some data")
    if version == 4:
        return IP(src="10.1.0.1", dst="10.2.0.1") / ICMP(id=925, seq=1) / data
    return IPv6(src="2001:db8:1::1", dst="2001:db8:2::1") / ICMPv6EchoRequest(id=925, seq=1) / data


def outer(version: int) -> Packet:
    """The header of a tunnel between two gateways."""
    if version == 4:
        return IP(src="10.99.0.1", dst="10.99.0.2", tos=3, ttl=9, flags="DF", id=77)
    return IPv6(src="2001:db8::1", dst="2001:db8::2", tc=3, fl=5, hlim=9)


def keys(*, cipher: str | None = None, check: str | None = None, esn: bool = False) -> SaKeys:
    """Keys that anyone can tell apart, for ESP if a cipher is named, else for AH."""
    encryption = esp_cipher_by_word(cipher) if cipher else None
    integrity = integrity_by_word(check) if check else None
    return SaKeys(
        protocol="ESP" if encryption else "AH",
        spi=SPI.to_bytes(4),
        cipher=encryption,
        enc_key=bytes(range(1, 1 + encryption.keymat_size)) if encryption else None,
        integrity=integrity,
        auth_key=bytes(range(100, 100 + integrity.key_size)) if integrity else None,
        esn=esn,
    )


def association(known: SaKeys, mode: str, version: int, **rest: Any) -> SecurityAssociation:
    """Scapy's SA with these keys."""
    arguments: dict[str, Any] = {"spi": SPI, **rest}
    if known.cipher is not None:
        arguments |= {"crypt_algo": (CIPHERS | AEADS)[known.cipher.word], "crypt_key": known.enc_key}
    if known.integrity is not None:
        arguments |= {"auth_algo": CHECKS[known.integrity.word], "auth_key": known.auth_key}
    if mode == "tunnel":
        arguments["tunnel_header"] = outer(version)
    return SecurityAssociation(ESP if known.cipher is not None else AH, **arguments)


def protected(known: SaKeys, mode: str, version: int, packet: Packet | None = None, **rest: Any) -> bytes:
    """An IP packet that scapy protected, as octets."""
    packet = inner(version) if packet is None else packet
    return bytes(association(known, mode, version, **rest).encrypt(packet, seq_num=7))


def agreed(
    known: SaKeys, mode: str, version: int, udp: UdpPorts | None = None, traffic: Traffic | None = None
) -> Association:
    """The SA of ikelab with these keys, between the same gateways."""
    ends = outer(version)
    tunnel = Tunnel(source=ends.src, destination=ends.dst) if mode == "tunnel" else None
    return Association(keys=known, tunnel=tunnel, udp=udp, traffic=traffic)


def opened_by_scapy(known: SaKeys, mode: str, version: int, octets: bytes, **rest: Any) -> bytes:
    """What scapy finds in a protected packet, once it has verified the ICV (it changes its input: this is a copy)."""
    packet = (IP if octets[0] >> 4 == 4 else IPv6)(octets)
    return bytes(association(known, mode, version, **rest).decrypt(packet))


def is_aead(known: SaKeys) -> bool:
    """Whether the cipher makes the ICV."""
    return isinstance(known.cipher, AeadCipher)
