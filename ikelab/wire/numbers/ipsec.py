"""The numbers of the IPsec DOI (RFC 2407): what Quick Mode negotiates for ESP, AH and IPComp, and whom it is for."""

# Tables: each number on one line or two.
# fmt: off

from __future__ import annotations

from ikelab.wire.numbers.number import Bits, Number, Standing

_PRIVATE_249 = ((0, 0, Standing.RESERVED), (249, 255, Standing.PRIVATE))
_PRIVATE_61440 = ((0, 0, Standing.RESERVED), (61440, 65535, Standing.PRIVATE))
_IANA = "IANA isakmp-registry"
_DRAFT_NAT_T = "draft-ietf-ipsec-nat-t-ike-00 to -03"


class Situation(Bits, octets=4, rfc="RFC 2407 §4.2", ranges=((0x40000000, 0xFFFFFFFF, Standing.PRIVATE),)):
    """The bits that say under which circumstances an SA is negotiated; in practice only the first is ever set."""

    IDENTITY_ONLY = 0x01, "SIT_IDENTITY_ONLY", "The peers are told apart by their identities alone.", "§4.2.1"
    SECRECY = 0x02, "SIT_SECRECY", "Secrecy labels follow, as in military networks.", "§4.2.2"
    INTEGRITY = 0x04, "SIT_INTEGRITY", "Integrity labels follow.", "§4.2.3"


class Protocol(Number, title="Protocol-ID", rfc="RFC 2407 §4.4.1", ranges=_PRIVATE_249):
    """The protocol that a proposal, a notification or a deletion is about."""

    ISAKMP = 1, "PROTO_ISAKMP", "Phase 1: protection for the negotiation itself.", "§4.4.1.1", "ISAKMP"
    AH = 2, "PROTO_IPSEC_AH", "The Authentication Header: packets are signed, not hidden.", "§4.4.1.2", "AH"
    ESP = (3, "PROTO_IPSEC_ESP",
        "The Encapsulating Security Payload: packets are hidden and usually signed.", "§4.4.1.3", "ESP")
    IPCOMP = (4, "PROTO_IPCOMP",
        "Compression, because encrypted data cannot be compressed later on.", "§4.4.1.4", "IPCOMP")
    GIGABEAM_RADIO = 5, "PROTO_GIGABEAM_RADIO", "A radio link's own encryption.", "IANA isakmp-registry (RFC 4705)"


class TransformIsakmp(Number, title="ISAKMPTransform", rfc="RFC 2407 §4.4.2", ranges=_PRIVATE_249):
    """The key exchange that a phase 1 transform offers."""

    KEY_IKE = 1, "KEY_IKE", "The IKE key exchange: the only one there is.", "§4.4.2.1"


class TransformAh(
    Number,
    title="AHTransform",
    rfc="RFC 2407 §4.4.3",
    ranges=((0, 1, Standing.RESERVED), (249, 255, Standing.PRIVATE)),
):
    """The algorithm that an AH transform offers; its Authentication Algorithm attribute must say the same."""

    MD5 = 2, "AH_MD5", "MD5; with the attribute HMAC-MD5 it means HMAC-MD5-96.", "§4.4.3.1"
    SHA = 3, "AH_SHA", "SHA-1; with the attribute HMAC-SHA it means HMAC-SHA-1-96.", "§4.4.3.2"
    DES = 4, "AH_DES", "A checksum made with DES; hardly ever seen.", "§4.4.3.3"
    SHA2_256 = 5, "AH_SHA2-256", "HMAC with SHA-256, cut to 128 bits.", "IANA isakmp-registry (RFC 4868)"
    SHA2_384 = 6, "AH_SHA2-384", "HMAC with SHA-384, cut to 192 bits.", "IANA isakmp-registry (RFC 4868)"
    SHA2_512 = 7, "AH_SHA2-512", "HMAC with SHA-512, cut to 256 bits.", "IANA isakmp-registry (RFC 4868)"
    RIPEMD = 8, "AH_RIPEMD", "HMAC with RIPEMD-160, cut to 96 bits.", "IANA isakmp-registry (RFC 2857)"
    AES_XCBC_MAC = 9, "AH_AES-XCBC-MAC", "A checksum made with AES-128, cut to 96 bits.", "RFC 3566 §6"
    RSA = 10, "AH_RSA", "An RSA signature in every packet, for multicast.", "IANA isakmp-registry (RFC 4359)"
    AES_128_GMAC = 11, "AH_AES-128-GMAC", "GCM's checksum alone, with a 128-bit key.", "IANA isakmp-registry (RFC 4543)"
    AES_192_GMAC = 12, "AH_AES-192-GMAC", "GCM's checksum alone, with a 192-bit key.", "IANA isakmp-registry (RFC 4543)"
    AES_256_GMAC = 13, "AH_AES-256-GMAC", "GCM's checksum alone, with a 256-bit key.", "IANA isakmp-registry (RFC 4543)"


