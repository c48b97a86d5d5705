"""RFC 2409's formulas as printed: each declared once, with its clause and what it is good for.

`BOOK` is what a `Book` computes from, what a derivation shows, and what a reference page lists. Where a formula has to
be executed in other words than the RFC prints it in, the line keeps both.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, StrEnum

from ikelab.crypto.derived import Role
from ikelab.errors import Misuse


class Method(StrEnum):
    """How the peers authenticate each other; it decides how SKEYID is made (RFC 2409 §5)."""

    PSK = "psk"
    SIG = "sig"
    PKE = "pke"
    RPKE = "rpke"

    @classmethod
    def of(cls, number: int) -> Method:
        """The one of an Authentication Method attribute, XAuth's and Hybrid's numbers included; else Misuse."""
        for method, numbers in _AUTHENTICATION_METHODS.items():
            if number in numbers:
                return method
        known = ", ".join(str(each) for numbers in _AUTHENTICATION_METHODS.values() for each in numbers)
        raise Misuse(f"Authentication Method: expected one of {known}, got {number}")


_AUTHENTICATION_METHODS = {
    Method.PSK: (1, 65001, 65002),
    Method.SIG: (2, 3, 9, 10, 11, 64221, 64222, 64223, 64224, 65003, 65004, 65005, 65006),
    Method.PKE: (4, 65007, 65008),
    Method.RPKE: (5, 65009, 65010),
}
"""RFC 2409 Appendix A; RFC 4754 §8 (ECDSA); draft-beaulieu-ike-xauth-02 §7.2; draft-ietf-ipsec-isakmp-hybrid-auth-05
§3.2.1."""


class Chapter(Enum):
    """An exchange and the formulas that hold in it; the same name can mean different things in two of them."""

    PHASE_1 = "Main and Aggressive Mode"
    QUICK_MODE = "Quick Mode"
    INFORMATIONAL = "Informational"
    TRANSACTION = "Transaction"
    NEW_GROUP_MODE = "New Group Mode"
    NAT_D = "NAT detection"


class Cut(Enum):
    """How many octets of a formula's result are kept."""

    ALL = "all of them"
    KEY = "as many as the cipher's key takes"
    BLOCK = "as many as the cipher's block has"
    KEYMAT = "as many as the negotiated transform takes"


@dataclass(frozen=True, kw_only=True)
class Line:
    """One formula.

    formula: what is evaluated. printed: the RFC's words where they differ. rfc: its clause. methods: whom it concerns.
    first, again: where more octets are needed than `formula` gives, the formulas of block K1 and (written for K2, as
    the RFC does) of each later block; an empty `first` means that `formula` itself is K1.
    """

    name: str
    formula: str
    rfc: str
    explain: str
    role: Role = Role.SECRET
    printed: str = ""
    methods: frozenset[Method] = frozenset(Method)
    cut: Cut = Cut.ALL
    first: str = ""
    again: str = ""

    @property
    def as_printed(self) -> str:
        return self.printed or self.formula


@dataclass(frozen=True, kw_only=True)
class Symbol:
    """A name that formulas use and none defines.

    chapters: the exchanges that bring a value of their own for it. sizes: the octets it may have, () for any number.
    """

    explain: str
    role: Role = Role.PUBLIC
    chapters: frozenset[Chapter] = frozenset({Chapter.PHASE_1})
    sizes: tuple[int, ...] = ()


_PHASE_2 = frozenset({Chapter.QUICK_MODE, Chapter.INFORMATIONAL, Chapter.TRANSACTION, Chapter.NEW_GROUP_MODE})
_WITH_NONCES = frozenset({Chapter.PHASE_1, Chapter.QUICK_MODE})
_QUICK = frozenset({Chapter.QUICK_MODE})
_NAT_D = frozenset({Chapter.NAT_D})

