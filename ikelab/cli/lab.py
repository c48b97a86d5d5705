"""Open JupyterLab at the first lesson."""

from __future__ import annotations

import http.client
import importlib.util
import os
import secrets
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from urllib.parse import quote

import click

from ikelab.course.lessons import FIRST_LESSON, bring_lessons
from ikelab.course.shipped import in_a_clone, shipped_folder
from ikelab.errors import Misuse

OWN_JUPYTER_SETTINGS = Path(__file__).parent / "jupyter"
USUAL_PORTS = range(8888, 8988)
NOT_LISTED = ("__pycache__", "*.pyc", "*.pyo", ".DS_Store", "*~", "[0-9][0-9]_*.md")
"""What the list of files leaves out: what Jupyter does, and the texts of the notebooks, which have the solutions."""
SECONDS_TO_START = 120
SECONDS_TO_STOP = 15


@click.command()
@click.option(
    "--port", type=click.IntRange(1, 65535), help="Port on 127.0.0.1.  [default: 8888, or another one that is free]"
)
@click.option("--no-browser", is_flag=True, help="Only print the URL.")
@click.option(
    "--folder",
    type=click.Path(path_type=Path),
    help="Where your lessons are kept.  [default: those of the clone, or else ikelab-lessons in your home]",
)
def command(port: int | None, no_browser: bool, folder: Path | None) -> None:
    """Open JupyterLab at the first lesson, and print its URL.

    Run from a clone, the lessons are those of the clone. Run from an installed ikelab, they are first copied into a
    folder of yours; what you changed there stays as it is.
    """
    if importlib.util.find_spec("jupyterlab") is None:
        raise Misuse("ikelab lab needs JupyterLab, which is not installed: pip install 'ikelab[all]'")
    lessons = _lessons_to_open(folder)
    if not (lessons / FIRST_LESSON).is_file():
        raise Misuse(f"{lessons}: expected the first lesson, {FIRST_LESSON}, there, and found none")
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    for each in [port] if port else USUAL_PORTS:
        if _is_free(each) and (status := _serve(lessons, port=each, opens_browser=not no_browser)) is not None:
            raise SystemExit(status)
    tried = port or f"{USUAL_PORTS[0]} to {USUAL_PORTS[-1]}"
    raise Misuse(f"--port: expected a free port on 127.0.0.1, but {tried} cannot be had; name another one")


def _lessons_to_open(folder: Path | None) -> Path:
    if folder is None and in_a_clone():
        return shipped_folder("lessons")
    origin = shipped_folder("lessons")
    delivery = bring_lessons(origin=origin, folder=(folder or Path.home() / "ikelab-lessons").absolute())
    for sentence in delivery.sentences():
        click.echo(sentence)
    return delivery.folder


def _is_free(port: int) -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        if os.name == "posix":
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def _serve(lessons: Path, *, port: int, opens_browser: bool) -> int | None:
    """Run JupyterLab until it ends or is interrupted; its exit status, or None if another took the port from it."""
    token = secrets.token_urlsafe(24)
    server = subprocess.Popen(_command_line(lessons, port, opens_browser), env=_environment(token))
    try:
        if not _gets_the_port(server, port, token):
            return None
        click.echo(f"Lessons: {lessons}")
        click.echo(f"Open:    http://127.0.0.1:{port}{_page(FIRST_LESSON)}?token={token}")
        click.echo("Stop:    Ctrl-C")
        return server.wait()
    except KeyboardInterrupt:
        click.echo("Stopping.")
        return 0
    finally:
        _stop(server)


def _command_line(lessons: Path, port: int, opens_browser: bool) -> list[str]:
    as_root = getattr(os, "geteuid", lambda: 1)() == 0
    return [
        *(sys.executable, "-m", "jupyterlab"),
        *([] if opens_browser else ["--no-browser"]),
        *(["--allow-root"] if as_root else []),
        *("--ip=127.0.0.1", f"--port={port}", "--ServerApp.port_retries=0", "--log-level=WARN"),
        f"--ServerApp.root_dir={lessons}",
        f"--LabApp.default_url={_page(FIRST_LESSON)}",
        "--LabApp.log_level=WARN",
        "--ServerApp.answer_yes=True",
        "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
        "--LabApp.extension_manager=readonly",
        *(f"--ContentsManager.hide_globs={each}" for each in NOT_LISTED),
    ]


def _environment(token: str) -> dict[str, str]:
    """The token goes by the environment, for command lines can be read by everybody on the machine."""
    settings = os.pathsep.join(filter(None, (str(OWN_JUPYTER_SETTINGS), os.environ.get("JUPYTER_CONFIG_PATH"))))
    return {**os.environ, "JUPYTER_TOKEN": token, "JUPYTER_CONFIG_PATH": settings}


def _page(lesson: str) -> str:
    return f"/lab/tree/{quote(lesson)}"


def _gets_the_port(server: subprocess.Popen[bytes], port: int, token: str) -> bool:
    """Wait for the server to answer, and say whether it is this one and not another that was quicker.

    Jupyter looks whether a port is free well before it takes it; one that comes too late runs on without a port.
    Raises Misuse if the server ends for another reason, or stays silent.
    """
    deadline = time.monotonic() + SECONDS_TO_START
    while time.monotonic() < deadline:
        if (it_is_this_one := _knows_token(port, token)) is not None:
            return it_is_this_one
        if (status := server.poll()) is not None:
            if not _is_free(port):
                return False
            raise Misuse(f"JupyterLab ended with status {status} before it could be opened; it said why above")
        time.sleep(0.1)
    raise Misuse(f"JupyterLab has not started within {SECONDS_TO_START} s")


def _knows_token(port: int, token: str) -> bool | None:
    """Whether who listens on this port lets one in with this token; None while nobody answers."""
    request = urllib.request.Request(f"http://127.0.0.1:{port}/api/status", headers={"Authorization": f"token {token}"})
    try:
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=5):
            return True
    except urllib.error.HTTPError:
        return False
    except (OSError, http.client.HTTPException):
        return None


def _stop(server: subprocess.Popen[bytes]) -> None:
    server.terminate()
    try:
        server.wait(SECONDS_TO_STOP)
    except subprocess.TimeoutExpired:
        server.kill()
        server.wait()
