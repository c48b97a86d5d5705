"""The numbers of phase 1 (RFC 2409, Appendix A): which cipher, hash, proof of identity and Diffie-Hellman group."""

# Tables: each number on one line or two.
# fmt: off

from __future__ import annotations

from ikelab.wire.numbers.number import Number, Standing

_PRIVATE_65001 = ((0, 0, Standing.RESERVED), (65001, 65535, Standing.PRIVATE))
_IANA = "IANA ipsec-registry"
_XAUTH = "draft-beaulieu-ike-xauth-02 §7.2"
_HYBRID = "draft-ietf-ipsec-isakmp-hybrid-auth-05 §3.2.1"


class IkeAttribute(
    Number,
    octets=2,
    title="IKEAttribute",
    rfc="RFC 2409 App. A",
    ranges=((0, 0, Standing.RESERVED), (16384, 32767, Standing.PRIVATE), (32768, 65535, Standing.OUT_OF_RANGE)),
):
    """What a data attribute of a phase 1 transform is about; its format bit is not part of the number."""

    ENCRYPTION_ALGORITHM = (1, "Encryption Algorithm",
        "The cipher that will hide the rest of phase 1 and all that follows under it.")
    HASH_ALGORITHM = 2, "Hash Algorithm", "The hash; its HMAC is also the prf that makes every key."
    AUTHENTICATION_METHOD = 3, "Authentication Method", "How the two sides will prove who they are."
    GROUP_DESCRIPTION = 4, "Group Description", "The Diffie-Hellman group, by its number."
    GROUP_TYPE = 5, "Group Type", "What kind of group is being described: numbers modulo a prime, or a curve."
    GROUP_PRIME = (6, "Group Prime/Irreducible Polynomial",
        "The prime of a MODP group, or the polynomial of an EC2N one.")
    GROUP_GENERATOR_ONE = 7, "Group Generator One", "The generator g; on a curve, the x coordinate of the base point."
    GROUP_GENERATOR_TWO = 8, "Group Generator Two", "A second generator value, for groups on a curve."
    GROUP_CURVE_A = 9, "Group Curve A", "The coefficient a of the curve's equation."
    GROUP_CURVE_B = 10, "Group Curve B", "The coefficient b of the curve's equation."
    LIFE_TYPE = 11, "Life Type", "Whether the lifetime that follows counts seconds or kilobytes."
    LIFE_DURATION = 12, "Life Duration", "How long the ISAKMP SA may live, in units of the Life Type before it."
    PRF = 13, "PRF", "A pseudo-random function other than the hash's HMAC; none was ever registered."
    KEY_LENGTH = 14, "Key Length", "The key's length in bits, for ciphers that leave a choice."
    FIELD_SIZE = 15, "Field Size", "The size in bits of the group's field."
    GROUP_ORDER = 16, "Group Order", "How many points the elliptic-curve group has."


class Encryption(Number, octets=2, title="EncryptionAlgorithm", rfc="RFC 2409 App. A", ranges=_PRIVATE_65001):
    """The cipher that protects ISAKMP messages, always in CBC mode."""

    DES_CBC = 1, "DES-CBC", "56-bit DES: broken by brute force in days since 1998; for study only."
    IDEA_CBC = 2, "IDEA-CBC", "A 128-bit cipher with 64-bit blocks, once patented and now rare."
    BLOWFISH_CBC = 3, "Blowfish-CBC", "A cipher with keys of up to 448 bits and small 64-bit blocks."
    RC5_R16_B64_CBC = 4, "RC5-R16-B64-CBC", "RC5 with 16 rounds and 64-bit blocks; rarely seen."
    TRIPLE_DES_CBC = 5, "3DES-CBC", "DES three times over with three keys: slow, 64-bit blocks, long the common choice."
    CAST_CBC = 6, "CAST-CBC", "CAST-128: keys of up to 128 bits, 64-bit blocks."
    AES_CBC = 7, "AES-CBC", "AES with keys of 128, 192 or 256 bits: today's choice.", "RFC 3602 §5.1"
    CAMELLIA_CBC = 8, "CAMELLIA-CBC", "A Japanese cipher with the same block and key sizes as AES.", "RFC 4312 §4.1"
    SERPENT_CBC = (65004, "SERPENT-CBC",
        "An AES finalist; a private number that Linux implementations share.", "private use in FreeS/WAN's descendants")
    TWOFISH_CBC = (65005, "TWOFISH-CBC",
        "An AES finalist; a private number that Linux implementations share.", "private use in FreeS/WAN's descendants")


