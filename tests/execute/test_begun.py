"""What a file says of attempts that were begun, after all that made them are gone."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flowpar.core.outcome import Success, ValueRef
from flowpar.execute.begun import BegunFile
from flowpar.execute.report_pipe import Report
from flowpar.execute.standing_word import Done

if TYPE_CHECKING:
    from pathlib import Path


def done(job: int, inline: bytes = b"value") -> Done:
    return Done(job, 1.0, 2.0, 0.5, Report(Success(ValueRef(len(inline), "crc:1", is_plain=True, inline=inline))))


@pytest.fixture
def file(tmp_path: Path) -> BegunFile:
    file = BegunFile(str(tmp_path / "begun"))
    file.make()
    return file


def test_what_began_is_known_and_what_is_over_of_it(file: BegunFile) -> None:
    lines = file.open()
    lines.begin(1)
    lines.over(done(1))
    lines.begin(2)

    begun = file.close()

    assert begun.jobs == {1, 2}
    assert {job: over.report for job, (_, over) in begun.over.items()} == {1: done(1).report}


def test_nothing_begins_once_it_is_closed(file: BegunFile) -> None:
    lines = file.open()

    file.close()

    assert not lines.begin(1)
    with pytest.raises(FileNotFoundError):
        file.open()


def test_it_may_be_closed_twice(file: BegunFile) -> None:
    assert file.open().begin(7)

    assert file.close() == file.close()


def test_the_end_of_the_last_attempt_is_there_once_it_is_flushed(file: BegunFile) -> None:
    lines = file.open()
    lines.begin(1)
    lines.over(done(1))
    lines.flush()

    assert set(file.close().over) == {1}


def test_a_large_value_is_not_kept_there(file: BegunFile) -> None:
    lines = file.open()
    lines.begin(1)
    lines.over(done(1, bytes(10_000)))
    lines.flush()

    assert file.close().over == {}


@given(st.integers(0, 200))
def test_a_line_that_was_cut_off_is_no_end(tmp_path_factory: pytest.TempPathFactory, cut: int) -> None:
    file = BegunFile(str(tmp_path_factory.mktemp("cut") / "begun"), is_synced=True)
    file.make()
    lines = file.open()
    for job in (1, 2):
        lines.begin(job)
        lines.over(done(job))
    lines.flush()
    lines.close()
    with open(file.path, "r+b") as content:  # noqa: PTH123
        whole = content.seek(0, 2)
        content.truncate(max(0, whole - cut))

    begun = file.close()

    assert set(begun.over) <= begun.jobs <= {1, 2}
    assert all(over == done(job) for job, (_, over) in begun.over.items())
