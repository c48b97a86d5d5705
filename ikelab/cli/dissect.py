"""Read a capture: every IKE message, ESP and AH packet, opened and checked as far as keys allow."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import click

from ikelab.cli.frames import shape_of
from ikelab.cli.progress import Progress
from ikelab.errors import Misuse
from ikelab.follow import Followed, FollowedPacket, Follower
from ikelab.ike import given
from ikelab.ike.beliefs import Belief, Beliefs, parse_keys
from ikelab.ike.guess import Target, guess, target_of
from ikelab.net.capture import Capture, read_capture
from ikelab.timeline.outcome import Outcome
from ikelab.view.plain import visible

LARGEST_KEY_FILE = 1 << 26
FRAMES_BETWEEN_LINES, WORDS_BETWEEN_LINES = 256, 4096


@click.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option(
    "--keys",
    "key_files",
    multiple=True,
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="Keys to decrypt and verify with: a JSON object (psk; ike: cookie_i with g_xy or SKEYIDs; quick: SPIs with "
    "g_xy or ready keys), or Wireshark's ikev1_decryption_table or esp_sa. May be given several times.",
)
@click.option(
    "--psk", metavar="TEXT", help="The pre-shared key, as text or as 0x and hex; overrides the one in --keys."
)
@click.option(
    "--wordlist",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="Try each line of FILE as pre-shared key of an Aggressive Mode exchange, against its HASH_R.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object per frame.")
@click.option("--frame", "frames", multiple=True, type=click.IntRange(1), help="Show this frame only; may be repeated.")
@click.option("--fields", is_flag=True, help="Show every field beside its octets, with explanations.")
@click.option("--octets", is_flag=True, help="As --fields, long values whole.")
def command(
    file: Path,
    key_files: tuple[Path, ...],
    psk: str | None,
    wordlist: Path | None,
    as_json: bool,
    frames: tuple[int, ...],
    fields: bool,
    octets: bool,
) -> None:
    """Read the capture FILE: every IKE message, ESP and AH packet, opened and checked as far as keys allow.

    FILE is a pcap or pcapng. From a pre-shared key and g^xy every other key is derived and every hash verified; g^xy
    itself cannot be had from a capture, only from one of the peers.

    \b
    Exit status: 0 all is well, also where messages stay closed for want of keys;
                 1 a hash or an ICV is false, or a frame cannot be read;
                 2 FILE is no capture, or an option was misused.
    """  # noqa: D301  (click's mark for lines that are not to be joined)
    capture = read_capture(file)
    beliefs = _beliefs(key_files, psk)
    status = 0
    if wordlist is not None:
        beliefs, found = _guessed(capture, beliefs, wordlist)
        status = 0 if found else 1
    outcome = Outcome()
    follower = Follower(beliefs)
    followed = _shown(_followed(capture, follower), frozenset(frames), outcome, file)
    if as_json:
        for each in followed:
            click.echo(json.dumps(shape_of(each, with_sheets=fields or octets)))
    else:
        from ikelab.cli.ladder import draw

        draw(followed, follower, outcome, with_sheets=fields or octets, all_octets=octets, sums_up=not frames)
    for remark in capture.remarks:
        _say(f"{file}: {remark}")
    raise SystemExit(max(status, 0 if outcome.all_is_well else 1))


def _beliefs(key_files: tuple[Path, ...], psk: str | None) -> Beliefs:
    """All that the options say; the first pre-shared key counts. Raises Misuse."""
    beliefs = Beliefs.of_all(parse_keys(_read(path, "--keys"), name=str(path)) for path in key_files)
    for remark in beliefs.remarks:
        _say(remark)
    return beliefs if psk is None else beliefs.with_psk(given.psk(psk, "--psk"))


def _read(path: Path, option: str) -> bytes:
    try:
        with path.open("rb") as stream:
            octets = stream.read(LARGEST_KEY_FILE + 1)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise Misuse(f"{option} {path}: expected a file that can be read, got: {reason}") from None
    if len(octets) > LARGEST_KEY_FILE:
        raise Misuse(f"{option} {path}: expected at most {LARGEST_KEY_FILE} octets, got more")
    return octets


def _followed(capture: Capture, follower: Follower) -> Iterator[Followed | FollowedPacket]:
    with Progress() as progress:
        for number, datagram in enumerate(capture):
            if number % FRAMES_BETWEEN_LINES == 0:
                progress.say(f"reading {capture.path.name}: frame {datagram.frame}")
            if (followed := follower.hear(datagram)) is not None:
                yield followed


def _shown(
    every: Iterator[Followed | FollowedPacket], wanted: frozenset[int], outcome: Outcome, file: Path
) -> Iterator[Followed | FollowedPacket]:
    """Those of the frames that were asked for; only they count. Raises Misuse where one holds nothing to show."""
    missing = set(wanted)
    for followed in every:
        frame = followed.frame if isinstance(followed, FollowedPacket) else followed.heard.frame
        if not wanted or frame in wanted:
            missing.discard(frame)
            outcome.take(followed)
            yield followed
    if missing:
        named = ", ".join(map(str, sorted(missing)))
        raise Misuse(f"--frame: expected a frame of {file} that holds IKE, ESP or AH, got {named}")


def _guessed(capture: Capture, beliefs: Beliefs, wordlist: Path) -> tuple[Beliefs, bool]:
    """The beliefs with every pre-shared key that a word turned out to be, and whether that was all of them."""
    follower, targets = Follower(beliefs), dict[tuple[bytes, bytes], Target]()
    for followed in _followed(capture, follower):
        if isinstance(followed, Followed) and (target := target_of(followed)) is not None:
            targets.setdefault((target.cookie_i, target.cookie_r), target)
    if not targets:
        raise Misuse(
            f"--wordlist: expected an Aggressive Mode exchange with a pre-shared key, whose HASH_R goes in clear; "
            f"{capture.path} has none"
        )
    standing = dict(targets)
    with Progress() as progress:
        words = _Words(wordlist, progress)
        for number, word, target in guess(targets.values(), words):
            del standing[target.cookie_i, target.cookie_r]
            beliefs = _with_guess(beliefs, target, word)
            _say(f"frame {target.frame}: word {number:,} gives HASH_R: the pre-shared key is {_spelt(word)}")
    for target in standing.values():
        _say(f"frame {target.frame}: no word gives HASH_R")
    _say(f"{words.tried:,} words in {progress.seconds:.2f} s: {words.tried / progress.seconds:,.0f} words/s")
    return beliefs, not standing


class _Words:
    """The lines of a file without their ends, counted as they are taken. Raises Misuse where it cannot be read."""

    def __init__(self, path: Path, progress: Progress) -> None:
        self.path, self.progress = path, progress
        self.tried = 0

    def __iter__(self) -> Iterator[bytes]:
        read = 0
        try:
            with self.path.open("rb") as stream:
                size = os.fstat(stream.fileno()).st_size
                for line in stream:
                    read += len(line)
                    self.tried += 1
                    if self.tried % WORDS_BETWEEN_LINES == 0:
                        share = f", {100 * read // size} %" if size else ""
                        speed = self.tried / self.progress.seconds
                        self.progress.say(f"trying words: {self.tried:,}{share}, {speed:,.0f} words/s")
                    yield line.rstrip(b"\r\n")
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or str(error)
            raise Misuse(f"--wordlist {self.path}: expected a file that can be read, got: {reason}") from None


def _with_guess(beliefs: Beliefs, target: Target, word: bytes) -> Beliefs:
    """The same, with the word as pre-shared key of every entry about this SA that names none, or in one of its own."""
    about = [belief for belief in beliefs.ike if belief.is_about(target.cookie_i, target.cookie_r)]
    others = tuple(belief for belief in beliefs.ike if belief not in about)
    believed = [replace(belief, psk=word) for belief in about if belief.psk is None]
    if not believed:
        believed = [Belief(cookie_i=target.cookie_i, cookie_r=target.cookie_r, psk=word)]
    kept = tuple(belief for belief in about if belief.psk is not None)
    return replace(beliefs, ike=(*others, *believed, *kept))


def _spelt(word: bytes) -> str:
    """A pre-shared key as --psk would take it."""
    text = word.decode("utf-8", errors="replace")
    plain = text.encode("utf-8") == word and text.isprintable() and not text.startswith("0x")
    return json.dumps(text, ensure_ascii=False) if plain else f"0x{word.hex()}"


def _say(sentence: str) -> None:
    click.echo(visible(sentence), err=True)
