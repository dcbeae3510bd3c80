"""What ended is durable at once, items of a fan-out included."""

from __future__ import annotations

from flowpar.core.events import TaskEnded
from flowpar.planning.model import FanOut
from flowpar.testing.crew import Scripted
from flowpar.testing.simulation import FakeDecisions, FakeItems, planned, play, value


def test_each_item_is_committed_when_it_ended_and_not_with_the_whole_fan_out() -> None:
    decisions = FakeDecisions(items={"each": FakeItems(9, None)})

    played = play([planned("each", fan_out=FanOut({}))], lambda _: Scripted(value()), decisions=decisions, workers=1)

    assert len(played.sink.of(TaskEnded)) == 10
    assert played.sink.commits >= 10
