"""The sub-workflows of a document: files of its project, each read and checked once, none inside itself.

    workflow: path ─► within the project? ─► inside itself? too deep? ─► check ─► Checked
                              └──────────────────┴─► SubProblem, which names the path and no content

`Nest` is one for a document and all that is in it; `SubWorkflows` are those of one document of it.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import TYPE_CHECKING

from flowpar.core.frozen import dataclass, field
from flowpar.core.part_name import MOST_PART_TASKS
from flowpar.core.types import ANY, Record, Type
from flowpar.plugin.local import project_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from flowpar.lang.checked import Checked
    from flowpar.lang.model import TaskModel

MAX_NESTING = 16
MAX_SUB_BYTES = 64 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class SubProblem:
    """Why a file can't be a sub-workflow here."""

    code: str
    message: str
    hint: str | None = None


@dataclass(slots=True)
class Nest:
    """What all files of one check have in common; `chain` are those that are open, outermost first, as they are shown.

    `sizes` counts the tasks of each file, those of its own sub-workflows included; `pools` are the names of the limits
    that open files declare.
    """

    project: Path
    check: Callable[[str, Nest], Checked]
    chain: list[tuple[Path, str]]
    checked: dict[Path, Checked] = field(default_factory=dict)
    sizes: dict[Path, int] = field(default_factory=dict)
    size_bytes: int = 0
    pools: frozenset[str] = frozenset()

    @classmethod
    def of(cls, path: str, check: Callable[[str, Nest], Checked]) -> Nest:
        """Return the nest of a document that is in no other."""
        return cls(project_of(Path(path).parent), check, [(_real(path), path)])


class SubWorkflows:
    """The sub-workflows of one document in `folder`."""

    def __init__(self, folder: Path, nest: Nest) -> None:
        """Find none before it is asked for."""
        self._folder = folder
        self._nest = nest
        self._found: dict[str, Checked | SubProblem] = {}

    def checked(self, model: TaskModel) -> Checked | None:
        """Return what was made of the file of a task, None where there is none."""
        found = self.find(model.body) if model.kind == "workflow" and isinstance(model.body, str) else None
        return None if isinstance(found, SubProblem) else found

    def output_of(self, target: object) -> Type:
        """Return the static type of what a sub-workflow gives."""
        found = self.find(target) if isinstance(target, str) else None
        if found is None or isinstance(found, SubProblem) or found.workflow is None:
            return ANY
        types = found.output_types
        return Record("dict", tuple((name, types.get(name, ANY)) for name in found.workflow.outputs), is_mapping=True)

    def find(self, target: str) -> Checked | SubProblem:
        """Return a file as it was checked, or why it can't be."""
        if target not in self._found:
            self._found[target] = self._find(target)
        return self._found[target]

    def _find(self, target: str) -> Checked | SubProblem:
        nest, shown = self._nest, os.path.normpath(self._folder / target)
        real = _real(shown)
        problem = _problem_of(target, real, nest)
        if problem is not None:
            return problem
        if real not in nest.checked:
            nest.size_bytes += real.stat().st_size
            if nest.size_bytes > MAX_SUB_BYTES:
                text = f"the sub-workflows are larger than {MAX_SUB_BYTES >> 20} MiB together"
                return SubProblem("FP252", text, "give long lists as inputs or files")
            nest.chain.append((real, shown))
            nest.checked[real] = nest.check(shown, nest)
            nest.chain.pop()
            nest.sizes[real] = _size_of(nest.checked[real], nest)
        if nest.sizes[real] > MOST_PART_TASKS:
            text = f'"{target}" has over {MOST_PART_TASKS:,} tasks with those of its own sub-workflows'
            return SubProblem("FP252", text, 'let a "for_each" in it make many items instead')
        return nest.checked[real]


def _size_of(checked: Checked, nest: Nest) -> int:
    own = sum(nest.sizes.get(_real(task.sub.path), 0) if task.sub is not None else 1 for task in checked.tasks.values())
    return len(checked.tasks) + own


def _problem_of(target: str, real: Path, nest: Nest) -> SubProblem | None:
    """Return why a file is not even opened."""
    what = f'the workflow "{target}"'
    if "\0" in target or not real.is_relative_to(nest.project):
        hint = "a sub-workflow belongs to the git checkout that holds the workflow, else to the workflow's folder"
        return SubProblem("FP251", f"{what} is outside of the project", hint)
    kind = _kind_of(real)
    if kind:
        return SubProblem("FP251", f"{what} {kind}", "give a YAML file, relative to this one")
    open_files = [path for path, _ in nest.chain]
    if real in open_files:
        circle = [shown for _, shown in nest.chain[open_files.index(real) :]]
        way = " → ".join(f'"{shown}"' for shown in [*circle, circle[0]])
        return SubProblem("FP252", f"{what} would contain itself: {way}", "take it out of one of these files")
    if len(nest.chain) > MAX_NESTING:
        return SubProblem(
            "FP252", f"workflows are nested deeper than {MAX_NESTING}", "put their tasks into fewer files"
        )
    return None


def _kind_of(path: Path) -> str:
    """Return what is wrong with a file before it is read, "" where nothing is."""
    try:
        mode = path.stat().st_mode
    except FileNotFoundError:
        return "is not found"
    except (OSError, ValueError):
        return "can't be read"
    if stat.S_ISDIR(mode):
        return "is a folder"
    if not stat.S_ISREG(mode):
        return "is no file of text"
    return "" if os.access(path, os.R_OK) else "can't be read"


def _real(path: str) -> Path:
    try:
        return Path(path).resolve()
    except (OSError, RuntimeError, ValueError):  # a circle of links, a NUL
        return Path(path).absolute()