SYMBOLS = {
    "PSK": Symbol(explain="the pre-shared key, which the RFC calls pre-shared-key", role=Role.SECRET),
    "Ni_b": Symbol(explain="the initiator's nonce: its payload without the generic header", chapters=_WITH_NONCES),
    "Nr_b": Symbol(explain="the responder's nonce: its payload without the generic header", chapters=_WITH_NONCES),
    "CKY-I": Symbol(explain="the initiator's cookie, from the ISAKMP header", sizes=(8,)),
    "CKY-R": Symbol(explain="the responder's cookie, from the ISAKMP header", sizes=(8,)),
    "g^xi": Symbol(explain="the initiator's Diffie-Hellman public value, as its KE payload carries it"),
    "g^xr": Symbol(explain="the responder's Diffie-Hellman public value, as its KE payload carries it"),
    "g^xy": Symbol(explain="the Diffie-Hellman shared secret, which only the two peers can compute", role=Role.SECRET),
    "SAi_b": Symbol(explain="the body of the SA payload that the initiator sent: every proposal it offered"),
    "IDii_b": Symbol(explain="the body of the initiator's Identification payload"),
    "IDir_b": Symbol(explain="the body of the responder's Identification payload"),
    "last_block": Symbol(explain="the last ciphertext block of phase 1"),
    "M-ID": Symbol(explain="the message ID, from the ISAKMP header", chapters=_PHASE_2, sizes=(4,)),
    "payloads": Symbol(
        explain="all that follows the HASH payload, payload headers included, padding left out", chapters=_PHASE_2
    ),
    "protocol": Symbol(explain="the Protocol-Id of the chosen proposal: AH 2, ESP 3", chapters=_QUICK, sizes=(1,)),
    "SPI": Symbol(explain="the SPI that the receiver of the protected packets chose", chapters=_QUICK),
    "g(qm)^xy": Symbol(
        explain="the shared secret of Quick Mode's own Diffie-Hellman exchange (PFS)", role=Role.SECRET, chapters=_QUICK
    ),
    "IP": Symbol(explain="the address that a NAT may have changed", chapters=_NAT_D, sizes=(4, 16)),
    "Port": Symbol(explain="the UDP port that a NAT may have changed", chapters=_NAT_D, sizes=(2,)),
}
"""The RFC's notation (RFC 2409 §3.2), and two names of ours where it has only words: last_block, payloads."""


def _only(*methods: Method) -> frozenset[Method]:
    return frozenset(methods)


_IV = Line(
    name="IV",
    formula="hash(last_block | M-ID)",
    rfc="RFC 2409 Appendix B",
    role=Role.PUBLIC,
    cut=Cut.BLOCK,
    explain="Starts the CBC chain of this exchange. Each message ID gets its own, so that exchanges that run at the "
    "same time do not disturb one another's chains.",
)

_EPHEMERAL = [
    Line(
        name=f"Ne_{peer}",
        formula=f"prf(N{peer}_b, {cookie})",
        rfc="RFC 2409 §5.3",
        methods=_only(Method.RPKE),
        explain=f"Keying material of the {whose}'s encrypted payloads, made of the nonce that only the owner of the "
        "private key can read.",
    )
    for peer, whose, cookie in (("i", "initiator", "CKY-I"), ("r", "responder", "CKY-R"))
] + [
    Line(
        name=f"Ke_{peer}",
        formula=f"Ne_{peer}",
        first=f"prf(Ne_{peer}, 0)",
        again=f"prf(Ne_{peer}, K1)",
        rfc="RFC 2409 §5.3",
        methods=_only(Method.RPKE),
        cut=Cut.KEY,
        explain=f"The key that hides the {whose}'s KE and ID payloads; used once and thrown away.",
    )
    for peer, whose in (("i", "initiator"), ("r", "responder"))
]

