"""Two peers negotiate in memory, and everything about it can be looked at, stepped, compared, and run on otherwise.

talk = run("psk")                        a scenario by name (see `scenarios()`), or one of your own
talk                                     who said what to whom, in which states, and what each side says in the end
talk.at(6)                               one step: both sides' SAs, what each knows, what is on the wire
talk.diff(4, 6)                          what happened between two steps
other = talk.fork(message=3, field="Nonce Data", to="00" * 32)
talk.diff(other)                         where two runs part
talk.ping()                              a packet through its SAs, and the answer; talk.gateways() for more of them
talk.save("talk.json")                   and Run.load("talk.json"): stepped and forked as before
"""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from ikelab.course.calling import told_when_miscalled
from ikelab.course.comparing import Divergence, Passage, compare_runs, compare_steps
from ikelab.course.instants import Instant, instant
from ikelab.course.interventions import Drop, Intervention, difference
from ikelab.course.places import Target, edited
from ikelab.course.presets import scenario as preset
from ikelab.course.scenarios import ROLES, Scenario
from ikelab.course.shown import WIDTH, Shown
from ikelab.errors import Misuse
from ikelab.ike.config import Seeded
from ikelab.ike.conversation import INITIATOR, RESPONDER
from ikelab.ike.listen import Followed
from ikelab.ike.peer import Connect, Disconnect, Peer
from ikelab.ike.script import GIVE_UP
from ikelab.net.link import Link
from ikelab.net.results import Run as Result, result_object
from ikelab.timeline.live import Carried, Moment, RunFilm, film_of_run
from ikelab.timeline.thoughts import explained
from ikelab.timeline.trace import Trace
from ikelab.view import ladder
from ikelab.view.narration import visible

if TYPE_CHECKING:
    from ikelab.course.protected import Ping
    from ikelab.course.two_gateways import Form, Gateways

RECIPE = "recipe"
"""Where a trace keeps the recipe that it came from."""


