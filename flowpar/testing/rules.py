"""What `run_if` says, once more and by other means: whoever checks the scheduler must not ask the scheduler.

how all needs counted in the end ─► expected(rule, counts) ─► it runs (None), or how its skip counts
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from flowpar.schedule.rule import Counts

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from flowpar.core.run_if import RunIf

_GOOD, _BAD, _LEFT_OUT = Counts.SUCCEEDED, Counts.FAILED, Counts.SKIPPED


def expected(rule: RunIf, needs: Sequence[Counts]) -> Counts | None:
    """Return None where a task runs whose needs ended so, else how its skip counts."""
    ends = set(needs)
    if holds(rule, needs):
        return None
    wants_failure = rule in {"all_failed", "one_failed"}
    return _BAD if _BAD in ends and not wants_failure else _LEFT_OUT


def holds(rule: RunIf, needs: Sequence[Counts]) -> bool:
    """Whether a task runs whose needs ended so; `one_…` holds of those that are over as well as of all."""
    ends = set(needs)
    holding: Mapping[RunIf, bool] = {
        "all_success": ends <= {_GOOD},
        "all_done": True,
        "all_failed": ends == {_BAD},
        "none_failed": _BAD not in ends,
        "none_failed_min_one_success": _BAD not in ends and _GOOD in ends,
        "one_success": _GOOD in ends,
        "one_failed": _BAD in ends,
    }
    return holding[rule]
