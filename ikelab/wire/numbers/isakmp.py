"""The numbers of ISAKMP itself (RFC 2408): what follows in the chain, which exchange this is, and what went wrong."""

# Tables: each number on one line or two.
# fmt: off

from __future__ import annotations

from ikelab.wire.numbers.number import Bits, Number, Standing

_DRAFTS_OF_NAT_T = "draft-ietf-ipsec-nat-t-ike-00 to -03"
_GDOI = "IANA ipsec-registry, Next Payload Types (GDOI, RFC 6407)"
_CISCO = "private use by Cisco"
_MODE_CONFIG = "draft-dukes-ike-mode-cfg-02 §3.2"


class PayloadType(
    Number,
    rfc="RFC 2408 §3.1",
    ranges=((33, 48, Standing.IKEV2), (128, 255, Standing.PRIVATE)),
):
    """The type of the payload that comes next; `short` is how the RFCs' arrows write it."""

    NONE = 0, "NONE", "Nothing follows: this payload is the last one in the message."
    SA = (1, "Security Association (SA)",
        "An offer of protection, or the answer to one; proposals and transforms nest in it.", "§3.4", "SA")
    P = 2, "Proposal (P)", "One protocol on offer with its SPI; it lives inside an SA payload only.", "§3.5", "P"
    T = 3, "Transform (T)", "One complete set of algorithms; it lives inside a Proposal only.", "§3.6", "T"
    KE = 4, "Key Exchange (KE)", "A public Diffie-Hellman value, such as g^xi.", "§3.7", "KE"
    ID = (5, "Identification (ID)",
        "Who the sender claims to be or, in Quick Mode, whose traffic is meant.", "§3.8", "ID")
    CERT = 6, "Certificate (CERT)", "A certificate that ties the sender's identity to a public key.", "§3.9", "CERT"
    CR = 7, "Certificate Request (CR)", "Please send me a certificate, best from this authority.", "§3.10", "CR"
    HASH = (8, "Hash (HASH)",
        "A keyed digest that proves knowledge of the secrets and that nothing was changed.", "§3.11", "HASH")
    SIG = 9, "Signature (SIG)", "A digital signature over the hash that proves who took part.", "§3.12", "SIG"
    NONCE = 10, "Nonce (NONCE)", "Fresh random octets that make this exchange unlike any other.", "§3.13", "NONCE"
    N = 11, "Notification (N)", "A message in one number: what went wrong, or what the peer should know.", "§3.14", "N"
    D = 12, "Delete (D)", "The sender has thrown these security associations away.", "§3.15", "D"
    VID = (13, "Vendor ID (VID)",
        "A constant by which implementations recognise each other and their extensions.", "§3.16", "VID")
    ATTR = (14, "Attributes (ATTR)",
        "Mode Config and XAuth questions and answers: addresses, names, passwords.", _MODE_CONFIG, "ATTR")
    SAK = (15, "SA KEK Payload (SAK)",
        "A group's key-encryption policy (GDOI); drafts -04 to -08 of NAT-T used 15 for NAT-D.", _GDOI, "SAK")
    SAT = (16, "SA TEK Payload (SAT)",
        "A group's traffic policy (GDOI); drafts -04 to -08 of NAT-T used 16 for NAT-OA.", _GDOI, "SAT")
    KD = 17, "Key Download (KD)", "Keys that a group controller hands to its members (GDOI).", _GDOI, "KD"
    SEQ = 18, "Sequence Number (SEQ)", "Protects a group's rekey messages against replay (GDOI).", _GDOI, "SEQ"
    POP = (19, "Proof of Possession (POP)",
        "Shows that a group member holds the key it claims to hold (GDOI).", _GDOI, "POP")
    NAT_D = (20, "NAT Discovery (NAT-D)",
        "A hash of an address and port; if it does not match, a NAT rewrote the packet.", "RFC 3947 §3.2", "NAT-D")
    NAT_OA = (21, "NAT Original Address (NAT-OA)",
        "The address as it was before the NAT, for transport-mode checksums.", "RFC 3947 §5.2", "NAT-OA")
    GAP = (22, "Group Associated Policy (GAP)",
        "Policy for a whole group, such as when to switch keys (GDOI).", _GDOI, "GAP")
    GSS = (129, "GSS token (GSS)",
        "A Kerberos token, as early Windows sent it to prove identity.", "draft-ietf-ipsec-isakmp-gss-auth", "GSS")
    NAT_D_DRAFT = (130, "NAT Discovery, drafts 00-03 (NAT-D)",
        "NAT-D before it had a number of its own.", _DRAFTS_OF_NAT_T, "NAT-D")
    NAT_OA_DRAFT = (131, "NAT Original Address, drafts 00-03 (NAT-OA)",
        "NAT-OA before it had a number of its own.", _DRAFTS_OF_NAT_T, "NAT-OA")
    FRAGMENT = (132, "Fragment (FRAG)",
        "A slice of a message too large for one packet; a vendor extension.", "Vendor ID FRAGMENTATION", "FRAG")


