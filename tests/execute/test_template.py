"""Attempts that are forked from a template: what it imports, what it refuses to hold, and what its death does."""

from __future__ import annotations

import os
import pickle
import resource
import signal
import socket
import time
from typing import TYPE_CHECKING, Any

import pytest

from flowpar.core.outcome import Failure, Success
from flowpar.data.store import ValueStore
from flowpar.execute import tree
from flowpar.execute.base import Completion, Job, Notice, Started
from flowpar.execute.control import Preload, Refusal, Setup, Word
from flowpar.execute.crew import Crew
from flowpar.execute.link import Link
from flowpar.execute.recipe import Bindings, Call, Shared
from flowpar.execute.watch import Watch
from flowpar.execute.wire import Channel, Frame
from flowpar.expr.template import Constant

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from flowpar.execute.preload import TemplateExecutor

DEADLINE_S = 60.0

STEPS = """
import os, subprocess, sys, time
from pathlib import Path

def where():
    loaded = [name for name in sys.modules if name.startswith("heavy")]
    return {"parent": os.getppid(), "loaded": sorted(loaded), "home": getattr(sys.modules.get("heavy"), "HOME", 0)}

def variables():
    return {name: value for name, value in os.environ.items() if name.startswith("HEAVY")}

def seen():
    return sys.modules["heavy_env"].SEEN

def wait(file):
    daemon = subprocess.Popen(["sleep", "60"], start_new_session=True)
    Path(file).write_text(f"{os.getpid()} {daemon.pid}")
    time.sleep(60)

def crash(file):
    daemon = subprocess.Popen(["sh", "-c", "sleep 60 & exec sleep 60"], start_new_session=True)
    Path(file).write_text(str(daemon.pid))
    os._exit(3)
"""

PACKAGES = {
    "heavy": "import os\nHOME = os.getpid()\n",
    "heavy_thread": (
        "import threading, time\n"
        "threading.Thread(target=time.sleep, args=(60,), daemon=True).start()\n"
        "threading.Thread(target=time.sleep, args=(60,), daemon=True).start()\n"
    ),
    "heavy_joined": "import threading\nt = threading.Thread(target=int)\nt.start()\nt.join()\n",
    "heavy_broken": "import heavy_missing_one\n",
    "heavy_exit": "raise SystemExit(4)\n",
    "heavy_gone": "import os\nos._exit(5)\n",
    "heavy_crash": "import os, signal\nos.kill(os.getpid(), signal.SIGSEGV)\n",
    "heavy_hang": "import time\ntime.sleep(60)\n",
    "heavy_print": "import os, sys\nprint('printed')\nsys.stderr.write('complained')\nos.write(1, b'written')\n",
    "heavy_last_words": "import os\nos.write(2, b'farewell')\nos._exit(5)\n",
    "heavy_chatter": "print('x' * 1_000_000, end='')\n",
    "heavy_child": "import subprocess\nCHILD = subprocess.Popen(['sleep', '60'])\n",
    "heavy_file": "FILE = open('/dev/null')\n",
    "heavy_env": (
        "import os\nSEEN = [os.environ.get('HEAVY_A'), os.environ.get('HEAVY_B'), os.getcwd()]\n"
        "os.environ.setdefault('HEAVY_C', 'by package')\n"
    ),
    "heavy_outer": "import heavy_shadowed\n",
    "heavy_shadowed": "",
}


