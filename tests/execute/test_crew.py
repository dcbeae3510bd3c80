"""The crew with its real parts: launcher, outputs, workers that make real attempts."""

from __future__ import annotations

import os
import pickle
import signal
import time
from typing import TYPE_CHECKING

import pytest

from flowpar.core.errors import MachineError
from flowpar.core.outcome import Failure, Success, ValueRef
from flowpar.data.store import ValueStore
from flowpar.execute import tree
from flowpar.execute.base import Completion, Job, Notice, Reported, Started
from flowpar.execute.crew import Crew
from flowpar.execute.recipe import Bindings, Call, Shared

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

DEADLINE_S = 60.0
HEAVY = {"pydantic", "networkx", "rich", "click", "structlog", "yaml", "orjson", "psutil", "_hashlib"}

STEPS = """
import os, sys, time
from flowpar.plugin.spec import TaskContext

def answer():
    return {"answer": 42}

def talk(context: TaskContext):
    context.progress(1, 2, note="half")
    context.logger.info("said", number=7)
    return os.getpid()

def wait():
    time.sleep(60)

def modules():
    return sorted(sys.modules)
"""


class Yard:
    """A crew, a folder with steps, and what the crew has told."""

    def __init__(self, folder: Path, wake_fd: int) -> None:
        (folder / "values").mkdir()
        (folder / "crew_steps.py").write_text(STEPS)
        self.folder = folder
        self.crew = Crew.open(tree=None, workers=2, wake_fd=wake_fd)
        self.shared = pickle.dumps(
            Shared(
                "run",
                str(folder),
                "test",
                str(folder),
                (),
                {},
                outputs_address=self.crew.outputs_address,
                outputs_key=self.crew.outputs_key,
            )
        )
        self.notices: list[Notice] = []
        self._number = 0

    def submit(self, function: str, executor: str = "process") -> int:
        self._number += 1
        recipe, bindings = pickle.dumps(Call(f"crew_steps:{function}", {})), pickle.dumps(Bindings())
        log = str(self.folder / f"{self._number}.log")
        self.crew.submit(executor, Job(self._number, function, None, 1, self.shared, recipe, bindings, log, 2.0))
        return self._number

    def until(self, is_met: Callable[[], bool]) -> None:
        deadline = time.monotonic() + DEADLINE_S
        while not is_met():
            assert time.monotonic() < deadline, self.notices
            self.notices.extend(self.crew.wait(0.05))

    def told(self, job: int) -> list[Notice]:
        return [notice for notice in self.notices if notice.job == job]

    def finish(self, job: int) -> Completion:
        self.until(lambda: any(isinstance(notice, Completion) for notice in self.told(job)))
        end = self.told(job)[-1]
        assert isinstance(end, Completion)
        return end


@pytest.fixture
def wake() -> Iterator[tuple[int, int]]:
    pipe = os.pipe()
    yield pipe
    for number in pipe:
        os.close(number)


@pytest.fixture
def yard(tmp_path: Path, wake: tuple[int, int]) -> Iterator[Yard]:
    made = Yard(tmp_path, wake[0])
    yield made
    made.crew.close()


def test_a_real_attempt_gives_a_real_value(yard: Yard) -> None:
    end = yard.finish(yard.submit("answer"))

    assert isinstance(end.outcome, Success), end
    assert ValueStore(yard.folder).get_plain(end.outcome.value) == {"answer": 42}


def test_a_task_process_is_weightless(yard: Yard) -> None:
    end = yard.finish(yard.submit("modules"))

    assert isinstance(end.outcome, Success), end
    modules = ValueStore(yard.folder).get_plain(end.outcome.value)
    assert isinstance(modules, list)
    assert "flowpar.execute.attempt" in modules
    assert not HEAVY.intersection(modules)


@pytest.mark.parametrize("executor", ["process", "pool", "thread", "inline"])
def test_what_a_task_says_comes_between_its_start_and_its_end(yard: Yard, executor: str) -> None:
    job = yard.submit("talk", executor)

    yard.finish(job)

    kinds = [type(notice) for notice in yard.told(job)]
    assert kinds == [Started, Reported, Reported, Completion]
    progress, line = (notice for notice in yard.told(job) if isinstance(notice, Reported))
    assert (progress.kind, progress.body["done"], progress.body["note"]) == ("progress", 1, "half")
    assert (line.kind, line.body["message"], line.body["fields"]) == ("log", "said", {"number": 7})


def test_a_task_process_of_a_real_attempt_is_one_of_its_own(yard: Yard) -> None:
    ends = [yard.finish(yard.submit("talk")) for _ in range(3)]

    assert len({end.pid for end in ends}) == 3


def test_there_is_room_for_two_jobs_more_than_slots(yard: Yard) -> None:
    for _ in range(4):
        assert yard.crew.has_room("process")
        yard.submit("wait")

    assert not yard.crew.has_room("process")


def test_a_cancelled_task_ends_and_leaves_room(yard: Yard) -> None:
    job = yard.submit("wait")
    yard.until(lambda: bool(yard.told(job)))

    yard.crew.cancel(job)
    yard.crew.cancel(999)

    end = yard.finish(job)
    assert isinstance(end.outcome, Failure)
    assert not tree.is_alive(end.pid)


def test_a_wake_up_ends_the_wait_early(yard: Yard, wake: tuple[int, int]) -> None:
    os.write(wake[1], b"x")

    notices = yard.crew.wait(3600)

    assert notices == []


def test_a_wait_ends_with_its_time(yard: Yard) -> None:
    assert yard.crew.wait(0.01) == []


def test_the_outputs_are_there_for_the_engine(yard: Yard) -> None:
    ref = ValueRef(1, "", is_plain=True, inline=b"x")

    yard.crew.outputs.update({("a", None): ref})

    assert yard.crew.outputs.fetch([("a", None), ("b", 1)]) == [ref, None]


def test_a_lost_table_of_outputs_ends_the_run(yard: Yard) -> None:
    yard.finish(yard.submit("answer"))
    launcher = next(pid for pid in tree.descendants(os.getpid()) if tree.name_of(pid) == "flowpar:launch")
    (table,) = [pid for pid in tree.children_of(launcher) if tree.name_of(pid) == "flowpar:outputs"]

    os.kill(table, signal.SIGKILL)

    with pytest.raises(MachineError, match=f"the process that holds the outputs .pid {table}. was killed by SIGKILL"):
        yard.until(lambda: False)


def test_an_unknown_executor_is_named(yard: Yard) -> None:
    with pytest.raises(MachineError, match='there is no executor "cloud"'):
        yard.crew.has_room("cloud")


def test_nothing_is_left_after_closing(tmp_path: Path, wake: tuple[int, int]) -> None:
    before = set(tree.descendants(os.getpid()))  # what earlier tests left: multiprocessing's resource tracker
    yard = Yard(tmp_path, wake[0])
    job = yard.submit("wait")
    yard.until(lambda: bool(yard.told(job)))
    started = set(tree.descendants(os.getpid())) - before

    yard.crew.close()

    assert started
    deadline = time.monotonic() + 3  # what was killed may take a moment to be gone
    while any(tree.is_alive(pid) for pid in started) and time.monotonic() < deadline:
        os.sched_yield()
    assert [(pid, tree.name_of(pid)) for pid in started if tree.is_alive(pid)] == []
