"""The example workflows give on dask what they give in processes; some tasks here, others there."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from conftest import Yard

EXAMPLES = Path(__file__).parents[3] / "workflows"
# With inputs that make the same tasks shorter, or fewer items of them.
INPUTS = {
    "quickstart": (),
    "shell_etl": (),
    "pi": ("darts=2000",),
    "kmeans": (),
    "mandelbrot": ("width=96", "height=64"),
    "digits": ("folds=2",),
}


@pytest.mark.parametrize("name", INPUTS)
def test_an_example_gives_the_same_outputs(name: str, yard: Yard, address: str) -> None:
    if name == "digits":
        pytest.importorskip("sklearn")
    shutil.copytree(EXAMPLES, yard.folder, dirs_exist_ok=True)
    words = ["run", f"{name}.yaml", "--json", "-q", *(word for given in INPUTS[name] for word in ("-i", given))]
    here = yard.run(*words)

    there = yard.run(*words, "--executor", f"dask={address}")

    assert there.returncode == 0, there.stderr
    assert there.stdout == here.stdout


def test_no_example_is_left_out_but_those_that_say_where_they_run() -> None:
    left_out = {file.stem for file in EXAMPLES.glob("*.yaml")} - INPUTS.keys()

    assert left_out == {"gil", "kmeans_fit"}  # the first compares executors, the second is a part of kmeans
