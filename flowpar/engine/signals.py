"""Signals as requests to stop: the loop is woken by a descriptor and asks what was wanted.

    signal ─► handler ─► StopSignals ─► take() ─► Stop
                 └─► wake-up descriptor ─► the crew's wait returns
    thread ─► wake ──────────┘

The handler does nothing but take note.
"""

from __future__ import annotations

import os
import signal
from contextlib import suppress
from typing import TYPE_CHECKING

from flowpar.core.errors import ExitCode
from flowpar.core.states import RunStatus
from flowpar.schedule.crew import Stop

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import FrameType, TracebackType
    from typing import Self

_STOPS = {
    signal.SIGINT: Stop("interrupted", RunStatus.INTERRUPTED, ExitCode.INTERRUPTED, is_request=True),
    signal.SIGTERM: Stop("terminated", RunStatus.INTERRUPTED, ExitCode.TERMINATED, is_request=True),
    signal.SIGHUP: Stop("hung up", RunStatus.INTERRUPTED, ExitCode.HUNG_UP, is_request=True),
}


class StopSignals:
    """Listens to INT, TERM and HUP while it is entered; for the main thread of the engine.

    A signal that is ignored when it begins stays ignored, as HUP is under `nohup`.
    """

    def __init__(self) -> None:
        """Listen to nothing yet."""
        self._wanted: list[Stop] = []
        self._before: dict[int, object] = {}
        self._read_end, self._write_end = os.pipe()
        self._wakeup_before = -1

    @property
    def wake_fd(self) -> int:
        """Become readable when a signal came, or `wake` was called."""
        return self._read_end

    def wake(self) -> None:
        """Let the crew's wait return; from any thread, while it is entered."""
        with suppress(BlockingIOError):  # it is full, and readable
            os.write(self._write_end, b"\0")

    def __enter__(self) -> Self:
        """Begin to listen."""
        for end in (self._read_end, self._write_end):
            os.set_blocking(end, False)
        self._wakeup_before = signal.set_wakeup_fd(self._write_end, warn_on_full_buffer=False)
        for number in _STOPS:
            if signal.getsignal(number) is not signal.SIG_IGN:
                self._before[number] = signal.signal(number, self._hear)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Leave the signals as they were."""
        for number, handler in self._before.items():
            signal.signal(number, handler)  # type: ignore[arg-type]  # it came from signal.signal
        signal.set_wakeup_fd(self._wakeup_before)
        os.close(self._read_end)
        os.close(self._write_end)

    def take(self) -> Sequence[Stop]:
        """Return what was asked for since the last time, oldest first."""
        with suppress(BlockingIOError):
            while os.read(self._read_end, 512):
                pass
        wanted, self._wanted = self._wanted, []
        return wanted

    def _hear(self, number: int, _: FrameType | None) -> None:
        self._wanted.append(_STOPS[signal.Signals(number)])
