"""Calling a task function in a test as a worker would."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING

import pytest

from flowpar.data.codec import NotEncodable
from flowpar.testing.task import Recorded, fake_context, run_task

if TYPE_CHECKING:
    from flowpar.plugin import TaskContext


@dataclass(frozen=True)
class Page:
    title: str
    size: int


def page(file: Path, size: int = 1) -> Page:
    return Page(file.name, size)


def scratch_of(name: str, *, context: TaskContext) -> tuple[str, bool]:
    (context.scratch / name).write_text("x")
    context.logger.info("written", name=name)
    context.progress(1, 1)
    return str(context.scratch), context.scratch.is_dir()


def test_arguments_are_converted_and_the_output_comes_back() -> None:
    assert run_task(page, file="a/b.txt") == Page("b.txt", 1)


def test_the_output_is_another_object_as_in_another_task() -> None:
    shared = [1]

    def same() -> list[int]:
        return shared

    assert run_task(same) == shared
    assert run_task(same) is not shared


def test_an_output_that_cannot_be_passed_on_is_refused() -> None:
    with pytest.raises(NotEncodable, match="lock"):
        run_task(lambda: {"lock": Lock()})


def test_a_context_is_given_and_its_scratch_folder_removed() -> None:
    folder, was_there = run_task(scratch_of, name="a")

    assert was_there
    assert not Path(folder).exists()


def test_what_a_task_told_is_recorded(tmp_path: Path) -> None:
    recorded = Recorded()

    run_task(scratch_of, name="a", context=fake_context(scratch=tmp_path, recorded=recorded))

    assert recorded.messages == ["written"]
    assert recorded.lines[0]["fields"] == {"name": "a"}
    assert recorded.progress == [{"done": 1.0, "total": 1.0, "note": ""}]


def test_what_it_raises_is_raised() -> None:
    def broken() -> None:
        raise KeyError("gone")

    with pytest.raises(KeyError, match="gone"):
        run_task(broken)
