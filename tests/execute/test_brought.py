"""An executor of a plugin as one of the crew."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

import pytest

from flowpar.core.errors import MachineError
from flowpar.core.outcome import Success
from flowpar.execute.attempt import make_attempt
from flowpar.execute.base import Completion
from flowpar.execute.brought import Bringing
from flowpar.execute.crew import Crew
from flowpar.plugin.claim import Claim
from flowpar.plugin.executors import InstalledExecutors
from flowpar.testing.job import make_job

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from flowpar.execute.base import ExecutorTerms, Job, Notice

DEADLINE_S = 60.0
pytestmark = pytest.mark.timeout(180)


class Far:
    """Makes each attempt in a thread of this process, which is enough for an executor."""

    def __init__(self, terms: ExecutorTerms) -> None:
        self.terms = terms
        self.capacity = 2
        self._notices: list[Notice] = []
        self.is_closed = False

    def submit(self, job: Job) -> None:
        threading.Thread(target=self._make, args=(job,)).start()

    def _make(self, job: Job) -> None:
        began = time.monotonic()
        outcome, warnings = make_attempt(job, post=lambda *_: None, is_isolated=False)
        over = Completion(job.number, outcome, 1, began, time.monotonic(), warnings=warnings)
        self._notices += [over, over]  # the second one is no news
        self.terms.wake()

    def wait(self, timeout_s: float | None) -> Sequence[Notice]:
        del timeout_s
        notices, self._notices = self._notices, []
        return notices

    def cancel(self, job: int, *, force: bool = False) -> None: ...

    def close(self) -> None:
        self.is_closed = True


class Broken(Far):
    def submit(self, job: Job) -> None:
        raise KeyError(job.number)


class Knows(InstalledExecutors):
    """Knows one executor, and keeps what was made of it."""

    def __init__(self, make: Callable[[ExecutorTerms], Far]) -> None:
        super().__init__(search_path=())
        self.made: list[Far] = []
        self._make = make

    def load(self, name: str) -> tuple[Claim, Callable[..., Far]]:
        def make(terms: ExecutorTerms) -> Far:
            self.made.append(self._make(terms))
            return self.made[-1]

        return Claim(name, "far:Far", "flowpar-far", "1.0"), make


@pytest.fixture
def crew() -> Iterator[Crew]:
    crew = Crew.open(tree=None, workers=1)
    yield crew
    crew.close()


def test_its_attempts_and_ours_come_back_by_one_wait(crew: Crew, tmp_path: Path) -> None:
    crew.bring_by(Bringing(str(tmp_path), 1, Knows(Far), {"far": "there"}))

    for number, executor in enumerate(("process", "far", "far"), 1):
        assert crew.has_room(executor)
        crew.submit(executor, make_job(number, "flowpar.testing.work:echo", run_dir=tmp_path, value=number))

    assert crew.has_room("far") is False
    over = completions(crew, 3)
    assert sorted(each.job for each in over) == [1, 2, 3]
    assert all(isinstance(each.outcome, Success) for each in over)
    assert crew.has_room("far")


def test_it_is_told_where_it_works_and_is_closed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FLOWPAR_EXECUTOR_NEAR", "by variable")
    crew, known = Crew.open(tree=None, workers=1), Knows(Far)
    crew.bring_by(Bringing(str(tmp_path), 3, known, {"far": "there"}))

    for name in ("far", "near"):
        crew.hire(name)
    crew.close()

    assert [made.terms.address for made in known.made] == ["there", "by variable"]
    assert [(made.terms.run_dir, made.terms.workers) for made in known.made] == [(str(tmp_path), 3)] * 2
    assert all(made.is_closed for made in known.made)


def test_what_its_code_raises_ends_the_run_with_its_name(crew: Crew, tmp_path: Path) -> None:
    crew.bring_by(Bringing(str(tmp_path), 1, Knows(Broken)))

    with pytest.raises(MachineError, match=r'the executor "far" of flowpar-far 1\.0 failed: KeyError: 1'):
        crew.submit("far", make_job(1, "flowpar.testing.work:echo", run_dir=tmp_path, value=1))


def completions(crew: Crew, count: int) -> list[Completion]:
    over: list[Completion] = []
    deadline = time.monotonic() + DEADLINE_S
    while len(over) < count:
        assert time.monotonic() < deadline
        over += [notice for notice in crew.wait(0.5) if isinstance(notice, Completion)]
    return over
