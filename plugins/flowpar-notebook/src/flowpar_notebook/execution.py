"""The task type `notebook`: run a Jupyter notebook with parameters, through papermill.

path, parameters ─► papermill ─► a kernel, a child of the task ─► the notebook as it ran
                                                                   └── what its cell "output" shows as JSON
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypedDict

import papermill
from flowpar.plugin import Finding, TaskContext, task_type

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_KERNEL = "flowpar_notebook.kernel.LocalKernelManager"
_ESCAPES = re.compile(r"\x1b\[[0-9;]*m")
_TAG = "output"


class NotebookFailed(Exception):  # noqa: N818 - the name that `retry.on` and failure reports show
    """A cell of the notebook raised an exception."""


class NotebookOutput(TypedDict):
    """What came of a notebook: `output` is what its cell with the tag `output` shows as JSON, else None.

    `path` is where the notebook as it ran is, None where it was not to be kept.
    """

    output: Any
    path: str | None


def check(arguments: Mapping[str, object]) -> Iterator[Finding]:
    """Look at what is written in the workflow; what the run will make is passed over."""
    path = arguments.get("path")
    if isinstance(path, str) and not path.endswith(".ipynb"):
        yield Finding(f'"{path}" is no notebook', argument="path", hint="notebooks end with .ipynb")


@task_type(check=check, files=("path",))
def notebook(
    path: Path,
    *,
    parameters: dict[str, Any] | None = None,
    keep: Path | None = None,
    kernel: str | None = None,
    context: TaskContext,
) -> NotebookOutput:
    """Run a notebook from its first cell to its last; `parameters` take the place of its cell `parameters`.

    The notebook as it ran is written to `keep`, also where it fails.
    """
    given = {name: _plain(value) for name, value in (parameters or {}).items()}
    _refuse_unknown(path, given)
    ran = keep or context.scratch / "ran.ipynb"
    ran.parent.mkdir(parents=True, exist_ok=True)
    try:
        done = papermill.execute_notebook(
            str(path), str(ran), given, kernel_name=kernel, progress_bar=False, kernel_manager_class=_KERNEL
        )
    except papermill.PapermillExecutionError as error:
        raise NotebookFailed(_complaint(path, error, keep)) from None
    context.logger.info("notebook.done", path=str(path), cells=len(done.cells))
    return NotebookOutput(output=_output(done.cells), path=None if keep is None else str(keep))


def _plain(value: Any) -> Any:
    return str(value) if isinstance(value, Path) else value


def _refuse_unknown(path: Path, given: Mapping[str, object]) -> None:
    """Raise ValueError for a parameter that the notebook's cell `parameters` does not set."""
    known = papermill.inspect_notebook(str(path))
    for name in given:
        if name not in known:
            there = f"it has {', '.join(sorted(known))}" if known else 'no cell of it has the tag "parameters"'
            raise ValueError(f'"{path}" has no parameter "{name}"; {there}')


def _complaint(path: Path, error: Any, keep: Path | None) -> str:
    said = _ESCAPES.sub("", str(error.evalue))
    where = f"; see {keep}" if keep else "; give it a path to keep, to see it as it ran"
    return f'cell {error.exec_count} of "{path}" raised {error.ename}: {said}{where}'


def _output(cells: list[Any]) -> Any:
    """Return what the last cell with the tag shows as JSON."""
    tagged = [cell for cell in cells if _TAG in cell.metadata.get("tags", ())]
    shown = [output["data"] for output in tagged[-1].get("outputs", ()) if "data" in output] if tagged else []
    return next((data["application/json"] for data in reversed(shown) if "application/json" in data), None)
