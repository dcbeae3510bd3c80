"""`flowpar run` in this process tree, timed without its start-up: `python watched_run.py on|off FILE ARGUMENT...`.

With `off` nobody is told what happens: no journal, no log, no view. What the run took is written into FILE.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Any


class Nobody:
    """Takes the place of all who are told."""

    def __init__(self, *_sinks: object, **_ways: object) -> None:
        """Tell nobody."""

    def _take(self, *_told: object) -> None:
        """Forget what is told."""

    emit = commit = close = complain = flush = begin_commit = _take


def main(tells: str, file: str, arguments: list[str]) -> int:
    """Run the command as its entry does, with a clock around the run."""
    from flowpar.execute.guard import split  # first, as in `flowpar.__main__`

    tree = split(arguments)
    from flowpar.cli.main import main as run_command
    from flowpar.engine import build

    run = build._run  # noqa: SLF001 (it has no public name, and this is what is measured)

    def timed(*given: Any, **named: Any) -> Any:
        started = time.perf_counter()
        end = run(*given, **named)
        Path(file).write_text(f"{time.perf_counter() - started}\n")
        return end

    # By name: a type checker knows that these are no part of what the module gives away.
    setattr(build, "_run", timed)  # noqa: B010
    if tells == "off":
        setattr(build, "FanoutSink", Nobody)  # noqa: B010
    return run_command(arguments, tree=tree)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2], sys.argv[3:]))
