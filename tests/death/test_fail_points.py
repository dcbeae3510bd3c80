"""The disk is full, or no process is to be had, at one point after another: said clearly, and the run can go on."""

from __future__ import annotations

import errno
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from trial import Ended, Interrupted, Trial

if TYPE_CHECKING:
    from collections.abc import Callable

    MakeTrial = Callable[..., Trial]

pytestmark = pytest.mark.timeout(300)

FULL, BROKEN = (os.strerror(number).lower() for number in (errno.ENOSPC, errno.EIO))


def survives_a_failure(make_trial: MakeTrial, where: str) -> bool:
    """Let a call of the system fail; whether the run came to it."""
    trial = make_trial()

    failed = trial.run(FLOWPAR_FAIL_AT=where)

    assert failed.code in {0, 3}, failed
    assert "Traceback" not in failed.stderr
    interrupted = Interrupted.now(trial)
    interrupted.check(trial.resume())
    return "flowpar: E" in failed.stderr


@pytest.mark.parametrize(
    ("number", "error", "words"),
    [(1, "ENOSPC", FULL), (9, "ENOSPC", FULL), (18, "ENOSPC", FULL), (26, "ENOSPC", FULL), (14, "EIO", BROKEN)],
)
def test_a_disk_that_gives_out_is_said_and_nothing_is_lost(
    make_trial: MakeTrial, number: int, error: str, words: str
) -> None:
    trial = make_trial()

    full = trial.run(FLOWPAR_FAIL_AT=f"{number}+:{error}")

    assert full.code == 3, full
    assert words in full.stderr.lower()
    assert "Traceback" not in full.stderr
    interrupted = Interrupted.now(trial)
    interrupted.check(trial.resume())


def test_a_task_that_cannot_write_its_value_fails_by_name(make_trial: MakeTrial) -> None:
    trial = make_trial()

    full = trial.run(FLOWPAR_FAIL_AT="task:1:ENOSPC")

    assert full.code == 1
    assert "big: failed" in full.stderr
    assert os.strerror(errno.ENOSPC) in full.stderr
    interrupted = Interrupted.now(trial)
    assert "square[2]" in interrupted.done
    interrupted.check(trial.resume())


@pytest.mark.parametrize("where", ["launcher:1:EAGAIN", "launcher:4:EAGAIN", "launcher:3:ENOMEM"])
def test_a_process_that_is_not_to_be_had_is_tried_again(make_trial: MakeTrial, where: str) -> None:
    ended = make_trial().run(FLOWPAR_FAIL_AT=where)

    assert "flowpar: E" in ended.stderr
    assert ended.code == 0, ended


def test_no_process_at_all_is_said_within_a_bound(make_trial: MakeTrial) -> None:
    trial = make_trial()

    ended: Ended = trial.run(FLOWPAR_FAIL_AT="launcher:1+:EAGAIN")

    assert ended.code in {1, 3}, ended
    assert "no process could be started" in ended.stderr
    assert "Traceback" not in ended.stderr
    interrupted = Interrupted.now(trial)
    interrupted.check(trial.resume())


def test_a_pipe_that_is_not_to_be_had_fails_its_task(make_trial: MakeTrial) -> None:
    trial = make_trial()

    ended = trial.run(FLOWPAR_FAIL_AT="2:EMFILE")

    assert ended.code in {0, 1, 3}, ended
    assert "Traceback" not in ended.stderr
    interrupted = Interrupted.now(trial)
    interrupted.check(trial.resume())


@pytest.mark.soak
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("stays", ["", "+"], ids=["once", "from then on"])
@pytest.mark.parametrize("error", ["ENOSPC", "EIO"])
def test_a_disk_may_give_out_anywhere(make_trial: MakeTrial, error: str, stays: str) -> None:
    number = 1

    while survives_a_failure(make_trial, f"{number}{stays}:{error}"):
        number += 1

    assert number > 25
