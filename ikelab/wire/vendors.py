"""Who is speaking, and which extensions they offer: the constants in Vendor ID payloads and where each one comes from.

RFC 2408 §3.16 leaves the constant to the vendor and suggests a hash of a text. Most are just that: the MD5 of the name
of a product or a draft, sometimes cut short to make room for a version number. So each is declared here by its text and
computed; where nobody has published the text, the octets themselves are given and `origin` says so.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

Tail = Callable[[bytes], str | None]
"""Says what the octets after a constant mean, or None where they do not belong to it."""


@dataclass(frozen=True, kw_only=True)
class VendorId:
    """What a Vendor ID payload says: whom or what it names, what that means to the peer, and what the octets are.

    `detail` is what the octets after the constant say, such as "version 1.0".
    """

    name: str
    meaning: str
    origin: str
    rfc: str = "RFC 2408 §3.16"
    detail: str = ""


@dataclass(frozen=True, kw_only=True)
class KnownVendor:
    """A vendor ID that can be named: its constant octets, the text behind them, and how to read what follows them.

    `text` is None where it is not known. Without a `tail` nothing may follow.
    """

    vendor: VendorId
    octets: bytes
    text: str | None
    tail: Tail | None


def vendor(octets: bytes) -> VendorId | None:
    """The vendor ID that the body of a Vendor ID payload holds, or None where it is unknown."""
    if exact := _WHOLE.get(octets):
        return exact.vendor
    for known in _WITH_TAIL:
        if octets.startswith(known.octets) and known.tail is not None:
            detail = known.tail(octets[len(known.octets) :])
            if detail is not None:
                return replace(known.vendor, detail=detail)
    return None


def _md5(text: str) -> bytes:
    return hashlib.md5(text.encode(), usedforsecurity=False).digest()


def _hashed(
    text: str,
    name: str,
    meaning: str,
    *,
    kept: int = 16,
    tail: Tail | None = None,
    rfc: str = "RFC 2408 §3.16",
) -> KnownVendor:
    octets = _md5(text)[:kept]
    shown = text.replace("\n", r"\n")
    origin = f'The MD5 of "{shown}".' if kept == 16 else f'The first {kept} octets of the MD5 of "{shown}".'
    return KnownVendor(
        vendor=VendorId(name=name, meaning=meaning, origin=origin, rfc=rfc), octets=octets, text=text, tail=tail
    )


def _spelled(text: str, name: str, meaning: str, *, tail: Tail | None = None) -> KnownVendor:
    vendor_id = VendorId(name=name, meaning=meaning, origin=f'The text "{text}", not hashed.')
    return KnownVendor(vendor=vendor_id, octets=text.encode(), text=text, tail=tail)


def _opaque(octets: str, name: str, meaning: str, *, tail: Tail | None = None) -> KnownVendor:
    vendor_id = VendorId(name=name, meaning=meaning, origin="Fixed octets; the text behind them was never published.")
    return KnownVendor(vendor=vendor_id, octets=bytes.fromhex(octets), text=None, tail=tail)


def _freeswan(text: str, name: str) -> KnownVendor:
    """FreeS/WAN's own recipe: "OE", then ten octets of the MD5 bent into the ASCII range of letters."""
    vendor_id = VendorId(
        name=name,
        meaning="One build of the Pluto daemon, the ancestor of Openswan, strongSwan and libreswan.",
        origin=f'"OE" and 10 octets of the MD5 of "{text}", each made a letter (AND 7f, OR 40).',
    )
    octets = b"OE" + bytes(octet & 0x7F | 0x40 for octet in _md5(text)[:10])
    return KnownVendor(vendor=vendor_id, octets=octets, text=text, tail=None)


def _anything(rest: bytes) -> str:
    return f"followed by {rest.hex()}" if rest else ""


def _characters(rest: bytes) -> str:
    text = rest.decode("latin-1")
    return text.strip() if text.isascii() and text.isprintable() else _anything(rest)


def _version(rest: bytes) -> str | None:
    return f"version {rest[0]}.{rest[1]}" if len(rest) == 2 else None


def _concentrator_version(rest: bytes) -> str | None:
    return f"version {rest[0]}.{rest[1] >> 4}.{rest[1] & 15}" if len(rest) == 2 else None


def _rest_of_xauth_digest(rest: bytes) -> str | None:
    return {b"": "", _md5(_XAUTH_DRAFT)[8:]: "the whole digest, not only its first half"}.get(rest)


