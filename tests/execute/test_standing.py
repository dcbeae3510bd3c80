"""The executors `pool`, `thread` and `inline` in real processes: what the contract of executors does not say."""

from __future__ import annotations

import os
import pickle
import textwrap
import time
from collections import deque
from dataclasses import replace
from typing import TYPE_CHECKING, Any, cast

import pytest

from flowpar.core.outcome import Failure, FailureKind, Success
from flowpar.data.codec import decode
from flowpar.execute import tree
from flowpar.execute.base import Completion, Printed, Reported, Started
from flowpar.execute.control import Setup
from flowpar.execute.crew import Crew
from flowpar.execute.link import Link
from flowpar.execute.threads import ThreadExecutor
from flowpar.execute.watch import Watch
from flowpar.testing.job import make_job

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from flowpar.execute.base import Job, Notice
    from flowpar.execute.recipe import Shared

pytestmark = pytest.mark.timeout(180)

DEADLINE_S = 60.0

WORK = """
    import os, signal, subprocess, sys, threading, time, warnings
    from pathlib import Path
    from flowpar.plugin import TaskContext

    def meet(mine, other):
        Path(mine).touch()
        while not Path(other).exists():
            time.sleep(0.005)
        print("said by", Path(mine).name)
        return os.getpid(), threading.get_ident()

    def pid(): return os.getpid()

    def say(text, err):
        print(text, flush=False)
        print(err, file=sys.stderr)
        subprocess.run(["echo", "by a child"])

    def linger(sign):
        Path(sign).touch()
        time.sleep(600)

    def heed(sign, context: TaskContext):
        Path(sign).touch()
        while not context.cancelled():
            time.sleep(0.005)
        return "heard"

    def litter(context: TaskContext):
        found = sorted(os.listdir(context.scratch))
        (context.scratch / "left").write_text("behind")
        return str(context.scratch), threading.get_ident(), found

    def tell(context: TaskContext):
        context.logger.info("hello", n=1)
        context.progress(1, 2)

    def die(): os._exit(7)
    def kill(): os.kill(os.getpid(), signal.SIGKILL)

    def close_everything(seconds):
        os.closerange(3, 1024)
        time.sleep(seconds)

    def spoil():
        os.chdir("/"); os.environ["SPOILT"] = "1"; os.umask(0); sys.path.insert(0, "/spoilt")
        sys.setrecursionlimit(5000); sys.stdout = open(os.devnull, "w"); sys.argv[:] = ["spoilt"]
        signal.signal(signal.SIGUSR1, signal.SIG_IGN); signal.signal(signal.SIGINT, signal.SIG_IGN)
        import logging; logging.getLogger().setLevel("DEBUG")

    def look():
        import logging
        mask = os.umask(0o22); os.umask(mask)
        print("still here")
        return [os.getcwd(), os.environ.get("SPOILT"), mask, sys.path[0], sys.getrecursionlimit() == 5000, sys.argv,
                signal.getsignal(signal.SIGUSR1) == signal.SIG_IGN, signal.getsignal(signal.SIGINT) == signal.SIG_IGN,
                logging.getLogger().level]

    def limit():
        import resource
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        resource.setrlimit(resource.RLIMIT_NOFILE, (100, 100))

    def limits():
        import resource
        return resource.getrlimit(resource.RLIMIT_NOFILE)

    def lose_folder(home):
        os.makedirs(home + "/lost")
        os.chdir(home + "/lost")
        os.rmdir(home + "/lost")

    def told_to_a_child():
        told = subprocess.run(["env"], capture_output=True, text=True, check=True).stdout
        return sorted(line.partition("=")[0] for line in told.splitlines() if line.startswith("FLOWPAR_"))

    def leave_child():
        return subprocess.Popen(["sleep", "600"], start_new_session=True).pid
"""


