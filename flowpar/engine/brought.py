"""Executors of plugins in a run: which of them its plan uses, and the way to them."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from flowpar.core.executors import is_brought, split_address
from flowpar.execute.brought import Bringing
from flowpar.planning.template import within
from flowpar.plugin.executors import InstalledExecutors

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from flowpar.planning.model import Plan


def bringing_to(run_dir: Path, workers: int, *, executor: str | None, allows_plugins: bool) -> Bringing:
    """Return the way to executors of plugins; `executor` is that of the command line, with its address."""
    name, address = split_address(executor or "")
    installed = InstalledExecutors(allows_plugins=allows_plugins)
    return Bringing(os.fspath(run_dir), workers, installed, {name: address} if address else {})


def brought_by(plan: Plan) -> Mapping[str, str]:
    """Return the executors of plugins that tasks of a plan name, each with the first of these tasks."""
    asked: dict[str, str] = {}
    for task in within(plan.tasks):
        if is_brought(task.executor):
            asked.setdefault(task.executor, task.id)
    return asked
