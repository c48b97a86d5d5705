"""How long a learner waits for `import ikelab` and for the command to say its help, over a bare Python."""

from __future__ import annotations

import statistics
import subprocess
import sys
import time

ROUNDS = 15
PROGRAMS = {
    "bare Python": "pass",
    "import ikelab": "import ikelab",
    "ikelab --help": "from ikelab.cli import main; main(['--help'], standalone_mode=False)",
}


def main() -> None:
    """Print minimum and median of whole processes, taken in turn."""
    taken: dict[str, list[float]] = {name: [] for name in PROGRAMS}
    for _ in range(ROUNDS):
        for name, program in PROGRAMS.items():
            began = time.perf_counter()
            subprocess.run([sys.executable, "-c", program], check=True, stdout=subprocess.DEVNULL)
            taken[name].append((time.perf_counter() - began) * 1000)
    for name, milliseconds in taken.items():
        print(f"  {name:16} min {min(milliseconds):7.1f} ms   median {statistics.median(milliseconds):7.1f} ms")
