"""Measure what can be measured: `python -m tests.bench`, or only some: `python -m tests.bench import_time`.

A benchmark is a module bench_NAME.py of this folder, with a function `main()` that prints its figures; its docstring's
first line is the heading. Where figures are compared, both are taken in the same run.
"""

from __future__ import annotations

import importlib
import platform
import sys
import time
from pathlib import Path

PREFIX = "bench_"


def main(asked: list[str]) -> int:
    """Run the benchmarks asked for, or all. Status 2 if there is none of a name."""
    there = [path.stem.removeprefix(PREFIX) for path in sorted(Path(__file__).parent.glob(f"{PREFIX}*.py"))]
    if unknown := set(asked) - set(there):
        print(f"bench: expected some of {', '.join(there)}; got {', '.join(sorted(unknown))}", file=sys.stderr)
        return 2
    print(f"Python {platform.python_version()}, {platform.machine()}, {platform.system()} {platform.release()}")
    for name in asked or there:
        benchmark = importlib.import_module(f"tests.bench.{PREFIX}{name}")
        print(f"\n{name}: {(benchmark.__doc__ or '').partition(chr(10))[0]}")
        began = time.perf_counter()
        benchmark.main()
        print(f"  (took {time.perf_counter() - began:.1f} s)")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
