"""What a crew asks of each of its executors: `Member`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

    from flowpar.execute.base import Job, Notice


class Member(Protocol):
    """An executor of the crew: it registers what it waits on with the crew's watch."""

    @property
    def capacity(self) -> int:
        """How many jobs it may hold."""
        ...

    @property
    def held(self) -> int:
        """How many jobs it holds."""
        ...

    def submit(self, job: Job) -> None:
        """Take a job."""
        ...

    def recorded(self) -> None:
        """Know that whatever was told so far is on disk: another attempt may begin for each that ended."""
        ...

    def take(self) -> Sequence[Notice]:
        """Return what has happened since the last time, never blocking."""
        ...

    def cancel(self, job: int, *, force: bool = False) -> None:
        """End an attempt."""
        ...

    def close(self) -> None:
        """Give its descriptors back; its processes end with the link."""
        ...
