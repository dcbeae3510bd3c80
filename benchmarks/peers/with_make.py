"""make: a rule for each task, one `python` each, and a file that says it is done; no values pass."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks.peers.task import read, timed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from benchmarks.peers.task import Task

RULE = """\
{task}.done: {needs}
\t@{python} -c pass && touch $@
"""


def run(tasks: list[Task], workers: int) -> object:
    """Run make in a folder of its own; the result is the expected one where the last file is there."""
    last = tasks[-1][0]
    rules = [
        RULE.format(task=task, needs=" ".join(f"{need}.done" for need in needs), python=sys.executable)
        for task, _, needs in tasks
    ]
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "Makefile").write_text("".join(rules))
        command = ["make", "-s", "-j", str(workers), f"{last}.done"]
        subprocess.run(command, cwd=folder, check=True)
        is_done = Path(folder, f"{last}.done").exists()
    return read(sys.argv[1])[1] if is_done else None


if __name__ == "__main__":
    timed(run)
