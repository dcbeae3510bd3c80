"""The command at work in a folder, as tests of sub-workflows see it: what it says, and what its tasks left there."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
from io import StringIO
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))
import warm

from flowpar.cli.main import main

# Of what a test starts itself and waits for.
PACE_S = 60.0
LOOKING = {"show", "logs"}


def environment() -> dict[str, str]:
    """Return ours, without what another run has told us."""
    return {key: value for key, value in os.environ.items() if not key.startswith("FLOWPAR_")}


def command(folder: Path, *arguments: str, code: int = 0) -> subprocess.CompletedProcess[str]:
    """Run `flowpar` to its end, which is with this exit code; what only looks at runs does so in this process."""
    done = looked(folder, *arguments) if arguments[0] in LOOKING else warm.run(arguments, cwd=folder, env=environment())
    assert done.returncode == code, done.stderr
    return done


def start(folder: Path, *arguments: str) -> subprocess.Popen[str]:
    """Start `flowpar` in a process group of its own; nobody reads what it says."""
    started: subprocess.Popen[str] = warm.Started(arguments, cwd=folder, env=environment())
    return started


def looked(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    out, err = StringIO(), StringIO()
    with contextlib.chdir(folder), contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = main(list(arguments))
    return subprocess.CompletedProcess(arguments, code, out.getvalue(), err.getvalue())


def flowpar(folder: Path, *arguments: str, code: int = 0) -> str:
    """Return what it prints."""
    return command(folder, *arguments, code=code).stdout


def tasks(folder: Path) -> dict[str, dict[str, Any]]:
    """Return what `show` tells of each task of the last run."""
    shown: dict[str, Any] = json.loads(flowpar(folder, "show", "last", "--json"))
    return {task["task"]: task for task in shown["tasks"]}


def states(folder: Path) -> dict[str, str]:
    """Return how each task of the last run ended."""
    return {name: str(task["state"]) for name, task in tasks(folder).items()}


def marks(folder: Path) -> list[str]:
    """Return the lines that tasks wrote to the file `marks`."""
    return (folder / "marks").read_text().splitlines()
