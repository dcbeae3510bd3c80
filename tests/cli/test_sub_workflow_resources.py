"""Items that only the run knows take their shares of what the run has."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from at_work import command, flowpar

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


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "7")
    (tmp_path / "w.yaml").write_text(MAIN)
    (tmp_path / "part.yaml").write_text(PART)
    return tmp_path


def test_no_more_of_them_run_at_once_than_a_limit_allows_each_with_its_device(folder: Path) -> None:
    told = flowpar(folder, "run", "w.yaml", "--json", "-w", "4")

    assert json.loads(told)["texts"] == [{"text": "7\n"}] * 4


def test_one_that_asks_for_more_than_there_is_is_found_before_the_run(folder: Path) -> None:
    (folder / "part.yaml").write_text(PART.replace("gpu: 1", "gpu: 2"))

    told = command(folder, "run", "w.yaml", code=2).stderr

    assert "FP232" in told
    assert 'task "many[*]/ask" asks for 2 of "gpu"' in told
