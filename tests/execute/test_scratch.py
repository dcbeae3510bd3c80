"""The scratch folder that a process keeps for its attempts: empty for each, and never somebody else's."""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING

import pytest

from flowpar.execute.scratch import KeptScratch, Scratch

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def kept(tmp_path: Path) -> Iterator[KeptScratch]:
    scratch = KeptScratch(str(tmp_path))
    with scratch:
        pass
    yield scratch
    scratch.close()


def names(folder: str | Path) -> list[str]:
    return os.listdir(folder)  # noqa: PTH208


def is_open_at(number: int, folder: str) -> bool:
    link = f"/proc/self/fd/{number}"
    return os.path.lexists(link) and os.readlink(link) == folder  # noqa: PTH115


def test_what_an_attempt_leaves_is_gone_and_the_next_has_the_same_folder(kept: KeptScratch, tmp_path: Path) -> None:
    with kept as first:
        (tmp_path / first / "file").write_text("")
        (tmp_path / first / "folder/in/it").mkdir(parents=True)

    assert names(first) == []
    with kept as second:
        assert (second, names(second)) == (first, [])


def test_what_came_after_an_attempt_is_gone_for_the_next(kept: KeptScratch, tmp_path: Path) -> None:
    with kept as folder:
        pass
    (tmp_path / folder / "late").write_text("")

    with kept as again:
        assert (again, names(again)) == (folder, [])


def test_a_file_made_in_the_same_moment_in_which_the_folder_was_emptied_is_seen(
    kept: KeptScratch, tmp_path: Path
) -> None:
    for number in range(50):
        with kept as folder:
            assert names(folder) == [], number
            (tmp_path / folder / str(number)).write_text("")


def test_two_processes_have_two(kept: KeptScratch, tmp_path: Path) -> None:
    with kept as one, Scratch(str(tmp_path)) as other:
        assert one != other


def test_an_attempt_that_moved_its_folder_away_keeps_what_is_in_it(kept: KeptScratch, tmp_path: Path) -> None:
    with kept as folder:
        (tmp_path / folder / "result").write_text("kept")
        (tmp_path / folder).rename(tmp_path / "results")

    with kept as another:
        assert names(another) == []
        (tmp_path / another / "more").write_text("")

    assert (tmp_path / "results/result").read_text() == "kept"
    assert names(another) == []


def test_an_attempt_that_removed_its_folder_harms_nobody(kept: KeptScratch, tmp_path: Path) -> None:
    with kept as folder:
        (tmp_path / folder).rmdir()

    with kept as again:
        assert names(again) == []


def test_an_attempt_that_changed_who_may_enter_leaves_it_as_it_was(kept: KeptScratch, tmp_path: Path) -> None:
    for is_filled in (False, True):
        with kept as folder:
            if is_filled:
                (tmp_path / folder / "file").write_text("")
            (tmp_path / folder).chmod(0o500)

        with kept as again:
            assert (again, names(again)) == (folder, [])
            assert stat.S_IMODE((tmp_path / again).stat().st_mode) == 0o700


def assert_next_is_empty_and_leaves(pipe: tuple[int, int], kept: KeptScratch) -> None:
    with kept as again:
        assert names(again) == []
    os.write(pipe[1], b"still there")
    assert os.read(pipe[0], 99) == b"still there"
    for number in pipe:
        os.close(number)
    kept.close()


def test_a_lock_that_was_closed_between_attempts_is_let_be_and_the_folder_given_up(tmp_path: Path) -> None:
    kept = KeptScratch(str(tmp_path))
    with kept as folder:
        (lock,) = [number for number in range(3, 256) if is_open_at(number, folder)]
    os.close(lock)
    (tmp_path / folder).rmdir()
    pipe = os.pipe()
    assert lock in pipe

    assert_next_is_empty_and_leaves(pipe, kept)


def test_a_lock_that_an_attempt_closed_is_let_be_and_its_number_with_it(tmp_path: Path) -> None:
    kept = KeptScratch(str(tmp_path))
    with kept as folder:
        (lock,) = [number for number in range(3, 256) if is_open_at(number, folder)]
        os.close(lock)
        (tmp_path / folder / "file").write_text("")
        pipe = os.pipe()
        assert lock in pipe

    assert_next_is_empty_and_leaves(pipe, kept)
