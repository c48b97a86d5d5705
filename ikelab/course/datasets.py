"""Recorded conversations by name: the packets, what the peers knew, and where it all comes from.

recording = dataset("main_psk_nopfs")
for datagram in recording.capture(): ...
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path

from ikelab.course.shipped import shipped_folder
from ikelab.errors import Misuse
from ikelab.ike import given
from ikelab.ike.beliefs import Beliefs
from ikelab.net.capture import Capture, read_capture

CAPTURE, FACTS, README = "capture.pcap", "facts.json", "README.md"
PROVENANCE = ("name", "what", "shows", "established", "peers", "made_with", "recorded", "source", "licence", "sha256",
              "verified_with")  # fmt: skip
"""What every facts.json must say; secrets come on top."""


@dataclass(frozen=True, kw_only=True)
class Dataset:
    """A recorded conversation. `facts` is its facts.json, parsed: provenance, and the secrets of the peers."""

    name: str
    folder: Path
    facts: Mapping[str, object]

    @property
    def what(self) -> str:
        """One line about it."""
        return str(self.facts["what"])

    @property
    def capture_path(self) -> Path:
        """Where the packets are."""
        return self.folder / CAPTURE

    @property
    def keys_path(self) -> Path:
        """Where the secrets are: a key file for `ikelab dissect --keys`."""
        return self.folder / FACTS

    @property
    def readme(self) -> str:
        """What to look at, as Markdown."""
        return (self.folder / README).read_text("utf-8")

    def capture(self) -> Capture:
        """The packets, to be iterated over."""
        return read_capture(self.capture_path)

    def beliefs(self) -> Beliefs:
        """All that the peers knew, to follow the conversation with."""
        return Beliefs.from_json(self.facts, name=str(self.keys_path))


def dataset(name: str) -> Dataset:
    """The dataset of that name. Raises Misuse, with the names there are, where there is none or it is damaged."""
    folder = shipped_folder("datasets")
    names = [path.name for path in _folders(folder)]
    if name not in names:
        close = [each for each in names if each.startswith(name)] if name else []
        close = (close or get_close_matches(name, names))[:3]
        advice = f"; did you mean {' or '.join(close)}?" if close else ""
        raise Misuse(f"dataset: expected one of {', '.join(names)}, got {name!r}{advice}")
    return read_dataset(folder / name)


def datasets() -> tuple[Dataset, ...]:
    """Every dataset that came with ikelab, by name."""
    return tuple(read_dataset(folder) for folder in _folders(shipped_folder("datasets")))


def read_dataset(folder: Path) -> Dataset:
    """The dataset in a folder. Raises Misuse unless it is whole and its capture is the one its facts tell of."""
    try:
        document: object = json.loads((folder / FACTS).read_text("utf-8"))
        digest = hashlib.sha256((folder / CAPTURE).read_bytes()).hexdigest()
        if not (folder / README).is_file():
            raise Misuse(f"{folder}: expected a {README}, got none")
    except FileNotFoundError as error:
        raise Misuse(f"{folder}: expected a {Path(error.filename).name}, got none") from None
    except (OSError, ValueError, RecursionError) as error:
        raise Misuse(f"{folder / FACTS}: expected a JSON object that can be read, got: {error}") from None
    facts = given.mapping(document, str(folder / FACTS))
    if missing := [key for key in PROVENANCE if facts.get(key) in (None, "", [], {})]:
        raise Misuse(f"{folder / FACTS}: expected {', '.join(PROVENANCE)}, got no {', '.join(missing)}")
    if facts["name"] != folder.name:
        raise Misuse(f"{folder / FACTS}: expected the folder's name, got {facts['name']!r}")
    if facts["sha256"] != digest:
        raise Misuse(f"{folder / CAPTURE}: expected the capture of sha256 {facts['sha256']}, got one of {digest}")
    return Dataset(name=folder.name, folder=folder, facts=facts)


def _folders(parent: Path) -> Iterator[Path]:
    yield from (path for path in sorted(parent.iterdir()) if path.is_dir() and not path.name.startswith((".", "_")))