RFC_3947 = _md5("RFC 3947")
"""What NAT traversal is announced with (RFC 3947 §3.1)."""

_XAUTH_DRAFT = "draft-ietf-ipsra-isakmp-xauth-06.txt"

_WINDOWS = {
    2: "Windows 2000",
    3: "Windows XP",
    4: "Windows XP SP2 or Server 2003",
    5: "Windows Vista",
    6: "Windows Server 2008",
    7: "Windows 7",
    8: "Windows Server 2008 R2",
    9: "Windows 8 or later",
}
_KEY_MODULES = {0: "IKE", 1: "AuthIP", 2: "IKEv2"}
_AUTHIP_GROUPS = {0: "none", 1: "group 1", 2: "group 2", 3: "group 14", 4: "group 19", 5: "group 20", 6: "group 21"}


def _number_in(names: dict[int, str]) -> Callable[[bytes], str]:
    def read(rest: bytes) -> str:
        number = int.from_bytes(rest[:4])
        return names[number] if len(rest) >= 4 and number in names else _anything(rest)

    return read


_FRAGMENTED = {
    0b00: "in none of the usual exchanges",
    0b01: "in Base Mode",
    0b10: "in Main and Aggressive Mode",
    0b11: "in Main, Aggressive and Base Mode",
}


def _fragmentation_capability(rest: bytes) -> str | None:
    if not rest:
        return ""
    return _FRAGMENTED[rest[0] >> 6] if len(rest) == 4 else None


_CHECK_POINT_PRODUCTS = {1: "Firewall-1", 2: "SecuRemote or SecureClient"}
_CHECK_POINT_VERSIONS = {
    2: "4.1",
    3: "4.1 SP1",
    4002: "4.1 SP2 or later",
    5000: "NG",
    5001: "NG FP1",
    5002: "NG FP2",
    5003: "NG FP3",
    5004: "NG AI R54",
    5005: "NG AI R55",
    5006: "NG AI R56",
}


def _check_point_release(rest: bytes) -> str:
    if len(rest) < 8:
        return _anything(rest)
    product, version = int.from_bytes(rest[:4]), int.from_bytes(rest[4:8])
    said = _CHECK_POINT_PRODUCTS.get(product, f"product {product}")
    return f"{said} {_CHECK_POINT_VERSIONS.get(version, f'version {version}')}"


def _fortigate_release(rest: bytes) -> str | None:
    return f"release {int.from_bytes(rest[:2])}, build {int.from_bytes(rest[2:])}" if len(rest) == 4 else None


def _ten_letters(rest: bytes) -> str | None:
    return _characters(rest) if len(rest) == 10 and all(0x40 <= octet < 0x80 for octet in rest) else None


def _nat_traversal() -> Iterator[KnownVendor]:
    meaning = "I can pass a NAT: detect it with NAT-D payloads, then move to UDP port 4500."
    yield _hashed("RFC 3947", "NAT-Traversal (RFC 3947)", meaning, rfc="RFC 3947 §3.1")
    for drafts, how in (
        ((0, 1), "payloads 130 and 131, everything stays on port 500"),
        ((2, 3), "payloads 130 and 131, then port 4500"),
        ((4, 5, 6, 7, 8), "payloads 15 and 16, then port 4500"),
    ):
        for draft in drafts:
            title = f"draft-ietf-ipsec-nat-t-ike-{draft:02}"
            yield _hashed(title, title, f"I can pass a NAT as this draft of RFC 3947 had it: {how}.")
    yield _hashed(
        "draft-ietf-ipsec-nat-t-ike-02\n",
        "draft-ietf-ipsec-nat-t-ike-02 (with newline)",
        "Draft -02 again: the digest printed in it covers a newline too, so both forms are in use.",
    )
    for title, meaning in (
        ("draft-ietf-ipsec-nat-t-ike", "NAT-Traversal as Apple's racoon announces it."),
        ("draft-ietf-ipsec-nat-t-ike-09", "NAT-Traversal, by the name of a ninth draft."),
        ("Testing NAT-T RFC", "Used for interoperability tests before RFC 3947 had its number."),
        ("RFC XXXX", "The placeholder of the drafts of RFC 3947, sent by Solaris 10 as it stood."),
    ):
        yield _hashed(title, title, meaning)
    for title in (
        "draft-stenberg-ipsec-nat-traversal-01",
        "draft-stenberg-ipsec-nat-traversal-02",
        "draft-huttunen-ipsec-esp-in-udp-00.txt",
        "ESPThruNAT",
    ):
        yield _hashed(title, title, "A forerunner of NAT-Traversal, by a draft that went no further.")