class ExchangeType(
    Number,
    rfc="RFC 2408 §3.1",
    ranges=(
        (7, 31, Standing.RESERVED),
        (34, 37, Standing.IKEV2),
        (38, 239, Standing.DOI_SPECIFIC),
        (240, 255, Standing.PRIVATE),
    ),
):
    """The conversation that a message belongs to; `short` is the name people say."""

    NONE = 0, "NONE", "No exchange: this number never stands in a message."
    BASE = (1, "Base",
        "Four messages that join key exchange and authentication; identities are not hidden.", "§4.4", "Base Mode")
    IDENTITY_PROTECTION = (2, "Identity Protection (Main Mode)",
        "Six messages: agree, exchange keys, then prove identities under encryption.", "§4.5", "Main Mode")
    AUTHENTICATION_ONLY = (3, "Authentication Only",
        "Proves who is there and sets up no keys; IKE never uses it.", "§4.6")
    AGGRESSIVE = (4, "Aggressive (Aggressive Mode)",
        "Three messages instead of six, at the price of sending identities in the clear.", "§4.7", "Aggressive Mode")
    INFORMATIONAL = (5, "Informational",
        "A single message that carries a Notification or a Delete and expects no answer.", "§4.8")
    TRANSACTION = (6, "Transaction (Mode Config)",
        "Question and answer after phase 1: addresses, XAuth logins.",
        "draft-dukes-ike-mode-cfg-02 §3.1", "Mode Config")
    QUICK_MODE = (32, "Quick Mode",
        "Three messages under phase 1's protection that set up a pair of IPsec SAs.", "RFC 2409 §5.5")
    NEW_GROUP_MODE = 33, "New Group Mode", "Agrees on a private Diffie-Hellman group for later use.", "RFC 2409 §5.6"


class HeaderFlag(Bits, rfc="RFC 2408 §3.1", ranges=((0x08, 0x20, Standing.IKEV2),)):
    """The bits of the header's Flags octet."""

    ENCRYPTION = 0x01, "Encryption", "Everything after the header is encrypted.", "", "E"
    COMMIT = 0x02, "Commit", "Wait for my CONNECTED notification before you use the new SA.", "", "C"
    AUTHENTICATION_ONLY = (0x04, "Authentication Only",
        "This notification is authenticated but, for once, not encrypted.", "", "A")


class Doi(Number, octets=4, title="DOI", rfc="RFC 2408 §3.4"):
    """The domain of interpretation: the book in which a message's other numbers are looked up."""

    ISAKMP = 0, "ISAKMP", "No particular protocol: a generic ISAKMP SA that can protect any phase 2."
    IPSEC = (1, "IPSEC",
        "The numbers mean what RFC 2407 says: ESP, AH, their algorithms and identities.", "RFC 2407 §4.6.1")
    GDOI = 2, "GDOI", "Keys for multicast groups, handed out by a controller.", "IANA ipsec-registry (RFC 6407)"


class CertEncoding(Number, title="CertificateEncoding", rfc="RFC 2408 §3.9", ranges=((11, 255, Standing.RESERVED),)):
    """What kind of certificate, or list of revoked ones, a payload holds or asks for."""

    NONE = 0, "NONE", "No certificate type is named."
    PKCS7 = 1, "PKCS #7 wrapped X.509 certificate", "An envelope that can hold a whole chain of certificates."
    PGP = 2, "PGP Certificate", "A key vouched for by people rather than by an authority."
    DNS_SIGNED_KEY = 3, "DNS Signed Key", "A public key published and signed in the DNS."
    X509_SIGNATURE = (4, "X.509 Certificate - Signature",
        "An ordinary X.509 certificate whose key signs: the usual choice.")
    X509_KEY_EXCHANGE = 5, "X.509 Certificate - Key Exchange", "An X.509 certificate whose key encrypts."
    KERBEROS = 6, "Kerberos Tokens", "Tickets from a Kerberos server instead of a certificate."
    CRL = 7, "Certificate Revocation List (CRL)", "Certificates that an authority no longer stands by.", "", "CRL"
    ARL = 8, "Authority Revocation List (ARL)", "Authorities that are no longer trusted.", "", "ARL"
    SPKI = 9, "SPKI Certificate", "A certificate that grants rights to a key without naming a person."
    X509_ATTRIBUTE = 10, "X.509 Certificate - Attribute", "A certificate that states what its holder may do."


