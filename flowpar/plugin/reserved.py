"""Names that no kind can have: each is a key of every task."""

from __future__ import annotations

from typing import Final

TASK_KEYS: Final = frozenset(
    {
        "allow_failure",
        "batch",
        "cache",
        "cwd",
        "description",
        "env",
        "executor",
        "for_each",
        "grace",
        "if",
        "key",
        "matrix",
        "max_parallel",
        "needs",
        "on_item_error",
        "priority",
        "repeat",
        "resources",
        "retry",
        "run_if",
        "timeout",
        "with",
    }
)
