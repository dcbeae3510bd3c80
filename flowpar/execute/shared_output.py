"""What attempts print that share one pipe one after another: between two of them stands a mark that nobody knows.

pipe ─► text of job 7 │ mark │ text of job 8 │ mark │ … ─► (job, bytes)
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


class SharedOutput:
    """Tells whose the bytes are; jobs print in the order in which they are added."""

    def __init__(self, mark: bytes) -> None:
        """Split at `mark`."""
        self._mark = mark
        self._line: deque[int] = deque()
        self._held = b""

    def add(self, job: int) -> None:
        """Have a job print after those that were added before."""
        self._line.append(job)

    def drop_last(self) -> int:
        """Forget the job that was to print last, and has not begun to."""
        return self._line.pop()

    def is_over(self, job: int) -> bool:
        """Whether all that a job printed has come, as its mark has; asked of one that is, or was, the first in line."""
        return not self._line or self._line[0] != job

    def take(self, data: bytes) -> Iterator[tuple[int, bytes]]:
        """Give parts of what was read, and whose they are; what may be the beginning of a mark is kept."""
        *over, last = (self._held + data).split(self._mark)
        for part in over:
            yield from self._of_current(part)
            if self._line:
                self._line.popleft()
        kept = self._beginning_of_mark(last)
        self._held = last[len(last) - kept :] if kept else b""
        yield from self._of_current(last[: len(last) - kept] if kept else last)

    def finish(self, job: int) -> bytes:
        """Return the rest of a job that prints no more, whether a mark came after it or not."""
        if not self._line or self._line[0] != job:
            return b""
        self._line.popleft()
        rest, self._held = self._held, b""
        return rest

    def _of_current(self, part: bytes) -> Iterator[tuple[int, bytes]]:
        if part and self._line:
            yield self._line[0], part

    def _beginning_of_mark(self, data: bytes) -> int:
        """Return how many of the last bytes are those with which a mark begins."""
        for count in range(min(len(self._mark) - 1, len(data)), 0, -1):
            if data.endswith(self._mark[:count]):
                return count
        return 0
