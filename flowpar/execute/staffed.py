"""What executors have in common whose attempts are made by workers that stay: their queue, notices and hiring.

    submit ─► waiting ─► a worker that was hired ─► say ─► take

When the next attempt may begin, and who makes it, is each executor's own matter.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import deque
from typing import TYPE_CHECKING, TypedDict

from flowpar.core.mask import Masker
from flowpar.core.outcome import Failure, FailureKind
from flowpar.execute.attended import cancelled_before, never_started
from flowpar.execute.standing import StandingWorker

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Unpack

    from flowpar.execute.base import Job, Notice
    from flowpar.execute.link import Link
    from flowpar.execute.watch import Watch


class Terms(TypedDict, total=False):
    """What an executor is told: its slots, whom to tell of posts, where outputs are, and what hides secrets."""

    slots: int
    posted: Callable[[], None]
    outputs_address: str | None
    outputs_key: bytes
    masker: Masker | None


class StaffedExecutor(ABC):
    """Keeps what waits and what has happened; a part of an executor and of an `Employer`."""

    def __init__(self, link: Link, watch: Watch, **terms: Unpack[Terms]) -> None:
        """Start nothing yet: workers come with jobs."""
        self._link = link
        self._watch = watch
        self._slots = terms.get("slots", 1)
        self._posted = terms.get("posted", _ignore)
        self._masker = terms.get("masker") or Masker()
        self._arguments: tuple[object, ...] = (terms.get("outputs_address"), terms.get("outputs_key", b""))
        self._waiting: deque[Job] = deque()
        self._notices: list[Notice] = []

    @abstractmethod
    def recorded(self) -> None:
        """Know that whatever was told so far is on disk."""
        ...

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

    def _hire(self, name: str, entry: str) -> StandingWorker:
        """Have a worker started; raises OSError where there is no pipe to be had."""
        return StandingWorker(
            self._link,
            self._watch,
            self,
            name=f"flowpar:{name}",
            entry=entry,
            arguments=self._arguments,
            masker=self._masker,
        )

    def _refuse(self, job: Job, error: OSError) -> None:
        """End a job that could not be handed over."""
        failure = Failure(FailureKind.DIED, "", f"no pipe could be opened for it: {error.strerror}")
        self.say(never_started(job, failure))

    def _drop(self, number: int) -> None:
        """End a job that waits, where it does."""
        for job in [job for job in self._waiting if job.number == number]:
            self._waiting.remove(job)
            self.say(cancelled_before(job))

    # What a worker says.

    def say(self, notice: Notice) -> None:
        """Keep a notice for `take`."""
        self._notices.append(notice)

    def posted(self) -> None:
        """Pass on that a message waits."""
        self._posted()

    @abstractmethod
    def freed(self, worker: StandingWorker) -> None:
        """Know that the worker holds one attempt less."""
        ...

    @abstractmethod
    def abandoned(self, worker: StandingWorker) -> None:
        """Give the worker no more jobs."""
        ...

    @abstractmethod
    def lost(self, worker: StandingWorker) -> None:
        """Go on without the worker."""
        ...


def _ignore() -> None:
    return