class Stand:
    """A crew with a template, a folder with steps, packages in another one, and what the crew has told."""

    def __init__(self, folder: Path, modules: tuple[str, ...], **shared: Any) -> None:
        (folder / "values").mkdir()
        (folder / "template_steps.py").write_text(STEPS)
        self.folder = folder
        self.told: list[str] = []
        self.quoted: list[str] = []
        self.is_closed = False
        preload = Preload(modules, (str(folder),), patience_s=shared.pop("patience_s", 20.0))
        self.crew = Crew.open(tree=None, workers=2, preload=preload)
        self.crew.tell_by(self._hear)
        home = str(folder)
        self.shared = pickle.dumps(Shared("run", home, "test", home, (), {}, **shared))
        self.notices: list[Notice] = []
        self._number = 0

    def _hear(self, message: str, text: str = "") -> None:
        (self.quoted if text else self.told).append(text or message)

    @property
    def template(self) -> TemplateExecutor:
        template = self.crew.template
        assert template is not None
        return template

    def submit(self, function: str, *, executor: str = "template", **arguments: str) -> int:
        self._number += 1
        call = Call(f"template_steps:{function}", {name: Constant(value) for name, value in arguments.items()})
        blobs = (self.shared, pickle.dumps(call), pickle.dumps(Bindings()))
        self.crew.submit(executor, Job(self._number, function, None, 1, *blobs, str(self.folder / "log"), 1.0))
        return self._number

    def close(self) -> None:
        if not self.is_closed:
            self.is_closed = True
            self.crew.close()

    def until(self, is_met: Callable[[], bool]) -> None:
        deadline = time.monotonic() + DEADLINE_S
        while not is_met():
            assert time.monotonic() < deadline, (self.notices, self.told)
            self.notices.extend(self.crew.wait(0.02))

    def completion(self, job: int) -> Completion | None:
        ends = (notice for notice in self.notices if isinstance(notice, Completion) and notice.job == job)
        return next(ends, None)

    def finish(self, job: int) -> Completion:
        self.until(lambda: self.completion(job) is not None)
        completion = self.completion(job)
        assert completion is not None
        return completion

    def run(self, function: str, **arguments: str) -> Any:
        outcome = self.finish(self.submit(function, **arguments)).outcome
        assert isinstance(outcome, Success), outcome
        return ValueStore(str(self.folder)).get(outcome.value)


@pytest.fixture
def stand(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Stand]]:
    """Make a stand whose packages are on the path of all processes."""
    packages, work = tmp_path / "packages", tmp_path / "work"
    packages.mkdir()
    work.mkdir()
    for name, text in PACKAGES.items():
        (packages / f"{name}.py").write_text(text)
    monkeypatch.setenv("PYTHONPATH", str(packages))
    made: list[Stand] = []

    def make(*modules: str, **shared: Any) -> Stand:
        made.append(Stand(work, modules, **shared))
        return made[-1]

    yield make
    for each in made:
        each.close()


def test_an_attempt_finds_imported_what_the_template_has_imported_once(stand: Callable[..., Stand]) -> None:
    made = stand("heavy")

    first, second = made.run("where"), made.run("where")

    assert first["loaded"] == ["heavy"]
    assert first["home"] == first["parent"] == second["home"] == made.template.pid
    assert made.told == []


def test_who_needs_no_package_is_forked_from_the_launcher_and_waits_for_no_import(stand: Callable[..., Stand]) -> None:
    made = stand("heavy_hang", patience_s=60.0)
    waiting = made.submit("where")

    other = made.finish(made.submit("where", executor="process"))

    assert isinstance(other.outcome, Success)
    assert made.completion(waiting) is None


@pytest.mark.parametrize(
    ("package", "why"),
    [
        ("heavy_thread", "its import leaves 2 threads running"),
        ("heavy_child", "its import leaves a process running"),
        ("heavy_file", "its import leaves a file or a connection open"),
        ("heavy_gone", "the process that imported it exited with code 5"),
        ("heavy_crash", "the process that imported it was killed by SIGSEGV"),
        ("heavy_hang", "its import takes over 1 s"),
        ("heavy_outer", 'it imports "heavy_shadowed", and the workflow has a module of that name'),
        ("heavy_broken", ""),
        ("heavy_exit", ""),
    ],
)
def test_a_package_that_a_fork_cannot_hold_is_left_out_and_the_others_stay(
    stand: Callable[..., Stand], package: str, why: str
) -> None:
    made = stand("heavy", package, patience_s=1.0 if package == "heavy_hang" else 20.0)
    (made.folder / "heavy_shadowed.py").write_text("")

    found = made.run("where")

    assert found["loaded"] == ["heavy"]
    assert found["home"] == found["parent"] == made.template.pid
    assert [message.startswith(f'"{package}" is not preloaded: {why}') for message in made.told] == [True] * bool(why)


