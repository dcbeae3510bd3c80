"""The far side of `pool`: a process that stays, and makes one attempt after another at whatever it is given.

As in `inline`, what an attempt changes in its process is put back, here to what it was before the first one; what
stays are imported modules and their variables. A process that is worn asks for no more.

    bundle ─► claim ─► attempt ─┬─ success ─► kept, DONE ─► claim ─► …
                                └─ anything else ─► DONE, and the rest of the bundle is not begun

A success is kept in a file before the next attempt begins: should the engine be killed before it has recorded it,
it is not made again.
"""

from __future__ import annotations

import os
import pickle
import socket
import sys
import time
from typing import TYPE_CHECKING

from flowpar.core.outcome import Success
from flowpar.core.point import point
from flowpar.data.spool import Spool
from flowpar.execute import surroundings
from flowpar.execute.attempt import hide_sources
from flowpar.execute.claim import Claims
from flowpar.execute.habitat import move_high
from flowpar.execute.inline_worker import Before, InlineWorker, direct, end_children
from flowpar.execute.order import unpack_jobs
from flowpar.execute.post_log import listen_to_logging
from flowpar.execute.report_pipe import Report
from flowpar.execute.scratch import KeptScratch
from flowpar.execute.standing_word import BEGUN, Done, Word
from flowpar.execute.wear import Wear
from flowpar.execute.wire import Channel

if TYPE_CHECKING:
    from flowpar.execute.base import Job
    from flowpar.execute.begun import BegunLines
    from flowpar.execute.recipe import Shared
    from flowpar.execute.wire import Frame


def serve(outputs_address: str | None, outputs_key: bytes, mark: bytes, *descriptors: int) -> None:
    """Make attempts until the engine hangs up; the descriptors are the channel, the output and the claims."""
    control, output, claims = map(move_high, descriptors)
    channel = Channel(socket.socket(fileno=control))
    PoolWorker(channel, outputs_address, outputs_key, output=output, claims=claims, mark=mark).run()


class PoolWorker(InlineWorker):
    """Owns the channel, the output and the claims; everything happens in the main thread."""

    def __init__(
        self,
        channel: Channel,
        outputs_address: str | None,
        outputs_key: bytes,
        *,
        output: int,
        claims: int,
        mark: bytes,
    ) -> None:
        """Know nothing of the run yet; `mark` stands between what two attempts print."""
        super().__init__(channel, outputs_address, outputs_key)
        self._output = output
        self._claims = Claims(claims)
        self._mark = mark
        self._wear = Wear()
        self._first: Before | None = None
        self._scratch: KeptScratch | None = None
        self._spool: Spool | None = None
        self._begun: BegunLines | None = None
        direct(self._output)

    def _obey(self, frame: Frame) -> None:
        match frame.kind:
            case Word.SHARE:
                self._shared = frame.body
                self._settle_in(pickle.loads(self._shared))
            case Word.BUNDLE:
                self._make_all(frame.body[0], unpack_jobs(frame.body[1:], self._shared))

    def _settle_in(self, shared: Shared) -> None:
        """Make this process one in which attempts of a run are made."""
        hide_sources(self._shared)
        surroundings.extend_path(shared)
        self._spool = Spool(shared.run_dir)
        self._begun = None if shared.begun is None else shared.begun.open()
        self._scratch = KeptScratch(shared.scratch_in or shared.run_dir)
        listen_to_logging(lambda: None)
        self._first = Before.now(surroundings.TOLD_TO_ALL)

    def _make_all(self, bundle: int, jobs: list[Job]) -> None:
        if self._spool is not None:
            self._spool.begin()
        for place, job in enumerate(jobs, 1):
            if not self._claims.claim(bundle):
                break
            if self._begun is not None and not self._begun.begin(job.number):
                sys.exit("somebody else makes its jobs now")
            if not self._make(job, is_first=place == 1, is_last=place == len(jobs)):
                break
        if self._begun is not None:
            self._begun.flush()

    def _make(self, job: Job, *, is_first: bool, is_last: bool) -> bool:
        """Make one attempt, tell how it ended, and return whether the next one may begin."""
        started, cpu_s = time.monotonic(), time.process_time()
        if is_first:
            self._channel.send(Word.BEGUN, BEGUN.pack(job.number, started))
        try:
            outcome, warnings = self._attempt(job, self._scratch)
        finally:
            is_as_before = self._put_back()
        warnings += end_children()
        ended = time.monotonic()
        may_stay = is_as_before and not self._wear.is_worn()
        goes_on = not is_last and may_stay and isinstance(outcome, Success) and outcome.is_last
        if goes_on and isinstance(outcome, Success):
            may_stay = goes_on = self._keep(job, outcome, ended - started)
        if not may_stay:
            self._channel.send(Word.RETIRE, b"")
        report = Report(outcome, warnings)
        done = Done(job.number, started, ended, time.process_time() - cpu_s, report)
        if self._begun is not None:
            self._begun.over(done)
        point("pool.report")
        self._channel.send(Word.DONE, done.pack())
        return goes_on

    def _put_back(self) -> bool:
        is_as_before = self._first is not None and self._first.restore()
        try:
            os.set_blocking(self._output, True)  # for all who print there, whoever asked for something else
            direct(self._output)
        except OSError:  # the task closed it
            return False
        return is_as_before

    def _keep(self, job: Job, success: Success, duration_s: float) -> bool:
        """Keep a success for a resume and end its output; return whether another attempt may begin."""
        try:
            if self._spool is not None and job.ticket:
                self._spool.keep(job.ticket, success.value, started_at=time.time() - duration_s, duration_s=duration_s)
            return os.write(self._output, self._mark) == len(self._mark)
        except OSError:  # a full disk; an output that the task replaced, or an engine that hung up
            return False
