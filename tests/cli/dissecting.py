"""Running `ikelab dissect` as a user would, and the key files that go with the recordings."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from click.testing import CliRunner, Result

from ikelab.cli import main
from ikelab.net.capture import CapturedDatagram, read_capture, write_capture
from tests.needs import captures_dir


def dissect(*arguments: object) -> Result:
    """Run the command; whatever is not a decent end of it is raised here."""
    result = CliRunner().invoke(main, ["dissect", *map(str, arguments)])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def objects(result: Result) -> list[dict[str, Any]]:
    """What --json printed: every line is one object."""
    return [json.loads(line) for line in result.stdout.splitlines()]


def pcap(name: str) -> Path:
    """The capture of a recorded conversation."""
    return captures_dir() / name / "capture.pcap"


def facts(name: str) -> dict[str, Any]:
    """What the two gateways knew in a recorded conversation."""
    document: dict[str, Any] = json.loads((captures_dir() / name / "facts.json").read_text())
    return document


def only_psk_and_dh(whole: dict[str, Any]) -> dict[str, Any]:
    """The facts without anything that can be derived: pre-shared keys, and the Diffie-Hellman secrets."""
    quick = [entry for entry in whole.get("quick", []) if "g_xy" in entry]
    return {
        "psk": whole["psk"],
        "ike": [_only(entry, "cookie_i", "cookie_r", "g_xy", "psk") for entry in whole.get("ike", [])],
        "quick": [_only(entry, "spi_i", "spi_r", "g_xy") for entry in quick],
    }


def _only(entry: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: entry[name] for name in names if name in entry}


def written(folder: Path, document: object, name: str = "keys.json") -> Path:
    """A file that holds the document as JSON, or the text as it is."""
    path = folder / name
    path.write_text(document if isinstance(document, str) else json.dumps(document))
    return path


def datagrams(name: str) -> list[CapturedDatagram]:
    """The datagrams of a recorded conversation."""
    return list(read_capture(pcap(name)))


def recorded(folder: Path, made: list[CapturedDatagram], name: str = "made.pcap") -> Path:
    """A capture of these datagrams."""
    path = folder / name
    write_capture(path, made)
    return path