class TransformEsp(Number, title="ESPTransform", rfc="RFC 2407 §4.4.4", ranges=_PRIVATE_249):
    """The cipher that an ESP transform offers; some ciphers protect integrity too."""

    DES_IV64 = 1, "ESP_DES_IV64", "DES as the first IPsec of 1995 had it, with a 64-bit IV.", "§4.4.4.1"
    DES = 2, "ESP_DES", "56-bit DES in CBC mode: broken by brute force; for study only.", "§4.4.4.2"
    TRIPLE_DES = 3, "ESP_3DES", "DES three times over with three keys.", "§4.4.4.3", "3DES"
    RC5 = 4, "ESP_RC5", "RC5 in CBC mode; rarely seen.", "§4.4.4.4"
    IDEA = 5, "ESP_IDEA", "IDEA in CBC mode; rarely seen.", "§4.4.4.5"
    CAST = 6, "ESP_CAST", "CAST-128 in CBC mode.", "§4.4.4.6"
    BLOWFISH = 7, "ESP_BLOWFISH", "Blowfish in CBC mode, with keys of many sizes.", "§4.4.4.7"
    TRIPLE_IDEA = 8, "ESP_3IDEA", "A number kept for triple IDEA, which nobody specified.", "§4.4.4.8"
    DES_IV32 = 9, "ESP_DES_IV32", "DES as the first IPsec of 1995 had it, with a 32-bit IV.", "§4.4.4.9"
    RC4 = 10, "ESP_RC4", "A number kept for RC4, which nobody specified for ESP.", "§4.4.4.10"
    NULL = (11, "ESP_NULL",
        "No encryption at all: integrity only, and the packet can be read by anyone.", "§4.4.4.11", "NULL")
    AES_CBC = (12, "ESP_AES-CBC",
        "AES in CBC mode, to be paired with an Authentication Algorithm.", "RFC 3602 §5.2", "AES-CBC")
    AES_CTR = (13, "ESP_AES-CTR",
        "AES as a key stream; needs an Authentication Algorithm and never a key used twice.",
        "RFC 3686 §5.3", "AES-CTR")
    AES_CCM_8 = (14, "ESP_AES-CCM_8",
        "AES that hides and authenticates at once (CCM), with an 8-octet checksum.", "RFC 4309 §7.3", "AES-CCM-8")
    AES_CCM_12 = (15, "ESP_AES-CCM_12",
        "AES that hides and authenticates at once (CCM), with a 12-octet checksum.", "RFC 4309 §7.3", "AES-CCM-12")
    AES_CCM_16 = (16, "ESP_AES-CCM_16",
        "AES that hides and authenticates at once (CCM), with a 16-octet checksum.", "RFC 4309 §7.3", "AES-CCM-16")
    AES_GCM_8 = (18, "ESP_AES-GCM_8",
        "AES that hides and authenticates at once (GCM), with an 8-octet checksum.", "RFC 4106 §8.3", "AES-GCM-8")
    AES_GCM_12 = (19, "ESP_AES-GCM_12",
        "AES that hides and authenticates at once (GCM), with a 12-octet checksum.", "RFC 4106 §8.3", "AES-GCM-12")
    AES_GCM_16 = (20, "ESP_AES-GCM_16",
        "AES that hides and authenticates at once (GCM), with a 16-octet checksum: today's choice.",
        "RFC 4106 §8.3", "AES-GCM-16")
    SEED_CBC = (21, "ESP_SEED_CBC",
        "A Korean cipher with 128-bit keys and blocks.", "IANA isakmp-registry (RFC 4196)", "SEED-CBC")
    CAMELLIA = (22, "ESP_CAMELLIA",
        "A Japanese cipher with the same block and key sizes as AES.", "RFC 4312 §4.2", "CAMELLIA-CBC")
    NULL_AUTH_AES_GMAC = (23, "ESP_NULL_AUTH_AES-GMAC",
        "No encryption; GCM's checksum protects what anyone can read.", "IANA isakmp-registry (RFC 4543)", "AES-GMAC")
    SERPENT = (252, "ESP_SERPENT",
        "An AES finalist; a private number that Linux implementations share.", "private use in FreeS/WAN's descendants")
    TWOFISH = (253, "ESP_TWOFISH",
        "An AES finalist; a private number that Linux implementations share.", "private use in FreeS/WAN's descendants")


