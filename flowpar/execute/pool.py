"""The executor `pool`: attempts of any task in worker processes that stay, one a slot.

    waiting ─► leave ─► seat: a warm worker that makes one attempt at a time
                          ├─ the attempt is over ─► free for the next that has leave
                          ├─ it has made many, or has grown too large ─► it ends, and a new one comes
                          └─ it died, or was told to end ─► the attempt that it had is over; nobody else's

Who may begin is decided for all executors together (see `leave`), so a pool beside `process` takes no more slots.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from flowpar.core.mask import Masker
from flowpar.core.outcome import Failure, FailureKind
from flowpar.execute.attended import never_started
from flowpar.execute.base import Completion
from flowpar.execute.leave import Leaves
from flowpar.execute.standing import StandingWorker

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from flowpar.execute.base import Job, Notice
    from flowpar.execute.link import Link
    from flowpar.execute.watch import Watch

_ENTRY = "flowpar.execute.pool_worker:serve"
# Whoever waits for a slot is prepared by then.
_AHEAD = 2


@dataclass(slots=True, eq=False)
class _Entry:
    """A job that waits for leave to begin, or has it."""

    job: Job
    begin: Callable[[_Entry], None]
    has_leave: bool = False

    def let_begin(self) -> None:
        """Begin."""
        self.has_leave = True
        self.begin(self)


@dataclass(slots=True, eq=False)
class _Seat:
    """A worker; once it `is_retired` or `is_told_to_end`, it gets no other job."""

    worker: StandingWorker
    is_retired: bool = False
    is_told_to_end: bool = False


class PoolExecutor:
    """Holds the attempts that were submitted, and the workers."""

    def __init__(
        self,
        link: Link,
        watch: Watch,
        *,
        slots: int,
        posted: Callable[[], None] = lambda: None,
        outputs_address: str | None = None,
        outputs_key: bytes = b"",
        masker: Masker | None = None,
        leaves: Leaves | None = None,
    ) -> None:
        """Start nothing yet: workers come with jobs."""
        self._link = link
        self._watch = watch
        self._slots = slots
        self._posted = posted
        self._masker = masker or Masker()
        self._arguments = (outputs_address, outputs_key)
        self._leaves = leaves or Leaves(slots)
        self._entries: dict[int, _Entry] = {}
        self._seats: list[_Seat] = []
        self._free: list[_Seat] = []
        self._seat_of: dict[int, _Seat] = {}
        self._notices: list[Notice] = []

    @property
    def capacity(self) -> int:
        """How many jobs it may hold."""
        return self._slots + _AHEAD

    @property
    def held(self) -> int:
        """How many jobs it holds."""
        return len(self._entries)

    def submit(self, job: Job) -> None:
        """Take a job."""
        entry = self._entries[job.number] = _Entry(job, self._begin)
        self._leaves.ask(entry)

    def recorded(self) -> None:
        """Know that whatever was told so far is on disk."""
        self._leaves.renew()

    def take(self) -> Sequence[Notice]:
        """Return what has happened since the last time."""
        notices, self._notices = self._notices, []
        return notices

    def wait(self, timeout_s: float | None) -> Sequence[Notice]:
        """Block until something happened or the time is over; what was told before is recorded."""
        self.recorded()
        if not self._notices:
            self._watch.wait(timeout_s)
        return self.take()

    def cancel(self, job: int, *, force: bool = False) -> None:
        """End an attempt with TERM, or with KILL by `force`, and all that it started."""
        seat, entry = self._seat_of.get(job), self._entries.get(job)
        if seat is not None:
            seat.is_told_to_end = True
            seat.worker.signal(force=force)
        elif entry is not None:
            self.say(never_started(entry.job, Failure(FailureKind.CANCELLED, "", "cancelled before it started")))

    def close(self) -> None:
        """Give the descriptors back; the processes end with the link."""
        for seat in self._seats:
            seat.worker.close()
        self._seats.clear()
        self._free.clear()

    def _begin(self, entry: _Entry) -> None:
        """Hand over a job that has leave."""
        seat = self._free.pop() if self._free else self._hire()
        self._seat_of[entry.job.number] = seat
        try:
            seat.worker.submit(entry.job)
        except OSError as error:
            failure = Failure(FailureKind.DIED, "", f"no pipe could be opened for it: {error.strerror}")
            self.say(never_started(entry.job, failure))

    def _hire(self) -> _Seat:
        worker = StandingWorker(
            self._link,
            self._watch,
            self,
            name="flowpar:pool",
            entry=_ENTRY,
            arguments=self._arguments,
            masker=self._masker,
        )
        self._seats.append(_Seat(worker))
        return self._seats[-1]

    def _seat_at(self, worker: StandingWorker) -> _Seat | None:
        return next((seat for seat in self._seats if seat.worker is worker), None)

    def _leave(self, seat: _Seat) -> None:
        """Let a worker be free, or end it where it is not to go on."""
        if seat not in self._seats:
            return  # it is lost
        if not (seat.is_retired or seat.is_told_to_end):
            self._free.append(seat)
            return
        self._seats.remove(seat)
        if seat.is_told_to_end:  # a signal for the attempt that it had may yet meet it
            seat.worker.signal(force=True)
        seat.worker.close()

    # What a worker says.

    def say(self, notice: Notice) -> None:
        """Keep a notice for `take`; who has ended leaves room for another once that is recorded."""
        self._notices.append(notice)
        if isinstance(notice, Completion):
            self._leaves.give_back(self._entries.pop(notice.job))
            seat = self._seat_of.pop(notice.job, None)
            if seat is not None:
                self._leave(seat)

    def posted(self) -> None:
        """Pass on that a message waits."""
        self._posted()

    def abandoned(self, worker: StandingWorker) -> None:
        """Give the worker no more jobs."""
        seat = self._seat_at(worker)
        if seat is not None:
            seat.is_retired = True

    def freed(self, worker: StandingWorker) -> None:
        """Do nothing: it was freed by the completion."""

    def lost(self, worker: StandingWorker) -> None:
        """Go on without it."""
        seat = self._seat_at(worker)
        if seat is not None:
            self._seats.remove(seat)
            if seat in self._free:
                self._free.remove(seat)
