"""Waiting for an answer of dask's no longer than somebody wants: not beyond a deadline, nor once a signal came."""

from __future__ import annotations

import signal
import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, TypeVar

from flowpar.core.errors import MachineError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import FrameType

Answer = TypeVar("Answer")

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_LOOK_EVERY_S = 0.1


class Interrupted(Exception):  # noqa: N818 - it says what became of the wait
    """A signal came; whoever handles it has heard of it."""


def within(ask: Callable[[], Answer], deadline_s: float, silence: str) -> Answer:
    """Return an answer, which a thread waits for: what is no dask keeps it waiting for ever.

    Raises MachineError where none comes in time, and Interrupted where a signal came first.
    """
    answers: list[Answer] = []
    errors: list[BaseException] = []

    def answer() -> None:
        try:
            answers.append(ask())
        except BaseException as error:  # noqa: BLE001 - it is raised where it was asked
            errors.append(error)

    asking = threading.Thread(target=answer, name="flowpar-dask-ask", daemon=True)
    until = time.monotonic() + deadline_s
    with _heard() as heard:
        asking.start()
        while asking.is_alive() and time.monotonic() < until and not heard:
            asking.join(_LOOK_EVERY_S)
    if errors:
        raise errors[0]
    if answers:
        return answers[0]
    if heard:
        raise Interrupted
    raise MachineError(f"{silence} within {deadline_s:g} s", hint="is it the address that the dask scheduler prints?")


@contextmanager
def _heard() -> Iterator[list[int]]:
    """Give a list of the signals that come meanwhile, of which their handlers hear as ever."""
    heard: list[int] = []
    before = {}
    if threading.current_thread() is threading.main_thread():
        before = {int(number): handler for number in _SIGNALS if callable(handler := signal.getsignal(number))}

    def hear(number: int, frame: FrameType | None) -> None:
        heard.append(number)
        before[number](number, frame)

    for number in before:
        signal.signal(number, hear)
    try:
        yield heard
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
