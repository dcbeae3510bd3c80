"""A worker that is quicker than the launcher, which tells who it is: nothing is told of it without its pid."""

from __future__ import annotations

import os
import socket
from typing import TYPE_CHECKING, cast

import pytest

from flowpar.core.mask import Masker
from flowpar.core.outcome import Success, ValueRef
from flowpar.execute.base import Completion, Started
from flowpar.execute.control import Birth
from flowpar.execute.report_pipe import Report
from flowpar.execute.standing_word import BEGUN, Done, Word
from flowpar.execute.warm_worker import WarmWorker
from flowpar.execute.watch import Watch
from flowpar.execute.wire import Channel
from flowpar.testing.job import make_job

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from flowpar.execute.base import Notice
    from flowpar.execute.link import Link

PID = 4242


class Desk:
    """Link and employer of a worker of which there is only the far end of its channel."""

    def __init__(self) -> None:
        self.notices: list[Notice] = []
        self.watch = Watch()
        self.worker = WarmWorker(cast("Link", self), self.watch, self, arguments=(), masker=Masker())

    def serve(
        self, _worker: object, _entry: str, _arguments: object, *, name: str, descriptors: tuple[int, ...]
    ) -> int:
        assert name
        self.far = Channel(socket.socket(fileno=os.dup(descriptors[0])))
        return 1

    def say(self, notice: Notice) -> None:
        self.notices.append(notice)

    def freed(self, _worker: object) -> None:
        return

    def posted(self) -> None:
        return

    def abandoned(self, _worker: object) -> None:
        return

    def lost(self, _worker: object) -> None:
        return

    def done(self, job: int) -> None:
        success = Success(ValueRef(1, "", is_plain=True, inline=b"x"))
        self.far.send(Word.DONE, Done(job, 10.0, 11.0, 0.1, Report(success)).pack())


@pytest.fixture
def desk() -> Iterator[Desk]:
    made = Desk()
    yield made
    made.worker.close()
    made.far.close()
    made.watch.close()


def test_what_a_worker_says_before_its_pid_is_known_is_told_with_it(desk: Desk, tmp_path: Path) -> None:
    desk.worker.hand_over([make_job(number, "work:any", run_dir=tmp_path) for number in (1, 2, 3)])
    desk.far.send(Word.BEGUN, BEGUN.pack(1, 10.0))
    desk.done(1)
    desk.done(2)
    desk.watch.wait(1.0)
    before = list(desk.notices)

    desk.worker.born(Birth(1, PID, 9.0))
    desk.done(3)
    desk.watch.wait(1.0)

    assert before == []
    told = [notice for notice in desk.notices if isinstance(notice, Started | Completion)]
    assert [(type(notice), notice.job) for notice in told] == [
        (Started, 1),
        (Completion, 1),
        (Completion, 2),
        (Started, 3),
        (Completion, 3),
    ]
    assert {notice.pid for notice in told} == {PID}