class Hash(Number, octets=2, title="HashAlgorithm", rfc="RFC 2409 App. A", ranges=_PRIVATE_65001):
    """The hash of phase 1: its HMAC derives the keys and makes the proofs of identity."""

    MD5 = 1, "MD5", "128-bit digests; collisions are easy, its HMAC still holds but nobody should choose it."
    SHA = 2, "SHA", "SHA-1, 160-bit digests; weak against collisions, still common as HMAC."
    TIGER = 3, "Tiger", "192-bit digests, made for 64-bit machines; hardly ever seen."
    SHA2_256 = 4, "SHA2-256", "256-bit digests: today's usual choice.", "RFC 4868 §4"
    SHA2_384 = 5, "SHA2-384", "384-bit digests.", "RFC 4868 §4"
    SHA2_512 = 6, "SHA2-512", "512-bit digests.", "RFC 4868 §4"


class AuthMethod(Number, octets=2, title="AuthenticationMethod", rfc="RFC 2409 App. A", ranges=_PRIVATE_65001):
    """How the peers prove who they are; it also decides how SKEYID is made and what phase 1 looks like.

    XAuth and Hybrid methods name, as Init or Resp, the phase 1 role of the side that will log in with XAuth.
    """

    PRE_SHARED_KEY = 1, "pre-shared key", "Both sides know one secret, and show it without sending it.", "§5.4", "PSK"
    DSS_SIGNATURES = 2, "DSS signatures", "Each side signs with its DSA key.", "§5.1", "DSS"
    RSA_SIGNATURES = (3, "RSA signatures",
        "Each side signs with its RSA key, usually showing a certificate.", "§5.1", "RSA")
    RSA_ENCRYPTION = (4, "Encryption with RSA",
        "Each side encrypts its nonce and identity to the other's RSA key.", "§5.2", "RSA-ENC")
    REVISED_RSA_ENCRYPTION = (5, "Revised encryption with RSA",
        "As encryption with RSA, at half the public-key operations.", "§5.3", "RSA-REV")
    ELGAMAL_ENCRYPTION = (6, "Reserved (was Encryption with El-Gamal)",
        "Withdrawn: never specified well enough to build.", _IANA)
    REVISED_ELGAMAL_ENCRYPTION = (7, "Reserved (was Revised encryption with El-Gamal)",
        "Withdrawn: never specified well enough to build.", _IANA)
    ECDSA_SIGNATURES = (8, "Reserved (was ECDSA signatures)",
        "Withdrawn: it named neither curve nor hash, so 9 to 11 took its place.", "RFC 4754 §3")
    ECDSA_256 = (9, "ECDSA with SHA-256 on the P-256 curve",
        "Each side signs with a 256-bit elliptic-curve key.", "RFC 4754 §8.1", "ECDSA-256")
    ECDSA_384 = (10, "ECDSA with SHA-384 on the P-384 curve",
        "Each side signs with a 384-bit elliptic-curve key.", "RFC 4754 §8.2", "ECDSA-384")
    ECDSA_521 = (11, "ECDSA with SHA-512 on the P-521 curve",
        "Each side signs with a 521-bit elliptic-curve key.", "RFC 4754 §8.3", "ECDSA-521")
    HYBRID_INIT_RSA = (64221, "HybridInitRSA",
        "The responder signs with RSA; the initiator will log in with a password.", _HYBRID)
    HYBRID_RESP_RSA = (64222, "HybridRespRSA",
        "The initiator signs with RSA; the responder will log in with a password.", _HYBRID)
    HYBRID_INIT_DSS = (64223, "HybridInitDSS",
        "The responder signs with DSS; the initiator will log in with a password.", _HYBRID)
    HYBRID_RESP_DSS = (64224, "HybridRespDSS",
        "The initiator signs with DSS; the responder will log in with a password.", _HYBRID)
    XAUTH_INIT_PSK = (65001, "XAUTHInitPreShared",
        "Pre-shared key, then the initiator logs in with XAuth; to old Windows 65001 meant Kerberos.", _XAUTH)
    XAUTH_RESP_PSK = 65002, "XAUTHRespPreShared", "Pre-shared key, then the responder logs in with XAuth.", _XAUTH
    XAUTH_INIT_DSS = 65003, "XAUTHInitDSS", "DSS signatures, then the initiator logs in with XAuth.", _XAUTH
    XAUTH_RESP_DSS = 65004, "XAUTHRespDSS", "DSS signatures, then the responder logs in with XAuth.", _XAUTH
    XAUTH_INIT_RSA = 65005, "XAUTHInitRSA", "RSA signatures, then the initiator logs in with XAuth.", _XAUTH
    XAUTH_RESP_RSA = 65006, "XAUTHRespRSA", "RSA signatures, then the responder logs in with XAuth.", _XAUTH
    XAUTH_INIT_RSA_ENCRYPTION = (65007, "XAUTHInitRSAEncryption",
        "Encryption with RSA, then the initiator logs in with XAuth.", _XAUTH)
    XAUTH_RESP_RSA_ENCRYPTION = (65008, "XAUTHRespRSAEncryption",
        "Encryption with RSA, then the responder logs in with XAuth.", _XAUTH)
    XAUTH_INIT_REVISED_RSA = (65009, "XAUTHInitRSARevisedEncryption",
        "Revised encryption with RSA, then the initiator logs in with XAuth.", _XAUTH)
    XAUTH_RESP_REVISED_RSA = (65010, "XAUTHRespRSARevisedEncryption",
        "Revised encryption with RSA, then the responder logs in with XAuth.", _XAUTH)


