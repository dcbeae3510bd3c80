"""A sink of an engine that dies at a flush or commit: until then it tells the journal, a witness and others."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from flowpar.core.events import Event, EventSink
    from flowpar.record.journal import Journal
    from flowpar.testing.witness import Witness


class Crash(Exception):  # noqa: N818 - it is what happens
    """The engine dies here."""


class MortalSink:
    """Tells the journal, the witness and others, and dies at a flush or commit if it is to."""

    def __init__(self, journal: Journal, witness: Witness, others: Sequence[EventSink], *, dies_at: int | None) -> None:
        """Tell the journal first; live on where `dies_at` is None."""
        self._journal = journal
        self._sinks: tuple[EventSink, ...] = (journal, witness, *others)
        self._left = dies_at

    def emit(self, event: Event) -> None:
        """Tell every sink."""
        for sink in self._sinks:
            sink.emit(event)

    def flush(self) -> None:
        """Let the journal write what it was told, or raise Crash in front of it."""
        self._step()
        self._journal.flush()

    def begin_commit(self) -> None:
        """Let the journal begin, or raise Crash in front of it."""
        self._step()
        self._journal.begin_commit()

    def commit(self) -> None:
        """Have every sink keep what it was told, or raise Crash in front of it."""
        self._step()
        for sink in self._sinks:
            sink.commit()

    def _step(self) -> None:
        if self._left is not None:
            self._left -= 1
            if self._left == 0:
                raise Crash

    def close(self) -> None:
        """Close the journal."""
        self._journal.close()