class TransformIpcomp(
    Number,
    title="IPCompTransform",
    rfc="RFC 2407 §4.4.5",
    ranges=((0, 0, Standing.RESERVED), (48, 63, Standing.PRIVATE), (64, 255, Standing.RESERVED)),
):
    """How packets are compressed before they are encrypted."""

    OUI = 1, "IPCOMP_OUI", "A vendor's own algorithm, named by an attribute.", "§4.4.5.1"
    DEFLATE = 2, "IPCOMP_DEFLATE", "The compression of zip and gzip.", "§4.4.5.2"
    LZS = 3, "IPCOMP_LZS", "Stac's LZS, once in many modems and routers.", "§4.4.5.3"
    LZJH = 4, "IPCOMP_LZJH", "The compression of V.44 modems.", "IANA isakmp-registry (RFC 3051)"


class IpsecAttribute(
    Number,
    octets=2,
    title="IPsecAttribute",
    rfc="RFC 2407 §4.5",
    ranges=((0, 0, Standing.RESERVED), (32001, 32767, Standing.PRIVATE), (32768, 65535, Standing.OUT_OF_RANGE)),
):
    """What a data attribute of a phase 2 transform is about; its format bit is not part of the number."""

    SA_LIFE_TYPE = 1, "SA Life Type", "Whether the lifetime that follows counts seconds or kilobytes."
    SA_LIFE_DURATION = 2, "SA Life Duration", "How long the IPsec SA may live, in units of the SA Life Type before it."
    GROUP_DESCRIPTION = (3, "Group Description",
        "A fresh Diffie-Hellman exchange in this group: perfect forward secrecy.")
    ENCAPSULATION_MODE = (4, "Encapsulation Mode",
        "Whether whole packets travel inside (tunnel) or only their payloads (transport).")
    AUTHENTICATION_ALGORITHM = (5, "Authentication Algorithm",
        "The checksum that guards each packet; AH must name one, ESP may.")
    KEY_LENGTH = 6, "Key Length", "The key's length in bits, for ciphers that leave a choice."
    KEY_ROUNDS = 7, "Key Rounds", "How many rounds the cipher makes, for ciphers that leave a choice."
    COMPRESS_DICTIONARY_SIZE = (8, "Compress Dictionary Size",
        "The logarithm, base 2, of the largest compression dictionary.")
    COMPRESS_PRIVATE_ALGORITHM = (9, "Compress Private Algorithm",
        "Which algorithm of which vendor compresses the packets.")
    ECN_TUNNEL = (10, "ECN Tunnel",
        "Whether congestion marks may pass through the tunnel.", "IANA isakmp-registry (RFC 3168)")
    EXTENDED_SEQUENCE_NUMBER = (11, "Extended (64-bit) Sequence Number",
        "Whether packets are counted with 64 bits, so that fast links need fewer rekeyings.", "RFC 4304 §2")
    AUTHENTICATION_KEY_LENGTH = (12, "Authentication Key Length",
        "The length in bits of the RSA key that signs each packet.", "IANA isakmp-registry (RFC 4359)")
    SIGNATURE_ENCODING_ALGORITHM = (13, "Signature Encoding Algorithm",
        "How each packet's RSA signature is padded.", "IANA isakmp-registry (RFC 4359)")
    ADDRESS_PRESERVATION = (14, "Address Preservation",
        "Which of the inner addresses the multicast tunnel copies outside.", "IANA isakmp-registry (RFC 6407)")
    SA_DIRECTION = (15, "SA Direction",
        "Whether a group's SA is for sending, receiving or both.", "IANA isakmp-registry (RFC 6407)")


