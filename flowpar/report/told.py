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


class Told:
    """One event, its name and its fields; they become JSON when somebody first asks."""

    __slots__ = ("_rest", "event", "fields", "name")

    def __init__(self, event: Event) -> None:
        """Take the event apart."""
        self.event = event
        self.name, self.fields = line_of(event)
        self._rest = b""

    @property
    def rest(self) -> bytes:
        """The fields as JSON, as they follow what stands before them."""
        if not self._rest:
            self._rest = rest_of(self.fields)
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