def test_a_thread_that_has_ended_does_no_harm(stand: Callable[..., Stand]) -> None:
    made = stand("heavy_joined")

    assert made.run("where")["loaded"] == ["heavy_joined"]
    assert made.told == []


def test_without_a_package_left_the_launcher_does_it(stand: Callable[..., Stand]) -> None:
    made = stand("heavy_broken")

    found = made.run("where")

    assert found["loaded"] == []
    assert made.template.is_given_up
    assert made.told == []


def test_without_anything_to_import_the_launcher_does_it(stand: Callable[..., Stand]) -> None:
    made = stand()

    assert made.run("where")["loaded"] == []
    assert made.template.pid == 0


def test_what_imports_print_is_told_once_and_stands_on_no_stream(
    stand: Callable[..., Stand], capfd: pytest.CaptureFixture[str]
) -> None:
    made = stand("heavy_print")

    assert [made.run("where")["loaded"] for _ in range(2)] == [["heavy_print"]] * 2
    assert made.quoted == ["printed\nwrittencomplained"]
    assert capfd.readouterr() == ("", "")


def test_the_last_words_of_an_import_that_ends_its_process_are_told(stand: Callable[..., Stand]) -> None:
    made = stand("heavy_last_words")

    assert made.run("where")["loaded"] == []
    assert made.quoted == ["farewell"]
    assert len(made.told) == 1


def test_of_an_import_that_prints_without_end_the_beginning_is_told(stand: Callable[..., Stand]) -> None:
    made = stand("heavy_chatter")

    assert made.run("where")["loaded"] == ["heavy_chatter"]
    (text,) = made.quoted
    assert text == "x" * 65536 + "\n… 934464 bytes left out by flowpar …\n"


def test_packages_find_the_run_around_them_and_tasks_what_they_changed_in_it(stand: Callable[..., Stand]) -> None:
    made = stand("heavy_env", env_file={"HEAVY_A": "of the file"}, env={"HEAVY_B": Constant("of the run")})

    assert made.run("seen") == ["of the file", "of the run", str(made.folder)]
    assert made.run("variables") == {"HEAVY_A": "of the file", "HEAVY_B": "of the run", "HEAVY_C": "by package"}


def test_a_killed_template_takes_what_had_begun_and_nothing_else(stand: Callable[..., Stand]) -> None:
    made = stand("heavy")
    files = [made.folder / f"pids-{number}" for number in range(2)]
    running = [made.submit("wait", file=str(file)) for file in files]
    made.until(lambda: all(file.exists() and file.read_text() for file in files))
    waiting = [made.submit("where") for _ in range(2)]
    killed = made.template.pid

    os.kill(killed, signal.SIGKILL)

    failures = [made.finish(job).outcome for job in running]
    assert [failure.kind.value for failure in failures if isinstance(failure, Failure)] == ["died", "died"]
    assert all(isinstance(made.finish(job).outcome, Success) for job in waiting)
    assert made.template.pid != killed
    assert made.told == [f"the template process (pid {killed}) was killed by SIGKILL; another one is started"]
    made.until(lambda: not any(tree.is_alive(int(pid)) for file in files for pid in file.read_text().split()))


def test_a_template_that_is_killed_again_and_again_is_done_without(stand: Callable[..., Stand]) -> None:
    made = stand("heavy")
    for number in range(2):
        file = made.folder / f"pids-{number}"
        job = made.submit("wait", file=str(file))
        made.until(lambda file=file: file.exists())  # type: ignore[misc]
        os.kill(made.template.pid, signal.SIGKILL)
        assert isinstance(made.finish(job).outcome, Failure)

    found = made.run("where")

    assert found["loaded"] == []
    assert made.told[-1].endswith("tasks import their packages themselves from here on")


