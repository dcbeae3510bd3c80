"""A sink that remembers what it was told."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from flowpar.core.frozen import dataclass, field

if TYPE_CHECKING:
    from flowpar.core.events import Event

E = TypeVar("E")


@dataclass(slots=True)
class RecordingSink:
    """Keeps every event; `flushed` and `committed` count those that were there the last time.

    `begun` counts the commits that were begun before they were waited for.
    """

    events: list[Event] = field(default_factory=list)
    flushed: int = 0
    committed: int = 0
    commits: int = 0
    begun: int = 0
    is_closed: bool = False

    def emit(self, event: Event) -> None:
        """Keep one event."""
        self.events.append(event)

    def flush(self) -> None:
        """Remember how many events were there."""
        self.flushed = len(self.events)

    def begin_commit(self) -> None:
        """Count it: nothing is durable before `commit`."""
        self.begun += 1

    def commit(self) -> None:
        """Remember how many events were there."""
        self.flushed = self.committed = len(self.events)
        self.commits += 1

    def close(self) -> None:
        """Remember that it was closed."""
        self.is_closed = True

    def of(self, kind: type[E]) -> list[E]:
        """Return the events of one kind, in order."""
        return [event for event in self.events if isinstance(event, kind)]
