"""Run a notebook to the end and write it with its outputs: `python -m tests.run_notebook IN.ipynb OUT.ipynb`.

The kernel refuses every connection to another machine. It is spoken to through files, so that all this also works where
there is no network whatsoever, not even loopback.
"""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path

import nbformat
from jupyter_client.kernelspec import KernelSpecManager
from jupyter_client.manager import AsyncKernelManager
from nbclient import NotebookClient

SECONDS_FOR_A_CELL = 120

KERNEL = """
import sys

def refuse(event, arguments):
    if event in ("socket.connect", "socket.sendto") and isinstance(arguments[-1], tuple):
        if arguments[-1][0] not in ("127.0.0.1", "::1", "localhost"):
            raise PermissionError(f"a lesson asked the network: {arguments[-1]}")

sys.addaudithook(refuse)
from ipykernel.kernelapp import launch_new_instance
launch_new_instance()
"""


def run(source: Path, target: Path) -> None:
    """Run every cell. Raises what the first failing cell raised."""
    notebook = nbformat.read(source, as_version=4)
    with tempfile.TemporaryDirectory(prefix="ik") as folder:
        spec = Path(folder) / "kernels" / "python3"
        spec.mkdir(parents=True)
        argv = [sys.executable, "-c", KERNEL, "-f", "{connection_file}"]
        kernel = {"argv": argv, "display_name": "Python 3", "language": "python"}
        (spec / "kernel.json").write_text(json.dumps(kernel), "utf-8")
        manager = AsyncKernelManager(
            kernel_name="python3",
            kernel_spec_manager=KernelSpecManager(kernel_dirs=[str(spec.parent)], ensure_native_kernel=False),
            transport="ipc",
            connection_file=f"{folder}/c.json",
        )
        NotebookClient(notebook, km=manager, timeout=SECONDS_FOR_A_CELL, record_timing=True).execute(cwd=folder)
    nbformat.write(notebook, target)


if __name__ == "__main__":
    run(Path(sys.argv[1]), Path(sys.argv[2]))
