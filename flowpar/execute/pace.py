"""How long attempts take, as far as that was seen, and so how many of them travel together.

What came last counts most. The items of a fan-out are known by their task, all others
by what attempts took lately.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections import deque

    from flowpar.execute.base import Job

# So much work is worth a message, and waits for whoever is before it.
_WORK_S = 0.01
_MOST_JOBS = 64
_WEIGHT = 0.2


class Pace:
    """Seconds an attempt, of all and of each fan-out; `most` jobs may travel together, as it looks now."""

    def __init__(self, *, work_s: float = _WORK_S, most_jobs: int = _MOST_JOBS) -> None:
        """Know nothing: jobs go one by one; up to `most_jobs` travel together that are `work_s` of work."""
        self._work_s = work_s
        self._most_jobs = most_jobs
        self._of_all: float | None = None
        self._of_items: dict[str, float] = {}
        self.most = 1

    def note(self, job: Job, seconds: float) -> None:
        """Learn from an attempt that is over."""
        self._of_all = _after(self._of_all, seconds)
        self.most = max(1, min(self._most_jobs, int(self._work_s / max(1e-6, self._of_all or self._work_s))))
        if job.item is not None:
            self._of_items[job.task] = _after(self._of_items.get(job.task), seconds)

    def bundle(self, waiting: deque[Job], slots: int) -> list[Job]:
        """Take the first that wait, as many as are to travel together; an attempt after a first one goes alone."""
        room = min(self._most_jobs, -(-len(waiting) // slots))
        jobs = [waiting.popleft()]
        work_s = self._expected(jobs[0])
        while waiting and len(jobs) < room and jobs[0].attempt == waiting[0].attempt == 1:
            work_s += self._expected(waiting[0])
            if work_s > self._work_s:
                break
            jobs.append(waiting.popleft())
        return jobs

    def _expected(self, job: Job) -> float:
        seen = self._of_all if job.item is None else self._of_items.get(job.task)
        return self._work_s if seen is None else seen


def _after(before: float | None, seconds: float) -> float:
    return seconds if before is None else before + _WEIGHT * (seconds - before)