BOOK = {
    Chapter.PHASE_1: (
        Line(
            name="SKEYID",
            formula="prf(PSK, Ni_b | Nr_b)",
            printed="prf(pre-shared-key, Ni_b | Nr_b)",
            rfc="RFC 2409 §5",
            methods=_only(Method.PSK),
            explain="The root of all keys. With a pre-shared key only its two owners can compute it, which is what "
            "authenticates them; g^xy joins one step later.",
        ),
        Line(
            name="SKEYID",
            formula="prf(Ni_b | Nr_b, g^xy)",
            rfc="RFC 2409 §5",
            methods=_only(Method.SIG),
            explain="The root of all keys. With signatures its secret is g^xy alone; it is the signatures over "
            "HASH_I and HASH_R that say with whom it is shared.",
        ),
        Line(
            name="SKEYID",
            formula="prf(hash(Ni_b | Nr_b), CKY-I | CKY-R)",
            rfc="RFC 2409 §5",
            methods=_only(Method.PKE, Method.RPKE),
            explain="The root of all keys. With public key encryption the nonces travel encrypted: who can compute "
            "it has the private key that reads them.",
        ),
        *_EPHEMERAL,
        Line(
            name="SKEYID_d",
            formula="prf(SKEYID, g^xy | CKY-I | CKY-R | 0)",
            rfc="RFC 2409 §5",
            explain="d for derivation: the keys of ESP and AH are made from it in Quick Mode.",
        ),
        Line(
            name="SKEYID_a",
            formula="prf(SKEYID, SKEYID_d | g^xy | CKY-I | CKY-R | 1)",
            rfc="RFC 2409 §5",
            explain="a for authentication: keys the HASH payload of every message after phase 1.",
        ),
        Line(
            name="SKEYID_e",
            formula="prf(SKEYID, SKEYID_a | g^xy | CKY-I | CKY-R | 2)",
            rfc="RFC 2409 §5",
            explain="e for encryption: the key that encrypts IKE's own messages is taken from it.",
        ),
        Line(
            name="Ka",
            formula="SKEYID_e",
            first="prf(SKEYID_e, 0)",
            again="prf(SKEYID_e, K1)",
            rfc="RFC 2409 Appendix B",
            cut=Cut.KEY,
            explain="The key that encrypts IKE's own messages, in both directions. If SKEYID_e is too short for the "
            "cipher, the prf is fed with its own results until there is enough.",
        ),
        Line(
            name="IV",
            formula="hash(g^xi | g^xr)",
            rfc="RFC 2409 Appendix B",
            role=Role.PUBLIC,
            cut=Cut.BLOCK,
            explain="Starts the CBC chain of phase 1; no secret, an eavesdropper can compute it too. Each later "
            "message continues from the last block of the one before.",
        ),
        Line(
            name="HASH_I",
            formula="prf(SKEYID, g^xi | g^xr | CKY-I | CKY-R | SAi_b | IDii_b)",
            rfc="RFC 2409 §5",
            role=Role.PROOF,
            explain="The initiator's proof: it knows SKEYID, and saw the same public values, cookies and offers, and "
            "this is its identity. With signatures it is what the initiator signs.",
        ),
        Line(
            name="HASH_R",
            formula="prf(SKEYID, g^xr | g^xi | CKY-R | CKY-I | SAi_b | IDir_b)",
            rfc="RFC 2409 §5",
            role=Role.PROOF,
            explain="The responder's proof: HASH_I with the roles swapped, so that neither can be sent back as the "
            "other. It too covers the initiator's offer, not the answer to it.",
        ),
    ),
    Chapter.QUICK_MODE: (
        _IV,
        Line(
            name="HASH(1)",
            formula="prf(SKEYID_a, M-ID | payloads)",
            printed="prf(SKEYID_a, M-ID | SA | Ni [ | KE ] [ | IDci | IDcr ])",
            rfc="RFC 2409 §5.5",
            role=Role.PROOF,
            explain="Authenticates Quick Mode's first message: all that follows the HASH payload, in the order in "
            "which it came.",
        ),
        Line(
            name="HASH(2)",
            formula="prf(SKEYID_a, M-ID | Ni_b | payloads)",
            printed="prf(SKEYID_a, M-ID | Ni_b | SA | Nr [ | KE ] [ | IDci | IDcr ])",
            rfc="RFC 2409 §5.5",
            role=Role.PROOF,
            explain="Authenticates Quick Mode's second message, and by the initiator's fresh nonce proves that the "
            "responder is answering now.",
        ),
        Line(
            name="HASH(3)",
            formula="prf(SKEYID_a, 0 | M-ID | Ni_b | Nr_b)",
            rfc="RFC 2409 §5.5",
            role=Role.PROOF,
            explain="All of Quick Mode's third message: by both fresh nonces it proves to the responder that the "
            "initiator is there now, and that the first message was no replay.",
        ),
        Line(
            name="KEYMAT",
            formula="prf(SKEYID_d, [ g(qm)^xy | ] protocol | SPI | Ni_b | Nr_b)",
            again="prf(SKEYID_d, K1 | [ g(qm)^xy | ] protocol | SPI | Ni_b | Nr_b)",
            rfc="RFC 2409 §5.5",
            cut=Cut.KEYMAT,
            explain="The keys of one direction of an ESP or AH SA: first for encryption, then for integrity. The SPI "
            "makes the two directions differ; with PFS a fresh shared secret makes them independent of phase 1.",
        ),
    ),
    Chapter.INFORMATIONAL: (
        _IV,
        Line(
            name="HASH(1)",
            formula="prf(SKEYID_a, M-ID | payloads)",
            printed="prf(SKEYID_a, M-ID | N/D)",
            rfc="RFC 2409 §5.7",
            role=Role.PROOF,
            explain="Authenticates a Notify or Delete: without it anyone could tear an SA down.",
        ),
    ),
    Chapter.TRANSACTION: (
        _IV,
        Line(
            name="HASH",
            formula="prf(SKEYID_a, M-ID | payloads)",
            printed="prf(SKEYID_a, M-ID | ATTR)",
            rfc="draft-dukes-ike-mode-cfg-02 §3.1.1",
            role=Role.PROOF,
            explain="Authenticates a message of Mode Config or XAuth; the same formula in both directions, without a "
            "nonce.",
        ),
    ),
    Chapter.NEW_GROUP_MODE: (
        _IV,
        *(
            Line(
                name=name,
                formula="prf(SKEYID_a, M-ID | payloads)",
                printed="prf(SKEYID_a, M-ID | SA)",
                rfc="RFC 2409 §5.6",
                role=Role.PROOF,
                explain=f"Authenticates {what} of a private Diffie-Hellman group.",
            )
            for name, what in (("HASH(1)", "the proposal"), ("HASH(2)", "the answer to a proposal"))
        ),
    ),
    Chapter.NAT_D: (
        Line(
            name="NAT-D",
            formula="HASH(CKY-I | CKY-R | IP | Port)",
            rfc="RFC 3947 §3.2",
            role=Role.PUBLIC,
            explain="What a packet's address and port were when it was sent, hashed with the cookies; if the "
            "receiver's own sum differs, a NAT changed them on the way.",
        ),
    ),
}
"""Every formula, by the exchange in which it holds."""
