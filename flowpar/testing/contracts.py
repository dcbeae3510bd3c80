"""What every task type, executor and sink must do, as pytest suites.

A test file derives one class and says what is to be tested; pytest collects the claims with it:

    class TestHttp(TaskTypeContract):
        kind = "http"
        function = staticmethod(http)

        @pytest.fixture
        def arguments(self, web): return {"url": web.url}
"""

# ruff: noqa: S101 - these are tests, and pytest is what runs them

from __future__ import annotations

import inspect
import time
from typing import TYPE_CHECKING, Any, ClassVar

import pytest

from flowpar.core.outcome import Failure, FailureKind, Success
from flowpar.data.codec import decode_plain, encode
from flowpar.execute.base import Completion
from flowpar.plugin.registry import Registry
from flowpar.plugin.spec import OPTIONS_ATTRIBUTE, TaskOptions
from flowpar.testing.job import make_job
from flowpar.testing.task import run_task
from flowpar.testing.whole_run import sample_events

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from pathlib import Path

    from flowpar.core.events import Event, EventSink
    from flowpar.execute.base import Executor, Job, Notice
    from flowpar.plugin.source import DeclaredOptions


class TaskTypeContract:
    """A task type is a typed function that flowpar can read, check, call and pass on the output of."""

    kind: ClassVar[str]
    function: ClassVar[Callable[..., Any]]

    @pytest.fixture
    def arguments(self) -> Mapping[str, object]:
        """Return arguments for a call that succeeds."""
        pytest.fail("the suite needs a fixture `arguments`, which gives what a call that succeeds takes")

    def test_its_kind_leads_to_the_function(self) -> None:
        """The distribution is installed, and its entry point names the function under test."""
        source = Registry().find(self.kind)

        assert source is not None, f'no installed distribution has the entry point "{self.kind}"'
        assert source.target == f"{self.function.__module__}:{self.function.__qualname__}"

    def test_its_options_are_the_same_read_and_run(self) -> None:
        """What is read from its source is what its decorator says."""
        source = Registry().find(self.kind)
        told = getattr(self.function, OPTIONS_ATTRIBUTE, TaskOptions())

        assert source is not None
        assert _comparable(source.options) == _comparable(told)
        assert bool(source.options.check) == bool(told.check)

    def test_every_parameter_can_be_a_key(self) -> None:
        """Keys below the kind key are parameters by name, with types that can be checked before the run."""
        parameters = inspect.signature(self.function).parameters.values()

        unnamed = {inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.VAR_POSITIONAL}
        assert not [parameter.name for parameter in parameters if parameter.kind in unnamed]
        assert not [parameter.name for parameter in parameters if parameter.annotation is inspect.Parameter.empty]

    def test_its_files_are_parameters(self) -> None:
        """What it says to read is given by keys."""
        told = getattr(self.function, OPTIONS_ATTRIBUTE, TaskOptions())

        assert set(told.files) <= inspect.signature(self.function).parameters.keys()

    def test_it_says_what_it_returns_and_does(self) -> None:
        """The return annotation types the output, the docstring is the help."""
        assert inspect.signature(self.function).return_annotation is not inspect.Signature.empty
        assert inspect.getdoc(self.function)

    def test_its_output_can_be_passed_on(self, arguments: Mapping[str, object]) -> None:
        """A call succeeds, and what it returns survives the way to another process."""
        output = run_task(self.function, **arguments)

        assert encode(output).size_bytes > 0

    def test_its_own_check_accepts_good_arguments(self, arguments: Mapping[str, object]) -> None:
        """What can be called has no finding that is an error."""
        check = getattr(self.function, OPTIONS_ATTRIBUTE, TaskOptions()).check

        found = () if check is None else tuple(check(arguments))

        assert not [finding.message for finding in found if finding.severity == "error"]


class SinkContract:
    """A sink takes every event in order, and nothing in an event upsets it."""

    @pytest.fixture
    def sink(self) -> EventSink:
        """Return a new sink."""
        pytest.fail("the suite needs a fixture `sink`, which gives a new sink")

    def test_it_takes_a_whole_run(self, sink: EventSink) -> None:
        """Every kind of event, odd texts included, with commits between them."""
        events = sample_events()

        assert _tell(sink, events) == len(events)

    def test_it_may_be_closed_before_anything_happened(self, sink: EventSink) -> None:
        """A run can end before it starts; the loop commits at each wake-up, whatever happened."""
        sink.commit()
        sink.commit()

        assert _tell(sink, ()) == 0


def _tell(sink: EventSink, events: Iterable[Event]) -> int:
    told = 0
    for event in events:
        sink.emit(event)
        sink.commit()
        told += 1
    sink.close()
    return told


