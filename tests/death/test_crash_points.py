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
    from collections.abc import Callable, Iterator

    MakeTrial = Callable[[], Trial]

pytestmark = pytest.mark.timeout(300)

DIED = "flowpar: death at point"
# What CI takes of each process's points; `make soak` takes all of them.
SHARE = {"engine": range(3, 120, 13), "launcher": range(2, 60, 11), "guard": range(1, 12, 4)}
LEAST_POINTS = 60


@pytest.fixture
def make_trial(tmp_path: Path) -> Iterator[MakeTrial]:
    made: list[Trial] = []

    def make() -> Trial:
        made.append(Trial(tmp_path / str(len(made))))
        return made[-1]

    yield make
    for trial in made:
        trial.clear()


def survives_a_death(make_trial: MakeTrial, role: str, number: int, *, again: bool = False) -> bool:
    """Let a process die at its n-th point, and by `again` that of the resumed run, too; whether it came to it."""
    trial = make_trial()
    crash = {"FLOWPAR_CRASH_AT": f"{role}:{number}"}
    died = DIED in trial.run(**crash).stderr
    if again:
        trial.resume(**crash)
    interrupted = Interrupted.now(trial)

    ended = trial.resume()

    interrupted.check(ended)
    return died


@pytest.mark.parametrize(("role", "number"), [(role, n) for role, numbers in SHARE.items() for n in numbers])
def test_a_run_goes_on_after_a_death_at_a_point(make_trial: MakeTrial, role: str, number: int) -> None:
    trial = make_trial()
    trial.run(FLOWPAR_CRASH_AT=f"{role}:{number}")
    interrupted = Interrupted.now(trial)

    ended = trial.resume()

    interrupted.check(ended)


@pytest.mark.soak
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("again", [False, True], ids=["once", "twice"])
@pytest.mark.parametrize("role", ["engine", "launcher", "guard"])
def test_a_run_goes_on_after_a_death_at_every_point(make_trial: MakeTrial, role: str, *, again: bool) -> None:
    number = 1

    while survives_a_death(make_trial, role, number, again=again):
        number += 1

    sys.stderr.write(f"{number - 1} points of {role}\n")
    assert number > {"engine": LEAST_POINTS, "launcher": 20, "guard": 2}[role]


def test_a_full_disk_is_said_and_nothing_is_lost(make_trial: MakeTrial) -> None:
    trial = make_trial()

    full = trial.run(FLOWPAR_FAIL_AT="12+:ENOSPC")

    assert full.code == 3
    assert os.strerror(28).lower() in full.stderr
    assert "Traceback" not in full.stderr
    interrupted = Interrupted.now(trial)
    interrupted.check(trial.resume())