@dataclass(frozen=True, kw_only=True, repr=False)
class Run(Shown):
    """What came of a scenario. moments: every thought of a peer; wire: every datagram. The recipe determines both."""

    STEP: ClassVar[str] = "step"
    AS_IN: ClassVar[str] = 'a run, as in talk = run("main")'
    ELSEWHERE: ClassVar[tuple[str, ...]] = ("beliefs", "flipped", "heard", "with_psk", "without_keys")
    INSTEAD: ClassVar[str] = (
        'only a recording is heard otherwise, as in talk = recorded("main_psk_nopfs"). Of a run, '
        "fork(...) changes one thing and runs it again"
    )

    scenario: Scenario
    moments: tuple[Moment, ...] = field(compare=False)
    wire: tuple[Carried, ...] = field(compare=False)

    # -- what came of it

    @property
    def heading(self) -> str:
        """The scenario's title, and what was changed."""
        return self.scenario.heading

    @cached_property
    def result(self) -> Result:
        """What it came to, as `ikelab run` and `ikelab connect` tell it."""
        return Result(self.moments, self.wire)

    @property
    def established(self) -> bool:
        """Whether both sides have all that they wanted."""
        return self.result.established

    @cached_property
    def film(self) -> RunFilm:
        """Its trace, and each message as its hearer found it."""
        more = {RECIPE: self.scenario.to_json(), "result": self._outcome()}
        return film_of_run(
            self.moments,
            self.wire,
            self.result.sas,
            title=self.heading,
            about=self.scenario.about,
            more=more,
            watched=(self.scenario.initiator.endpoint, self.scenario.responder.endpoint),
        )

    def _outcome(self) -> dict[str, object]:
        whole = result_object(self.result)
        return {"established": whole["established"], "refused": whole["refused"]}

    @property
    def trace(self) -> Trace:
        """All of it as one trace, which a player or a file takes; its recipe is in it."""
        return self.film.trace

    @property
    def followed(self) -> tuple[Followed, ...]:
        """What a listener who knows the secrets makes of each message, as it arrived."""
        return self.film.followed

    @property
    def last(self) -> int:
        """The number of the last step."""
        return len(self.moments)

    @told_when_miscalled
    def says(self, role: str) -> tuple[str, ...]:
        """What one side says went wrong: its own refusals, and what it was told, each once. Raises Misuse."""
        _known_role(role)
        words: dict[str, None] = {}
        for moment, frame in zip(self.moments, self.trace.frames, strict=True):
            told = moment.outcome.refused or moment.outcome.complaint
            if frame["actor"] == role and told is not None:
                words[explained(told)] = None
        return tuple(words)

    def __repr__(self) -> str:
        """Title, ladder with the states of both sides, and how it ended."""
        lines = [self.heading, "", *ladder.lines(self.trace.to_json()), "", *self.ending]
        return "\n".join(map(visible, lines))

    @property
    def ending(self) -> list[str]:
        """How it ended, and what each side says where it did not go well; each line at most `WIDTH` columns."""
        told = (f"The {role}: {words}" for role in ROLES for words in ([] if self.established else self.says(role)))
        return [self.verdict, *(line for each in told for line in textwrap.wrap(each, WIDTH, subsequent_indent="  "))]

    @property
    def verdict(self) -> str:
        """How it ended, in a sentence."""
        if self.established:
            made = ", ".join(f"{child.words} {child.spi.hex()}" for child in self.result.children)
            return f"Established: {made}." if made else "Established."
        refused = self.result.refused
        if refused is None:
            return "Not established."
        gave_up = any(moment.outcome.fired is GIVE_UP for moment in self.moments)
        if refused.refusal.notify is None and gave_up:
            return f"Not established: the {refused.by} gave up at message {refused.at}."
        return f"Not established: the {refused.by} refused message {refused.at}."

    # -- steps

    @told_when_miscalled
    def at(self, step: int) -> Instant:
        """How things stood after a step: 0 before anything was said, then 1 to `last`. Raises Misuse."""
        if step not in range(self.last + 1):
            raise Misuse(f"step: expected a number from 0 to {self.last}, got {step!r}")
        return instant(self.trace, self.moments, self.wire, step)

    @told_when_miscalled
    def diff(self, one: int | Run, other: int | None = None) -> Passage | Divergence:
        """What happened between two steps, or where this run and another one part. Raises Misuse."""
        if isinstance(one, Run):
            return compare_runs(self.trace, one.trace)
        if other is None:
            raise Misuse("diff: expected two steps of this run, or another run, got one step")
        return compare_steps(self.at(one), self.at(other))

    # -- the same again, otherwise

    @told_when_miscalled
    def fork(
        self,
        *,
        message: int | None = None,
        octet: int | None = None,
        field: str | None = None,
        to: str | bytes | int | None = None,
        edit: bytes | Callable[[bytes], bytes] | None = None,
        drop: bool = False,
        side: str | None = None,
        **words: str,
    ) -> Run:
        """The same run with one thing changed: up to there nothing differs, from there on it goes its own way.

        message: the number of one, and what becomes of it: drop=True loses it; octet=44 (counted from 0) or
        field="Nonce Data" puts the octets `to` there (bytes, hex digits, or for a field a number); edit takes all its
        octets, or a function of them. Of a message that was encrypted, a field inside is altered as somebody would who
        has the key. Or words of a side's configuration, such as psk="..." or esp="...", of both or of one `side`.
        Raises Misuse.
        """
        if message is None:
            if any(each is not None for each in (octet, field, to, edit)) or drop:
                raise Misuse("fork: expected message=N beside octet, field, to, edit and drop, got none")
            return self._with_words(side, words)
        if words or side is not None:
            raise Misuse("fork: expected either a message or a side's words to change, got both; fork the fork")
        self.message(message)
        octets = self.wire[message - 1].octets
        if drop:
            if any(each is not None for each in (octet, field, to, edit)):
                raise Misuse("fork: expected drop=True alone, got another change of the same message beside it")
            return self._with(Drop(message=message), f"message {message} is lost")
        if edit is not None:
            if any(each is not None for each in (octet, field, to)):
                raise Misuse("fork: expected edit alone, got octet, field or to beside it")
            after = edit if isinstance(edit, bytes) else edit(octets)
            if not isinstance(after, bytes):
                raise Misuse(f"fork: expected edit to answer octets (bytes), got {type(after).__name__}")
            return self._with(difference(message, octets, after), f"message {message} is altered")
        target = Target(message=message, octet=octet, field=field, to=to)
        suites = [sa.choice.offer.cipher for sa in self.result.sas if sa.choice is not None]
        after, what = edited(self.trace, octets, target, suites[0] if suites else None)
        return self._with(difference(message, octets, after), what)

    def _with(self, intervention: Intervention, note: str) -> Run:
        changed = replace(
            self.scenario,
            interventions=(*self.scenario.interventions, intervention),
            notes=(*self.scenario.notes, note),
        )
        return run(changed)

    def _with_words(self, side: str | None, words: Mapping[str, str]) -> Run:
        if not words:
            raise Misuse('fork: expected something to change, such as message=3, drop=True, or psk="...", got nothing')
        if side is not None:
            _known_role(side)
        told = dict.fromkeys([side] if side is not None else ROLES, words)
        return run(self.scenario.changed(**told))

    # -- packets

    @told_when_miscalled
    def gateways(self, form: Form | None = None, *, nat: str = "") -> Gateways:
        """Both gateways with the SAs that were made, to send packets: see `ikelab.course.gateways`. Raises Misuse."""
        from ikelab.course.two_gateways import gateways

        return gateways(self, form, nat=nat)

    @told_when_miscalled
    def ping(self) -> Ping:
        """The first packet through the SAs that were made, and the answer to it, as far as they come. Raises Misuse."""
        return self.gateways().ping()

    # -- files

    @told_when_miscalled
    def save(self, path: str | Path) -> None:
        """Write the trace, its recipe in it, whole or not at all. Raises Misuse."""
        self.trace.save(path)

    @classmethod
    @told_when_miscalled
    def load(cls, path: str | Path) -> Run:
        """The run that `save` wrote, to be stepped and forked as before.

        Raises Misuse where the file cannot be read, is unfinished, holds no recipe (a trace of a peer on the network
        has none), or where its octets are not those that its recipe gives here.
        """
        trace = Trace.load(path)
        if RECIPE not in trace.more:
            raise Misuse(
                f"{path}: expected a trace with its recipe, got one without: Trace.load shows it, nothing runs it again"
            )
        again = run(Scenario.from_json(trace.more[RECIPE], name=f"{path}: {RECIPE}"))
        for kept, carried in zip(trace.messages, again.wire, strict=False):
            if kept["sheets"][0]["octets"] != carried.octets.hex():
                raise Misuse(
                    f"{path}: expected the octets that its recipe gives, got others in message {kept['n']}: "
                    "another version of ikelab wrote it, or it was edited. Trace.load still shows it"
                )
        if len(trace.messages) != len(again.wire):
            raise Misuse(f"{path}: expected {len(again.wire)} messages, as its recipe gives, got {len(trace.messages)}")
        return again


