"""The README's workflow checks and runs as it is written, on a cluster of its own."""

from __future__ import annotations

import json
import shlex
import subprocess
import sys
from pathlib import Path

from flowpar.testing.page import blocks, commands

README = Path(__file__).parents[1] / "README.md"


def test_the_workflow_runs_as_it_is_written(tmp_path: Path) -> None:
    found = list(blocks(README.read_text()))
    for block in found:
        if block.name:
            (tmp_path / block.name).write_text(block.text)
    (console,) = [block for block in found if block.language == "console"]
    outputs: list[str] = []

    for command in commands(console):
        words = shlex.split(command.text)
        done = subprocess.run(
            [sys.executable, "-m", *words, *(["--json"] if "run" in words else [])],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=240,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        outputs.append(done.stdout)

    assert json.loads(outputs[-1]) == {"total": 328350}
    journal = next(tmp_path.glob(".flowpar/runs/*/events.jsonl")).read_text()
    assert '"executor":"dask"' in journal
    assert '"executor":"process"' in journal