class Encapsulation(Number, octets=2, title="EncapsulationMode", rfc="RFC 2407 §4.5", ranges=_PRIVATE_61440):
    """Whether a packet travels whole inside another, and whether UDP wraps it so that it can pass a NAT."""

    TUNNEL = 1, "Tunnel", "The whole packet travels inside a new one: gateways can speak for networks."
    TRANSPORT = 2, "Transport", "Only the packet's payload is protected; its own IP header stays outside."
    UDP_TUNNEL = 3, "UDP-Encapsulated-Tunnel", "Tunnel mode inside UDP port 4500, to pass a NAT.", "RFC 3947 §5.1"
    UDP_TRANSPORT = (4, "UDP-Encapsulated-Transport",
        "Transport mode inside UDP port 4500, to pass a NAT.", "RFC 3947 §5.1")
    UDP_TUNNEL_CHECK_POINT = (61440, "Check Point IPSec UDP Encapsulation",
        "Check Point's own way through a NAT.", "private use by Check Point")
    UDP_TUNNEL_DRAFT = (61443, "UDP-Encapsulated-Tunnel (draft)",
        "Tunnel mode inside UDP, before the RFC gave it number 3.", _DRAFT_NAT_T)
    UDP_TRANSPORT_DRAFT = (61444, "UDP-Encapsulated-Transport (draft)",
        "Transport mode inside UDP, before the RFC gave it number 4.", _DRAFT_NAT_T)


class AuthAlgorithm(Number, octets=2, title="AuthenticationAlgorithm", rfc="RFC 2407 §4.5", ranges=_PRIVATE_61440):
    """The checksum that guards each ESP or AH packet."""

    HMAC_MD5 = 1, "HMAC-MD5", "HMAC with MD5, cut to 96 bits; RFC 2403 says how."
    HMAC_SHA = 2, "HMAC-SHA", "HMAC with SHA-1, cut to 96 bits; RFC 2404 says how."
    DES_MAC = 3, "DES-MAC", "A checksum made with DES; hardly ever seen."
    KPDK = 4, "KPDK", "Key, padding, data, key under one hash: the way before HMAC."
    HMAC_SHA2_256 = (5, "HMAC-SHA2-256",
        "HMAC with SHA-256, cut to 128 bits (96 in some old implementations).", "RFC 4868 §4")
    HMAC_SHA2_384 = 6, "HMAC-SHA2-384", "HMAC with SHA-384, cut to 192 bits.", "RFC 4868 §4"
    HMAC_SHA2_512 = 7, "HMAC-SHA2-512", "HMAC with SHA-512, cut to 256 bits.", "RFC 4868 §4"
    HMAC_RIPEMD = 8, "HMAC-RIPEMD", "HMAC with RIPEMD-160, cut to 96 bits.", "IANA isakmp-registry (RFC 2857)"
    AES_XCBC_MAC = 9, "AES-XCBC-MAC", "A checksum made with AES-128, cut to 96 bits.", "RFC 3566 §6"
    SIG_RSA = 10, "SIG-RSA", "An RSA signature in every packet, for multicast.", "IANA isakmp-registry (RFC 4359)"
    AES_128_GMAC = 11, "AES-128-GMAC", "GCM's checksum alone, with a 128-bit key.", "IANA isakmp-registry (RFC 4543)"
    AES_192_GMAC = 12, "AES-192-GMAC", "GCM's checksum alone, with a 192-bit key.", "IANA isakmp-registry (RFC 4543)"
    AES_256_GMAC = 13, "AES-256-GMAC", "GCM's checksum alone, with a 256-bit key.", "IANA isakmp-registry (RFC 4543)"


class EcnTunnel(Number, octets=2, title="ECNTunnel", rfc="IANA isakmp-registry (RFC 3168)", ranges=_PRIVATE_61440):
    """Whether congestion marks of the inner packet may show outside the tunnel."""

    ALLOWED = 1, "Allowed", "Congestion marks pass through the tunnel."
    FORBIDDEN = 2, "Forbidden", "The tunnel hides congestion marks."


