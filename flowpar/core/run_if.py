"""The words of `run_if`: when a task runs, by how the tasks that it needs ended."""

from __future__ import annotations

from typing import Literal, get_args

RunIf = Literal[
    "all_success",
    "all_done",
    "all_failed",
    "none_failed",
    "none_failed_min_one_success",
    "one_success",
    "one_failed",
]
RUN_IFS: tuple[RunIf, ...] = get_args(RunIf)
# These do not wait for the other needs.
EARLY: frozenset[RunIf] = frozenset({"one_success", "one_failed"})
# These ask for a need that ended in a certain way: a task that needs nothing never runs under them.
WANTS_ONE: frozenset[RunIf] = frozenset({"all_failed", "none_failed_min_one_success", "one_success", "one_failed"})
