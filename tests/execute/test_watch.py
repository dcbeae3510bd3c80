"""One wait over many descriptors calls back for what was readable then, and for nothing else."""

from __future__ import annotations

import os
from functools import partial
from typing import TYPE_CHECKING

import pytest

from flowpar.execute.watch import Watch

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.timeout(180)


@pytest.fixture
def watch() -> Iterator[Watch]:
    made = Watch()
    yield made
    made.close()


def test_a_number_that_is_used_again_is_not_called_for_what_it_was_before(watch: Watch) -> None:
    called: list[str] = []
    doomed, doomed_end = os.pipe()
    other, other_end = os.pipe()
    empty, empty_end = os.pipe()
    pipes = {doomed: "doomed", other: "other"}

    def replace_the_others(number: int) -> None:
        called.append(pipes[number])
        for each in set(pipes) - {number}:
            watch.remove(each)
            os.dup2(empty, each)  # the number is that of a pipe with nothing in it now
            watch.add(each, lambda: called.append("empty"))

    for number, end in ((doomed, doomed_end), (other, other_end)):
        watch.add(number, partial(replace_the_others, number))
        os.write(end, b"x")

    watch.wait(60)

    assert len(called) == 1
    assert called[0] in pipes.values()
    for number in (doomed, doomed_end, other, other_end, empty, empty_end):
        os.close(number)


def test_what_is_removed_is_not_called(watch: Watch) -> None:
    read, write = os.pipe()
    watch.add(read, lambda: pytest.fail("it was removed"))
    os.write(write, b"x")

    watch.remove(read)

    assert not watch.wait(0)
    os.close(read)
    os.close(write)
