"""An environment of its own for each peer, in `.venv-bench/NAME` of the repository, kept while its pins stay."""

from __future__ import annotations

import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

from benchmarks.measure import ROOT, Failed

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

ENVIRONMENTS = ROOT / ".venv-bench"
REQUIREMENTS = ROOT / "benchmarks" / "peers"
PATIENCE_S = 900


def interpreter_for(peer: str) -> str:
    """Return the Python that has a peer, after setting it up where that is still to be done.

    Raises:
        Failed: it can't be had on this machine.

    """
    wanted = REQUIREMENTS / f"{peer}.txt"
    if not wanted.exists():  # a program of the system's
        if shutil.which(peer) is None:
            raise Failed(f'the program "{peer}" is not on this machine')
        return sys.executable
    python, ready = ENVIRONMENTS / peer / "bin" / "python", ENVIRONMENTS / peer / "requirements.txt"
    if not (ready.exists() and ready.read_bytes() == wanted.read_bytes()):
        print(f"setting up {peer} in {python.parents[1].relative_to(ROOT)}", flush=True)
        _set_up(python, wanted)
        shutil.copy(wanted, ready)
    return str(python)


def release_of(peer: str) -> str:
    """Return what is written of a peer's release where it is set up from."""
    wanted = REQUIREMENTS / f"{peer}.txt"
    return wanted.read_text().split()[0] if wanted.exists() else peer


def _set_up(python: Path, wanted: Path) -> None:
    _made([sys.executable, "-m", "venv", "--clear", str(python.parents[1])])
    pip = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--prefer-binary"]
    _made([*pip, "--requirement", str(wanted)])


def _made(command: Sequence[str]) -> None:
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=PATIENCE_S)
    except subprocess.TimeoutExpired as error:
        raise Failed(f"it can't be set up here: no end after {PATIENCE_S} s") from error
    if done.returncode:
        said = (done.stderr or done.stdout).strip().splitlines()
        raise Failed(f"it can't be set up here: {said[-1] if said else f'pip ended with {done.returncode}'}")
