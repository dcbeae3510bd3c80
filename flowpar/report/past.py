"""Attempts as a journal tells them: one row for each go at a task or an item, in the order in which they ended.

A row of what never ran, because it was skipped, cached or cancelled first, has no times.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from flowpar.core.frozen import dataclass

if TYPE_CHECKING:
    from collections.abc import Mapping

    from flowpar.core.outcome import Failure

RETRIED, REPEATED, RUNNING, CUT_OFF = "retried", "repeated", "running", "cut_off"


@dataclass(frozen=True, slots=True)
class PastAttempt:
    """One go at a task or an item.

    `state` is a final state, or `retried`, `repeated`, `running` (no end yet) or `cut_off` (there will be none).
    `started_at` is in seconds since the epoch; `wait_s` is from ready to started.
    """

    task: str
    item: int | None
    attempt: int
    layer: int
    executor: str
    state: str
    key: str | float | None = None
    round: int = 0
    pid: int | None = None
    started_at: float | None = None
    duration_s: float | None = None
    wait_s: float | None = None
    cpu_s: float | None = None
    max_rss_bytes: int | None = None
    output_bytes: int | None = None
    failure: Failure | None = None
    is_tolerated: bool = False
    reason: str = ""
    log_file: str | None = None

    @property
    def ended_at(self) -> float | None:
        """When it ended, by the clock that durations are of; None for what never ran or has no end."""
        if self.started_at is None or self.duration_s is None:
            return None
        return self.started_at + self.duration_s


@dataclass(frozen=True, slots=True)
class Past:
    """All attempts of a run; `parts` are its beginning and each time it was resumed, with the last word before that.

    `needs` maps tasks to those that they need, as far as that is known.
    """

    attempts: tuple[PastAttempt, ...]
    parts: tuple[tuple[float, float], ...]
    needs: Mapping[str, tuple[str, ...]]
