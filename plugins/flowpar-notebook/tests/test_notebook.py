"""Notebooks, run by a real kernel."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import nbformat
import pytest
from flowpar.testing.contracts import TaskTypeContract
from flowpar.testing.fixtures import run_workflow
from flowpar.testing.page import blocks, run_commands
from flowpar.testing.task import run_task

from flowpar_notebook.execution import NotebookFailed, check, notebook

if TYPE_CHECKING:
    from collections.abc import Sequence

    from flowpar.testing.fixtures import RunWorkflow

__all__ = ["run_workflow"]

README = Path(__file__).parents[1] / "README.md"
TWICE = [
    ("n = 1", "parameters"),
    ("from IPython.display import JSON, display\nprint('hello')\ndisplay(JSON({'twice': n * 2}))", "output"),
]


def write(path: Path, cells: Sequence[tuple[str, str | None]]) -> Path:
    """Write a notebook of code cells, each with its tag."""
    made = nbformat.v4.new_notebook(
        metadata={"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    )
    for text, tag in cells:
        made.cells.append(nbformat.v4.new_code_cell(text, metadata={"tags": [tag] if tag else []}))
    nbformat.write(made, path)
    return path


@pytest.fixture
def twice(tmp_path: Path) -> Path:
    """Return a notebook with one parameter and an output."""
    return write(tmp_path / "twice.ipynb", TWICE)


class TestContract(TaskTypeContract):
    """What each task type must do."""

    kind = "notebook"
    function = staticmethod(notebook)

    @pytest.fixture
    def arguments(self, twice: Path) -> dict[str, object]:
        """A notebook."""
        return {"path": str(twice)}


def test_it_runs_with_parameters_and_is_kept(twice: Path, tmp_path: Path) -> None:
    keep = tmp_path / "kept" / "ran.ipynb"

    found = run_task(notebook, path=twice, parameters={"n": 21}, keep=keep)

    assert found == {"output": {"twice": 42}, "path": str(keep)}
    outputs = [output for cell in nbformat.read(keep, 4).cells for output in cell.get("outputs", ())]
    assert outputs[0]["text"] == "hello\n"


def test_a_cell_that_raises_is_named_and_the_notebook_is_kept_all_the_same(tmp_path: Path) -> None:
    path = write(tmp_path / "bad.ipynb", [("a = 1", None), ("raise ValueError('too few')", None)])
    keep = tmp_path / "ran.ipynb"

    with pytest.raises(NotebookFailed, match=rf'cell 2 of "{path}" raised ValueError: too few; see {keep}'):
        run_task(notebook, path=path, keep=keep)
    assert "ValueError" in keep.read_text()


def test_a_parameter_that_a_notebook_does_not_have_is_refused(twice: Path, tmp_path: Path) -> None:
    bare = write(tmp_path / "bare.ipynb", [("a = 1", None)])

    with pytest.raises(ValueError, match=r'has no parameter "m"; it has n'):
        run_task(notebook, path=twice, parameters={"m": 1})
    with pytest.raises(ValueError, match=r'no cell of it has the tag "parameters"'):
        run_task(notebook, path=bare, parameters={"m": 1})


def test_what_is_no_notebook_is_found_before_the_run() -> None:
    assert [finding.message for finding in check({"path": "steps.py"})] == ['"steps.py" is no notebook']
    assert list(check({"path": "a.ipynb"})) == []
    assert list(check({})) == []


def test_one_notebook_runs_for_many_parameters_at_once(run_workflow: RunWorkflow, twice: Path) -> None:
    text = """
        flowpar: 1
        name: twice
        inputs: {path: {type: path}}
        tasks:
          twice:
            for_each: {n: [1, 2]}
            notebook: {path: "${{ inputs.path }}", parameters: {n: "${{ each.n }}"}}
        outputs: {all: "${{ [ran.output.twice for ran in tasks.twice.output] }}"}
    """

    assert run_workflow(text, inputs={"path": twice}).outputs == {"all": [2, 4]}


def test_the_readme_is_true(tmp_path: Path) -> None:
    found = list(blocks(README.read_text()))
    (workflow,) = [block for block in found if block.language == "yaml" and block.name]
    (tmp_path / str(workflow.name)).write_text(workflow.text)
    cells: list[tuple[str, str | None]] = [
        (block.text, tag)
        for block, tag in zip([one for one in found if one.language == "python"], ("parameters", "output"), strict=True)
    ]
    write(tmp_path / "mean.ipynb", cells)
    done = run_commands(README.read_text(), tmp_path)

    assert json.loads(done[-1]) == {"means": [2.0, 5.0]}
    assert len(list((tmp_path / "ran").iterdir())) == 2
