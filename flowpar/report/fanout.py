"""One event told to many sinks; a sink that breaks is left behind, the run is not.

The first sink is told first: put the journal there, so that what others say is on disk already.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from flowpar.core.errors import FlowparError
from flowpar.core.mask import Masker
from flowpar.report.masked import masked
from flowpar.report.told import Told, Writer

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from flowpar.core.events import Event, EventSink


class FanoutSink:
    """Tells each sink in turn.

    A sink that raises is reported once, by `complain`, and dropped. A `FlowparError` goes through:
    it is how the journal says that the run cannot go on.
    """

    def __init__(
        self,
        sinks: Sequence[EventSink],
        *,
        complain: Callable[[str], None] | None = None,
        masker: Masker | None = None,
        flush: Callable[[], None] = lambda: None,
        begin_commit: Callable[[], None] = lambda: None,
    ) -> None:
        """Take the sinks in the order in which they are told, and what hides secrets from all of them.

        `flush` lets outlive this process what the one among them was told that is the truth, and `begin_commit`
        lets the disk begin to keep it.
        """
        self.flush = flush
        self.begin_commit = begin_commit
        self._sinks = [(sink, sink if isinstance(sink, Writer) else None) for sink in sinks]
        self._masker = masker or Masker()
        self._complain = complain or _to_stderr

    def emit(self, event: Event) -> None:
        """Tell every sink."""
        if self._masker:
            event = masked(event, self._masker)
        told = Told(event)
        for sink, writer in self._sinks:
            try:
                if writer is None:
                    sink.emit(event)
                else:
                    writer.tell(told)
            except FlowparError:
                raise
            except Exception as error:  # noqa: BLE001 - foreign code: a sink must not end the run
                self._drop(sink, error)

    def commit(self) -> None:
        """Have every sink keep what it was told."""
        for sink, _ in self._sinks:
            try:
                sink.commit()
            except FlowparError:
                raise
            except Exception as error:  # noqa: BLE001 - as above
                self._drop(sink, error)

    def close(self) -> None:
        """Close every sink, each of them, whatever the others raise."""
        stopped: FlowparError | None = None
        for sink, _ in self._sinks:
            try:
                sink.close()
            except FlowparError as error:
                stopped = stopped or error
            except Exception as error:  # noqa: BLE001 - as above
                self._drop(sink, error)
        self._sinks = []
        if stopped is not None:
            raise stopped

    def complain(self, message: str) -> None:
        """Say what is no event of the run but should be known."""
        self._complain(self._masker.text(message))

    def _drop(self, sink: EventSink, error: Exception) -> None:
        # A new list: the loops above go on over the one they began with.
        self._sinks = [other for other in self._sinks if other[0] is not sink]
        if isinstance(error, BrokenPipeError):
            return  # nobody reads there any more, and nobody is to be told
        self.complain(f"{type(sink).__name__} failed and is left out from here on: {error}")


def _to_stderr(message: str) -> None:
    try:
        sys.stderr.write(f"flowpar: {message}\n")
        sys.stderr.flush()
    except (OSError, ValueError, AttributeError):
        return  # stderr is closed, broken or None: nothing is left to say it to
