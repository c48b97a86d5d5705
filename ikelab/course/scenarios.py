"""What two peers are told before they meet: a whole run as a short recipe, in the words that real gateways use.

A recipe is a value: it compares, it is saved as JSON inside a trace, and the same recipe gives the same octets on every
machine. Whoever names something weak in it has consented to it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from difflib import get_close_matches
from math import isfinite
from typing import Any, Literal, cast

from ikelab.course.interventions import Intervention, intervention_from_json, path_with
from ikelab.errors import Misuse
from ikelab.ike import given
from ikelab.ike.config import (
    ANY,
    ENCAPSULATIONS,
    PROFILES,
    TRANSPORT_MODES,
    Child,
    Connection,
    Identity,
    ModeName,
    PeerConfig,
    Selector,
    Weak,
    child_offers,
    ike_offers,
)
from ikelab.net.link import Path
from ikelab.wire.udp import Endpoint

NAME = "net"
"""What the one connection of a scenario is called, and its child."""

IKE_PORT = 500
ANYWHERE = "any"
MODES = ("main", "aggressive")
ROLES = ("initiator", "responder")
Ending = Literal["kept", "deleted"]
ENDINGS = ("kept", "deleted")


@dataclass(frozen=True, kw_only=True)
class Side:
    """What one peer is configured with.

    address: where it is. mode: phase 1 as it begins it, or accepts it. ike, esp: proposals; pfs: a group, "" for none.
    psk: text, or "0x" and hex digits. id, peer_id: identities, "" for the address at that end. peer_address: from where
    it expects the other, "" for where that is, "any" for anywhere. local_ts, remote_ts: whose traffic, "" for the peer
    at that end alone. ah, ipcomp: what protects the same packets besides, "" for none; with esp "" AH alone.
    encapsulation: "tunnel", "transport" or another word of `ENCAPSULATIONS`. profile: its patience.
    """

    address: str
    local_ts: str
    remote_ts: str
    mode: str = "main"
    ike: str = "aes128-sha256-modp2048"
    esp: str = "aes128-sha256"
    pfs: str = ""
    psk: str = "correct horse battery staple"
    id: str = ""
    peer_id: str = ""
    peer_address: str = ""
    ah: str = ""
    ipcomp: str = ""
    encapsulation: str = "tunnel"
    profile: str = "ikelab"

    @property
    def endpoint(self) -> Endpoint:
        """Its address, and the port of IKE."""
        return Endpoint(self.address, IKE_PORT)

    def connection(self, peer_address: str) -> Connection:
        """The same as the engine takes it. Raises Misuse, naming the word."""
        if self.mode not in MODES:
            raise Misuse(f"mode: expected one of {', '.join(MODES)}, got {self.mode!r}")
        expected = None if self.peer_address == ANYWHERE else self.peer_address or peer_address
        if self.encapsulation not in ENCAPSULATIONS:
            raise Misuse(f"encapsulation: expected one of {', '.join(ENCAPSULATIONS)}, got {self.encapsulation!r}")
        child = Child(
            name=NAME,
            offers=child_offers(esp=self.esp, ah=self.ah, pfs=self.pfs, ipcomp=self.ipcomp),
            local=Selector.parse(self.local_ts) if self.local_ts else None,
            remote=Selector.parse(self.remote_ts) if self.remote_ts else None,
            mode=ENCAPSULATIONS[self.encapsulation],
        )
        return Connection(
            name=NAME,
            offers=ike_offers(self.ike),
            local_id=Identity.parse(self.id or self.address),
            remote_id=Identity.parse(self.peer_id or expected or str(ANY)),
            remote_address=expected,
            mode=cast(ModeName, self.mode),
            psk=given.psk(self.psk, "psk"),
            children=(child,),
        )

    def config(self, peer_address: str) -> PeerConfig:
        """All that a peer of the engine takes. Raises Misuse."""
        if self.profile not in PROFILES:
            raise Misuse(f"profile: expected one of {', '.join(PROFILES)}, got {self.profile!r}")
        connection = self.connection(peer_address)
        return PeerConfig(connections=(connection,), weak=Weak.ALLOWED, profile=PROFILES[self.profile])


ALICE = Side(address="10.99.0.1", local_ts="10.1.0.0/24", remote_ts="10.2.0.0/24")
BOB = Side(address="10.99.0.2", local_ts="10.2.0.0/24", remote_ts="10.1.0.0/24")


@dataclass(frozen=True, kw_only=True)
class Scenario:
    """The recipe of a run.

    title, about: for people. seed: where all chance comes from. loss, repeat, reorder: chances from 0 to 1 that a
    datagram is lost, arrives twice, is overtaken; delay, jitter: seconds. interventions: what somebody on the way does.
    ending: whether the SAs are deleted again. notes: what was changed since it had its title.
    """

    name: str
    title: str
    about: str
    initiator: Side = ALICE
    responder: Side = BOB
    seed: int = 1
    loss: float = 0.0
    repeat: float = 0.0
    reorder: float = 0.0
    delay: float = 0.01
    jitter: float = 0.0
    interventions: tuple[Intervention, ...] = ()
    ending: Ending = "kept"
    notes: tuple[str, ...] = field(default=())

    def __post_init__(self) -> None:
        if self.ending not in ENDINGS:
            raise Misuse(f"ending: expected one of {', '.join(ENDINGS)}, got {self.ending!r}")
        if self.initiator.address == self.responder.address:
            raise Misuse(f"address: expected one for each side, got {self.initiator.address} for both")
        self.path()
        for side, other in ((self.initiator, self.responder), (self.responder, self.initiator)):
            side.config(other.address)

    def path(self) -> Path:
        """The network between the two, with whoever tampers there. Raises Misuse."""
        chances = {name: getattr(self, name) for name in ("loss", "repeat", "reorder", "delay", "jitter")}
        return path_with(self.interventions, **chances)

    @property
    def heading(self) -> str:
        """Title and what was changed."""
        return "; ".join((self.title, *self.notes))

    @property
    def remarks(self) -> tuple[str, ...]:
        """What is weak in it and what else is worth knowing, each once."""
        connections = (
            self.initiator.connection(self.responder.address),
            self.responder.connection(self.initiator.address),
        )
        every = (words for each in connections for words in (*each.weaknesses, *each.remarks))
        return tuple(dict.fromkeys(every))

    def changed(
        self,
        *,
        initiator: Mapping[str, str] | None = None,
        responder: Mapping[str, str] | None = None,
        **words: object,
    ) -> Scenario:
        """The same with other words: of a side's for both, of the scenario's own, or for one side; noted in `notes`.

        Raises Misuse where a word is unknown, or means nothing.
        """
        for role, told_of_it in (("initiator", initiator), ("responder", responder)):
            if told_of_it is not None and not isinstance(told_of_it, Mapping):
                raise Misuse(
                    f'{role}: expected words in a dict, such as {{"psk": "..."}}, got {given.shown(told_of_it)}'
                )
        both = {name: word for name, word in words.items() if name in _WORDS_OF_BOTH}
        own = {name: word for name, word in words.items() if name not in both}
        if unknown := sorted(own.keys() - _WORDS_OF_RUN.keys()):
            known = [*_WORDS_OF_RUN, *_WORDS_OF_BOTH, *ROLES]
            raise Misuse(f"scenario: expected one of {', '.join(known)}, got {unknown[0]!r}{_meant(unknown[0], known)}")
        sides = {
            role: _side(getattr(self, role), {**both, **(told or {})}, role)
            for role, told in (("initiator", initiator), ("responder", responder))
        }
        told: dict[str, Any] = {name: _checked(name, word, _WORDS_OF_RUN[name]) for name, word in own.items()}
        notes = [f"{name} {word}" for name, word in words.items()]
        for role, given_words in (("initiator", initiator), ("responder", responder)):
            notes += [f"the {role}'s {name} {word}" for name, word in (given_words or {}).items()]
        return replace(self, **told, **cast("dict[str, Any]", sides), notes=(*self.notes, *notes))

    def to_json(self) -> dict[str, Any]:
        """As a trace keeps it."""
        tampering = [each.to_json() for each in self.interventions]
        return {"recipe": RECIPE, **asdict(self), "interventions": tampering, "notes": list(self.notes)}

    @classmethod
    def from_json(cls, value: object, *, name: str = "recipe") -> Scenario:
        """From what `to_json` gave. Raises Misuse for anything else."""
        recipe = dict(given.mapping(value, name))
        if recipe.pop("recipe", None) != RECIPE:
            raise Misuse(f"{name}: expected a recipe of the kind {RECIPE!r}, got none")
        known = {each.name for each in fields(cls)}
        if strange := sorted(recipe.keys() ^ known):
            raise Misuse(f"{name}: expected {', '.join(sorted(known))}, and {strange[0]} is missing or not among them")
        sides = {role: _side(BOB, given.mapping(recipe.pop(role), f"{name}: {role}"), role) for role in ROLES}
        tampering = [
            intervention_from_json(each, place) for place, each in given.entries(recipe, "interventions", name)
        ]
        notes = [given.text(each, place) for place, each in given.entries(recipe, "notes", name)]
        words: dict[str, Any] = {
            **sides,
            **{each: given.text(recipe[each], f"{name}: {each}") for each in ("name", "title", "about")},
            **{each: _checked(each, recipe[each], kind) for each, kind in _WORDS_OF_RUN.items()},
        }
        return cls(**words, interventions=tuple(tampering), notes=tuple(notes))

    def __repr__(self) -> str:
        return f"<Scenario {self.name}: {self.heading}>"


RECIPE = "ikelab-recipe-1"
_WORDS_OF_RUN: Mapping[str, type] = {
    "seed": int, "loss": float, "repeat": float, "reorder": float, "delay": float, "jitter": float, "ending": str,
}  # fmt: skip
_WORDS_OF_BOTH = ("mode", "ike", "esp", "ah", "pfs", "ipcomp", "encapsulation", "psk", "profile")
_WORDS_OF_SIDE = tuple(each.name for each in fields(Side))


def _side(side: Side, words: Mapping[str, object], role: str) -> Side:
    """The side with other words. Raises Misuse where one is unknown or no text."""
    for name, word in words.items():
        if name not in _WORDS_OF_SIDE:
            close = _meant(name, _WORDS_OF_SIDE)
            raise Misuse(f"{role}: expected one of {', '.join(_WORDS_OF_SIDE)}, got {name!r}{close}")
        if not isinstance(word, str):
            raise Misuse(f"{role}: {name}: expected a text, got {given.shown(word)}")
    told = cast("dict[str, str]", dict(words))
    if ENCAPSULATIONS.get(told.get("encapsulation", "")) in TRANSPORT_MODES:
        told = {"local_ts": "", "remote_ts": "", **told}  # it is for the packets of the two peers themselves
    return replace(side, **told)


def _checked(name: str, value: object, kind: type) -> Any:  # noqa: ANN401  (a number or a text, as the table says)
    kinds = (int, float) if kind is float else (kind,)
    if isinstance(value, bool) or not isinstance(value, kinds):
        expected = {int: "a whole number", float: "a number", str: "a text"}[kind]
        raise Misuse(f"{name}: expected {expected}, got {given.shown(value)}")
    if isinstance(value, float) and not isfinite(value):
        raise Misuse(f"{name}: expected a number that is finite, got {value}")
    return value


def _meant(name: str, known: Iterable[str]) -> str:
    close = get_close_matches(name, list(known), n=3)
    return f"; did you mean {' or '.join(map(repr, close))}?" if close else ""
