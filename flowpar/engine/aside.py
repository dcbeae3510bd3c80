"""What waits for the disk, in a thread of its own: the loop goes on meanwhile, and is woken when it is done.

    loop ── begin ──► queue ──► one thread ──► done ── take ──► loop
                                     └── wake

One thread, for what is read and copied here is as fast as the disk, and more of them would take the processors from
tasks. Nobody waits for it at the end: what it copies has no name before it is whole.
"""

from __future__ import annotations

from contextlib import suppress
from queue import Empty, SimpleQueue
from threading import Lock, Thread
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from flowpar.core.frozen import dataclass

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

Asker = TypeVar("Asker")


@dataclass(frozen=True, slots=True)
class Done(Generic[Asker]):
    """What some work came to for whoever asked: a result, or an error."""

    asker: Asker
    result: Any = None
    error: Exception | None = None


class Aside(Generic[Asker]):
    """Does one thing after another; its thread starts with the first."""

    def __init__(self, wake: Callable[[], None]) -> None:
        """Call `wake`, in the thread, whenever something is done."""
        self._wake = wake
        self._lane: _Lane[Asker] | None = None

    def begin(self, asker: Asker, work: Callable[[], Any]) -> None:
        """Do some work, soon; where no thread can be had, at once."""
        if self._lane is None:
            self._lane = _Lane(self._wake)
        self._lane.begin(asker, work)

    def take(self) -> Iterator[Done[Asker]]:
        """Give what was done since the last time; never blocks."""
        if self._lane is not None:
            yield from self._lane.take()

    def drop(self) -> None:
        """Forget all that was asked for: nothing of it begins any more, and nobody is told of what is under way."""
        if self._lane is not None:
            self._lane.leave()
            self._lane = None


class _Lane(Generic[Asker]):
    """A thread with what it is to do, and what it has done."""

    def __init__(self, wake: Callable[[], None]) -> None:
        self._wake = wake
        self._asked: SimpleQueue[tuple[Asker, Callable[[], Any]] | None] = SimpleQueue()
        self._done: SimpleQueue[Done[Asker]] = SimpleQueue()
        self._thread: Thread | None = None
        self._is_left = False
        # Whoever leaves may close what a thread is woken by.
        self._waking = Lock()

    def begin(self, asker: Asker, work: Callable[[], Any]) -> None:
        if self._thread is None:
            thread = Thread(target=self._serve, name="flowpar-aside", daemon=True)
            try:
                thread.start()
            except RuntimeError:  # a limit of processes counts threads, too
                self._do(asker, work)
                return
            self._thread = thread
        self._asked.put((asker, work))

    def take(self) -> Iterator[Done[Asker]]:
        with suppress(Empty):
            while True:
                yield self._done.get_nowait()

    def leave(self) -> None:
        with self._waking:
            self._is_left = True
        self._asked.put(None)

    def _serve(self) -> None:
        while (asked := self._asked.get()) is not None and not self._is_left:
            self._do(*asked)

    def _do(self, asker: Asker, work: Callable[[], Any]) -> None:
        try:
            done = Done(asker, work())
        except Exception as error:  # noqa: BLE001 - it is raised where the work was asked for
            done = Done(asker, error=error)
        self._done.put(done)
        with self._waking:
            if not self._is_left:
                self._wake()
