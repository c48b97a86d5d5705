"""A real JupyterLab in a real Chromium, for tests that look at what a learner sees.

The server is the one that `ikelab lab` starts, with folders of its own; the pages share one Chromium. A test takes the
fixture `lab_page` and says how it wants to look::

    page = lab_page(scheme="dark", width=390)
    open_lesson(page, "00_start.ipynb")
    run_all(page)
    shot(page, "start")

When the test ends, every page must have asked nobody but 127.0.0.1 for anything.
"""

from __future__ import annotations

import http.client
import json
import os
import re
import signal
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

import nbformat
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, Locator, Page, sync_playwright

from ikelab.course.lessons import FIRST_LESSON
from ikelab.course.shipped import shipped_folder
from tests.needs import chromium_path, floor_python

CHROMIUM_FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
]
NARROW = 600
"""Below this width in pixels JupyterLab's side bar leaves a notebook no room: it is opened in the one-document view."""

KERNEL_IS_READY = """() => {
    const panel = window.jupyterapp?.shell?.currentWidget, kernel = panel?.sessionContext?.session?.kernel;
    return !!kernel && panel.context.isReady && panel.sessionContext.isReady
        && kernel.connectionStatus === 'connected' && kernel.status === 'idle';
}"""
START_ALL_CELLS = """() => {
    const panel = window.jupyterapp.shell.currentWidget;
    const code = panel.content.widgets.filter(cell => cell.model.type === 'code');
    window.ikelabBefore = code.map(cell => cell.model.executionCount);
    window.jupyterapp.commands.execute('notebook:run-all-cells');
}"""
ALL_CELLS_ARE_DONE = """() => {
    const panel = window.jupyterapp.shell.currentWidget;
    const code = panel.content.widgets.filter(cell => cell.model.type === 'code');
    const ran = (cell, n) => !cell.model.sharedModel.source.trim()
        || (cell.model.executionCount !== null && cell.model.executionCount !== window.ikelabBefore[n]);
    const failed = cell => cell.model.outputs.toJSON().some(output => output.output_type === 'error');
    return (code.every(ran) || code.some(failed)) && panel.sessionContext.session.kernel.status === 'idle';
}"""
ERRORS_IN_OUTPUTS = """() => window.jupyterapp.shell.currentWidget.content.widgets
    .filter(cell => cell.model.type === 'code').flatMap(cell => cell.model.outputs.toJSON())
    .filter(output => output.output_type === 'error').map(output => output.traceback.join('\\n'))"""


@dataclass(frozen=True, kw_only=True)
class Lab:
    """A running JupyterLab: its site (scheme, address, port), what lets one in, and the folder of its lessons."""

    site: str
    token: str
    folder: Path

    def listed(self) -> list[str]:
        """The files and folders that the learner sees in the list."""
        with self._asked("GET", "/api/contents") as answer:
            return [each["name"] for each in json.load(answer)["content"]]

    def stop_kernels(self) -> None:
        """End every kernel, so that whoever opens a notebook next begins with nothing defined."""
        for session in self._ask("GET", "/api/sessions"):
            self._ask("DELETE", f"/api/sessions/{session['id']}")

    def _ask(self, method: str, path: str) -> list[dict[str, str]]:
        with self._asked(method, path) as answer:
            return json.loads(answer.read() or "[]")

    def _asked(self, method: str, path: str) -> http.client.HTTPResponse:
        request = urllib.request.Request(f"{self.site}{path}", method=method)
        request.add_header("Authorization", f"token {self.token}")
        return urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=30)


@dataclass(frozen=True, kw_only=True)
class Requests:
    """Every URL that a page asked for, WebSockets included."""

    urls: list[str] = field(default_factory=list)

    def watch(self, context: BrowserContext, page: Page) -> None:
        context.on("request", lambda request: self.urls.append(request.url))
        page.on("websocket", lambda websocket: self.urls.append(websocket.url))

    def outside(self) -> list[str]:
        """Those that would have left this machine."""
        parts = [(url, urlsplit(url)) for url in self.urls]
        return [url for url, part in parts if part.scheme not in ("data", "blob") and part.hostname != "127.0.0.1"]


def write_notebook(path: Path, *cells: str) -> None:
    """Make a notebook of these code cells. (Without the name of a kernel, JupyterLab would ask for one.)"""
    path.parent.mkdir(parents=True, exist_ok=True)
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells], metadata=kernel)
    nbformat.write(notebook, path)


def open_lesson(page: Page, name: str) -> None:
    """Open a notebook and wait until its kernel could run a cell."""
    width = (page.viewport_size or {"width": 1280})["width"]
    page.goto(f"/{'doc' if width < NARROW else 'lab'}/tree/{name}?reset")
    page.wait_for_selector(".jp-Notebook .jp-CodeCell", timeout=60_000)
    page.wait_for_function(KERNEL_IS_READY, timeout=60_000)


