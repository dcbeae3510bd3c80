"""How attempts end, also those of which their worker does not tell: it never made them, or it is lost."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from flowpar.core.outcome import Failure, FailureKind, Success
from flowpar.execute.base import Completion

if TYPE_CHECKING:
    from flowpar.execute.base import Notice
    from flowpar.execute.standing_word import Done


def lost(job: int, message: str, kind: FailureKind = FailureKind.DIED) -> Completion:
    """Return the completion of an attempt that nobody makes any more."""
    moment = time.monotonic()
    return Completion(job, Failure(kind, "", message), 0, moment, moment)


def told_late(done: Done, pid: int) -> Completion:
    """Return the completion of an attempt that was over before its worker was lost; it ends now, by this clock."""
    moment = time.monotonic()
    began = moment - max(0.0, done.ended - done.started)
    return Completion(done.job, done.report.outcome, pid, began, moment, done.cpu_s, warnings=done.report.warnings)


def file_of(notice: Notice) -> str | None:
    """Return the file of the run folder in which the value is that an attempt made, if it is in one."""
    if not isinstance(notice, Completion) or not isinstance(notice.outcome, Success):
        return None
    return notice.outcome.value.file
