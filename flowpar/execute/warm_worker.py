"""A worker of a pool as the engine sees it: it is handed bundles of jobs, of which what has not begun can be had back.

    engine ── SHARE, BUNDLE, grants ─────────────────────────────► worker
    engine ◄─ BEGUN (the first of a bundle), POSTED, RETIRE, DONE ─ worker
           ◄─ one pipe with what all of them print, one after another

A bundle goes on after each success. After anything else the worker begins no other job of it, and they are taken back.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from flowpar.core.outcome import Success
from flowpar.execute.base import Started
from flowpar.execute.claim import Grants
from flowpar.execute.order import pack_jobs
from flowpar.execute.shared_output import SharedOutput
from flowpar.execute.standing import CHUNK_BYTES, MAX_REST_BYTES, Employer, Held, StandingWorker
from flowpar.execute.standing_word import Word

if TYPE_CHECKING:
    from collections.abc import Sequence

    from flowpar.core.mask import Masker
    from flowpar.core.outcome import Failure
    from flowpar.execute.base import Job
    from flowpar.execute.link import Link
    from flowpar.execute.standing_word import Done
    from flowpar.execute.watch import Watch
    from flowpar.execute.wire import Frame

_ENTRY = "flowpar.execute.pool_worker:serve"
_MARK_BYTES = 16


class WarmWorker(StandingWorker):
    """Owns, beside what any standing worker has, the pipe of its outputs and that of its grants."""

    def __init__(
        self, link: Link, watch: Watch, employer: Employer, *, arguments: tuple[object, ...], masker: Masker
    ) -> None:
        """Have the process started; raises OSError where there are no pipes to be had."""
        self._grants = Grants()
        try:
            self._output, output_end = os.pipe()
        except OSError:
            self._grants.close()
            raise
        os.set_blocking(self._output, False)
        mark = os.urandom(_MARK_BYTES)
        self._printed = SharedOutput(mark)
        self._is_open = True
        self._ended: float | None = None
        self.has_begun = False
        watch.add(self._output, self._read_shared)
        try:
            super().__init__(
                link,
                watch,
                employer,
                name="flowpar:pool",
                entry=_ENTRY,
                arguments=(*arguments, mark),
                masker=masker,
                descriptors=(output_end, self._grants.claims),
            )
        except OSError:
            self._close_pipes()
            raise
        finally:
            os.close(output_end)

    def hand_over(self, jobs: Sequence[Job]) -> None:
        """Let it make attempts at jobs of one run, one after another."""
        for job in jobs:
            self.hold(job)
        self._ended = None
        self._share(jobs[0].shared)
        self._grants.grant(len(jobs))
        self._send(Word.BUNDLE, bytes([self._grants.bundle]) + pack_jobs(jobs))

    @property
    def load(self) -> int:
        """How many jobs it holds."""
        return len(self._held)

    def take_back(self, most: int | None = None) -> list[Job]:
        """Return the last jobs that have not begun, in order; they are not its any more."""
        if not self._is_open:
            return []
        numbers = [self._printed.drop_last() for _ in range(self._grants.take_back(most))]
        return [self._held.pop(number).job for number in reversed(numbers)]

    def hold(self, job: Job) -> None:
        """Count a job among those that it is to end."""
        self._held[job.number] = Held(job, -1, self._masker)
        self._printed.add(job.number)

    def catch_up(self) -> None:
        """Hear all that it has said so far."""
        self._hear_rest()

    def close(self) -> None:
        """Give all descriptors back; the process ends with its channel or with the link."""
        super().close()
        self._close_pipes()

    def _lose(self, failure: Failure) -> None:
        super()._lose(failure)
        self._close_pipes()

    def _heed(self) -> None:
        super()._heed()
        # Whoever comes next in a bundle began when the one before it ended, and is told once, not with its end.
        held = next(iter(self._held.values()), None)
        if held is not None and held.started is None and self._ended is not None:
            held.started = self._ended
            self._employer.say(Started(held.job.number, self.pid, held.started))

    def _take(self, frame: Frame) -> None:
        self.has_begun = self.has_begun or frame.kind == Word.BEGUN
        super()._take(frame)

    def _complete(self, held: Held, done: Done) -> None:
        outcome = done.report.outcome
        self._ended = done.ended if isinstance(outcome, Success) and outcome.is_last else None
        super()._complete(held, done)

    def _read_shared(self) -> int:
        try:
            data = os.read(self._output, CHUNK_BYTES)
        except BlockingIOError:
            return 0
        if not data:
            self._watch.remove(self._output)
        for number, part in self._printed.take(data):
            if (held := self._held.get(number)) is not None:
                self._print(held, held.printed.take(part))
        return len(data)

    def _read_rest(self, held: Held) -> None:
        rest_bytes, number = 0, held.job.number
        while self._is_open and rest_bytes < MAX_REST_BYTES and not self._printed.is_over(number):
            size = self._read_shared()
            if not size:
                break
            rest_bytes += size
        if rest := self._printed.finish(number):
            self._print(held, held.printed.take(rest))
        self._print(held, held.printed.finish())

    def _close_output(self, held: Held) -> None:
        """Keep it: it is that of all."""

    def _close_pipes(self) -> None:
        if self._is_open:
            self._is_open = False
            self._watch.remove(self._output)
            os.close(self._output)
            self._grants.close()
