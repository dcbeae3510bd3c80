"""A process that stays, as the engine sees it: whether it lives, and how it ended."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flowpar.execute.death import end_of_service

if TYPE_CHECKING:
    from collections.abc import Callable

    from flowpar.execute.control import Birth, Exit, Refusal


class Service:
    """Listens for the fate of one process that was asked for with `Link.serve`."""

    def __init__(self, *, ended: Callable[[str], None] = lambda _: None) -> None:
        """Call `ended` with a few words when the process is gone, or never came."""
        self.pid = 0
        self.fate: str | None = None
        self._ended = ended

    @property
    def is_over(self) -> bool:
        """Whether the process is gone or never came."""
        return self.fate is not None

    def born(self, birth: Birth) -> None:
        """Note that it runs."""
        self.pid = birth.pid

    def ended(self, end: Exit) -> None:
        """Note how it ended."""
        self.fate = f"(pid {end.pid}) {end_of_service(end.code)}"
        self._ended(self.fate)

    def refused(self, refusal: Refusal) -> None:
        """Note that there is none."""
        self.fate = f"could not be started: {refusal.message}"
        self._ended(self.fate)