def run(what: str | Scenario = "main", **changes: object) -> Run:
    """Let two peers negotiate: a scenario by its name (see `scenarios()`) or one of your own.

    changes: other words for both sides (`ike="aes256-sha256-x25519"`), for one (`responder={"psk": "another"}`), or
    another `seed`, `loss`, `delay`: see `Scenario.changed`. The same words give the same octets. Raises Misuse.
    """
    chosen = preset(what, **changes) if isinstance(what, str) else what
    if not isinstance(chosen, Scenario):
        raise Misuse(f"run: expected the name of a scenario, or a Scenario, got {type(what).__name__}")
    if not isinstance(what, str) and changes:
        chosen = chosen.changed(**changes)  # type: ignore[arg-type]
    link = _performed(chosen)
    return Run(scenario=chosen, moments=tuple(link.moments), wire=tuple(link.wire))


def _performed(recipe: Scenario) -> Link:
    sides = {INITIATOR: recipe.initiator, RESPONDER: recipe.responder}
    others = {INITIATOR: recipe.responder, RESPONDER: recipe.initiator}
    peers = {
        role: Peer(side.config(others[role].address), Seeded(f"{recipe.seed}/{role}".encode()), side.endpoint)
        for role, side in sides.items()
    }
    link = Link(*peers.values(), path=recipe.path(), seed=recipe.seed)
    connection = peers[INITIATOR].config.connections[0].name
    link.begin(peers[INITIATOR], Connect(connection=connection, remote=recipe.responder.endpoint))
    link.run()
    if recipe.ending == "deleted":
        link.begin(peers[INITIATOR], Disconnect())
        link.run()
    return link


def _known_role(role: str) -> None:
    if role not in ROLES:
        raise Misuse(f"side: expected {' or '.join(ROLES)}, got {role!r}")