def test_a_template_that_works_in_between_may_be_killed_as_often_as_one_likes(stand: Callable[..., Stand]) -> None:
    made = stand("heavy")
    for _ in range(3):
        assert made.run("where")["loaded"] == ["heavy"]
        killed = made.template.pid
        os.kill(killed, signal.SIGKILL)
        made.until(lambda killed=killed: made.template.pid not in {0, killed})  # type: ignore[misc]

    assert made.run("where")["loaded"] == ["heavy"]


def test_a_template_killed_while_it_imports_is_started_anew(stand: Callable[..., Stand]) -> None:
    made = stand("heavy", "heavy_hang", patience_s=60.0)
    job = made.submit("where")
    made.until(lambda: made.template.loading == "heavy_hang")

    os.kill(made.template.pid, signal.SIGKILL)

    assert isinstance(made.finish(job).outcome, Success)
    assert made.run("where")["loaded"] == ["heavy"]


def test_a_job_that_waits_for_the_template_can_be_cancelled(stand: Callable[..., Stand]) -> None:
    made = stand("heavy_hang", patience_s=60.0)
    job = made.submit("where")

    made.crew.cancel(job)

    outcome = made.finish(job).outcome
    assert isinstance(outcome, Failure)
    assert outcome.kind.value == "cancelled"


def test_orphans_of_a_dead_worker_end_with_it(stand: Callable[..., Stand]) -> None:
    made = stand("heavy")
    file = made.folder / "daemon"

    end = made.finish(made.submit("crash", file=str(file)))

    assert isinstance(end.outcome, Failure)
    assert not tree.is_alive(int(file.read_text()))
    assert made.run("where")["parent"] == made.template.pid


def test_an_attempt_is_told_to_have_started_before_it_ends(stand: Callable[..., Stand]) -> None:
    made = stand("heavy")

    made.run("where")

    assert [type(notice) for notice in made.notices] == [Started, Completion]


def test_the_template_ends_with_the_crew(stand: Callable[..., Stand]) -> None:
    made = stand("heavy")
    made.run("where")
    pid = made.template.pid

    made.close()

    deadline = time.monotonic() + DEADLINE_S
    while tree.is_alive(pid):
        assert time.monotonic() < deadline
        time.sleep(0.005)


def test_what_can_have_no_pipe_for_a_template_says_so_and_does_without(stand: Callable[..., Stand]) -> None:
    made = stand("heavy")
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (3, hard))
    try:
        made.template.begin(made.shared)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))

    assert made.run("where")["loaded"] == []
    why = "no pipe could be opened: Too many open files"
    assert made.told == [f"nothing is preloaded: {why}; tasks import their packages themselves"]


def test_a_template_that_could_not_be_started_is_told_and_done_without(stand: Callable[..., Stand]) -> None:
    made = stand("heavy")
    made.template.begin(made.shared)

    made.template.refused(Refusal(0, is_cancelled=False, message="no process could be started"))

    assert made.run("where")["loaded"] == []
    why = "no process could be started"
    assert made.told == [f"nothing is preloaded: {why}; tasks import their packages themselves"]


def test_where_one_package_after_another_ends_its_process_the_others_are_given_up_with_a_word(
    stand: Callable[..., Stand], tmp_path: Path
) -> None:
    names = [f"heavy_gone_{number}" for number in range(9)]
    for name in names:
        (tmp_path / "packages" / f"{name}.py").write_text(PACKAGES["heavy_gone"])
    made = stand(*names)

    assert made.run("where")["loaded"] == []
    assert len(made.told) == 9
    why = "8 processes that were to import packages have ended"
    assert made.told[-1] == f"nothing is preloaded: {why}; tasks import their packages themselves"


def test_what_a_template_said_last_is_heard_whatever_it_was_told_after_its_death() -> None:
    ours, theirs = socket.socketpair()
    watch, heard = Watch(), list[Frame]()
    link = Link(ours, watch, heard=heard.append)
    with theirs:
        Channel(theirs).send(Word.LOADING, b"heavy")

    link.set_up(Setup(slots=1))
    link.hear_rest()

    assert [(frame.kind, frame.body) for frame in heard] == [(Word.LOADING, b"heavy")]
    link.close()
    watch.close()
