"""Runs in virtual time from seeds: the real loop, journal and recovery; faults drawn; promises checked at each step.

    simulate(4711) ─► Simulated, or `Broken` with the seed in its message

    python -m flowpar.testing.simulate 4711              shows that run, event by event
    python -m flowpar.testing.simulate --count 10000     so many seeds, in a process for each processor

Nothing sleeps and no task is started. `sinks` are told all that happens, as those of a plugin would be.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from flowpar.core.frozen import dataclass
from flowpar.engine.resumption import sort_out
from flowpar.planning.template import within
from flowpar.record.journal import Journal
from flowpar.record.reading import JOURNAL
from flowpar.record.resume import read_settled, verify
from flowpar.report.line import line_of
from flowpar.schedule.loop import Loop
from flowpar.schedule.run import RunEnd, RunOptions
from flowpar.schedule.start import Start
from flowpar.testing.mortal import Crash, MortalSink
from flowpar.testing.noisy import MOST_LIGHT
from flowpar.testing.scenario import Scenario
from flowpar.testing.simulation import drawn_as
from flowpar.testing.standing import DONE, feeds_of
from flowpar.testing.witness import Broken, Witness

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from flowpar.core.events import Event, EventSink, RunSink
    from flowpar.execute.base import Job
    from flowpar.execute.recipe import TaskView
    from flowpar.planning.model import Plan
    from flowpar.testing.crew import Scripted
    from flowpar.testing.noisy import NoisyCrew

_CHUNK = 250


@dataclass(frozen=True, slots=True)
class Simulated:
    """A run that kept what is promised; `events` are those that the journal has."""

    seed: int
    plan: Plan
    end: RunEnd
    events: Sequence[Event]
    crashes: int


def simulate(seed: int, *, sinks: Sequence[EventSink] = (), folder: Path | None = None) -> Simulated:
    """Run what a seed stands for to its end, through all its crashes; raises `Broken` where a promise is.

    `folder` is for the journal, which is removed afterwards; a fast one by default.
    """
    with tempfile.TemporaryDirectory(prefix="flowpar-seed-", dir=folder or _fast_folder()) as run_dir:
        try:
            return _Simulation(Scenario(seed), Path(run_dir), sinks).run()
        except Exception as error:
            raise Broken(
                f"seed {seed}: {str(error) or type(error).__name__}; "
                f"to see it again: python -m flowpar.testing.simulate {seed}"
            ) from error


class _Simulation:
    def __init__(self, scenario: Scenario, run_dir: Path, sinks: Sequence[EventSink]) -> None:
        self._scenario = scenario
        self._run_dir = run_dir
        self._sinks = sinks
        self._crew: NoisyCrew | None = None
        self._witness = Witness(
            scenario.plan,
            count_submitted=lambda: len(self._the_crew.submitted),
            workers=scenario.workers,
            items=scenario.late.items,
            found={} if scenario.cache is None else scenario.cache.found_rounds,
        )
        self._crashes = 0

    @property
    def _the_crew(self) -> NoisyCrew:
        assert self._crew is not None  # noqa: S101 - whoever asks is running
        return self._crew

    def run(self) -> Simulated:
        """Run through all crashes and check the end."""
        journal, start = Journal(self._journal_path, is_synced=False), Start()
        deaths = list(self._scenario.crashes)
        while (end := self._part(journal, start, dies_at=deaths.pop() if deaths else None)) is None:
            self._crashes += 1
            journal, start = self._recover()
        journal.close()
        self._witness.check_end(end, submitted=len(self._the_crew.submitted))
        light = MOST_LIGHT if self._scenario.limits else 0
        self._the_crew.check(self._scenario.plan.tasks, most=3 * self._scenario.workers + light)
        if self._scenario.is_steady and (self._crashes or self._scenario.cache is not None):
            self._check_same(end)
        return Simulated(self._scenario.seed, self._scenario.plan, end, self._witness.events, self._crashes)

    @property
    def _journal_path(self) -> Path:
        return self._run_dir / JOURNAL

    def _part(self, journal: Journal, start: Start, *, dies_at: int | None) -> RunEnd | None:
        """Run until the end, or None where the engine died."""
        scenario = self._scenario
        self._crew = scenario.crew(self._script)
        tee = MortalSink(journal, self._witness, self._sinks, dies_at=dies_at)
        try:
            return _loop(scenario, self._crew, tee, start).run()
        except Crash:
            self._tear(journal)
            return None

    def _tear(self, journal: Journal) -> None:
        """Leave of what was not committed as much as a crash may leave: nothing, all, or a torn part.

        A killed engine leaves what it has flushed; a power cut leaves what was synced.
        """
        draw = self._scenario.draw
        before = draw.choice([self._journal_path.stat().st_size, journal.durable_bytes])
        journal.close()
        after = self._journal_path.stat().st_size
        # A run whose first line is not whole never began, which is no case for recovery.
        first = len(self._journal_path.read_bytes().partition(b"\n")[0]) + 1
        os.truncate(self._journal_path, max(first, draw.randint(before, after)))

    def _recover(self) -> tuple[Journal, Start]:
        settled, end = read_settled(self._run_dir)
        self._witness.go_on_after(end.count)
        self._scenario.go_on()
        resumption = sort_out(self._scenario.plan, verify(settled, self._run_dir), first_job=10_000 * self._crashes)
        return Journal.reopen(self._journal_path, end, is_synced=False), resumption.start

    def _script(self, job: Job) -> Scripted:
        self._check_views(job)
        return self._scenario.script(job)

    def _check_views(self, job: Job) -> None:
        """A job sees only what is durable, and gets each output along or finds it in the table."""
        for name, view in self._scenario.views_of(job).items():
            if name not in self._witness.durable and not self._scenario.waits_for_none(job.task):
                raise Broken(f"{job.task} sees {name}, whose end is not durable")
            for item in _succeeded(view):
                if not self._is_there(name, item, view):
                    raise Broken(f"{job.task} does not find the output of {name}" + f"[{item}]" * (item is not None))

    def _is_there(self, name: str, item: int | None, view: TaskView) -> bool:
        if view.is_managed:
            return (name, item) in self._the_crew.outputs.refs
        outputs = view.item_outputs or ()
        along = view.output if item is None else outputs[item] if item < len(outputs) else None
        text = "" if along is None else (along.inline or b"").decode()
        return text == name or text in self._scenario.late.items  # which is the list of items that a task made

    def _told_apart(self, end: RunEnd) -> dict[str, str]:
        """Return how tasks ended; what became of one whose source failed hangs on how many of its items had run."""
        told: dict[str, str] = {}
        tasks = {task.id: task for task in within(self._scenario.plan.tasks)}
        for task, state in end.states.items():
            is_given_up = any(not end.states[source].is_success for source in feeds_of(tasks[drawn_as(task)]))
            told[task] = "given up" if is_given_up else "succeeded" if state.is_success else state.value
        return told

    def _check_same(self, end: RunEnd) -> None:
        """Recovery, then completion, comes to what a run without a crash comes to, and without a cache."""
        untouched = Scenario(self._scenario.seed)
        untouched.cache = None
        crew = untouched.crew(untouched.script)
        witness = Witness(untouched.plan, count_submitted=lambda: len(crew.submitted), items=untouched.late.items)
        wanted = _loop(untouched, crew, witness).run()
        told = self._told_apart(end)
        # Of a sub-workflow that was over before the run went on, the tasks of its items are not told again.
        missing = {task: state for task, state in self._told_apart(wanted).items() if task not in told and "[" in task}
        if self._told_apart(wanted) != {**told, **missing}:
            raise Broken(f"after {self._crashes} crashes the tasks are {end.states}, without {wanted.states}")


def _succeeded(view: TaskView) -> Iterator[int | None]:
    if view.status not in DONE:
        return  # of a fan-out that failed, nobody gets the items that did not
    if view.item_states is None:
        yield None
    else:
        yield from (item for item, state in enumerate(view.item_states) if state in DONE)


def _loop(scenario: Scenario, crew: NoisyCrew, sink: RunSink, start: Start | None = None) -> Loop:
    return Loop(
        scenario.plan,
        crew,
        sink,
        scenario.clock,
        decisions=scenario.decisions,
        options=RunOptions(
            "simulated",
            "/nowhere",
            workers=scenario.workers,
            is_fail_fast=scenario.is_fail_fast,
            timeout_s=scenario.timeout_s,
            start=start or Start(),
            pools=scenario.pools(),
        ),
        random=scenario.draw.random,
        stops=scenario.stops,
        cache=scenario.cache,
    )


def simulate_all(seeds: Sequence[int], *, processes: int | None = None) -> list[str]:
    """Simulate many seeds in several processes; return what was broken, a line each."""
    chunks = [seeds[start : start + _CHUNK] for start in range(0, len(seeds), _CHUNK)]
    count = min(processes or os.cpu_count() or 1, len(chunks))
    if count < 2:  # noqa: PLR2004 - no pool for one
        return [line for chunk in chunks for line in broken_of(chunk)]
    with multiprocessing.get_context("spawn").Pool(count) as pool:
        return [line for lines in pool.imap_unordered(broken_of, chunks) for line in lines]


def broken_of(seeds: Sequence[int]) -> list[str]:
    """Simulate seeds one after another; return what was broken, a line each."""
    return list(_broken(seeds))


def _broken(seeds: Sequence[int]) -> Iterator[str]:
    for seed in seeds:
        try:
            simulate(seed)
        except Broken as broken:
            yield str(broken)


def _fast_folder() -> str | None:
    """Return a folder in memory, where there is one."""
    return "/dev/shm" if os.access("/dev/shm", os.W_OK) else None  # noqa: S108 - a private folder is made in it


def main(arguments: Sequence[str] | None = None) -> int:
    """Show the run of a seed, or simulate many."""
    parser = argparse.ArgumentParser(prog="python -m flowpar.testing.simulate", description="Runs in virtual time.")
    parser.add_argument("seed", nargs="?", type=int, help="show this run, event by event")
    parser.add_argument("--count", type=int, default=10_000, help="how many seeds to simulate (%(default)s)")
    parser.add_argument("--first", type=int, default=0, help="the first of them (%(default)s)")
    parser.add_argument("--processes", type=int, help="in how many processes; by default one for each processor")
    given = parser.parse_args(arguments)
    if given.seed is not None:
        return _show(given.seed)
    began = time.monotonic()
    broken = simulate_all(range(given.first, given.first + given.count), processes=given.processes)
    for line in broken:
        _say(line)
    _say(f"{given.count} seeds, {len(broken)} broken, {time.monotonic() - began:.1f} s")
    return 1 if broken else 0


def _show(seed: int) -> int:
    class Shown:
        def emit(self, event: Event) -> None:
            name, fields = line_of(event)
            _say(json.dumps({"at": round(getattr(event, "at", 0.0) % 1e6, 3), "event": name, **fields}, default=str))

        def commit(self) -> None:
            _say("-- committed")

        def close(self) -> None:
            return

    try:
        simulated = simulate(seed, sinks=[Shown()])
    except Broken as broken:
        _say(str(broken))
        raise
    _say(f"seed {seed}: {simulated.end.status}, {simulated.crashes} crashes, {len(simulated.events)} events")
    return 0


def _say(text: str) -> None:
    with suppress(BrokenPipeError):
        sys.stdout.write(f"{text}\n")


if __name__ == "__main__":
    sys.exit(main())
