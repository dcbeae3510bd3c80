"""Ready attempts as jobs: what the run shares is pickled once, a recipe once for each task.

    Ready + record ──► Job(shared, recipe, bindings) ──► executor

Only the bindings are pickled for each attempt.
"""

from __future__ import annotations

import pickle
import re
from dataclasses import replace
from itertools import count, takewhile
from typing import TYPE_CHECKING

from flowpar.core.executors import is_brought
from flowpar.data.spool import Ticket
from flowpar.execute.base import Job
from flowpar.execute.recipe import Bindings, Expand, Shared
from flowpar.planning.secret import hidden_by
from flowpar.planning.template import within
from flowpar.schedule.attempt import Attempt
from flowpar.schedule.ledger import TRAVELS_BYTES, TRAVELS_WITH_ITEMS_BYTES
from flowpar.schedule.resources import WHOLE, thousandths
from flowpar.schedule.start import fingerprint_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from flowpar.data.cache_entry import Keeping
    from flowpar.execute.recipe import TaskView
    from flowpar.planning.model import Plan, PlannedTask
    from flowpar.schedule.attempt import Ready
    from flowpar.schedule.crew import Crew
    from flowpar.schedule.ledger import Ledger, Record
    from flowpar.schedule.resources import Grant, Request
    from flowpar.schedule.run import RunOptions

_PROTOCOL = 5
_LONGEST_SLUG = 128
_USUAL = (("cpu", 1.0), ("memory", 0.0))


def share(plan: Plan, run_id: str, run_dir: str, *, address: str | None = None, key: bytes = b"") -> Shared:
    """Return what every job of a run gets, but for its secrets."""
    hidden = hidden_by(plan.secrets)
    return Shared(
        run_id=run_id,
        run_dir=run_dir,
        workflow_name=plan.workflow,
        workflow_dir=plan.workflow_dir,
        python_path=plan.python_path,
        inputs=plan.inputs,
        env_file={name: value for name, value in plan.env_file.items() if name not in hidden},
        env=plan.env,
        outputs_address=address,
        outputs_key=key,
        hidden=hidden,
        modules=_modules_of(plan.tasks),
    )


def _modules_of(tasks: Sequence[PlannedTask]) -> tuple[str, ...]:
    """Return the modules that functions of tasks are in, those of items that only the run knows included."""
    calls = (task.call for task in within(tasks) if task.template is None)
    return tuple(sorted({call.target.partition(":")[0] for call in calls}))


class JobMaker:
    """Makes jobs and numbers them; owned by the loop."""

    def __init__(self, shared: Shared, ledger: Ledger, hand_out: Callable[[], None], *, first: int = 1) -> None:
        """Pickle what all jobs share; number from `first` on; call `hand_out` before a job looks outputs up."""
        self._run_dir = shared.run_dir
        self._shared = pickle.dumps(shared, _PROTOCOL)
        self._ledger = ledger
        self._hand_out = hand_out
        self._numbers = count(first)

    @property
    def shared(self) -> bytes:
        """What all jobs have in common, pickled."""
        return self._shared

    def take_number(self) -> int:
        """Return a number that no job has or will have."""
        return next(self._numbers)

    def make(self, ready: Ready, grant: Grant | None = None, keeping: Keeping | None = None) -> tuple[Attempt, Job]:
        """Return the attempt and its job; `grant` is what it holds, `keeping` how the cache keeps it."""
        task, number = ready.record.task, next(self._numbers)
        bindings = self.bindings(ready)
        if keeping is not None:
            bindings = replace(bindings, keeping=keeping)
        is_elsewhere = is_brought(task.executor) and ready.decision is None
        cpu_milli, memory_bytes = WHOLE, 0
        if task.resources and ready.decision is None:
            cpu_milli, memory_bytes = _share_of(_whole_request(task) if is_elsewhere else ready.record.lane.request)
            if "gpu" in task.resources and not is_elsewhere:
                bindings = replace(bindings, devices=() if grant is None else grant.devices)
        log_file = _log_file(ready, number)
        fingerprint = str(fingerprint_of(ready))
        job = Job(
            number=number,
            task=task.id,
            item=ready.item,
            attempt=ready.number,
            shared=self._shared,
            recipe=self._recipe(ready),
            bindings=pickle.dumps(bindings, _PROTOCOL),
            log_file=f"{self._run_dir}/{log_file}",
            grace_s=task.grace_s,
            cpu_milli=cpu_milli,
            memory_bytes=memory_bytes,
            batch=task.batch or 0,
            ticket=_ticket(ready, fingerprint) if ready.record.lane.executor == "pool" else b"",
            resources=tuple(sorted(task.resources.items())) if is_elsewhere else (),
        )
        attempt = Attempt(number, ready, log_file, fingerprint, grant, keeping)
        return attempt, job

    def _recipe(self, ready: Ready) -> bytes:
        record = ready.record
        if ready.decision is not None:
            return pickle.dumps(ready.decision, _PROTOCOL)
        if record.recipe is None:
            template = record.task.template
            record.recipe = pickle.dumps(record.task.call if template is None else template.recipe, _PROTOCOL)
        return record.recipe

    def bindings(self, ready: Ready) -> Bindings:
        """Return what is bound for an attempt."""
        record, fan_out = ready.record, ready.record.task.fan_out
        if ready.decision is not None:
            reads = record.items_read if isinstance(ready.decision, Expand) else record.condition_reads
            views = self._found(self._ledger.views(reads))
        else:
            views = self._views(record)
        if ready.item is None or record.bound is None or fan_out is None:
            bindings = bindings_of(record.task, views, self._ledger.run_of(record.task))
            if record.task.lap:  # a round of a sub-workflow
                before = self._ledger.records.get(record.task.previous)
                return replace(bindings, round=record.task.lap, previous=None if before is None else before.output)
            return replace(bindings, round=ready.round, previous=ready.previous) if ready.round else bindings
        return Bindings(
            tasks=views,
            each=record.bound.item(ready.item),
            index=ready.item,
            is_matrix=fan_out.is_product,
            run=self._ledger.run_of(record.task),
            round=ready.round,
            previous=ready.previous,
            scope=record.task.scope,
            key=record.key_of(ready.item),
        )

    def _views(self, record: Record) -> Mapping[str, TaskView]:
        if record.views is None:
            limit_bytes = TRAVELS_BYTES if record.task.fan_out is None else TRAVELS_WITH_ITEMS_BYTES
            record.views = self._found(self._ledger.views(record.task.reads, limit_bytes=limit_bytes))
        return record.views

    def _found(self, views: Mapping[str, TaskView]) -> Mapping[str, TaskView]:
        """See that a worker finds what it has to look up: that has all come, for its tasks are over."""
        if any(view.is_managed for view in views.values()):
            self._hand_out()
        return views


