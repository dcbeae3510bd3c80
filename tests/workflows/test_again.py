"""The second run of each example with a cache makes nothing: no attempt begins, and its outputs are the same."""

from __future__ import annotations

import json
import os
import shutil
import sys
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parents[1]))
import warm

WORKFLOWS = Path(__file__).parents[2] / "workflows"
# Less than they do by themselves, so that the first run is short.
SMALL = {
    "digits": ["folds=2"],
    "gil": ["limit=4000", "shares=2"],
    "mandelbrot": ["width=48", "height=32", "tiles=2", "depth=20"],
    "pi": ["batches=2", "darts=100"],
}
NAMES = sorted(path.stem for path in WORKFLOWS.glob("*.yaml"))
pytestmark = pytest.mark.timeout(180)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a copy of the examples, each with a cache."""
    home = tmp_path_factory.mktemp("again") / "workflows"
    shutil.copytree(WORKFLOWS, home, ignore=shutil.ignore_patterns("__pycache__", ".flowpar", "*.png"))
    for file in home.glob("*.yaml"):
        text = file.read_text().replace("[0.0001, 0.0003, 0.001, 0.003]", "[0.001]")
        assert text.count("\ntasks:\n") == 1
        file.write_text(text.replace("\ntasks:\n", "\ndefaults: {cache: true}\ntasks:\n"))
    return home


def run(name: str, home: Path, folder: Path) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Run an example and return its outputs and its journal."""
    environment = {key: value for key, value in os.environ.items() if not key.startswith("FLOWPAR_")}
    inputs = [argument for each in SMALL.get(name, ()) for argument in ("-i", each)]
    command = ["run", f"{name}.yaml", "--json", "--run-dir", str(folder), "--cache-dir", str(home / "cache"), *inputs]
    done = warm.run(command, cwd=home, env=environment)
    assert done.returncode == 0, done.stderr
    assert "warning" not in done.stderr, "nothing is wrong with the cache"
    return json.loads(done.stdout), [json.loads(line) for line in (folder / "events.jsonl").read_text().splitlines()]


@pytest.mark.parametrize("name", NAMES)
def test_the_second_run_of_an_example_makes_no_attempt(name: str, home: Path, tmp_path: Path) -> None:
    first, made = run(name, home, tmp_path / "first")
    second, found = run(name, home, tmp_path / "second")

    assert [line["task"] for line in found if line["event"] == "task.started"] == []
    assert second == first
    assert found[-1]["counts"] == {"cached": sum(made[-1]["counts"].values())}
