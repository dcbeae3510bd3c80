"""All that a plan was made from, beside what was given for the run: as long as it holds, so does the plan.

    setting      who reads, where, and how: versions, the path of modules, the current folder, options
    text         of the workflow
    looked       modules that were looked up and Python files that were read
    kinds        task types and who brings them
    variables    of the environment, those that settings and fan-outs read; `mentioned` are whether they are set

Grounds hold digests, never values of variables, and are asked again by the code that asked first.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from flowpar import __version__
from flowpar.core.digest import digest
from flowpar.core.frozen import dataclass, field, replace
from flowpar.core.source import Source
from flowpar.lang.reading import read_source
from flowpar.plugin.local import project_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from flowpar.code.looked import Looked
    from flowpar.expr.template import Template
    from flowpar.lang.checked import Checked, CheckedTask
    from flowpar.plugin.registry import Registry
    from flowpar.plugin.used import UsedKinds

_OWN_FOLDER = Path(__file__).parents[1]
# What has a part in a plan: a version alone says nothing where somebody works on flowpar itself.
_OWN_ROOMS = ("code", "core", "execute", "expr", "lang", "lang/rules", "lang/shell", "planning", "plugin", "tasks")


@dataclass(frozen=True, slots=True)
class Held:
    """What is read again when grounds hold: the texts of all files, and the variables of their env files.

    `env_files` are those of sub-workflows, by their file.
    """

    source: Source
    env_file: Mapping[str, str]
    sources: Mapping[str, Source] = field(default_factory=dict)
    env_files: Mapping[str, Mapping[str, str]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Grounds:
    """What one plan stands on; of each of its sub-workflows, `subs` by their `path`, the same.

    `real` is where a sub-workflow's file is in truth, and `project` the folder that all files belong to.
    `packages` says whether others are installed now, where versions of those have a part in the plan.
    """

    setting: str
    text: str
    folder: str
    looked: Looked
    kinds: UsedKinds
    env_files: tuple[str, ...]
    variables: Mapping[str, str]
    mentioned: Mapping[str, bool]
    path: str = ""
    real: str = ""
    project: str = ""
    subs: tuple[Grounds, ...] = ()
    packages: str = ""

    def hold(self, path: str, registry: Registry) -> Held | None:
        """Ask again for all but the setting; None where one answer is another one now."""
        held = self._hold(path, registry)
        if held is None or (self.subs and str(project_of(Path(self.folder))) != self.project):
            return None
        sources, env_files = {held.source.path: held.source}, {}
        for each in self.subs:
            found = each._hold(each.path, registry) if os.path.realpath(each.path) == each.real else None  # noqa: SLF001
            if found is None:
                return None
            sources[found.source.path], env_files[each.path] = found.source, found.env_file
        return Held(held.source, held.env_file, sources, env_files)

    def _hold(self, path: str, registry: Registry) -> Held | None:
        source = read_source(path)
        if not isinstance(source, Source) or digest(source.text) != self.text:
            return None
        env_file = _variables(self.folder, self.env_files)
        if env_file is None:
            return None
        is_same = self._is_environment({**os.environ, **env_file}) and self.kinds.are_found_by(registry)
        is_same = is_same and self.packages in {"", packages_stamp()}
        return Held(source, env_file) if is_same and self.looked.holds() else None

    def _is_environment(self, environment: Mapping[str, str]) -> bool:
        return all(_digest_of(environment, name) == expected for name, expected in self.variables.items()) and all(
            (name in os.environ) == expected for name, expected in self.mentioned.items()
        )


def setting_of(path: str, *, registry: Registry, executor: str | None) -> str:
    """Return the digest of who reads a workflow, where, and how."""
    return digest(
        (
            (__version__, _own_stamps(), sys.version, tuple(sys.path)),
            (path, _current_folder(), os.environ.get("HOME")),
            (executor, registry.allows_plugins, registry.runs_local_checks),
        )
    )


def grounds_of(checked: Checked, environment: Mapping[str, str], setting: str) -> Grounds | None:
    """Return what the plan of a sound workflow stands on; None where not all of it can be asked again."""
    from flowpar.planning.dotenv import read_env_files  # late, as below

    own = _grounds_of(checked, environment, setting)
    found: dict[str, Checked] = {}
    pending = [checked]
    while pending:
        subs = {task.sub.path: task.sub for task in pending.pop().tasks.values() if task.sub is not None}
        pending += [sub for path, sub in subs.items() if path not in found]
        found |= subs
    if own is None or not found:
        return own
    parts = []
    for path, sub in found.items():
        part = _grounds_of(sub, {**os.environ, **read_env_files(sub).variables}, "")
        if part is None:
            return None
        parts.append(replace(part, path=path, real=os.path.realpath(path)))
    return replace(own, project=str(project_of(Path(own.folder))), subs=tuple(parts))


def _grounds_of(checked: Checked, environment: Mapping[str, str], setting: str) -> Grounds | None:
    workflow, document = checked.workflow, checked.document
    looked, kinds = checked.looked, checked.kinds
    if workflow is None or document is None or looked is None or kinds is None:
        return None
    read = set(_variables_in(_read_before_the_run(checked)))
    if checked.has_own_checks or not looked.is_repeatable or None in read:  # None is the environment as a whole
        return None
    # Only a name near one of the workflow's own is warned of, and what env files hold is not looked at.
    has_warnings = bool(workflow.env) and not workflow.env_file
    mentioned = set(_variables_in(_templates_of(checked))) if has_warnings else set()
    return Grounds(
        setting=setting,
        text=digest(document.source.text),
        folder=str(checked.folder),
        looked=looked,
        kinds=kinds,
        env_files=tuple(workflow.env_file),
        variables={name: _digest_of(environment, name) for name in read if name is not None},
        mentioned={name: name in os.environ for name in mentioned if name is not None},
        packages=packages_stamp() if any(_reaches_packages(task) for task in checked.tasks.values()) else "",
    )


def _reaches_packages(task: CheckedTask) -> bool:
    return task.cache is not None and task.cache.reached is not None and bool(task.cache.reached.distributions)


def packages_stamp() -> str:
    """Return what changes when a distribution is installed, removed or replaced: it has a folder with its version."""
    folders = [entry for entry in sys.path if entry.endswith("-packages")]
    return digest([(entry, os.stat(entry).st_mtime_ns) for entry in folders if os.path.isdir(entry)])  # noqa: PTH112, PTH116 - texts


def _read_before_the_run(checked: Checked) -> Iterator[Template]:
    for task in checked.tasks.values():
        yield from task.settings.values()
        if task.fan_out is not None:
            yield from task.fan_out.lists


def _templates_of(checked: Checked) -> Iterator[Template]:
    yield from checked.env.values()
    yield from checked.outputs.values()
    yield from _read_before_the_run(checked)
    for task in checked.tasks.values():
        yield from task.call.arguments.values()
        yield from task.call.env.values()
        yield from (template for template in (task.call.cwd, task.call.until, task.condition) if template is not None)


def _variables_in(templates: Iterable[Template]) -> Iterator[str | None]:
    from flowpar.expr.references import references  # late: of a plan that was kept nobody asks

    for template in templates:
        yield from (reference.name for reference in references(template) if reference.context == "env")


def _variables(folder: str, files: Sequence[str]) -> Mapping[str, str] | None:
    """Return the variables of env files; None where one can't be read any more."""
    if not files:
        return {}
    from flowpar.planning.dotenv import DotenvProblem, read_variables  # late: most workflows have none

    try:
        return read_variables(folder, files)
    except DotenvProblem:
        return None


def _digest_of(environment: Mapping[str, str], name: str) -> str:
    return digest(environment.get(name))


def _current_folder() -> str | None:
    try:
        return str(Path.cwd())
    except FileNotFoundError:
        return None


def _own_stamps() -> str:
    """Return what changes when somebody edits flowpar: one text, as a digest of 250 parts takes four times as long."""
    found: list[str] = []
    for room in _OWN_ROOMS:
        with os.scandir(_OWN_FOLDER / room) as entries:
            files = [(entry.name, entry.stat()) for entry in entries if entry.name.endswith(".py")]
        found += [f"{room}/{name} {status.st_mtime_ns} {status.st_size}" for name, status in files]
    return "\n".join(sorted(found))