class Group(
    Number,
    octets=2,
    rfc="RFC 2409 App. A",
    ranges=((0, 0, Standing.RESERVED), (32768, 65535, Standing.PRIVATE)),
):
    """The Diffie-Hellman group: the arithmetic in which both sides reach one shared secret.

    IANA prints the same description for the two curves over each of GF[2^163] to GF[2^571]; here the group's number
    tells them apart.
    """

    MODP_768 = (1, "default 768-bit MODP group",
        "Powers of 2 modulo a 768-bit prime: breakable today; for study only.", "§6.1", "MODP-768")
    MODP_1024 = (2, "alternate 1024-bit MODP group",
        "Powers of 2 modulo a 1024-bit prime: within a rich attacker's reach.", "§6.2", "MODP-1024")
    EC2N_155 = (3, "EC2N group on GP[2^155]",
        "A curve over a field of 2^155 elements; too small, and long out of use.", "§6.3", "EC2N-155")
    EC2N_185 = (4, "EC2N group on GP[2^185]",
        "A curve over a field of 2^185 elements; too small, and long out of use.", "§6.4", "EC2N-185")
    MODP_1536 = (5, "1536-bit MODP group",
        "Powers of 2 modulo a 1536-bit prime: a stopgap of the 2000s.", "RFC 3526 §2", "MODP-1536")
    EC2N_163_6 = (6, "EC2N group over GF[2^163], group 6",
        "One of two curves over a field of 2^163 elements, from a draft that expired.", _IANA, "EC2N-163 (6)")
    EC2N_163_7 = (7, "EC2N group over GF[2^163], group 7",
        "One of two curves over a field of 2^163 elements, from a draft that expired.", _IANA, "EC2N-163 (7)")
    EC2N_283_8 = (8, "EC2N group over GF[2^283], group 8",
        "One of two curves over a field of 2^283 elements, from a draft that expired.", _IANA, "EC2N-283 (8)")
    EC2N_283_9 = (9, "EC2N group over GF[2^283], group 9",
        "One of two curves over a field of 2^283 elements, from a draft that expired.", _IANA, "EC2N-283 (9)")
    EC2N_409_10 = (10, "EC2N group over GF[2^409], group 10",
        "One of two curves over a field of 2^409 elements, from a draft that expired.", _IANA, "EC2N-409 (10)")
    EC2N_409_11 = (11, "EC2N group over GF[2^409], group 11",
        "One of two curves over a field of 2^409 elements, from a draft that expired.", _IANA, "EC2N-409 (11)")
    EC2N_571_12 = (12, "EC2N group over GF[2^571], group 12",
        "One of two curves over a field of 2^571 elements, from a draft that expired.", _IANA, "EC2N-571 (12)")
    EC2N_571_13 = (13, "EC2N group over GF[2^571], group 13",
        "One of two curves over a field of 2^571 elements, from a draft that expired.", _IANA, "EC2N-571 (13)")
    MODP_2048 = (14, "2048-bit MODP group",
        "Powers of 2 modulo a 2048-bit prime: the least one should use.", "RFC 3526 §3", "MODP-2048")
    MODP_3072 = (15, "3072-bit MODP group",
        "Powers of 2 modulo a 3072-bit prime, about as strong as AES-128.", "RFC 3526 §4", "MODP-3072")
    MODP_4096 = 16, "4096-bit MODP group", "Powers of 2 modulo a 4096-bit prime.", "RFC 3526 §5", "MODP-4096"
    MODP_6144 = 17, "6144-bit MODP group", "Powers of 2 modulo a 6144-bit prime.", "RFC 3526 §6", "MODP-6144"
    MODP_8192 = (18, "8192-bit MODP group",
        "Powers of 2 modulo an 8192-bit prime: slow, and packets get large.", "RFC 3526 §7", "MODP-8192")
    ECP_256 = (19, "256-bit random ECP group",
        "NIST's curve P-256, about as strong as AES-128 and far quicker than MODP.", "RFC 5903 §3.1", "P-256")
    ECP_384 = (20, "384-bit random ECP group",
        "NIST's curve P-384, about as strong as AES-192.", "RFC 5903 §3.2", "P-384")
    ECP_521 = (21, "521-bit random ECP group",
        "NIST's curve P-521, about as strong as AES-256.", "RFC 5903 §3.3", "P-521")
    MODP_1024_160 = (22, "1024-bit MODP Group with 160-bit Prime Order Subgroup",
        "A 1024-bit prime with a small subgroup: weak, and public values must be checked with care.",
        "RFC 5114 §2.1", "MODP-1024/160")
    MODP_2048_224 = (23, "2048-bit MODP Group with 224-bit Prime Order Subgroup",
        "A 2048-bit prime with a 224-bit subgroup: public values must be checked with care.",
        "RFC 5114 §2.2", "MODP-2048/224")
    MODP_2048_256 = (24, "2048-bit MODP Group with 256-bit Prime Order Subgroup",
        "A 2048-bit prime with a 256-bit subgroup: public values must be checked with care.",
        "RFC 5114 §2.3", "MODP-2048/256")
    ECP_192 = 25, "192-bit Random ECP Group", "NIST's curve P-192: small by today's measure.", "RFC 5114 §2.4", "P-192"
    ECP_224 = (26, "224-bit Random ECP Group",
        "NIST's curve P-224: about as strong as a 2048-bit MODP group.", "RFC 5114 §2.5", "P-224")
    BRAINPOOL_224 = (27, "224-bit Brainpool ECP group",
        "A 224-bit curve whose constants were derived in public view.", "RFC 6932 §2.1", "brainpoolP224r1")
    BRAINPOOL_256 = (28, "256-bit Brainpool ECP group",
        "A 256-bit curve whose constants were derived in public view.", "RFC 6932 §2.2", "brainpoolP256r1")
    BRAINPOOL_384 = (29, "384-bit Brainpool ECP group",
        "A 384-bit curve whose constants were derived in public view.", "RFC 6932 §2.3", "brainpoolP384r1")
    BRAINPOOL_512 = (30, "512-bit Brainpool ECP group",
        "A 512-bit curve whose constants were derived in public view.", "RFC 6932 §2.4", "brainpoolP512r1")
    CURVE25519 = (31, "Curve25519",
        "A fast modern curve; the number is IKEv2's, and some IKEv1 implementations borrow it.",
        "IANA ikev2-parameters")
    CURVE448 = (32, "Curve448",
        "Curve25519's larger sister; the number is IKEv2's, and some IKEv1 implementations borrow it.",
        "IANA ikev2-parameters")