def maker_of(plan: Plan, options: RunOptions, crew: Crew, ledger: Ledger, *, hand_out: Callable[[], None]) -> JobMaker:
    """Return what makes the jobs of a run."""
    shared = share(plan, options.run_id, options.run_dir, address=crew.outputs_address, key=crew.outputs_key)
    has_cache = any(task.cache is not None for task in within(plan.tasks))
    limit, is_synced = options.values_limit, options.syncs_values
    shared = replace(shared, secrets=options.secrets, trace_id=options.trace_id, is_audited=options.is_audited)
    shared = replace(shared, values_limit=limit, syncs_values=is_synced, has_cache=has_cache, code=options.code)
    jobs = JobMaker(shared, ledger, hand_out, first=options.start.first_job)
    first = takewhile(lambda task: not task.layer, plan.tasks)
    if any(task.executor == "process" and task.cache is None for task in first):
        crew.prepare(jobs.shared)  # beside all that is done before the first of them comes
    return jobs


def _log_file(ready: Ready, number: int) -> str:
    """Return where the output of an attempt is kept, relative to the run folder."""
    place = "" if ready.item is None else f"-{ready.item}"
    lap = f".{ready.round}" if ready.round else ""
    return f"logs/{number:06d}-{_slug(ready.record.task.id)}{place}{lap}.{ready.number}.log"


def _slug(task: str) -> str:
    """Return the id of a task as a part of a file's name: that of one of a sub-workflow has signs of its own."""
    return task if len(task) <= _LONGEST_SLUG and "/" not in task else re.sub("[^\\w-]", "+", task)[:_LONGEST_SLUG]


def bindings_of(task: PlannedTask, views: Mapping[str, TaskView], run: Mapping[str, object]) -> Bindings:
    """Return what is bound for a task as a whole."""
    bound = task.bound
    if bound is None:
        return Bindings(tasks=views, run=run, scope=task.scope)
    return Bindings(views, bound.each, bound.index, bound.is_matrix, run, scope=task.scope, key=bound.key)


def _share_of(request: Request) -> tuple[int, int]:
    """Return the thousandths of a cpu and the bytes that an attempt may use."""
    amounts = dict(request)
    return amounts.get("cpu", 0), amounts.get("memory", 0) // WHOLE


def _whole_request(task: PlannedTask) -> Request:
    """Return what an attempt may use where it runs, on whatever machine."""
    return tuple((pool, thousandths(task.resources.get(pool, default))) for pool, default in _USUAL)


def _ticket(ready: Ready, fingerprint: str) -> bytes:
    """Return what a worker that keeps a record itself says of an attempt."""
    task, item = ready.record.task, ready.item
    return Ticket(task.id, item, ready.number, task.layer, ready.round, ready.record.key_of(item), fingerprint).pack()