class Hall:
    """A crew whose jobs stand in `work.py` of the run folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "work.py").write_text(textwrap.dedent(WORK))
        self.crew = Crew.open(tree=None, workers=2, run_dir=folder)
        self.notices: list[Notice] = []
        self._shared: bytes | None = None

    def submit(self, executor: str, number: int, target: str, **arguments: Any) -> None:
        job = make_job(number, f"work:{target}", run_dir=self.folder, **arguments)
        self.crew.submit(executor, self._share(job))

    def _share(self, job: Job) -> Job:
        if self._shared is None:
            shared: Shared = pickle.loads(job.shared)
            self._shared = pickle.dumps(
                replace(shared, outputs_address=self.crew.outputs_address, outputs_key=self.crew.outputs_key)
            )
        return replace(job, shared=self._shared)

    def until(self, is_met: Callable[[], object], *, within_s: float = DEADLINE_S) -> None:
        deadline = time.monotonic() + within_s
        while not is_met():
            assert time.monotonic() < deadline, f"not met in time; so far: {self.notices}"
            self.notices.extend(self.crew.wait(0.02))

    def finish(self, number: int) -> Completion:
        self.until(lambda: self.of(number, Completion))
        (completion,) = self.of(number, Completion)
        assert isinstance(completion, Completion)
        return completion

    def of(self, number: int, kind: type[Notice]) -> list[Notice]:
        return [notice for notice in self.notices if isinstance(notice, kind) and notice.job == number]

    def value(self, number: int) -> object:
        outcome = self.finish(number).outcome
        assert isinstance(outcome, Success), outcome
        return decode(outcome.value.inline or b"")

    def failure(self, number: int) -> Failure:
        outcome = self.finish(number).outcome
        assert isinstance(outcome, Failure), outcome
        return outcome

    def log(self, number: int) -> str:
        return (self.folder / "logs" / f"{number}.log").read_text()

    def sign(self, name: str) -> str:
        return str(self.folder / name)


@pytest.fixture
def hall(tmp_path: Path) -> Iterator[Hall]:
    made = Hall(tmp_path)
    yield made
    made.crew.close()


def test_threads_of_one_process_run_at_the_same_time_and_each_has_its_own_output(hall: Hall) -> None:
    hall.submit("thread", 1, "meet", mine=hall.sign("a"), other=hall.sign("b"))
    hall.submit("thread", 2, "meet", mine=hall.sign("b"), other=hall.sign("a"))

    first, second = hall.value(1), hall.value(2)

    assert isinstance(first, tuple)
    assert isinstance(second, tuple)
    assert first[0] == second[0] != os.getpid()
    assert first[1] != second[1]
    assert (hall.log(1), hall.log(2)) == ("said by a\n", "said by b\n")
    started = hall.of(1, Started)[0]
    assert isinstance(started, Started)
    assert started.pid == hall.finish(1).pid == first[0]


@pytest.mark.parametrize("executor", ["pool", "thread", "inline"])
def test_what_an_attempt_prints_is_in_its_log(hall: Hall, executor: str) -> None:
    hall.submit(executor, 1, "say", text="out", err="err")

    completion = hall.finish(1)

    assert completion.has_log
    assert sorted(hall.log(1).splitlines()) == ["by a child", "err", "out"]
    printed = "".join(notice.text for notice in hall.of(1, Printed) if isinstance(notice, Printed))
    assert printed == hall.log(1)


@pytest.mark.parametrize("executor", ["pool", "thread", "inline"])
def test_what_an_attempt_says_comes_before_its_completion(hall: Hall, executor: str) -> None:
    hall.submit(executor, 1, "tell")

    hall.finish(1)

    order = [type(notice) for notice in hall.notices if notice.job == 1]
    assert order == [Started, Reported, Reported, Completion]
    assert [notice.kind for notice in hall.of(1, Reported) if isinstance(notice, Reported)] == ["log", "progress"]


@pytest.mark.parametrize("executor", ["pool", "thread", "inline"])
@pytest.mark.parametrize(("target", "how"), [("die", "exited with code 7"), ("kill", "was killed by SIGKILL")])
def test_a_worker_that_dies_fails_what_it_held_and_the_next_job_gets_another(
    hall: Hall, executor: str, target: str, how: str
) -> None:
    hall.submit(executor, 1, "pid")
    before = hall.value(1)
    hall.submit(executor, 2, target)

    failure = hall.failure(2)
    hall.submit(executor, 3, "pid")

    assert failure.kind is FailureKind.DIED
    assert failure.message == f"its worker process (pid {before}) {how}"
    assert hall.value(3) != before


@pytest.mark.parametrize("executor", ["pool", "inline"])
@pytest.mark.parametrize("target", ["die", "kill"])
def test_a_job_that_waits_behind_a_deadly_one_gets_a_new_worker(hall: Hall, target: str, executor: str) -> None:
    hall.submit(executor, 1, target)
    hall.submit(executor, 2, "pid")

    failure, value = hall.failure(1), hall.value(2)

    assert failure.kind is FailureKind.DIED
    assert value == hall.finish(2).pid != hall.finish(1).pid


@pytest.mark.parametrize(("executor", "seconds"), [("thread", 0), ("inline", 600), ("pool", 600)])
def test_a_task_that_closes_the_channel_of_its_worker_fails(hall: Hall, executor: str, seconds: int) -> None:
    hall.submit(executor, 1, "close_everything", seconds=seconds)

    failure = hall.failure(1)
    hall.submit(executor, 2, "pid")

    assert failure.kind is FailureKind.DIED
    assert failure.message.startswith("its worker process (pid")
    assert hall.value(2) != hall.finish(1).pid


@pytest.mark.soak
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("executor", ["pool", "thread", "inline"])
def test_no_job_is_forgotten_however_many_workers_die(hall: Hall, executor: str) -> None:
    targets = ["die", "pid", "kill", "pid", "pid"]
    waiting = deque((number, targets[number % len(targets)]) for number in range(1, 1001))
    count = len(waiting)

    def are_all_over() -> bool:
        while waiting and hall.crew.has_room(executor):
            hall.submit(executor, *waiting.popleft())
        return sum(isinstance(notice, Completion) for notice in hall.notices) == count

    hall.until(are_all_over, within_s=900)

    over = [notice.job for notice in hall.notices if isinstance(notice, Completion)]
    assert sorted(over) == list(range(1, count + 1))


def test_an_attempt_in_a_thread_is_known_to_run_while_it_lasts(hall: Hall) -> None:
    hall.submit("thread", 1, "pid")
    worker = hall.value(1)
    hall.submit("thread", 2, "meet", mine=hall.sign("a"), other=hall.sign("b"))

    hall.until(lambda: hall.of(2, Started))

    assert [notice.pid for notice in hall.of(2, Started) if isinstance(notice, Started)] == [worker]
    (hall.folder / "b").touch()
    assert isinstance(hall.finish(2).outcome, Success)
    assert len(hall.of(2, Started)) == 1


def test_attempts_of_a_thread_have_one_folder_after_another_and_each_finds_it_empty(hall: Hall) -> None:
    folders: dict[int, set[str]] = {}
    for number in range(1, 9):
        hall.submit("thread", number, "litter")
        folder, thread, found = cast("tuple[str, int, list[str]]", hall.value(number))
        assert found == []
        folders.setdefault(thread, set()).add(folder)

    assert all(len(of_one) == 1 for of_one in folders.values())
    assert len(set.union(*folders.values())) == len(folders)


def test_a_thread_that_heeds_a_cancellation_ends_and_keeps_its_worker(hall: Hall) -> None:
    hall.submit("thread", 1, "heed", sign=hall.sign("a"))
    hall.until((hall.folder / "a").exists)

    hall.crew.cancel(1)

    assert hall.value(1) == "heard"
    hall.submit("thread", 2, "pid")
    assert hall.value(2) == hall.finish(1).pid


def test_a_thread_that_goes_on_is_given_up_at_once_and_its_worker_when_the_others_are_done(hall: Hall) -> None:
    hall.submit("thread", 1, "linger", sign=hall.sign("a"))
    hall.submit("thread", 2, "heed", sign=hall.sign("b"))
    hall.until(lambda: (hall.folder / "a").exists() and (hall.folder / "b").exists())

    hall.crew.cancel(1)
    assert hall.failure(1).kind is FailureKind.CANCELLED
    old = hall.finish(1).pid
    hall.submit("thread", 3, "pid")

    assert hall.value(3) != old
    assert tree.is_alive(old)
    hall.crew.cancel(2)
    assert hall.value(2) == "heard"
    hall.until(lambda: not tree.is_alive(old))


@pytest.mark.parametrize("executor", ["pool", "inline"])
@pytest.mark.parametrize("force", [False, True])
def test_a_warm_attempt_that_is_cancelled_ends_and_the_next_one_runs(hall: Hall, executor: str, *, force: bool) -> None:
    hall.submit(executor, 1, "linger", sign=hall.sign("a"))
    hall.submit(executor, 2, "pid")
    hall.until((hall.folder / "a").exists)

    hall.crew.cancel(1, force=force)

    assert hall.failure(1).kind is FailureKind.DIED
    assert isinstance(hall.value(2), int)


def test_an_inline_attempt_that_waits_is_cancelled_without_running(hall: Hall) -> None:
    hall.submit("inline", 1, "heed", sign=hall.sign("a"))
    hall.submit("inline", 2, "linger", sign=hall.sign("never"))

    hall.crew.cancel(2)

    assert hall.failure(2).kind is FailureKind.CANCELLED
    assert not (hall.folder / "never").exists()


@pytest.mark.parametrize("executor", ["pool", "inline"])
def test_a_warm_attempt_finds_nothing_of_what_the_last_one_changed(hall: Hall, executor: str) -> None:
    hall.submit(executor, 1, "look")
    clean = hall.value(1)
    hall.submit(executor, 2, "spoil")
    hall.finish(2)
    hall.submit(executor, 3, "look")

    assert hall.value(3) == clean
    assert hall.log(3) == "still here\n"


@pytest.mark.parametrize("executor", ["pool", "thread", "inline"])
def test_a_worker_whose_limits_a_task_lowered_gets_no_more_jobs(hall: Hall, executor: str) -> None:
    hall.submit(executor, 1, "limits")
    before = hall.value(1)

    hall.submit(executor, 2, "limit")
    hall.finish(2)
    hall.submit(executor, 3, "limits")

    assert hall.value(2) is None
    assert hall.value(3) == before
    assert hall.finish(3).pid != hall.finish(2).pid == hall.finish(1).pid


@pytest.mark.parametrize("executor", ["pool", "inline"])
def test_a_warm_attempt_behind_one_that_lowered_limits_does_not_meet_its_end(hall: Hall, executor: str) -> None:
    hall.submit(executor, 1, "limit")
    hall.submit(executor, 2, "limits")

    assert hall.value(1) is None
    assert hall.value(2) != (100, 100)


@pytest.mark.parametrize("executor", ["pool", "inline"])
def test_a_folder_that_is_gone_harms_no_warm_attempt(hall: Hall, executor: str) -> None:
    hall.submit(executor, 1, "lose_folder", home=hall.sign("home"))
    hall.submit(executor, 2, "pid")

    assert hall.value(1) is None
    assert isinstance(hall.value(2), int)


@pytest.mark.parametrize("executor", ["pool", "inline"])
def test_a_child_that_a_warm_attempt_leaves_is_ended_with_a_warning(hall: Hall, executor: str) -> None:
    hall.submit(executor, 1, "leave_child")

    child = hall.value(1)

    assert isinstance(child, int)
    assert not tree.is_alive(child)
    assert hall.finish(1).warnings == ("left 1 process running (sleep); ended",)


def test_inline_attempts_run_one_after_another_in_one_process(hall: Hall) -> None:
    for number in (1, 2):
        hall.submit("inline", number, "pid")

    first, second = hall.finish(1), hall.finish(2)

    assert first.pid == second.pid
    assert first.ended <= second.started


def test_what_a_thread_starts_knows_its_run_and_no_attempt(hall: Hall) -> None:
    hall.submit("thread", 1, "told_to_a_child")

    names = hall.value(1)

    assert isinstance(names, list)
    assert "FLOWPAR_RUN_ID" in names  # by it a resume finds what is left of an earlier part
    assert not {"FLOWPAR_TASK", "FLOWPAR_ATTEMPT", "FLOWPAR_SCRATCH"} & set(names)


def test_a_worker_whose_engine_hangs_up_ends_what_its_tasks_started(tmp_path: Path) -> None:
    """Who would otherwise do it, the guard or the launcher, may have been killed with the engine."""
    (tmp_path / "work.py").write_text(textwrap.dedent(WORK))
    watch = Watch()
    link = Link.start_guard(watch)
    link.set_up(Setup(slots=1))
    executor = ThreadExecutor(link, watch, slots=1)
    executor.submit(make_job(1, "work:leave_child", run_dir=tmp_path))
    completions: list[Completion] = []
    deadline = time.monotonic() + DEADLINE_S
    while not completions:
        assert time.monotonic() < deadline
        completions += [notice for notice in executor.wait(0.02) if isinstance(notice, Completion)]
    outcome = completions[0].outcome
    assert isinstance(outcome, Success)
    child = decode(outcome.value.inline or b"")
    assert isinstance(child, int)
    assert tree.is_alive(child)

    executor.close()

    try:
        while tree.is_alive(child) and time.monotonic() < deadline:
            watch.wait(0.02)
        assert not tree.is_alive(child)
    finally:
        link.close()
        watch.close()
