"""How much memory a tree has, and who watches it: files that are mapped do not count, shared pages count once."""

from __future__ import annotations

import mmap
import multiprocessing
import multiprocessing.synchronize
import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from flowpar.execute import footprint as measured
from flowpar.execute.footprint import end_if_over, footprint
from flowpar.execute.memory_watch import MemoryWatch

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

MIB = 2**20

needs_proc = pytest.mark.skipif(not measured.HAS_PROC, reason="there is no /proc")
HOLDS_100_MIB = "x = bytearray(100 << 20); print('held', flush=True); input()"


@pytest.fixture
def holder() -> Iterator[subprocess.Popen[str]]:
    pipe = subprocess.PIPE
    process = subprocess.Popen([sys.executable, "-c", HOLDS_100_MIB], stdin=pipe, stdout=pipe, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    yield process
    process.kill()
    process.communicate()


@needs_proc
@pytest.mark.parametrize("limit_bytes", [0, 1 << 40])
def test_what_a_process_has_written_to_counts(holder: subprocess.Popen[str], limit_bytes: int) -> None:
    assert 100 * MIB <= footprint(holder.pid, limit_bytes) < 130 * MIB


@needs_proc
def test_pages_of_a_mapped_file_do_not_count(tmp_path: Path) -> None:
    file = tmp_path / "large"
    file.write_bytes(bytes(64 * MIB))
    before = footprint(os.getpid(), 0)

    with file.open("rb") as stream, mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as mapped:
        touched = sum(mapped[place] for place in range(0, 64 * MIB, 4096))
        after = footprint(os.getpid(), 0)

    assert touched == 0
    assert after - before < 16 * MIB


@needs_proc
def test_pages_that_a_fork_shares_count_once_where_it_matters() -> None:
    context = multiprocessing.get_context("fork")
    held = bytearray(b"x") * (64 * MIB)
    hold, release = context.Event(), context.Event()
    children = [context.Process(target=_wait, args=(hold, release)) for _ in range(3)]
    for child in children:
        child.start()
    assert hold.wait(60)

    rough, exact = footprint(os.getpid(), 1 << 40), footprint(os.getpid(), 0)

    release.set()
    for child in children:
        child.join()
    assert rough - exact > 2 * len(held)


def _wait(hold: multiprocessing.synchronize.Event, release: multiprocessing.synchronize.Event) -> None:
    hold.set()
    release.wait(30)


def test_where_there_is_no_proc_psutil_is_asked(holder: subprocess.Popen[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(measured, "HAS_PROC", False)

    assert 100 * MIB <= footprint(holder.pid, 0) < 200 * MIB
    assert footprint(2**22 + 1, 0) == 0


@needs_proc
def test_a_child_that_has_too_much_is_ended_and_one_that_has_not_is_let_be(holder: subprocess.Popen[str]) -> None:
    is_let_be = end_if_over(holder.pid, 500 * MIB) is None
    failure = end_if_over(holder.pid, 50 * MIB)

    assert is_let_be
    assert failure is not None
    assert "needed more than its memory of 50 MiB (peak 1" in failure.message
    assert holder.wait(60) == -9


class _Trees:
    """Sizes that a test sets, and a clock that looking moves on."""

    def __init__(self) -> None:
        self.now = 100.0
        self.sizes: dict[int, int] = {}
        self.look_s = 0.0

    def measure(self, pid: int, limit_bytes: int) -> int:
        assert limit_bytes
        self.now += self.look_s
        return self.sizes[pid]

    def watch(self) -> MemoryWatch:
        return MemoryWatch(measure=self.measure, clock=lambda: self.now)

    def later(self, watch: MemoryWatch) -> list[int]:
        assert watch.due is not None
        self.now = watch.due
        return list(watch.over())


def test_nobody_is_watched_who_has_no_limit() -> None:
    watch = _Trees().watch()

    watch.add(1, 11, 0)

    assert watch.due is None
    assert list(watch.over()) == []
    assert watch.remove(1) == 0


def test_a_tree_is_told_until_it_is_gone_and_leaves_its_peak() -> None:
    trees = _Trees()
    watch = trees.watch()
    watch.add(1, 11, 50)
    watch.add(2, 22, 50)
    trees.sizes = {11: 50, 22: 40}

    within = trees.later(watch)
    trees.sizes = {11: 80, 22: 50}
    over = trees.later(watch)
    trees.sizes = {11: 10, 22: 50}  # half of it is killed
    still = trees.later(watch)

    assert (within, over, still) == ([], [11], [11])
    assert (watch.remove(1), watch.remove(2)) == (80, 0)
    assert watch.due is None


def test_looks_come_before_their_time_to_nothing() -> None:
    trees = _Trees()
    watch = trees.watch()
    watch.add(1, 11, 50)
    trees.sizes = {11: 80}

    assert list(watch.over()) == []


def test_looks_that_take_long_are_made_less_often() -> None:
    trees = _Trees()
    watch = trees.watch()
    watch.add(1, 11, 50)
    trees.sizes, trees.look_s = {11: 10}, 0.2

    trees.later(watch)

    assert watch.due == pytest.approx(trees.now + 2.0)