class GroupType(Number, octets=2, rfc="RFC 2409 App. A", ranges=_PRIVATE_65001):
    """What kind of arithmetic a described Diffie-Hellman group uses."""

    MODP = 1, "MODP (modular exponentiation group)", "Numbers modulo a large prime.", "", "MODP"
    ECP = (2, "ECP (elliptic curve group over GF[P])",
        "Points of a curve whose coordinates are numbers modulo a prime.", "", "ECP")
    EC2N = (3, "EC2N (elliptic curve group over GF[2^N])",
        "Points of a curve whose coordinates are bit strings.", "", "EC2N")


class LifeType(
    Number,
    octets=2,
    rfc="RFC 2409 App. A; RFC 2407 §4.5",
    ranges=((0, 0, Standing.RESERVED), (61440, 65535, Standing.PRIVATE)),
):
    """What an SA's lifetime counts, in phase 1 and phase 2 alike.

    Private use begins at 65001 in phase 1 and at 61440 in phase 2; the wider range is given here.
    """

    SECONDS = 1, "seconds", "The lifetime is a time."
    KILOBYTES = 2, "kilobytes", "The lifetime is an amount of protected data."


class Prf(Number, octets=2, title="PRF", rfc="RFC 2409 App. A", ranges=_PRIVATE_65001[1:]):
    """A negotiated pseudo-random function: RFC 2409 registers none, so one meets private numbers only."""

    RESERVED = 0, "RESERVED", "No function: without this attribute the prf is the HMAC of the negotiated hash.", "§4"
