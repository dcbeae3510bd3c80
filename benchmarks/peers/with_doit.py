"""doit: task dictionaries with Python actions, values passed by `getargs`, `doit run -n WORKERS`."""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from doit.cmd_base import TaskLoader2
from doit.doit_cmd import DoitMain
from doit.task import dict_to_task

from benchmarks.peers.task import WORK, timed

if TYPE_CHECKING:
    from benchmarks.peers.task import Task


class Loader(TaskLoader2):  # the documented way to make tasks without a dodo.py
    """Gives doit the tasks of a graph."""

    def __init__(self, tasks: list[Task], folder: str) -> None:
        """Keep the graph, and where its last value goes."""
        super().__init__()
        self.tasks, self.folder = tasks, folder

    def setup(self, opt_values: dict[str, Any]) -> None:
        """Nothing is to be set up."""

    def load_doit_config(self) -> dict[str, Any]:
        """Keep the state in the folder, print nothing."""
        return {"dep_file": f"{self.folder}/state", "verbosity": 0, "reporter": "zero"}

    def load_tasks(self, cmd: object, pos_args: list[str]) -> list[Any]:  # noqa: ARG002
        """Return the tasks: a value is kept by doit and passed to those that name it."""
        loaded = []
        for task, work, needs in self.tasks:
            keep = f"{self.folder}/result" if task == self.tasks[-1][0] else None
            arguments = {f"value{n}": (need, "value") for n, need in enumerate(needs)}
            loaded.append(dict_to_task({"name": task, "actions": [(act, [work, keep])], "getargs": arguments}))
        return loaded


def act(work: str, keep: str | None, **values: object) -> dict[str, object]:
    """Work, and return the value as doit wants it."""
    value = WORK[work]([values[f"value{n}"] for n in range(len(values))])
    if keep:
        Path(keep).write_text(json.dumps(value))
    return {"value": value}


def run(tasks: list[Task], workers: int) -> object:
    """Run all tasks."""
    with tempfile.TemporaryDirectory() as folder:
        if code := DoitMain(Loader(tasks, folder)).run(["run", "-n", str(workers)]):
            sys.exit(code)
        return json.loads(Path(folder, "result").read_text())


if __name__ == "__main__":
    timed(run)