class EsnChoice(
    Number,
    octets=2,
    title="ExtendedSequenceNumber",
    rfc="RFC 4304 §2",
    ranges=((0, 0, Standing.RESERVED),),
):
    """The only value of the attribute: to offer 32-bit numbers, a peer leaves the attribute out."""

    ESN = 1, "64-bit Sequence Number", "Packets are counted with 64 bits, of which only the lower 32 travel."


class IdType(Number, rfc="RFC 2407 §4.6.2.1", ranges=_PRIVATE_249):
    """What kind of name or address an Identification payload holds."""

    IPV4_ADDR = 1, "ID_IPV4_ADDR", "One IPv4 address.", "§4.6.2.2"
    FQDN = 2, "ID_FQDN", "A host's full domain name, such as gate.example.org.", "§4.6.2.3"
    USER_FQDN = 3, "ID_USER_FQDN", "A user's name in the form of a mail address.", "§4.6.2.4"
    IPV4_ADDR_SUBNET = 4, "ID_IPV4_ADDR_SUBNET", "An IPv4 network: an address and its mask.", "§4.6.2.5"
    IPV6_ADDR = 5, "ID_IPV6_ADDR", "One IPv6 address.", "§4.6.2.6"
    IPV6_ADDR_SUBNET = 6, "ID_IPV6_ADDR_SUBNET", "An IPv6 network: an address and its mask.", "§4.6.2.7"
    IPV4_ADDR_RANGE = 7, "ID_IPV4_ADDR_RANGE", "All IPv4 addresses from a first to a last.", "§4.6.2.8"
    IPV6_ADDR_RANGE = 8, "ID_IPV6_ADDR_RANGE", "All IPv6 addresses from a first to a last.", "§4.6.2.9"
    DER_ASN1_DN = 9, "ID_DER_ASN1_DN", "A distinguished name, as certificates have it.", "§4.6.2.10"
    DER_ASN1_GN = 10, "ID_DER_ASN1_GN", "A general name, as a certificate's alternative names have it.", "§4.6.2.11"
    KEY_ID = 11, "ID_KEY_ID", "Opaque octets, often a group's name, that select a pre-shared key.", "§4.6.2.12"
    LIST = (12, "ID_LIST",
        "Several identities in one payload, for SCTP's many addresses.", "IANA isakmp-registry (RFC 3554)")


class IpProtocol(
    Number,
    title="IPProtocol",
    rfc="IANA protocol-numbers",
    ranges=((0, 254, Standing.NOT_LISTED), (255, 255, Standing.RESERVED)),
):
    """The IP protocols that one meets in identities, in ESP's Next Header and on the wire around IKE."""

    ANY = 0, "any", "In an identity: every protocol. As a Next Header: IPv6 hop-by-hop options.", "RFC 2407 §4.6.2"
    ICMP = 1, "ICMP", "Control messages of IPv4, such as ping."
    IGMP = 2, "IGMP", "How IPv4 hosts join multicast groups."
    IPV4 = 4, "IPv4", "A whole IPv4 packet: what tunnel mode carries."
    TCP = 6, "TCP", "Reliable streams: web, mail, ssh."
    UDP = 17, "UDP", "Single datagrams; IKE itself is UDP."
    IPV6 = 41, "IPv6", "A whole IPv6 packet: what tunnel mode carries."
    GRE = 47, "GRE", "Generic tunnels, often run under transport mode."
    ESP = 50, "ESP", "IPsec's encrypted packets."
    AH = 51, "AH", "IPsec's authenticated packets."
    ICMPV6 = 58, "IPv6-ICMP", "Control messages of IPv6."
    NO_NEXT_HEADER = (59, "IPv6-NoNxt",
        "Nothing inside: in ESP, a dummy packet that hides how much is really sent.", "RFC 4303 §2.6")
    OSPF = 89, "OSPFIGP", "Routers telling each other their routes."
    IPCOMP = 108, "IPComp", "A compressed payload."
    L2TP = 115, "L2TP", "Tunnelled links, straight on IP."
    SCTP = 132, "SCTP", "Streams over several addresses at once."
