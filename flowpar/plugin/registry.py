"""Which task types there are, by kind, and where their functions live; nothing of them is imported.

    built-in   a table here, so that a workflow of built-in kinds scans nothing
    installed  entry points of group `flowpar.tasks`, read when a kind is not built in
    local      `plugins:` of a workflow (see `local`), added with `with_local`

A registry keeps what it has scanned; the command that made it owns it.
"""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal

from flowpar import __version__
from flowpar.core.errors import PluginError
from flowpar.core.frozen import dataclass, field
from flowpar.plugin.claim import OWN_DISTRIBUTION, scan
from flowpar.plugin.executors import InstalledExecutors
from flowpar.plugin.reserved import TASK_KEYS
from flowpar.plugin.source import DeclaredOptions, SourceProblem, find_source, read_function
from flowpar.plugin.spec import API_VERSION

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from importlib.machinery import ModuleSpec

    from flowpar.plugin.claim import Claim

GROUP: Final = "flowpar.tasks"
BUILT_IN: Final[Mapping[str, str]] = {
    "python": "flowpar.tasks.python:python",
    "shell": "flowpar.tasks.shell:shell",
    "workflow": "flowpar.tasks.workflow:gather",
}
_OWN_ROOT: Final = str(Path(__file__).parents[2])


@dataclass(frozen=True, slots=True)
class TaskTypeSource:
    """A task type: its kind, its function, who brings it, and the file that says what it takes.

    `target` is "module:function" of the definition itself; `distribution` is the file for a local
    one, which has no version; `file` is None only where no source was looked for.
    """

    kind: str
    target: str
    distribution: str
    version: str
    file: str | None
    is_local: bool = False
    line: int = 0
    column: int = 1
    options: DeclaredOptions = field(default_factory=DeclaredOptions)

    @property
    def origin(self) -> str:
        """Return who brings it, for messages."""
        return f"{self.distribution} {self.version}".rstrip()

    @property
    def root(self) -> str | None:
        """Return the folder from which `target` is imported; some editable installs have it on no path."""
        if self.file is None:
            return None
        file, depth = Path(self.file), self.target.partition(":")[0].count(".")
        return str(file.parents[depth + 1] if file.name == "__init__.py" else file.parents[depth])


@dataclass(frozen=True, slots=True)
class Listed:
    """One line of `flowpar plugins`; `problem` says why a workflow can't use it."""

    kind: str
    target: str
    distribution: str
    version: str
    problem: str | None = None
    brings: Literal["task type", "executor"] = "task type"


