"""What an attempt changes in a process that stays is put back, and what each is told anew is left alone meanwhile."""

from __future__ import annotations

import logging
import os
from typing import TYPE_CHECKING

import pytest

from flowpar.execute.inline_worker import Before
from flowpar.execute.post_log import LogHandler, listen_to_logging
from flowpar.execute.surroundings import TOLD_TO_ALL, lay

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(autouse=True)
def this_process_as_it_was() -> Iterator[None]:
    before = Before.now()
    yield
    before.restore()


def test_variables_are_put_back_but_for_those_that_every_attempt_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CHANGED", "before")
    monkeypatch.setenv("REMOVED", "before")
    monkeypatch.delenv("FLOWPAR_ITEM", raising=False)
    monkeypatch.setenv("FLOWPAR_ROUND", "1")
    first = Before.now(TOLD_TO_ALL)
    for number in range(3):
        lay(os.environ, {"FLOWPAR_ITEM": str(number), "FLOWPAR_ROUND": None, "NEW": "1", "REMOVED": None})
        os.environ["CHANGED"] = "after"

        assert first.restore()

        shown = [os.environ.get(name) for name in ("CHANGED", "REMOVED", "NEW", "FLOWPAR_ITEM", "FLOWPAR_ROUND")]
        assert shown == ["before", "before", None, str(number), None]


def test_every_attempt_is_told_all_that_is_spared() -> None:
    assert set(TOLD_TO_ALL) == {
        "FLOWPAR_RUN_ID",
        "FLOWPAR_TASK",
        "FLOWPAR_ITEM",
        "FLOWPAR_ATTEMPT",
        "FLOWPAR_ROUND",
        "FLOWPAR_SCRATCH",
    }


def test_a_log_handler_that_an_attempt_changed_hears_the_next_one() -> None:
    heard: list[str] = []
    root = logging.getLogger()
    listen_to_logging(lambda: None)
    (handler,) = [each for each in root.handlers if type(each) is LogHandler]
    handler.setLevel(logging.CRITICAL)
    handler.addFilter(lambda _: False)

    listen_to_logging(lambda: lambda _, body: heard.append(str(body["message"])))
    logging.getLogger("task").warning("still heard")

    assert [each for each in root.handlers if type(each) is LogHandler] == [handler]
    assert heard == ["still heard"]
