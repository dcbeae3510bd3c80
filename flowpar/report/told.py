"""An event on its way to all who are told of it: taken apart and encoded once for those who write it down.

    Event ─► Told ─┬─ name, fields    as `line_of` gives them
                   └─ rest            the fields as the end of a JSON object: ,"task":"a", … }

Journal and log put the rest behind beginnings of their own.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING

from flowpar.report.jsonline import encode
from flowpar.report.line import line_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from flowpar.core.events import Event
    from flowpar.report.fields import Fields


class Told:
    """One event; what is made of it is made when somebody first asks."""

    __slots__ = ("_line", "_rest", "event")

    def __init__(self, event: Event) -> None:
        """Make nothing yet."""
        self.event = event
        self._line: tuple[str, Fields] | None = None
        self._rest = b""

    @property
    def name(self) -> str:
        """The name of the event: `task.succeeded`."""
        return self.line[0]

    @property
    def line(self) -> tuple[str, Fields]:
        """The name and the fields."""
        if self._line is None:
            self._line = line_of(self.event)
        return self._line

    @property
    def rest(self) -> bytes:
        """The fields as JSON, as they follow what stands before them."""
        if not self._rest:
            self._rest = rest_of(self.line[1])
        return self._rest


class Writer(ABC):
    """A sink that writes events down, and takes what was made of one for all."""

    @abstractmethod
    def tell(self, told: Told) -> None:
        """Take one event."""
        ...

    def emit(self, event: Event) -> None:
        """Take one event of which nothing was made yet."""
        self.tell(Told(event))


def rest_of(fields: Mapping[str, object]) -> bytes:
    """Return fields as the end of a JSON object in which others stand before them."""
    return b"," + encode(fields)[1:] if fields else b"}"