def run_all(page: Page) -> None:
    """Run every cell of the open notebook and wait for the last; fails with the traceback of a cell that failed."""
    page.evaluate(START_ALL_CELLS)
    page.wait_for_function(ALL_CELLS_ARE_DONE, timeout=120_000)
    errors = [re.sub(r"\x1b\[[0-9;]*m", "", error) for error in page.evaluate(ERRORS_IN_OUTPUTS)]
    assert not errors, "a cell failed:\n" + "\n".join(errors)


def shot(seen: Page | Locator, name: str) -> None:
    """Keep a screenshot as NAME.png in the folder that IKELAB_SHOTS names; nothing, where it names none."""
    if folder := os.environ.get("IKELAB_SHOTS"):
        Path(folder).mkdir(parents=True, exist_ok=True)
        seen.screenshot(path=Path(folder) / f"{name}.png")


def accessibility_complaints(page: Page, selector: str) -> list[str]:
    """What axe-core holds against the part of the page that `selector` names: rule, weight and elements."""
    violations = Axe().run(page, context=selector).response["violations"]
    return [f"{it['id']} ({it['impact']}): {[node['target'] for node in it['nodes']]}" for it in violations]


@contextmanager
def running_lab(home: Path, python: Path = Path(sys.executable)) -> Iterator[Lab]:
    """`ikelab lab` as `python` runs it, with all that Jupyter writes kept below `home`."""
    settings = home / "settings" / "@jupyterlab" / "apputils-extension"
    settings.mkdir(parents=True)
    (settings / "themes.jupyterlab-settings").write_text('{"adaptive-theme": true}')
    (home / "config").mkdir()
    (home / "config" / "jupyter_lab_config.json").write_text('{"LabApp": {"expose_app_in_browser": true}}')
    places = {
        "JUPYTER_CONFIG_DIR": "config",
        "JUPYTER_DATA_DIR": "data",
        "JUPYTER_RUNTIME_DIR": "runtime",
        "JUPYTERLAB_SETTINGS_DIR": "settings",
        "JUPYTERLAB_WORKSPACES_DIR": "workspaces",
        "IPYTHONDIR": "ipython",
    }
    environment = os.environ | {name: str(home / place) for name, place in places.items()}
    program = [str(python), "-c", "from ikelab.cli import main; main()"]
    command = [*program, "lab", "--no-browser", "--folder", str(home / "lessons")]
    with (
        (home / "log.txt").open("wb") as log,
        subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=log, text=True) as server,
    ):
        try:
            yield _announced(server, home)
        finally:
            server.send_signal(signal.SIGTERM)


def _announced(server: subprocess.Popen[str], home: Path) -> Lab:
    assert server.stdout is not None
    said = []
    for line in server.stdout:
        said.append(line)
        if found := re.search(r"(http://127\.0\.0\.1:\d+)/\S+\?token=(\S+)", line):
            threading.Thread(target=server.stdout.read, daemon=True).start()
            return Lab(site=found[1], token=found[2], folder=home / "lessons")
    raise AssertionError(f"ikelab lab gave no URL:\n{''.join(said)}{(home / 'log.txt').read_text()}")


@pytest.fixture(scope="package")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """One JupyterLab for all tests of this folder, with a copy of the lessons."""
    home = tmp_path_factory.mktemp("lab")
    if not (shipped_folder("lessons") / FIRST_LESSON).exists():
        write_notebook(home / "lessons" / FIRST_LESSON)
    with running_lab(home) as started:
        yield started


@pytest.fixture(scope="package")
def floor_lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """The oldest JupyterLab that the lab is opened in."""
    with running_lab(tmp_path_factory.mktemp("floor"), floor_python()) as started:
        yield started


@pytest.fixture(scope="package")
def chromium() -> Iterator[Browser]:
    """One Chromium for all tests of this folder.

    It is gone before this process goes on to any other test: while Playwright is there, an event loop runs in this
    thread, and `asyncio.run` refuses to work.
    """
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium_path(), headless=True, args=CHROMIUM_FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def lab_page(lab: Lab, chromium: Browser) -> Iterator[Callable[..., Page]]:
    """Opens pages that are logged in to the lab; see `tests.browser.lab`."""
    with watched_pages(chromium, site=lab.site, token=lab.token) as open_page:
        yield open_page
    lab.stop_kernels()


@contextmanager
def watched_pages(browser: Browser, *, site: str, token: str = "") -> Iterator[Callable[..., Page]]:
    """A function that opens pages on `site`; afterwards they are closed, and must have kept to this machine."""
    opened: list[tuple[BrowserContext, Requests]] = []

    def open_page(*, scheme: Literal["light", "dark"] = "light", width: int = 1280, height: int = 900) -> Page:
        size = {"width": width, "height": height}
        context = browser.new_context(base_url=site, color_scheme=scheme, viewport=size)
        opened.append((context, requests := Requests()))
        if token:
            context.request.get(f"/lab?token={token}")
        page = context.new_page()
        requests.watch(context, page)
        return page

    try:
        yield open_page
    finally:
        for context, _ in opened:
            context.close()
    outside = [url for _, requests in opened for url in requests.outside()]
    assert not outside, f"requests that would have left this machine: {outside}"