def _extensions() -> Iterator[KnownVendor]:
    yield _hashed(
        "CISCO-DEAD-PEER-DETECTION",
        "Dead Peer Detection",
        "Ask me R-U-THERE and I will answer: this is how we notice that the other side has died.",
        kept=14,
        tail=_version,
        rfc="RFC 3706 §5.1",
    )
    yield _opaque("3b9031dce4fcf88b489a923963dd0c49", "DPDv1_NG", "Shrew Soft's variant of Dead Peer Detection.")
    yield _hashed(
        _XAUTH_DRAFT,
        "XAuth",
        "After phase 1 a user can log in with a name and a password.",
        kept=8,
        tail=_rest_of_xauth_digest,
        rfc="draft-beaulieu-ike-xauth-02 §4",
    )
    yield _hashed(
        "FRAGMENTATION",
        "IKE fragmentation",
        "Send me large messages in slices, so that no router has to drop their IP fragments.",
        tail=_fragmentation_capability,
    )
    crack = "IKE Challenge/Response for Authenticated Cryptographic Keys"
    for text in (crack, f"{crack} (Revised)"):
        name = text.replace(crack, "CRACK")
        meaning = "Users can log in by challenge and response during phase 1; a rival of XAuth."
        yield _hashed(text, name, meaning)
        yield _hashed(f"{text}\n", f"{name} (with newline)", meaning)
    kerberos = "Peers can prove their identity with Kerberos tickets."
    yield _hashed("A GSS-API Authentication Method for IKE", "GSS-API authentication", kerberos)
    yield _hashed("A GSS-API Authentication Method for IKE\n", "GSS-API authentication (with newline)", kerberos)
    yield _hashed("GSSAPI", "GSSAPI", kerberos)
    yield _opaque("2d7922c6b301d9b0e1342739e9cfbbd5", "Delete with reason", "My Delete payloads say why.")
    yield _spelled("OpenPGP10171", "OpenPGP", "I can use OpenPGP keys for authentication.")
    yield _spelled("Opportunistic IPsec", "Opportunistic IPsec", "I will encrypt with anyone who can, arranged or not.")
    yield _spelled("HeartBeat_Notify", "Heartbeat Notify", "Regular signs of life, sent by NetScreen.", tail=_anything)


def _microsoft() -> Iterator[KnownVendor]:
    yield _hashed("MS NT5 ISAKMPOAKLEY", "Microsoft Windows", "A Windows machine.", tail=_number_in(_WINDOWS))
    for text, meaning in (
        ("Vid-Initial-Contact", "Forget any older SAs you keep with me: INITIAL-CONTACT, said already in phase 1."),
        ("MS-Negotiation Discovery Capable", "I can talk in the clear first, and in secret once we agree."),
        ("IKE CGA version 1", "My IPv6 address can vouch for my key (cryptographically generated addresses)."),
        ("MS-MamieExists", "I also speak AuthIP, Microsoft's own extension of IKE."),
        ("NLBS_PRESENT", "I am one of a load-balanced cluster: switch over fast if I vanish."),
        ("Microsoft Xbox One 2013", "A games console."),
        ("MSFT IPsec Security Realm Id", "The security realm to which this machine belongs."),
    ):
        yield _hashed(text, text, meaning)
    key_modules = "Which of IKE, AuthIP and IKEv2 this Windows machine offers."
    yield _opaque(
        "01528bbbc00696121849ab9a1c5b2a51", "Microsoft key modules", key_modules, tail=_number_in(_KEY_MODULES)
    )
    authip = "The Diffie-Hellman group in which this Windows machine would start AuthIP."
    yield _opaque("7bb93867d76c8d80df0f40fae8fc3b19", "Microsoft AuthIP group", authip, tail=_number_in(_AUTHIP_GROUPS))