class Notify(
    Number,
    octets=2,
    title="NotifyType",
    rfc="RFC 2408 §3.14.1",
    ranges=(
        (0, 0, Standing.RESERVED),
        (31, 8192, Standing.RESERVED),
        (8193, 16383, Standing.PRIVATE),
        (16385, 24575, Standing.RESERVED),
        (24579, 32000, Standing.DOI_SPECIFIC),
        (32001, 40959, Standing.PRIVATE),
        (40960, 65535, Standing.RESERVED),
    ),
):
    """What a Notification says: below 16384 an error, from 16384 on a piece of news.

    8192 is RFC 2407's RESERVED (§4.6.3), and of the numbers ISAKMP left to a domain of interpretation it keeps
    16001-16383 and 32001-32767 for private use (§6.10).
    """

    INVALID_PAYLOAD_TYPE = (1, "INVALID-PAYLOAD-TYPE",
        "The chain announced a payload that the receiver does not know or allow here.", "§5.3")
    DOI_NOT_SUPPORTED = 2, "DOI-NOT-SUPPORTED", "The receiver does not speak this domain of interpretation.", "§5.4"
    SITUATION_NOT_SUPPORTED = (3, "SITUATION-NOT-SUPPORTED",
        "The receiver cannot work under the situation offered, such as secrecy labels.", "§5.4")
    INVALID_COOKIE = (4, "INVALID-COOKIE",
        "The pair of cookies belongs to no SA the receiver remembers; one side may have restarted.", "§5.2")
    INVALID_MAJOR_VERSION = (5, "INVALID-MAJOR-VERSION",
        "The receiver does not speak this major version; IKEv1 is version 1.", "§5.2")
    INVALID_MINOR_VERSION = (6, "INVALID-MINOR-VERSION",
        "The receiver does not speak this minor version; IKEv1 is 1.0.", "§5.2")
    INVALID_EXCHANGE_TYPE = (7, "INVALID-EXCHANGE-TYPE",
        "The exchange type in the header is not one the receiver knows.", "§5.2")
    INVALID_FLAGS = 8, "INVALID-FLAGS", "The header sets flags that do not fit, or clears one that is needed.", "§5.2"
    INVALID_MESSAGE_ID = (9, "INVALID-MESSAGE-ID",
        "The message ID does not fit this exchange, such as zero outside phase 1.", "§5.2")
    INVALID_PROTOCOL_ID = (10, "INVALID-PROTOCOL-ID",
        "The protocol in a proposal or notification is not one the receiver supports.", "§5.5")
    INVALID_SPI = (11, "INVALID-SPI",
        "The SPI names no security association here; the peer may still use one we have lost.", "§5.5")
    INVALID_TRANSFORM_ID = 12, "INVALID-TRANSFORM-ID", "The transform named is not one the receiver supports.", "§5.6"
    ATTRIBUTES_NOT_SUPPORTED = (13, "ATTRIBUTES-NOT-SUPPORTED",
        "A transform's attributes are unknown, or contradict each other.", "§5.6")
    NO_PROPOSAL_CHOSEN = (14, "NO-PROPOSAL-CHOSEN",
        "None of the offers is acceptable: the two configurations share no set of algorithms (or PFS, in Quick Mode).",
        "§5.4")
    BAD_PROPOSAL_SYNTAX = (15, "BAD-PROPOSAL-SYNTAX",
        "The proposals are not put together as the standard demands.", "§5.5")
    PAYLOAD_MALFORMED = (16, "PAYLOAD-MALFORMED",
        "A payload makes no sense; after decryption this often means a wrong key or pre-shared key.", "§5.3")
    INVALID_KEY_INFORMATION = (17, "INVALID-KEY-INFORMATION",
        "The Key Exchange payload does not fit the group that was agreed on.", "§5.7")
    INVALID_ID_INFORMATION = (18, "INVALID-ID-INFORMATION",
        "The identity is not acceptable; in Quick Mode, the traffic asked for is not allowed.", "§5.8")
    INVALID_CERT_ENCODING = 19, "INVALID-CERT-ENCODING", "The receiver cannot read this kind of certificate.", "§5.9"
    INVALID_CERTIFICATE = 20, "INVALID-CERTIFICATE", "The certificate is damaged or does not hold.", "§5.9"
    CERT_TYPE_UNSUPPORTED = 21, "CERT-TYPE-UNSUPPORTED", "The kind of certificate asked for is not supported.", "§5.10"
    INVALID_CERT_AUTHORITY = (22, "INVALID-CERT-AUTHORITY",
        "The authority named in the request is unreadable or not acceptable.", "§5.10")
    INVALID_HASH_INFORMATION = 23, "INVALID-HASH-INFORMATION", "The kind of hash is not supported here.", "§5.11"
    AUTHENTICATION_FAILED = (24, "AUTHENTICATION-FAILED",
        "The hash or signature was checked and is wrong: the peer did not prove who it is.", "§5.11")
    INVALID_SIGNATURE = 25, "INVALID-SIGNATURE", "The kind of signature is not supported here.", "§5.12"
    ADDRESS_NOTIFICATION = (26, "ADDRESS-NOTIFICATION",
        "Something about an address; the standard lists the number and never says more.")
    NOTIFY_SA_LIFETIME = (27, "NOTIFY-SA-LIFETIME",
        "Something about an SA's lifetime; IPsec uses RESPONDER-LIFETIME instead.")
    CERTIFICATE_UNAVAILABLE = (28, "CERTIFICATE-UNAVAILABLE",
        "There is no certificate of the kind and authority asked for.", "§5.10")
    UNSUPPORTED_EXCHANGE_TYPE = (29, "UNSUPPORTED-EXCHANGE-TYPE",
        "The receiver knows this exchange and does not offer it.")
    UNEQUAL_PAYLOAD_LENGTHS = (30, "UNEQUAL-PAYLOAD-LENGTHS",
        "The header's length is not the length of what arrived.", "§5.1")
    CONNECTED = 16384, "CONNECTED", "The SA is up: the answer that a set Commit bit makes the peer wait for.", "§3.1"
    RESPONDER_LIFETIME = (24576, "RESPONDER-LIFETIME",
        "The responder will keep the SA for a shorter time than was offered.", "RFC 2407 §4.6.3.1")
    REPLAY_STATUS = (24577, "REPLAY-STATUS",
        "Tells whether the responder checks for replayed packets.", "RFC 2407 §4.6.3.2")
    INITIAL_CONTACT = (24578, "INITIAL-CONTACT",
        "I have just (re)started: forget any older SAs you keep with me.", "RFC 2407 §4.6.3.3")
    CISCO_HELLO = (30000, "CISCO-HELLO",
        "Cisco: one of three messages seen on the wire that were never explained.", _CISCO)
    CISCO_WWTEBR = (30001, "CISCO-WWTEBR",
        "Cisco: one of three messages seen on the wire that were never explained.", _CISCO)
    CISCO_SHUT_UP = (30002, "CISCO-SHUT-UP",
        "Cisco: one of three messages seen on the wire that were never explained.", _CISCO)
    IOS_KEEP_ALIVE_REQ = (32768, "IOS-KEEP-ALIVE-REQ",
        "Cisco IOS's own question whether the peer lives, older than DPD.", _CISCO)
    IOS_KEEP_ALIVE_ACK = 32769, "IOS-KEEP-ALIVE-ACK", "The answer to Cisco IOS's own keepalive.", _CISCO
    R_U_THERE = (36136, "R-U-THERE",
        "Dead Peer Detection's question: are you alive? It carries a sequence number.", "RFC 3706 §5.2")
    R_U_THERE_ACK = (36137, "R-U-THERE-ACK",
        "Dead Peer Detection's answer: I am alive; it echoes the sequence number.", "RFC 3706 §5.2")
    NETSCREEN_NHTB_INFORM = (40001, "NETSCREEN-NHTB-INFORM",
        "Juniper: the address inside the tunnel to which routes may point.", "private use by Juniper")
    UNITY_HEARTBEAT = 40500, "UNITY-HEARTBEAT", "Cisco: please wait, a slow XAuth login is still going on.", _CISCO
    UNITY_LOAD_BALANCE = 40501, "UNITY-LOAD-BALANCE", "Cisco: connect to this other gateway instead.", _CISCO
    UNITY_UNKNOWN = 40502, "UNITY-UNKNOWN", "Cisco: seen on the wire; its meaning was never published.", _CISCO
    UNITY_GROUP_HASH = (40503, "UNITY-GROUP-HASH",
        "Cisco: shows, before a Hybrid login, that the group's pre-shared key is known.", _CISCO)
