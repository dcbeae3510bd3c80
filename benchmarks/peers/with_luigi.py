"""luigi: a task class with `requires`, a local target and its local scheduler."""

from __future__ import annotations

import json
import sys
import tempfile

import luigi

from benchmarks.peers.task import WORK, read, timed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from benchmarks.peers.task import Task

GRAPH = {task: (work, needs) for task, work, needs in read(sys.argv[1])[0]}


class Node(luigi.Task):
    """One task of the graph, whose output is a file with its value."""

    name = luigi.Parameter()
    folder = luigi.Parameter(significant=False)

    def requires(self) -> list[Node]:
        """Return the tasks that this one needs."""
        return [Node(name=need, folder=self.folder) for need in GRAPH[self.name][1]]

    def output(self) -> luigi.LocalTarget:
        """Return the file of the value."""
        return luigi.LocalTarget(f"{self.folder}/{self.name}.json")

    def run(self) -> None:
        """Read the values of the needs, work, write."""
        values = []
        for target in self.input():
            with target.open() as file:
                values.append(json.load(file))
        with self.output().open("w") as file:
            json.dump(WORK[GRAPH[self.name][0]](values), file)


def run(tasks: list[Task], workers: int) -> object:
    """Build the last task with all that it needs."""
    with tempfile.TemporaryDirectory() as folder:
        last = Node(name=tasks[-1][0], folder=folder)
        luigi.build([last], workers=workers, local_scheduler=True, log_level="ERROR")
        with last.output().open() as file:
            return json.load(file)


if __name__ == "__main__":
    timed(run)
