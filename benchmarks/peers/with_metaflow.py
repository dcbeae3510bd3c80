"""metaflow: a flow with a `foreach` step and a join, so W1 alone."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks.peers.task import timed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from benchmarks.peers.task import Task

FLOW = """\
from metaflow import FlowSpec, step


class Fan(FlowSpec):
    @step
    def start(self):
        self.numbers = list(range({count}))
        self.next(self.work, foreach="numbers")

    @step
    def work(self):
        self.value = None
        self.next(self.gather)

    @step
    def gather(self, inputs):
        self.count = len([each.value for each in inputs])
        self.next(self.end)

    @step
    def end(self):
        with open("result", "w") as file:
            file.write(str(self.count))


if __name__ == "__main__":
    Fan()
"""


def run(tasks: list[Task], workers: int) -> object:
    """Run the flow in a folder of its own."""
    count = sum(work == "noop" for _, work, _ in tasks)
    if len(tasks) != count + 2:
        sys.exit("metaflow's graphs are fixed in its source: this program knows W1 only")
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "flow.py").write_text(FLOW.format(count=count))
        own = {"METAFLOW_HOME": folder, "METAFLOW_DATASTORE_SYSROOT_LOCAL": folder, "USERNAME": "benchmark"}
        command = [sys.executable, "flow.py", "--quiet", "run", "--max-workers", str(workers)]
        subprocess.run([*command, "--max-num-splits", str(count + 1)], cwd=folder, env=os.environ | own, check=True)
        return int(Path(folder, "result").read_text())


if __name__ == "__main__":
    timed(run)
