"""Engine, launcher and guard die at one point after another: the run goes on, and nothing is lost or done twice."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from trial import Interrupted, Trial

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    MakeTrial = Callable[..., Trial]

pytestmark = pytest.mark.timeout(300)

DIED = "flowpar: death at point"
# What CI takes of each process's points, in a run and in the resume of one that was cut off; `make soak` takes all.
# Well below how many there are: what falls together in one turn of the loop passes fewer.
SHARE = {"engine": range(3, 60, 20), "launcher": range(2, 30, 14), "guard": range(1, 9, 6), "task": range(1, 2)}
RESUMED_SHARE = {"engine": range(5, 45, 25), "launcher": range(3, 22, 14), "guard": range(2, 7, 5)}
LEAST_POINTS = {"engine": 60, "launcher": 20, "guard": 3, "task": 1}
# In the middle of the engine's points: some tasks are done, some run, some are to come.
CUT_OFF = "engine:45"


def survives_a_death(make_trial: MakeTrial, where: str, *, is_resumed: bool) -> bool:
    """Let a process die at a point of a run, or of the resume of one that was cut off; whether it came to it."""
    trial = make_trial()
    if is_resumed:
        assert DIED in trial.run(FLOWPAR_CRASH_AT=CUT_OFF).stderr
        before = Interrupted.now(trial)
        assert {"load", "big"} & before.done
        died = trial.resume(FLOWPAR_CRASH_AT=where)
        before.check_stands()
    else:
        died = trial.run(FLOWPAR_CRASH_AT=where)
    assert "Traceback" not in died.stderr
    interrupted = Interrupted.now(trial)

    ended = trial.resume()

    interrupted.check(ended)
    return DIED in died.stderr


def pick(share: Mapping[str, Iterable[int]]) -> list[str]:
    return [f"{role}:{number}" for role, numbers in share.items() for number in numbers]


@pytest.mark.parametrize("where", pick(SHARE))
def test_a_run_goes_on_after_a_death_at_a_point(make_trial: MakeTrial, where: str) -> None:
    assert survives_a_death(make_trial, where, is_resumed=False)


@pytest.mark.parametrize("where", pick(RESUMED_SHARE))
def test_a_resumed_run_goes_on_after_a_death_at_a_point(make_trial: MakeTrial, where: str) -> None:
    assert survives_a_death(make_trial, where, is_resumed=True)


@pytest.mark.soak
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("is_resumed", [False, True], ids=["run", "resume"])
@pytest.mark.parametrize("role", LEAST_POINTS)
def test_a_run_goes_on_after_a_death_at_every_point(make_trial: MakeTrial, role: str, *, is_resumed: bool) -> None:
    number = 1

    while survives_a_death(make_trial, f"{role}:{number}", is_resumed=is_resumed):
        number += 1

    sys.stderr.write(f"{number - 1} points of {role} in a {'resume' if is_resumed else 'run'}: 0 lost, 0 run again\n")
    assert number > LEAST_POINTS[role] // (2 if is_resumed else 1)


def test_a_full_disk_is_said_and_nothing_is_lost(make_trial: MakeTrial) -> None:
    trial = make_trial()

    full = trial.run(FLOWPAR_FAIL_AT="12+:ENOSPC")

    assert full.code == 3
    assert os.strerror(28).lower() in full.stderr
    assert "Traceback" not in full.stderr
    interrupted = Interrupted.now(trial)
    interrupted.check(trial.resume())