class Registry:
    """Finds task types by kind."""

    def __init__(
        self,
        *,
        search_path: Sequence[str] | None = None,
        allows_plugins: bool = True,
        runs_local_checks: bool = False,
        local: Iterable[TaskTypeSource] = (),
    ) -> None:
        """Know the built-in kinds, the `local` ones, and unless told not to the installed ones.

        `search_path` is where distributions and their modules are looked for, by default `sys.path`;
        `runs_local_checks` is for a command that is about to run the workflow's code anyway.
        """
        self.runs_local_checks = runs_local_checks
        self._search_path = tuple(sys.path if search_path is None else search_path)
        self._allows_plugins = allows_plugins
        self._local = {source.kind: source for source in local}
        self._scanned: dict[str, tuple[Claim, ...]] | None = None
        self._found: dict[str, TaskTypeSource | None] = {}
        self.executors = InstalledExecutors(search_path=search_path, allows_plugins=allows_plugins)

    @property
    def allows_plugins(self) -> bool:
        """Whether anything but the built-in kinds may be used."""
        return self._allows_plugins

    def with_local(self, sources: Iterable[TaskTypeSource]) -> Registry:
        """Return a registry that knows the task types of a workflow's own files, too."""
        local = sources if self._allows_plugins else ()
        registry = Registry(
            search_path=self._search_path,
            allows_plugins=self._allows_plugins,
            runs_local_checks=self.runs_local_checks,
            local=local,
        )
        registry._scanned, registry.executors = self._scanned, self.executors
        return registry

    def find(self, kind: str) -> TaskTypeSource | None:
        """Return the task type of a kind, None for an unknown one.

        Raises `PluginError` where two sources claim the kind, its function's source is not found,
        or it needs a newer flowpar.
        """
        if kind not in self._found:
            self._found[kind] = self._look_up(kind)
        return self._found[kind]

    def checks_itself(self, source: TaskTypeSource) -> bool:
        """Whether the task type has a check of its own that this command may run."""
        return source.options.check is not None and (self.runs_local_checks or not source.is_local)

    def kinds(self) -> tuple[str, ...]:
        """Return all kinds that something claims, built-in ones first."""
        others = {*self._local, *self._claims()} - BUILT_IN.keys() - TASK_KEYS
        return (*BUILT_IN, *sorted(others))

    def usable(self) -> tuple[TaskTypeSource, ...]:
        """Return the task types of all kinds that a workflow could use now."""
        found = []
        for kind in self.kinds():
            try:
                source = self.find(kind)
            except PluginError:
                continue
            if source is not None:
                found.append(source)
        return tuple(found)

    def listing(self) -> tuple[Listed, ...]:
        """Return every claim, and for each that can't be used the reason."""
        lines: list[Listed] = []
        for kind, target in BUILT_IN.items():
            lines.append(Listed(kind, target, OWN_DISTRIBUTION, __version__))
        for kind in sorted(self._local):
            local = self._local[kind]
            lines.append(Listed(kind, local.target, local.distribution, "", self._problem(kind)))
        for kind, claims in sorted(self._claims().items()):
            reason = taken(kind)
            problem = self._problem(kind) if reason is None else f'"{kind}" {reason}'
            lines.extend(Listed(kind, claim.target, claim.distribution, claim.version, problem) for claim in claims)
        for name, claims in self.executors.claims.items():
            problem = self.executors.problem(name)
            lines.extend(_listed(claim, problem) for claim in claims)
        return tuple(lines)

    def _problem(self, kind: str) -> str | None:
        try:
            self.find(kind)
        except PluginError as error:
            return error.message
        return None

    def _look_up(self, kind: str) -> TaskTypeSource | None:
        if kind in BUILT_IN:
            return self._built_in(kind)
        claims = self._claims().get(kind, ())
        local = self._local.get(kind)
        claimants = [claim.origin for claim in claims] + ([local.origin] if local else [])
        if len(claimants) > 1:
            raise PluginError(
                f'task type "{kind}" is claimed by {" and by ".join(claimants)}',
                hint="uninstall one of the distributions, or rename the function of a local file",
            )
        if local is not None:
            return local
        return self._installed(claims[0]) if claims else None

    def _built_in(self, kind: str) -> TaskTypeSource:
        target = BUILT_IN[kind]
        file = find_source(target.partition(":")[0], [_OWN_ROOT])
        return TaskTypeSource(kind, target, OWN_DISTRIBUTION, __version__, None if file is None else str(file))

    def _installed(self, claim: Claim) -> TaskTypeSource:
        try:
            function = read_function(claim.target, self._reach_of(claim.target))
        except SourceProblem as problem:
            what = f'task type "{claim.kind}" of {claim.origin}'
            if problem.file is None:
                hint = f"reinstall {claim.distribution}"
                raise PluginError(f"{what} is not found: {problem.message}", hint=hint) from problem
            place = f"{problem.file}:{problem.line}" if problem.line else problem.file
            raise PluginError(f"{what} can't be used: {place} {problem.message}") from problem
        if function.options.api > API_VERSION:
            raise PluginError(
                f'task type "{claim.kind}" of {claim.origin} needs plugin API {function.options.api}, '
                f"but flowpar {__version__} has {API_VERSION}",
                hint="upgrade flowpar",
            )
        return TaskTypeSource(
            claim.kind,
            f"{function.module}:{function.name}",
            claim.distribution,
            claim.version,
            str(function.file),
            line=function.line,
            column=function.column,
            options=function.options,
        )

    def _reach_of(self, target: str) -> tuple[str, ...]:
        """Add the folder of a package that an import hook provides, as some editable installs do.

        `find_spec` of a top-level name imports nothing; of a dotted one it would run the package.
        """
        module = target.partition(":")[0]
        if find_source(module, self._search_path) is not None:
            return self._search_path
        try:
            spec = importlib.util.find_spec(module.partition(".")[0])
        except (ImportError, ValueError):
            return self._search_path
        return (*self._search_path, *_parents_of(spec))

    def _claims(self) -> Mapping[str, tuple[Claim, ...]]:
        if self._scanned is None:
            self._scanned = scan(self._search_path, GROUP) if self._allows_plugins else {}
        return self._scanned


def taken(kind: str) -> str | None:
    """Return why no plugin can bring a kind of that name, as "is built in"."""
    if kind in TASK_KEYS:
        return "has the name of a key of tasks"
    return "is built in" if kind in BUILT_IN else None


def _listed(claim: Claim, problem: str | None) -> Listed:
    return Listed(claim.kind, claim.target, claim.distribution, claim.version, problem, "executor")


def _parents_of(spec: ModuleSpec | None) -> tuple[str, ...]:
    if spec is None:
        return ()
    places = list(spec.submodule_search_locations or ()) or [spec.origin or ""]
    return tuple(str(Path(place).parent) for place in places)
