"""Items that only the run knows take their shares of what the run has."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

PACE_S = 60.0
MAIN = """\
flowpar: 1
limits: {api: 1}
tasks:
  rows: {shell: {run: 'echo "[1, 2, 3, 4]"', capture: json}}
  many: {for_each: "${{ tasks.rows.output }}", workflow: part.yaml}
outputs: {texts: "${{ tasks.many.output }}"}
"""
PART = """\
flowpar: 1
tasks:
  ask:
    shell: 'mkdir held && sleep 0.3 && rmdir held && echo "$CUDA_VISIBLE_DEVICES"'
    cwd: ${{ workflow.dir }}
    resources: {api: 1, gpu: 1}
outputs: {text: "${{ tasks.ask.output.stdout }}"}
"""


def flowpar(folder: Path, *arguments: str, devices: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "flowpar", *arguments],
        cwd=folder,
        env={**os.environ, "NO_COLOR": "1", "CUDA_VISIBLE_DEVICES": devices},
        capture_output=True,
        text=True,
        timeout=PACE_S,
        check=False,
    )


def test_no_more_of_them_run_at_once_than_a_limit_allows_each_with_its_device(tmp_path: Path) -> None:
    (tmp_path / "w.yaml").write_text(MAIN)
    (tmp_path / "part.yaml").write_text(PART)

    done = flowpar(tmp_path, "run", "w.yaml", "--json", "-w", "4", devices="7")

    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["texts"] == [{"text": "7\n"}] * 4


def test_one_that_asks_for_more_than_there_is_is_found_before_the_run(tmp_path: Path) -> None:
    (tmp_path / "w.yaml").write_text(MAIN)
    (tmp_path / "part.yaml").write_text(PART.replace("gpu: 1", "gpu: 2"))

    done = flowpar(tmp_path, "run", "w.yaml", devices="7")

    assert done.returncode == 2, done.stderr
    assert "FP232" in done.stderr
    assert 'task "many[*]/ask" asks for 2 of "gpu"' in done.stderr
