"""Which tasks of the executor `pool` its warm workers can take; the others get a process of their own.

A worker is one process with one share of the machine, and its modules are those of one place: what is a program,
asks for another share, or finds other modules by the same names, is not for it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from flowpar.execute.recipe import Scope


def executor_for(chosen: str, kind: str, resources: Mapping[str, float]) -> str:
    """Return the executor of a task for which `chosen` was named."""
    if chosen != "pool":
        return chosen
    has_own_share = resources.get("cpu", 1.0) != 1.0 or not resources.keys().isdisjoint(("memory", "gpu"))
    return "process" if kind == "shell" or has_own_share else "pool"


def executor_within(executor: str, scope: Scope, home: tuple[str, tuple[str, ...]]) -> str:
    """Return the executor of a task of a sub-workflow; `home` are the run's folder and `python_path`."""
    return "process" if executor == "pool" and (scope.workflow_dir, scope.python_path) != home else executor