class ExecutorContract:
    """An executor ends every submitted job in exactly one Completion, within a bound."""

    deadline_s: ClassVar[float] = 30.0
    can_end_jobs: ClassVar[bool] = True

    @pytest.fixture
    def run_dir(self, tmp_path: Path) -> Path:
        """Return a run folder as the engine would make it."""
        for name in ("logs", "values"):
            (tmp_path / "run" / name).mkdir(parents=True)
        return tmp_path / "run"

    @pytest.fixture
    def executor(self, run_dir: Path) -> Executor:  # noqa: ARG002 - as those have it who give one
        """Return a new executor whose run folder is `run_dir`; close it after the test."""
        pytest.fail("the suite needs a fixture `executor`, which gives a new executor")

    def completions(self, executor: Executor, jobs: Iterable[Job]) -> dict[int, Completion]:
        """Submit jobs as there is room and wait for all of them, until the deadline."""
        pending, over = list(jobs), dict[int, Completion]()
        held, wanted = 0, len(pending)
        deadline = time.monotonic() + self.deadline_s
        while len(over) < wanted:
            assert time.monotonic() < deadline, f"{wanted - len(over)} jobs are not over after {self.deadline_s:g} s"
            while pending and held < executor.capacity:
                executor.submit(pending.pop(0))
                held += 1
            for notice in executor.wait(0.5):
                if isinstance(notice, Completion):
                    assert notice.job not in over, f"job {notice.job} ended twice"
                    over[notice.job] = notice
                    held -= 1
        return over

    def begin(self, executor: Executor, run_dir: Path, work: str) -> list[Notice]:
        """Submit a job 1 that lasts, and wait until it has begun or failed; return what was told meanwhile."""
        marker = run_dir / "begun"
        executor.submit(make_job(1, f"flowpar.testing.work:{work}", run_dir=run_dir, seconds=600, marker=str(marker)))
        notices: list[Notice] = []
        deadline = time.monotonic() + self.deadline_s
        while not (marker.exists() or any(isinstance(notice, Completion) for notice in notices)):
            assert time.monotonic() < deadline, f"a job has not begun after {self.deadline_s:g} s"
            notices += executor.wait(0.05)
        return notices

    def test_it_has_capacity(self, executor: Executor) -> None:
        """It takes at least one job."""
        assert executor.capacity >= 1

    def test_a_wait_for_nothing_ends_in_time(self, executor: Executor) -> None:
        """With no job there is nothing to tell."""
        assert not executor.wait(0.01)

    def test_a_job_that_returns_is_a_success(self, executor: Executor, run_dir: Path) -> None:
        """The value comes back as a reference, with who did it and when."""
        job = make_job(1, "flowpar.testing.work:echo", run_dir=run_dir, value=[1, "two"])

        completion = self.completions(executor, [job])[1]

        assert isinstance(completion.outcome, Success), completion.outcome
        assert completion.outcome.value.inline is not None
        assert decode_plain(completion.outcome.value.inline) == [1, "two"]
        assert completion.pid > 0
        assert completion.started <= completion.ended

    def test_a_job_that_raises_is_a_failure(self, executor: Executor, run_dir: Path) -> None:
        """What the function raised is there as text."""
        job = make_job(1, "flowpar.testing.work:fail", run_dir=run_dir, message="no such row")

        outcome = self.completions(executor, [job])[1].outcome

        assert isinstance(outcome, Failure)
        assert (outcome.kind, outcome.type, outcome.message) == (FailureKind.EXCEPTION, "ValueError", "no such row")

    def test_a_job_that_exits_is_a_failure(self, executor: Executor, run_dir: Path) -> None:
        """`sys.exit(0)` is none the less no result."""
        jobs = [make_job(code + 1, "flowpar.testing.work:leave", run_dir=run_dir, code=code) for code in (0, 3)]

        over = self.completions(executor, jobs)

        assert all(isinstance(completion.outcome, Failure) for completion in over.values())

    def test_a_missing_module_fails_its_job_only(self, executor: Executor, run_dir: Path) -> None:
        """The next job is none the worse for it."""
        jobs = [
            make_job(1, "no_such_module_anywhere:f", run_dir=run_dir),
            make_job(2, "flowpar.testing.work:echo", run_dir=run_dir, value=2),
        ]

        over = self.completions(executor, jobs)

        assert isinstance(over[1].outcome, Failure)
        assert isinstance(over[2].outcome, Success), over[2].outcome

    def test_more_jobs_than_room_all_end(self, executor: Executor, run_dir: Path) -> None:
        """Each gives back its own value."""
        jobs = [make_job(n, "flowpar.testing.work:echo", run_dir=run_dir, value=n) for n in range(1, 26)]

        over = self.completions(executor, jobs)

        values = {n: one.outcome.value.inline for n, one in over.items() if isinstance(one.outcome, Success)}
        assert {n: decode_plain(inline) for n, inline in values.items() if inline} == {n: n for n in range(1, 26)}

    def test_cancelling_an_unknown_job_does_nothing(self, executor: Executor, run_dir: Path) -> None:
        """It may have ended a moment ago."""
        executor.cancel(4711)
        executor.cancel(4711, force=True)

        job = make_job(1, "flowpar.testing.work:echo", run_dir=run_dir, value=1)
        assert isinstance(self.completions(executor, [job])[1].outcome, Success)

    @pytest.mark.parametrize("work", ["linger", "linger_stubbornly"])
    def test_a_forced_cancel_ends_a_job_soon(self, executor: Executor, run_dir: Path, work: str) -> None:
        """Even one that ignores what it can ignore."""
        if not self.can_end_jobs:
            pytest.skip("this executor says that it cannot end a job")
        notices = self.begin(executor, run_dir, work)

        executor.cancel(1, force=True)

        deadline = time.monotonic() + 10
        while not any(isinstance(notice, Completion) for notice in notices):
            assert time.monotonic() < deadline, "a killed job is not over after 10 s"
            notices += executor.wait(0.5)
        ended = [notice for notice in notices if isinstance(notice, Completion)]
        assert [isinstance(completion.outcome, Failure) for completion in ended] == [True]

    def test_closing_ends_what_runs(self, executor: Executor, run_dir: Path) -> None:
        """And does so within a bound."""
        if not self.can_end_jobs:
            pytest.skip("this executor says that it cannot end a job")
        self.begin(executor, run_dir, "linger")
        began = time.monotonic()

        executor.close()

        assert time.monotonic() - began < self.deadline_s


def _comparable(options: TaskOptions | DeclaredOptions) -> tuple[object, ...]:
    resources = tuple(sorted(options.resources.items()))
    return (options.executor, options.secrets, options.preload, options.streams, resources, options.api, options.files)
