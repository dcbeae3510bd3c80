"""Run every benchmark once and print its figures: `python -m benchmarks [REPEATS]`."""

from __future__ import annotations

import os
import platform
import sys
import tempfile
from pathlib import Path

from benchmarks import imports, launch, startup, warm


def main(repeats: int) -> None:
    """Print each figure as soon as it is measured."""
    print(f"Python {platform.python_version()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.2f}")
    print("ratios, median of paired rounds; smaller is better")
    for benchmark in (startup, launch, warm, imports):
        with tempfile.TemporaryDirectory() as folder:
            for figure in benchmark.figures(Path(folder), repeats=repeats):
                print(figure.line(), flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 5)
