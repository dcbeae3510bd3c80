"""A folder with functions, and the command that runs a workflow of them."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parents[1]))
import warm


@dataclass(frozen=True, slots=True)
class Workshop:
    """Runs end within `patience_s`; what they make is the output `all`."""

    folder: Path
    patience_s: float

    def run(self, tasks: str, *options: str, outputs: str = "${{ tasks.w.output }}") -> tuple[Any, str]:
        """Return what a run gives, None where it gives nothing, and what it says."""
        text = f'flowpar: 1\ntasks:\n{tasks}\noutputs: {{all: "{outputs}"}}\n'
        (self.folder / "workflow.yaml").write_text(text)
        arguments = ["run", "workflow.yaml", "--run-dir", "run", "--json", *options]
        done = warm.run(arguments, cwd=self.folder, timeout=self.patience_s)
        return json.loads(done.stdout)["all"] if done.stdout else None, done.stderr

    def events(self, name: str) -> list[dict[str, Any]]:
        """Return the events of one name that the journal has."""
        lines = (self.folder / "run" / "events.jsonl").read_text().splitlines()
        return [event for line in lines if (event := json.loads(line))["event"] == name]


@pytest.fixture
def workshop(request: pytest.FixtureRequest, tmp_path: Path) -> Workshop:
    """Return a folder with the `STEPS` of the test's module, and its patience `PACE_S`."""
    (tmp_path / "steps.py").write_text(request.module.STEPS)
    return Workshop(tmp_path, request.module.PACE_S)
