"""The sinks of flowpar keep the contract of all sinks."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import pytest

from flowpar.record.journal import Journal
from flowpar.report.fanout import FanoutSink
from flowpar.report.live import LiveSink
from flowpar.report.logs import LogSink
from flowpar.report.progress import PlainSink, Verbosity
from flowpar.report.summary import SummarySink
from flowpar.testing.clock import FakeClock
from flowpar.testing.contracts import SinkContract
from flowpar.testing.paper import Paper
from flowpar.testing.sink import RecordingSink
from flowpar.testing.whole_run import sample_events

if TYPE_CHECKING:
    from pathlib import Path

    from flowpar.core.events import EventSink


class TestRecordingSink(SinkContract):
    @pytest.fixture
    def sink(self) -> EventSink:
        return RecordingSink()


class TestFanout(SinkContract):
    @pytest.fixture
    def sink(self) -> EventSink:
        return FanoutSink([RecordingSink(), RecordingSink()])


class TestJournal(SinkContract):
    @pytest.fixture
    def sink(self, tmp_path: Path) -> EventSink:
        return Journal(tmp_path / "events.jsonl")


class TestLog(SinkContract):
    @pytest.fixture
    def sink(self) -> EventSink:
        return LogSink(io.BytesIO().write)


@pytest.mark.parametrize("verbosity", list(Verbosity))
class TestPlainLines(SinkContract):
    @pytest.fixture
    def sink(self, verbosity: Verbosity) -> EventSink:
        return PlainSink(io.StringIO().write, verbosity=verbosity)


class TestLiveView(SinkContract):
    @pytest.fixture
    def sink(self) -> EventSink:
        return LiveSink(Paper(), FakeClock())


class TestSummary(SinkContract):
    @pytest.fixture
    def sink(self) -> EventSink:
        return SummarySink()


class Raising:
    """A sink that gives up at its n-th call."""

    def __init__(self, calls: int) -> None:
        self.left = calls

    def emit(self, event: object) -> None:
        del event
        self.left -= 1
        if self.left < 0:
            raise RuntimeError("gone")

    def commit(self) -> None:
        self.emit(None)

    def close(self) -> None:
        self.emit(None)


@pytest.mark.parametrize("calls", range(0, 30, 5))
def test_a_sink_that_raises_harms_no_other(calls: int) -> None:
    good, complaints = RecordingSink(), list[str]()
    fanout = FanoutSink([Raising(calls), good], complain=complaints.append)

    for event in sample_events():
        fanout.emit(event)
        fanout.commit()
    fanout.close()

    assert good.events == list(sample_events())
    assert good.is_closed
    assert len(complaints) == 1
