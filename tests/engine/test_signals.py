"""Signals become requests to stop, and wake whoever waits."""

from __future__ import annotations

import os
import select
import signal
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from flowpar.core.errors import ExitCode
from flowpar.engine.signals import StopSignals

if TYPE_CHECKING:
    from collections.abc import Iterator

DEADLINE_S = 60.0


@pytest.fixture(autouse=True)
def signals_as_they_were() -> Iterator[None]:
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    yield
    assert {number: signal.getsignal(number) for number in before} == before
    assert signal.set_wakeup_fd(-1) == -1


@pytest.mark.parametrize(
    ("number", "exit_code"),
    [
        (signal.SIGINT, ExitCode.INTERRUPTED),
        (signal.SIGTERM, ExitCode.TERMINATED),
        (signal.SIGHUP, ExitCode.HUNG_UP),
    ],
)
def test_a_signal_wakes_and_is_taken_once(number: signal.Signals, exit_code: ExitCode) -> None:
    with StopSignals() as stops:
        os.kill(os.getpid(), number)
        assert select.select([stops.wake_fd], [], [], DEADLINE_S)[0]

        assert [stop.exit_code for stop in stops.take()] == [exit_code]
        assert not stops.take()
        assert not select.select([stops.wake_fd], [], [], 0)[0]


def test_each_signal_counts() -> None:
    with StopSignals() as stops:
        os.kill(os.getpid(), signal.SIGINT)
        select.select([stops.wake_fd], [], [], DEADLINE_S)
        os.kill(os.getpid(), signal.SIGTERM)
        select.select([stops.wake_fd], [], [], DEADLINE_S)

        wanted = stops.take()

    assert [stop.exit_code for stop in wanted] == [ExitCode.INTERRUPTED, ExitCode.TERMINATED]
    assert all(stop.is_request for stop in wanted)


def test_a_hang_up_that_is_ignored_stays_ignored() -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with StopSignals() as stops:
            os.kill(os.getpid(), signal.SIGHUP)
            assert not stops.take()
            assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, before)


def open_descriptors() -> int:
    return sum(1 for _ in Path("/proc/self/fd").iterdir())


def test_its_descriptors_are_given_back() -> None:
    before = open_descriptors()

    with StopSignals():
        assert open_descriptors() == before + 2

    assert open_descriptors() == before
