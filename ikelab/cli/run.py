"""Let two peers in memory negotiate, as it should go or as it goes wrong, and tell every step of it."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path

import click

from ikelab.cli.outputs import Outputs, file_option
from ikelab.cli.wishes import say
from ikelab.course.presets import scenario, scenarios
from ikelab.course.runs import Run, run
from ikelab.course.scenarios import MODES, Scenario
from ikelab.errors import Misuse
from ikelab.ike.config import child_offers
from ikelab.net.peel import CapturedDatagram, sent
from ikelab.net.results import result_object

QUIT = ("q", "quit")


class _WithScenarios(click.Command):
    """Its help ends with the names of all scenarios."""

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Scenarios"):
            formatter.write_dl([(name, scenario(name).title) for name in scenarios()])


@click.command(cls=_WithScenarios)
@click.argument("name", metavar="[SCENARIO]", required=False)
@click.option("--mode", type=click.Choice(MODES), help="Phase 1 exchange, on both sides.")
@click.option("--auth", type=click.Choice(["psk"]), help="How the two authenticate: with a pre-shared key.")
@click.option("--ike", metavar="PROPOSALS", help="Phase 1: cipher-hash-group, as aes256-sha256-x25519.")
@click.option("--esp", metavar="PROPOSALS", help="Quick Mode: cipher-integrity; a group behind it means PFS.")
@click.option("--ah", metavar="PROPOSALS", help="AH, such as sha256; with --esp both protect every packet.")
@click.option("--ipcomp", metavar="ALGORITHM", help="Offer to compress packets before that: deflate or lzs.")
@click.option("--transport", is_flag=True, help="Transport mode, for the packets of the two peers themselves.")
@click.option("--pfs", metavar="GROUP", help="Perfect forward secrecy with this group, such as modp2048.")
@click.option("--seed", metavar="NUMBER", type=int, help="Where all chance comes from: same seed, same octets.")
@click.option("--step", is_flag=True, help="Wait for Enter before each further step; q ends it.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@file_option("--pcap", "Record the datagrams into a capture, lost ones too; frame n is message n.")
@file_option("--keys", "Write the keys that open that capture: for ikelab dissect, and Wireshark's tables.")
@file_option("--trace", "Write the run, to be shown by the player and to be run on.")
@file_option("--html", "Write the player with this run as one page that needs no network.")
def command(
    name: str | None,
    mode: str | None,
    auth: str | None,
    ike: str | None,
    esp: str | None,
    ah: str | None,
    ipcomp: str | None,
    transport: bool,
    pfs: str | None,
    seed: int | None,
    step: bool,
    as_json: bool,
    pcap: Path | None,
    keys: Path | None,
    trace: Path | None,
    html: Path | None,
) -> None:
    """Let two peers in memory negotiate: SCENARIO by name, or Main Mode and Quick Mode as it should go.

    Proposals and groups are given to both sides; whoever names something weak has consented to it.

    \b
    Exit status: 0 established; 1 the protocol said no: which message, which side, why; 2 the command was misused.
    """  # noqa: D301  (click's mark for lines that are not to be joined)
    if step and as_json:
        raise Misuse("--step and --json: expected one of them: steps are for a person, JSON is for a program")
    outputs = Outputs(pcap=pcap, keys=keys, trace=trace, html=html)
    outputs.check()
    encapsulation = "transport" if transport else None
    quick = {"esp": esp, "ah": ah, "ipcomp": ipcomp, "encapsulation": encapsulation, "pfs": pfs}
    wanted = _wanted(name, {"mode": mode, "ike": ike, **quick, "seed": seed})
    if wanted.remarks:
        say(f"remark: {'; '.join(wanted.remarks)}")
    talk = run(wanted)
    outputs.put(talk.result, _captured(talk), lambda: talk.trace)
    if as_json:
        click.echo(json.dumps({"scenario": wanted.name, "seed": wanted.seed, **result_object(talk.result)}))
    else:
        from ikelab.cli.telling import tell

        tell(talk, sys.stdout, wait=_waits_for_enter if step else None)
    raise SystemExit(0 if talk.established else 1)


def _wanted(name: str | None, words: dict[str, object]) -> Scenario:
    """The scenario that is meant. Raises Misuse, naming the word."""
    given = {word: value for word, value in words.items() if value is not None}
    if name is None:
        name = str(given.pop("mode", "main"))
    if "ah" in given:
        given.setdefault("esp", "")  # AH alone
    named = child_offers(esp=str(given.get("esp", "")), ah=str(given.get("ah", ""))) if "esp" in given else ()
    if "pfs" not in given and any(offer.group for offer in named):
        given["pfs"] = ""  # the group is named there, whatever the scenario's own was
    return scenario(name, **given)


def _captured(talk: Run) -> Iterator[CapturedDatagram]:
    for number, carried in enumerate(talk.wire, 1):
        yield sent(
            frame=number,
            time=carried.time,
            source=carried.source,
            destination=carried.destination,
            octets=carried.octets,
        )


def _waits_for_enter() -> bool:
    """Whether to go on: after Enter, and at the end of the input; not after q."""
    if sys.stdin.isatty():
        click.echo("Enter: the next step, q: the end ", nl=False, err=True)
    line = sys.stdin.readline()
    return line.strip().lower() not in QUIT
