"""Octets as people write them: text where it is text, addresses, networks; hex where nothing better is known."""

from __future__ import annotations

from ipaddress import ip_address


def readable(data: bytes) -> str:
    """Octets as quoted text where they are printable ASCII, as hex where they are not."""
    text = data.decode("ascii", errors="replace")
    return f'"{text}"' if text.isascii() and text.isprintable() and text else data.hex()


def number(data: bytes) -> str:
    """Up to 8 octets as a decimal number, most significant octet first; more, or none, as hex."""
    return str(int.from_bytes(data)) if 0 < len(data) <= 8 else data.hex()


def address(data: bytes) -> str:
    """4 or 16 octets as an IP address; anything else as hex."""
    return str(ip_address(data)) if len(data) in (4, 16) else data.hex()


def prefix_length(mask: bytes) -> int | None:
    """How many leading bits of a network mask are one; None if the ones are not all in front."""
    zeros = int.from_bytes(mask) ^ ((1 << 8 * len(mask)) - 1)
    return None if zeros & (zeros + 1) else 8 * len(mask) - zeros.bit_length()


def network(data: bytes) -> str:
    """An address and its mask, one behind the other, as 10.1.0.0/24; a mask with holes is written out."""
    half = len(data) // 2
    if len(data) not in (8, 32):
        return data.hex()
    length = prefix_length(data[half:])
    return f"{address(data[:half])}/{address(data[half:]) if length is None else length}"


def address_range(data: bytes) -> str:
    """A first and a last address, one behind the other, as 10.0.0.1-10.0.0.9."""
    half = len(data) // 2
    return f"{address(data[:half])}-{address(data[half:])}" if len(data) in (8, 32) else data.hex()


def prefix(data: bytes) -> str:
    """An IPv6 address and, where it is there, an octet that counts the bits of its network: fec0::/64."""
    return f"{address(data[:16])}/{data[16]}" if len(data) == 17 else address(data)
