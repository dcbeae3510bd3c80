"""The task types of a workflow's own files: `plugins: [./tasks.py, project.tasks]`, read and not run.

    entry ─► file within the project ─► functions with @task_type ─► TaskTypeSource*
                                   └──► LocalProblem, which the caller puts at the entry's place

A file must be importable by a task: it lies in the workflow's folder or in one of `python_path`.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from flowpar.core.frozen import dataclass
from flowpar.plugin.registry import TaskTypeSource, taken
from flowpar.plugin.source import SourceProblem, find_source, read_marked
from flowpar.plugin.spec import API_VERSION

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from flowpar.plugin.source import TaskFunction


@dataclass(frozen=True, slots=True)
class LocalProblem:
    """A finding about the entry `index` of `plugins`; `file` and `line` name a second place, line 0 none."""

    index: int
    code: str
    message: str
    hint: str | None = None
    file: str = ""
    line: int = 0
    column: int = 1


@dataclass(frozen=True, slots=True)
class LocalPlugins:
    """What the entries of `plugins` bring, and what is wrong with them."""

    sources: tuple[TaskTypeSource, ...]
    problems: tuple[LocalProblem, ...]


class _Refused(Exception):  # noqa: N818 - carries a finding
    def __init__(self, code: str, message: str, hint: str | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.hint = hint


def read_local(entries: Sequence[str], *, workflow_dir: Path, python_path: Sequence[str] = ()) -> LocalPlugins:
    """Read the files and modules of `plugins`; `python_path` holds absolute folders."""
    folders = [workflow_dir, *map(Path, python_path)]
    sources: dict[str, TaskTypeSource] = {}
    problems: list[LocalProblem] = []
    for index, entry in enumerate(entries):
        try:
            found = tuple(_read_entry(entry, folders))
        except _Refused as refused:
            problems.append(LocalProblem(index, refused.code, refused.message, refused.hint))
            continue
        except SourceProblem as problem:
            message = f'plugin file "{entry}" {problem.message}'
            problems.append(LocalProblem(index, "FP603", message, None, *_place(problem)))
            continue
        for source in found:
            clash = _clash(source, sources)
            if clash is None:
                sources[source.kind] = source
            else:
                problems.append(LocalProblem(index, "FP605", *clash, source.file or "", source.line, source.column))
    return LocalPlugins(tuple(sources.values()), tuple(problems))


def _read_entry(entry: str, folders: Sequence[Path]) -> Iterator[TaskTypeSource]:
    is_file = entry.endswith(".py") or "/" in entry
    file = _file(entry, folders[0]) if is_file else _module_file(entry, folders)
    _refuse_outside(entry, file, folders[0])
    module = _module_name(entry, file, folders) if is_file else entry
    functions = read_marked(file, module)
    if not functions:
        raise _Refused(
            "FP604",
            f'plugin file "{entry}" has no task type',
            "put @task_type from flowpar.plugin on each function that is one",
        )
    return (_source(entry, function) for function in functions)


def _file(entry: str, workflow_dir: Path) -> Path:
    path = workflow_dir / entry
    try:
        if path.is_file():
            return path
        what = "is a folder" if path.is_dir() else "is not a file" if path.exists() else "is not found"
    except (OSError, ValueError):
        what = "cannot be read"
    raise _Refused("FP601", f'plugin file "{entry}" {what}', "give a Python file, relative to the workflow file")


def _module_file(entry: str, folders: Sequence[Path]) -> Path:
    if all(part.isidentifier() for part in entry.split(".")):
        file = find_source(entry, [str(folder) for folder in folders])
        if file is not None:
            return file
    raise _Refused(
        "FP601",
        f'plugin module "{entry}" is not found in the workflow\'s folder or python_path',
        "installed distributions need no entry here; a file is written ./name.py",
    )


def _refuse_outside(entry: str, file: Path, workflow_dir: Path) -> None:
    project = project_of(workflow_dir)
    if not file.resolve().is_relative_to(project):
        raise _Refused(
            "FP602",
            f'plugin "{entry}" is outside of the project',
            "a plugin file belongs to the git checkout that holds the workflow, else to the workflow's folder",
        )


def project_of(workflow_dir: Path) -> Path:
    """Return the git checkout that holds the workflow, else the workflow's folder."""
    resolved = workflow_dir.resolve()
    return next((folder for folder in (resolved, *resolved.parents) if (folder / ".git").exists()), resolved)


def _module_name(entry: str, file: Path, folders: Sequence[Path]) -> str:
    for folder in folders:
        try:
            relative = file.resolve().relative_to(folder.resolve())
        except ValueError:
            continue
        parts = relative.with_suffix("").parts
        parts = parts[:-1] if parts[-1] == "__init__" else parts
        if parts and relative.suffix == ".py" and all(part.isidentifier() for part in parts):
            return ".".join(parts)
    is_module = file.suffix == ".py" and file.stem.isidentifier()
    raise _Refused(
        "FP606",
        f'plugin file "{entry}" cannot be imported by a task',
        f'add "{Path(entry).parent.as_posix()}" to python_path'
        if is_module
        else "name it like a Python module: letters, digits and _, and .py",
    )


def _source(entry: str, function: TaskFunction) -> TaskTypeSource:
    if function.options.api > API_VERSION:
        raise _Refused(
            "FP607",
            f'task type "{function.name}" of "{entry}" needs plugin API {function.options.api}, '
            f"and this flowpar has {API_VERSION}",
            "upgrade flowpar",
        )
    return TaskTypeSource(
        function.name,
        f"{function.module}:{function.name}",
        entry,
        "",
        str(function.file),
        is_local=True,
        line=function.line,
        column=function.column,
        options=function.options,
    )


def _clash(source: TaskTypeSource, sources: dict[str, TaskTypeSource]) -> tuple[str, str] | None:
    if (reason := taken(source.kind)) is not None:
        return f'task type "{source.kind}" of "{source.distribution}" {reason}', "rename the function"
    other = sources.get(source.kind)
    if other is not None:
        message = f'task type "{source.kind}" is claimed by "{other.distribution}" and by "{source.distribution}"'
        return message, "rename one of the functions"
    return None


def _place(problem: SourceProblem) -> tuple[str, int, int]:
    return str(problem.file or ""), problem.line, problem.column
