"""snakemake: one rule for all tasks, a file and one `python` for each, as make and ninja have it; no values pass."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks.peers.task import read, timed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from benchmarks.peers.task import Task

SNAKEFILE = """\
import json
with open("needs.json") as file:
    NEEDS = json.load(file)

rule all:
    input: "{last}.done"

rule work:
    output: "{{task}}.done"
    input: lambda wildcards: [f"{{need}}.done" for need in NEEDS[wildcards.task]]
    shell: "{python} -c pass && touch {{output}}"
"""


def run(tasks: list[Task], workers: int) -> object:
    """Run the command line in a folder of its own; the result is the expected one where the last file is there."""
    last = tasks[-1][0]
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "Snakefile").write_text(SNAKEFILE.format(last=last, python=sys.executable))
        Path(folder, "needs.json").write_text(json.dumps({task: needs for task, _, needs in tasks}))
        command = [sys.executable, "-m", "snakemake", "--cores", str(workers), "--quiet", "all"]
        subprocess.run(command, cwd=folder, check=True)
        is_done = Path(folder, f"{last}.done").exists()
    return read(sys.argv[1])[1] if is_done else None


if __name__ == "__main__":
    timed(run)
