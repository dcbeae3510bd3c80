"""When a task runs, by how the tasks that it needs ended: `run_if`. Pure.

    how each need counted ─► Tally ─► decide(rule, tally) ─► a Verdict, or None: wait for more

    rule                         runs                               is skipped
    all_success                  all succeeded                      one failed or was skipped
    all_done                     all are over                       never
    all_failed                   all failed                         one did not
    none_failed                  all are over, and none failed      one failed
    none_failed_min_one_success  the same, and one succeeded        one failed, or none succeeded
    one_success                  one succeeded                      all are over, and none did
    one_failed                   one failed                         all are over, and none did

What is skipped because something above it failed counts as failed itself; any other skip is no failure.
No verdict depends on the order in which the needs ended: a rule that is broken by a skip waits until no
failure can follow, for that would count.
"""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING

from flowpar.core.frozen import dataclass

if TYPE_CHECKING:
    from flowpar.core.run_if import RunIf


class Counts(Enum):
    """How a task that is over counts for those that need it; a failure that is tolerated counts as success."""

    SUCCEEDED = "succeeded"
    FAILED = "failed"
    SKIPPED = "skipped"


class Verdict(Enum):
    """What becomes of a task; SKIP_AS_FAILED is a skip that counts as a failure."""

    RUN = "run"
    SKIP = "skip"
    SKIP_AS_FAILED = "skip as failed"


@dataclass(slots=True)
class Tally:
    """How the needs of one task ended so far: how many did not, and the first that succeeded, failed, was skipped.

    `giving` counts those that feed it and are not over: it does not wait for their end, but they may still fail.
    """

    unmet: int = 0
    giving: int = 0
    succeeded: str | None = None
    failed: str | None = None
    skipped: str | None = None

    def begin(self) -> None:
        """Count a need that has begun to give."""
        self.unmet -= 1
        self.giving += 1

    def add(self, need: str, counts: Counts, *, has_begun: bool = False) -> None:
        """Count a need that is over."""
        if has_begun:
            self.giving -= 1
        else:
            self.unmet -= 1
        if counts is Counts.SUCCEEDED:
            self.succeeded = self.succeeded or need
        elif counts is Counts.FAILED:
            self.failed = self.failed or need
        else:
            self.skipped = self.skipped or need


def decide(rule: RunIf, tally: Tally) -> Verdict | None:
    """Return what becomes of a task, or None where that is still open."""
    match rule:
        case "all_success":
            return _unless_failed(tally, runs=not tally.skipped)
        case "none_failed":
            return _unless_failed(tally, runs=True)
        case "none_failed_min_one_success":
            return _unless_failed(tally, runs=tally.succeeded is not None)
        case "all_done":
            return None if tally.unmet else Verdict.RUN
        case "all_failed":
            return _if_all_failed(tally)
        case "one_success":
            if tally.succeeded or tally.unmet:
                return Verdict.RUN if tally.succeeded else None
            return Verdict.SKIP_AS_FAILED if tally.failed else Verdict.SKIP
        case "one_failed":
            if tally.failed or tally.unmet:
                return Verdict.RUN if tally.failed else None
            return Verdict.SKIP


def blamed(rule: RunIf, tally: Tally) -> str:
    """Return the need that a skip is due to, or "" where it is due to all of them, or to there being none."""
    if rule in {"one_success", "one_failed"}:
        return ""
    if rule == "all_failed":
        return tally.succeeded or tally.skipped or ""
    return tally.failed or (tally.skipped if rule == "all_success" else "") or ""


def _unless_failed(tally: Tally, *, runs: bool) -> Verdict | None:
    if tally.failed:
        return Verdict.SKIP_AS_FAILED
    if tally.unmet or (tally.giving and not runs):
        return None
    return Verdict.RUN if runs else Verdict.SKIP


def _if_all_failed(tally: Tally) -> Verdict | None:
    if tally.succeeded or tally.skipped:
        return Verdict.SKIP
    if tally.unmet:
        return None
    return Verdict.RUN if tally.failed else Verdict.SKIP
