"""The far side: what a task process does from its first line to its last.

    order ──► settle ──► (a spare waits for its job) ──► make_attempt ──► report ──► end what is left ──► os._exit

Everything reachable from here imports only the standard library and what is as light.
"""

from __future__ import annotations

import gc
import os
import sys
import time
import traceback
from importlib import import_module
from multiprocessing import process
from typing import TYPE_CHECKING, Any, NoReturn

from flowpar.core.outcome import Failure, FailureKind
from flowpar.core.point import enter as enter_role
from flowpar.core.point import point
from flowpar.execute import tree
from flowpar.execute.cancellation import Cancelled, pass_over_term, raise_on_term, spare_children
from flowpar.execute.death import PIPE_LOST
from flowpar.execute.ending import is_anything_left, leave
from flowpar.execute.habitat import (
    close_all_but,
    found_session,
    leave_forkserver,
    prepare_interpreter,
    redirect_output,
    renew_output_streams,
    reset_start_method,
    restore_signals,
    set_aside,
)
from flowpar.execute.kernel import name_process
from flowpar.execute.order import JobOrder, Order, Origin, ServiceOrder, SpareOrder
from flowpar.execute.post import Post
from flowpar.execute.report_pipe import Report, ReportKind, ReportPipe, pack_late, pack_report
from flowpar.execute.spares import await_job, warm_up

if TYPE_CHECKING:
    from collections.abc import Iterable

    from flowpar.execute.base import Job

_OUTCOME = ReportKind.OUTCOME  # a class of numbers finds its members by a call of Python
_CANCELLED = Failure(FailureKind.DIED, "SIGTERM", "ended by SIGTERM")


def enter(order: Order, origin: Origin) -> NoReturn:
    """Carry out an order in a process that was started for it, and end the process."""
    enter_role(order.role)
    found_session(origin)
    restore_signals()
    _settle(origin, order.descriptors.numbers)
    if isinstance(order, SpareOrder):
        order = _job_for(order)
    if isinstance(order, JobOrder):
        _attempt(order)
    _serve(order)


def _job_for(spare: SpareOrder) -> JobOrder:
    """Wait for a job, and end where there will be none."""
    name_process("flowpar:spare")
    warm_up(spare.briefing)
    found = await_job(spare)
    if found is None:
        os._exit(0)
    process.current_process().name, order = found
    enter_role(order.role)
    return order


def _attempt(order: JobOrder) -> NoReturn:
    result, output = order.descriptors.numbers
    redirect_output(output)
    pipe = ReportPipe(set_aside(result))
    job, briefing = order.job, order.briefing
    name_process(job.task)
    post = Post(job.number, pipe, briefing.outputs_address, briefing.outputs_key)
    outcome, warnings = _make(briefing.attempt, job, pipe, post)
    _flush()
    is_last = not is_anything_left()
    point("attempt.report")
    is_sent = pipe.send(_OUTCOME, pack_report(Report(outcome, warnings, is_last, time.monotonic())))
    if not is_last:
        late = leave(job.grace_s, is_cancelled=outcome is _CANCELLED)
        _flush()
        pipe.send(ReportKind.LATE, pack_late(late))
    os._exit(0 if is_sent else PIPE_LOST)


def _make(attempt: str, job: Job, pipe: ReportPipe, post: Post) -> tuple[Any, tuple[str, ...]]:
    try:
        raise_on_term()
        try:
            pipe.await_leave()
            outcome, warnings = _load(attempt)(job, post=post, is_isolated=True)
        finally:
            pass_over_term()
    except Cancelled:
        pass_over_term()
        return _CANCELLED, ()
    return outcome, tuple(warnings)


def _serve(order: ServiceOrder) -> NoReturn:
    name_process(order.name)
    code = 0
    try:
        _load(order.entry)(*order.arguments, *order.descriptors.numbers)
    except Exception:  # noqa: BLE001  # a process of ours that has no one above it to tell
        traceback.print_exc()
        code = 1
    _flush()
    # The engine hung up; where the guard is dead, too, what is left here would be nobody's.
    tree.kill_descendants()
    os._exit(code)


def _settle(origin: Origin, kept: Iterable[int]) -> None:
    gc.enable()
    if origin.start_method == "fork":
        # All else is as the launcher has it.
        close_all_but((*kept, origin.heart), below=origin.descriptors)
        return
    reset_start_method()
    renew_output_streams()
    if origin.start_method == "forkserver":
        leave_forkserver()
    prepare_interpreter()
    spare_children()


def _load(target: str) -> Any:
    module, _, name = target.partition(":")
    return getattr(sys.modules.get(module) or import_module(module), name)


def _flush() -> None:
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (OSError, ValueError, AttributeError):  # the task closed or replaced it
            continue
