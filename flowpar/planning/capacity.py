"""Whether this machine and its workers have what the tasks of a plan ask for; asked anew before each run.

plan ─ what is asked for ─► Capacity ─► findings, each where the task asks
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from flowpar.core.diagnostics import Diagnostic, Diagnostics
from flowpar.core.executors import is_brought
from flowpar.core.frozen import dataclass, replace
from flowpar.execute.machine import gpu_devices, memory_bytes
from flowpar.lang.size import size_text
from flowpar.planning.template import within

if TYPE_CHECKING:
    from collections.abc import Collection

    from flowpar.planning.model import Plan, PlannedTask
    from flowpar.planning.prepared import Prepared

OVER_MACHINE = "FP232"


@dataclass(frozen=True, slots=True)
class Capacity:
    """What there is of the pools that no workflow declares; `memory_bytes` is None where nobody knows."""

    workers: int
    memory_bytes: int | None = None
    devices: tuple[str, ...] = ()

    @classmethod
    def of_machine(cls, workers: int, asked: Collection[str]) -> Capacity:
        """Look for what is asked for, and for nothing else."""
        memory = memory_bytes() if "memory" in asked else None
        return cls(workers, memory, gpu_devices() if "gpu" in asked else ())


def pools_asked(plan: Plan) -> frozenset[str]:
    """Return the pools of which some task takes a share; items that share a process are counted with all the others."""
    asked = frozenset(pool for task in within(plan.tasks) if task.resources for pool in task.resources)
    return asked | {"cpu"} if any(task.batch is not None for task in within(plan.tasks)) else asked


def fitted(prepared: Prepared, workers: int) -> Prepared:
    """Return what was prepared, without its plan and with findings where a task could never start here."""
    plan = prepared.plan
    asked = frozenset() if plan is None else pools_asked(plan)
    if plan is None or not asked:
        return prepared
    found = misfits(plan, Capacity.of_machine(workers, asked))
    if not found:
        return prepared
    return replace(prepared, plan=None, diagnostics=Diagnostics([*prepared.diagnostics.found, *found]))


def misfits(plan: Plan, capacity: Capacity) -> list[Diagnostic]:
    """Return a finding for each task that asks for more than there is."""
    in_file_order = within(sorted(plan.tasks, key=lambda task: task.index))
    here = (task for task in in_file_order if task.resources and not is_brought(task.executor))
    found = [one for task in here for one in _misfits_of(task, capacity)]
    return list(dict.fromkeys(found))


def _misfits_of(task: PlannedTask, capacity: Capacity) -> list[Diagnostic]:
    found = []
    cpu, memory, gpu = (task.resources.get(pool, 0) for pool in ("cpu", "memory", "gpu"))
    if cpu > capacity.workers:
        workers = "is 1 worker" if capacity.workers == 1 else f"are {capacity.workers} workers"
        text = f'task "{task.id}" asks for {cpu:g} of "cpu", and there {workers}'
        found.append(("cpu", text, f"run it with -w {_whole(cpu)} or more, or ask for less"))
    if capacity.memory_bytes is not None and memory > capacity.memory_bytes:
        text = f'task "{task.id}" asks for {size_text(int(memory))} of "memory", and there are'
        found.append(("memory", f"{text} {_rough(capacity.memory_bytes)} here", "ask for less"))
    if gpu > len(capacity.devices):
        count = len(capacity.devices)
        there = "no device is here" if not count else f"there {'is' if count == 1 else 'are'} {count} here"
        hint = "CUDA_VISIBLE_DEVICES says which are to be used" if not count else "ask for less"
        found.append(("gpu", f'task "{task.id}" asks for {gpu:g} of "gpu", and {there}', hint))
    file, places = task.resources_in, task.resources_at
    return [Diagnostic(OVER_MACHINE, text, file, places[pool], hint=hint) for pool, text, hint in found]


def _whole(cpu: float) -> int:
    return -int(-cpu // 1)


def _rough(size: int) -> str:
    return f"{size / 2**30:.1f} GiB" if size >= 2**30 else f"{size / 2**20:.0f} MiB"