def _cisco() -> Iterator[KnownVendor]:
    unity = "Cisco's remote-access extensions: banners, split tunnels, load balancing."
    yield _hashed("CISCO-UNITY", "Cisco Unity", unity, kept=14, tail=_version)
    concentrator = "A Cisco VPN 3000 concentrator, made by Altiga before Cisco bought it."
    yield _hashed("ALTIGA GATEWAY", "Cisco VPN 3000", concentrator, kept=14, tail=_concentrator_version)
    yield _hashed("ALTIGA NETWORKS", "Altiga Networks", "A product of Altiga Networks, later Cisco's VPN 3000.")
    yield _opaque("3e984048", "Cisco IOS", "A router running Cisco IOS; the rest of the octets varies.", tail=_anything)
    yield _spelled("CISCOVPN-REV-02", "Cisco VPN revision 2", "Cisco's extensions, second revision.")
    yield _spelled("CISCO-DELETE-REASON", "Cisco delete reason", "My Delete payloads say why.")
    yield _spelled("CISCO-DYNAMIC-ROUTE", "Cisco dynamic route", "Routes can be announced through the tunnel.")
    yield _spelled("FLEXVPN-SUPPORTED", "Cisco FlexVPN", "I support Cisco's FlexVPN.")
    yield _spelled("CISCO(COPYRIGHT)&Copyright (c) ", "Cisco copyright", "A Cisco device.", tail=_characters)


_STRONGSWAN_RELEASES = {"2.2": 2, "2.3": 2, "2.4": 4, "2.5": 7, "2.6": 4, "2.7": 3, "2.8": 11}
_STRONGSWAN_RELEASES |= {"4.0": 7, "4.1": 11, "4.2": 17, "4.3": 5}
"""Of each series that named its release: the number of its last one; the first is 0."""


def _linux() -> Iterator[KnownVendor]:
    daemon = "The strongSwan daemon."
    yield _hashed("strongSwan", "strongSwan", daemon)
    for series, last in _STRONGSWAN_RELEASES.items():
        for release in range(last + 1):
            title = f"strongSwan {series}.{release}"
            yield _hashed(title, title, daemon)
    pluto = "The Pluto daemon of FreeS/WAN or one of its descendants; ten letters tell which build."
    yield _spelled("OE-Libreswan-", "libreswan", "The libreswan daemon, and which version of it.", tail=_characters)
    yield _freeswan("Linux FreeS/WAN 2.00 PLUTO_SENDS_VENDORID", "FreeS/WAN 2.00")
    yield _freeswan("Linux FreeS/WAN 2.00 X.509-1.3.1 PLUTO_SENDS_VENDORID", "FreeS/WAN 2.00 with X.509")
    yield _freeswan("Linux FreeS/WAN 2.00 X.509-1.3.1 LDAP PLUTO_SENDS_VENDORID", "FreeS/WAN 2.00 with X.509 and LDAP")
    yield _freeswan("Openswan 2.2.0", "Openswan 2.2.0")
    yield _spelled("OE", "FreeS/WAN family", pluto, tail=_ten_letters)
    yield _hashed("KAME/racoon", "racoon (KAME)", "The racoon daemon of the BSDs.")
    yield _hashed("IPSec-Tools", "racoon (ipsec-tools)", "The racoon daemon of the ipsec-tools project.")
    yield _spelled("OpenIKED", "OpenIKED", "OpenBSD's IKE daemon, and which version of it.", tail=_characters)
    yield _opaque("f14b94b7bff1fef02773b8c49feded26", "Shrew Soft", "The Shrew Soft VPN client.")


def _ssh() -> Iterator[KnownVendor]:
    toolkit = "A toolkit by SSH Communications Security, which many vendors built into their products."
    for writing, releases in (
        ("Ssh", ("1.1.0", "1.1.1", "1.1.2", "1.2.1", "1.2.2")),
        ("SSH", ("2.0.0", "2.1.0", "2.1.1", "2.1.2", "3.0.0", "3.0.1", "4.0.0", "4.0.1", "4.1.0", "4.1.1", "4.2.0")),
        ("SSH", ("5.0", "5.0.0", "5.1.0", "5.1.1")),
    ):
        for release in releases:
            text = f"{writing} Communications Security IPSEC Express version {release}"
            yield _hashed(text, f"SSH IPSEC Express {release}", toolkit)
    for release in ("0.9.0", "1.1.0", "1.1.1", "1.1.2", "1.1.3"):
        yield _hashed(f"SSH Communications Security QuickSec {release}", f"SSH QuickSec {release}", toolkit)
    for release in ("", " 1.1", " 1.2", " 1.3", " 1.4", " 1.4.1"):
        yield _hashed(f"SSH Sentinel{release}", f"SSH Sentinel{release}", "SSH's VPN client for Windows.")


