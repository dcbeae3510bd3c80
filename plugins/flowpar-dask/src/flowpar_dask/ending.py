"""How attempts end, also those of which their worker does not tell: it never made them, or it is lost."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from flowpar.core.outcome import Failure, FailureKind, Success
from flowpar.execute.base import Completion, Reported
from flowpar.execute.report_pipe import Report
from flowpar.execute.standing_word import Done
from flowpar.execute.yielded import unpack

if TYPE_CHECKING:
    from flowpar.execute.base import Notice


def lost(job: int, message: str, kind: FailureKind = FailureKind.DIED) -> Completion:
    """Return the completion of an attempt that nobody makes any more."""
    moment = time.monotonic()
    return Completion(job, Failure(kind, "", message), 0, moment, moment)


def done_of(completion: Completion) -> Done:
    """Return what is noted of an attempt that is over, for `told_late` to tell where its worker is lost."""
    report = Report(completion.outcome, completion.warnings)
    return Done(completion.job, completion.started, completion.ended, completion.cpu_s or 0.0, report)


def told_late(done: Done, pid: int) -> Completion:
    """Return the completion of an attempt that was over before its worker was lost; it ends now, by this clock."""
    moment = time.monotonic()
    began = moment - max(0.0, done.ended - done.started)
    return Completion(done.job, done.report.outcome, pid, began, moment, done.cpu_s, warnings=done.report.warnings)


def file_of(notice: Notice) -> str | None:
    """Return the file of the run folder in which the value is that an attempt made or yields, if it is in one."""
    if isinstance(notice, Completion) and isinstance(notice.outcome, Success):
        return notice.outcome.value.file
    if isinstance(notice, Reported) and notice.kind == "item":
        item = unpack(notice.body)
        return None if item is None else item[1].file
    return None
