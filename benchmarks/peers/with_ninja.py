"""ninja: one rule, a build line for each task, one `python` each; no values pass."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks.peers.task import read, timed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from benchmarks.peers.task import Task

RULE = f"""\
rule work
  command = {sys.executable} -c pass && touch $out

"""


def run(tasks: list[Task], workers: int) -> object:
    """Run ninja in a folder of its own; the result is the expected one where the last file is there."""
    last = tasks[-1][0]
    lines = [f"build {task}.done: work {' '.join(f'{need}.done' for need in needs)}\n" for task, _, needs in tasks]
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "build.ninja").write_text(RULE + "".join(lines))
        command = ["ninja", "--quiet", "-j", str(workers), f"{last}.done"]
        subprocess.run(command, cwd=folder, check=True)
        is_done = Path(folder, f"{last}.done").exists()
    return read(sys.argv[1])[1] if is_done else None


if __name__ == "__main__":
    timed(run)
