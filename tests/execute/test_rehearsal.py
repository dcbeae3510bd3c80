from __future__ import annotations

import os
import pickle
import subprocess
import sys
from pathlib import Path

from flowpar.execute.recipe import Shared

# In a process of its own, as in the launcher: it changes the process it is in.
REHEARSE = """
import os, pickle, sys
from flowpar.execute.attempt import make_attempt, prepare, warm_up
from flowpar.execute import rehearsal

calls = []

def attempt(job, **options):
    outcome, warnings = make_attempt(job, **options)
    calls.append(type(outcome).__name__)
    return outcome, warnings

before = list(sys.path), dict(os.environ)
shared = open(sys.argv[1], "rb").read()
rehearsal.rehearse(shared, attempt)
prepare(shared)
warm_up(shared)
assert (list(sys.path), dict(os.environ)) == before
assert set(calls) == {"Success"}, calls
"""
# What an attempt may import late: with a name like that beside the workflow it is the user's.
SHADOW = 'open("imported", "a").write(__name__)\n'


def test_attempts_of_nothing_succeed_and_import_nothing_of_the_users(tmp_path: Path) -> None:
    mine, run_dir = tmp_path / "mine", tmp_path / "run"
    mine.mkdir()
    (run_dir / "scratch" / "0" / "left by a killed attempt").mkdir(parents=True)
    for name in ("shutil", "glob", "ast", "numbers", "sitecustomize", "stage"):
        (mine / f"{name}.py").write_text(SHADOW)
    shared = Shared("id", str(run_dir), "w", str(mine), (str(mine),), {}, env_file={"FLOWPAR_TEST": "x"})
    (tmp_path / "shared").write_bytes(pickle.dumps(shared))

    done = subprocess.run(
        [sys.executable, "-c", REHEARSE, str(tmp_path / "shared")],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    assert list(tmp_path.rglob("imported")) == []
    assert list((run_dir / "scratch" / "0").iterdir()) == []