_NETSCREEN = """
    299ee8289f40a8973bc78687e2e7226b532c3b76 3a15e1f3cf2a63582e3ac82d1c64cbe3b6d779e7
    47d2b126bfcd83489760e2cf8c5d4d5a03497c15 4a4340b543e02b84c88a8b96a8af9ebe77d9accc
    64405f46f03b7660a23be116a1975058e69e8387 699369228741c6d4ca094c93e242c9de19e7b7c6
    8c0dc6cf62a0ef1b5c6eabd1b67ba69866adf16a 92d27a9ecb31d99246986d3453d0c3d57a222a61
    9b096d9ac3275a7d6fe8b91c583111b09efed1a0 bf03746108d746c904f1f3547de24f78479fed12
    c2e80500f4cc5fbf5daaeed3bb59abaeee56c652 c8660a62b03b1b6130bf781608d32a6a8d0fb89f
    f885da40b1e7a9abd17655ec5bbec0f21f0ed52e 2a2bcac19b8e91b426107807e02e7249569d6fd3
    166f932d55eb64d8e4df4fd37e2313f0d0fd8451 a35bfd05ca1ac0b3d2f24e9e82bfcbff9c9e52b5
"""


def _other_products() -> Iterator[KnownVendor]:
    for octets in _NETSCREEN.split():
        yield _opaque(octets, "NetScreen", "A NetScreen, later Juniper, firewall.", tail=_anything)
    firewall = "A Check Point firewall or client, and which version of it."
    yield _opaque("f4ed19e0c114eb516faaac0ee37daf2807b4381f", "Check Point", firewall, tail=_check_point_release)
    fortigate = "A FortiGate firewall, and which build of it."
    yield _opaque("8299031757a36082c6a621de", "FortiGate", fortigate, tail=_fortigate_release)
    yield _hashed(
        "Fortinet Endpoint Control", "Fortinet endpoint control", "FortiGate may ask after the client's health."
    )
    yield _hashed("forticlient connect license", "FortiClient licence", "A FortiClient that has a licence to connect.")
    for octets, name, meaning in (
        ("625027749d5ab97f5616c1602765cf480a3b7d0b", "ZyXEL ZyWALL", "A ZyXEL firewall."),
        ("b858d1addd08c1e8adafea150608aa4497aa6cc8", "ZyXEL ZyWALL router", "A ZyXEL router."),
        ("f758f22668750f03b08df6ebe1d0", "ZyXEL ZyWALL USG 100", "A ZyXEL firewall."),
        ("8404adf9cda05760b2ca292e4bff537b", "Sidewinder", "A Sidewinder firewall."),
        ("404bf439522ca3f6", "SonicWALL", "A SonicWALL firewall."),
        ("ca3e2b854ba8030017dc1023a4fde2041f9f7463", "Aruba remote access point", "An Aruba access point."),
        ("3c8e70bdf9c7d74add53e4100915dc2e4bb51274", "Aruba controller", "An Aruba controller."),
        ("88f0e3149b3fa48b05aa7f685f0b766be186ccb8", "Aruba VIA", "Aruba's VPN client."),
        ("101fb0b35c5a4f4c08b919f1cb9777b0", "NCP client", "NCP's VPN client."),
    ):
        yield _opaque(octets, name, meaning)
    for octets, name, meaning in (
        ("47bbe7c993f1fc13b4e6d0db565c68e5", "SafeNet SoftRemote", "SafeNet's VPN client, sold under many names."),
        ("da8e9378", "SafeNet", "A product built on SafeNet's toolkit, such as SonicWALL's or WatchGuard's."),
        ("eb4c1b788afd4a9cb7730a68", "NCP client", "NCP's VPN client."),
        ("c6f57ac398f493208145b758", "NCP server", "NCP's VPN gateway."),
        ("08db45e6cb01f80bb576e9a78c0f54e1300b8881", "ELVIS-PLUS Zastava", "A Russian VPN product."),
    ):
        yield _opaque(octets, name, meaning, tail=_anything)
    yield _spelled(
        "VIA Auth Profile : ", "Aruba VIA profile", "The profile that Aruba's client asks for.", tail=_characters
    )
    yield _spelled(
        "BNES", "Nortel Contivity", "A Nortel VPN router, once the Bay Networks Enterprise Switch.", tail=_anything
    )
    yield _spelled("TIMESTEP", "TimeStep", "A TimeStep gateway, and its model.", tail=_characters)


KNOWN: tuple[KnownVendor, ...] = (
    *_nat_traversal(),
    *_extensions(),
    *_microsoft(),
    *_cisco(),
    *_linux(),
    *_ssh(),
    *_other_products(),
)
"""Every vendor ID that can be named."""

_WHOLE = {known.octets: known for known in KNOWN if known.tail is None}
_WITH_TAIL = sorted((known for known in KNOWN if known.tail is not None), key=lambda known: -len(known.octets))
