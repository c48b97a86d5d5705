"""What protecting and receiving packets of 1,400 octets costs, against the bare cryptography in it and against scapy.

Bare is what whoever calls `cryptography` and `hmac` would write for one packet: for CBC a Cipher from the key and an
IV, and an HMAC over the packet; for GCM an AESGCM from the key, and, in brackets, one that is made once and for all.
Everything around it (trailer, IV, number, window, outer header, frozen values) is the rest. ESP in tunnel mode over
IPv4. Times are the processor's; the ways take turns, and the best time of each counts, as other work on the machine
only adds to it.
"""

from __future__ import annotations

import hmac
import time
from collections.abc import Callable
from typing import Any

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from scapy.layers.inet import IP
from scapy.layers.ipsec import ESP, SecurityAssociation

from ikelab.crypto.protection import esp_cipher_by_word, integrity_by_word
from ikelab.crypto.sa_keys import SaKeys
from ikelab.ipsec.association import Association, Inbound, Outbound, Tunnel
from ikelab.ipsec.protect import Protected, protect
from ikelab.ipsec.unprotect import Unprotected, unprotect
from ikelab.wire import ip

SIZE = 1400
ROUNDS, PACKETS, SCAPY_PACKETS = 15, 400, 20
SUITES = (("aes128", "sha1", "AES-CBC", "HMAC-SHA1-96"), ("aes256", "sha256", "AES-CBC", "SHA2-256-128"),
          ("aes128gcm16", None, "AES-GCM", None), ("aes256gcm16", None, "AES-GCM", None))  # fmt: skip
AIMS = {"AES-CBC": 2.0, "AES-GCM": 4.0}
ENDS = {"source": "10.99.0.1", "destination": "10.99.0.2"}
PACKET = ip.build_ip("10.1.0.1", "10.2.0.1", 17, bytes(SIZE - ip.IPV4_HEADER))
PLAINTEXT = bytes(SIZE + 8)  # 1,400 octets with a trailer: 88 whole blocks

Way = Callable[[], object]


def main() -> None:
    """Print the ratios of each suite."""
    for cipher, check, scapy_cipher, scapy_check in SUITES:
        sa = association(cipher, check)
        ways = {**ours(sa), **(bare_gcm(sa.keys) if check is None else bare_cbc(sa.keys))}
        slow = scapys(sa.keys, scapy_cipher, scapy_check)
        times = measured(ways, PACKETS) | measured(slow, SCAPY_PACKETS)
        print(f"  {sa.algorithms}: aim {AIMS[scapy_cipher]:.0f} times the bare cryptography")
        for verb in ("protect", "unprotect"):
            taken, bare, scapy = times[verb], times[f"bare {verb}"], times[f"scapy {verb}"]
            once = times.get(f"bare {verb}, key set up")
            ready = f" ({taken / once:.1f} of one set up once, {once * 1e6:.2f} us)" if once else ""
            print(
                f"    {verb:9} {taken * 1e6:7.2f} us   bare {bare * 1e6:6.2f} us: {taken / bare:4.1f} times{ready}   "
                f"scapy {scapy * 1e6:7.0f} us: {scapy / taken:4.0f} times ours"
            )


def measured(ways: dict[str, Way], packets: int) -> dict[str, float]:
    """Seconds of processor time that one packet takes in each way, the best of all rounds."""
    best: dict[str, float] = {}
    for _ in range(ROUNDS):
        for name, way in ways.items():
            began = time.process_time()
            for _ in range(packets):
                way()
            taken = (time.process_time() - began) / packets
            best[name] = min(best.get(name, taken), taken)
    return best


def association(cipher: str, check: str | None) -> Association:
    """A tunnel with keys that anyone can tell apart."""
    encryption, integrity = esp_cipher_by_word(cipher), integrity_by_word(check) if check else None
    keys = SaKeys(
        protocol="ESP",
        spi=b"SPI.",
        cipher=encryption,
        enc_key=bytes(range(encryption.keymat_size)),
        integrity=integrity,
        auth_key=bytes(range(integrity.key_size)) if integrity else None,
    )
    return Association(keys=keys, tunnel=Tunnel(**ENDS))


def ours(sa: Association) -> dict[str, Way]:
    """Both verbs; chance is free, as it is for the others."""
    outbound, inbound = Outbound(sa), Inbound(sa)

    def draw(label: str, size: int) -> bytes:
        return bytes(size)

    made = protect(outbound, PACKET, draw)
    assert isinstance(made, Protected)
    octets = made.packet
    opened = unprotect(inbound, octets)
    assert isinstance(opened, Unprotected)
    assert opened.packet == PACKET
    return {"protect": lambda: protect(outbound, PACKET, draw), "unprotect": lambda: unprotect(inbound, octets)}


def bare_cbc(keys: SaKeys) -> dict[str, Way]:
    """AES-CBC and an HMAC over header, IV and ciphertext."""
    assert keys.enc_key is not None
    assert keys.auth_key is not None
    assert keys.integrity is not None
    enc_key, auth_key, digest, size = keys.enc_key, keys.auth_key, keys.integrity.word, keys.integrity.icv_size
    head = bytes(8 + 16)

    def sealing() -> bytes:
        running = Cipher(algorithms.AES(enc_key), modes.CBC(bytes(16))).encryptor()
        sealed = head + running.update(PLAINTEXT) + running.finalize()
        return sealed + hmac.digest(auth_key, sealed, digest)[:size]

    octets = sealing()

    def opening() -> bytes:
        if not hmac.compare_digest(hmac.digest(auth_key, octets[:-size], digest)[:size], octets[-size:]):
            raise AssertionError
        running = Cipher(algorithms.AES(enc_key), modes.CBC(bytes(16))).decryptor()
        return running.update(octets[24:-size]) + running.finalize()

    return {"bare protect": sealing, "bare unprotect": opening}


def bare_gcm(keys: SaKeys) -> dict[str, Way]:
    """AES-GCM, with the key set up for each packet, or once."""
    assert keys.enc_key is not None
    key, nonce, head = keys.enc_key[:-4], bytes(12), bytes(8)
    once = AESGCM(key)
    octets = once.encrypt(nonce, PLAINTEXT, head)
    return {
        "bare protect": lambda: AESGCM(key).encrypt(nonce, PLAINTEXT, head),
        "bare unprotect": lambda: AESGCM(key).decrypt(nonce, octets, head),
        "bare protect, key set up": lambda: once.encrypt(nonce, PLAINTEXT, head),
        "bare unprotect, key set up": lambda: once.decrypt(nonce, octets, head),
    }


def scapys(keys: SaKeys, cipher: str, check: str | None) -> dict[str, Way]:
    """Scapy's SA. It changes its input, so that each packet is a copy, which is part of the price."""
    arguments: dict[str, Any] = {"crypt_algo": cipher, "crypt_key": keys.enc_key}
    if check is not None:
        arguments |= {"auth_algo": check, "auth_key": keys.auth_key}
    spi = int.from_bytes(keys.spi or b"")
    sa = SecurityAssociation(ESP, spi, tunnel_header=IP(src=ENDS["source"], dst=ENDS["destination"]), **arguments)
    packet = IP(PACKET)
    octets = IP(bytes(sa.encrypt(packet.copy(), seq_num=1)))
    return {
        "scapy protect": lambda: bytes(sa.encrypt(packet.copy(), seq_num=1)),
        "scapy unprotect": lambda: bytes(sa.decrypt(octets.copy())),
    }
