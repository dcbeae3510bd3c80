from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from flowpar.core.errors import StateError
from flowpar.report.fanout import FanoutSink
from flowpar.testing.events import run_started, task_started
from flowpar.testing.sink import RecordingSink

if TYPE_CHECKING:
    from flowpar.core.events import Event


class Broken:
    """A sink that always raises."""

    def __init__(self, error: Exception) -> None:
        self.error = error
        self.asked = 0

    def emit(self, event: Event) -> None:
        del event
        self.asked += 1
        raise self.error

    def commit(self) -> None:
        raise self.error

    def close(self) -> None:
        raise self.error


def test_every_sink_is_told_everything_in_order() -> None:
    one, other = RecordingSink(), RecordingSink()
    fanout = FanoutSink([one, other])

    fanout.emit(run_started())
    fanout.emit(task_started())
    fanout.commit()
    fanout.close()

    assert one.events == other.events == [run_started(), task_started()]
    assert one.commits == other.commits == 1
    assert one.is_closed
    assert other.is_closed


def test_a_flush_reaches_the_one_that_is_the_truth() -> None:
    truth, other = RecordingSink(), RecordingSink()
    fanout = FanoutSink([truth, other], flush=truth.flush)
    fanout.emit(run_started())

    fanout.flush()

    assert (truth.flushed, other.flushed) == (1, 0)


def test_a_sink_that_raises_is_reported_once_and_left_out() -> None:
    broken, healthy, complaints = Broken(OSError("no space")), RecordingSink(), list[str]()
    fanout = FanoutSink([broken, healthy], complain=complaints.append)

    for _ in range(3):
        fanout.emit(task_started())
        fanout.commit()
    fanout.close()

    assert complaints == ["Broken failed and is left out from here on: no space"]
    assert broken.asked == 1
    assert len(healthy.events) == 3


def test_a_reader_that_went_away_is_not_complained_about() -> None:
    complaints = list[str]()
    fanout = FanoutSink([Broken(BrokenPipeError())], complain=complaints.append)

    fanout.emit(task_started())

    assert complaints == []


def test_the_journal_can_stop_the_run_and_the_others_are_closed_all_the_same() -> None:
    healthy = RecordingSink()
    fanout = FanoutSink([Broken(StateError("the disk is full")), healthy])

    with pytest.raises(StateError, match="the disk is full"):
        fanout.emit(task_started())
    with pytest.raises(StateError, match="the disk is full"):
        fanout.close()

    assert healthy.is_closed
