"""What waits for the disk beside the loop: done in order, told with a wake-up, and dropped without a word."""

from __future__ import annotations

from threading import Event, Semaphore, Thread
from typing import NoReturn

import pytest

from flowpar.engine.aside import Aside, Done

pytestmark = pytest.mark.timeout(30)


def fail() -> NoReturn:
    raise OSError(5, "the disk is gone")


def test_what_is_asked_is_done_in_order_and_told_with_a_wake_up() -> None:
    woken = Semaphore(0)
    aside: Aside[str] = Aside(woken.release)

    for number in range(3):
        aside.begin(f"asker {number}", lambda number=number: number * 2)  # type: ignore[misc]
    aside.begin("unlucky", fail)
    for _ in range(4):
        woken.acquire()

    *done, failed = aside.take()
    assert done == [Done("asker 0", 0), Done("asker 1", 2), Done("asker 2", 4)]
    assert (failed.asker, isinstance(failed.error, OSError)) == ("unlucky", True)
    assert list(aside.take()) == []


def test_what_is_dropped_is_not_told_and_holds_up_nothing_that_comes_after() -> None:
    wakes: list[int] = []
    woken, is_free, has_begun, is_over = Event(), Event(), Event(), Event()

    def wake() -> None:
        wakes.append(1)
        woken.set()

    def hang() -> None:
        has_begun.set()
        is_free.wait()
        is_over.set()

    aside: Aside[str] = Aside(wake)
    aside.begin("first", hang)
    aside.begin("second", fail)
    has_begun.wait()

    aside.drop()
    aside.begin("third", int)
    woken.wait()

    assert [done.asker for done in aside.take()] == ["third"]
    is_free.set()
    is_over.wait()
    aside.drop()
    assert (len(wakes), list(aside.take())) == (1, [])


def test_where_no_thread_can_be_had_it_is_done_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_: Thread) -> NoReturn:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(Thread, "start", refuse)
    wakes: list[int] = []
    aside: Aside[str] = Aside(lambda: wakes.append(1))

    aside.begin("asker", int)

    assert (list(aside.take()), wakes) == ([Done("asker", 0)], [1])
