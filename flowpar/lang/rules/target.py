"""What a task calls: the function of `python`, or that of the task type; looked up by reading source."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flowpar.code.problem import ProblemKind, TargetProblem
from flowpar.code.signature import Signature
from flowpar.core.errors import PluginError
from flowpar.core.frozen import dataclass, field
from flowpar.core.types import ANY, STR, ListOf, Spot, Type

if TYPE_CHECKING:
    from collections.abc import Mapping

    from flowpar.code.reach import Reaches
    from flowpar.code.signature import Signatures
    from flowpar.lang.model import TaskModel
    from flowpar.lang.rules.argument import Call
    from flowpar.lang.rules.findings import Findings, Path
    from flowpar.lang.sub import SubWorkflows
    from flowpar.plugin.registry import TaskTypeSource

_CODES = {
    ProblemKind.FORM: "FP401",
    ProblemKind.MODULE: "FP402",
    ProblemKind.FUNCTION: "FP403",
    ProblemKind.BROKEN: "FP404",
    ProblemKind.NOT_CALLABLE: "FP405",
}


_CAPTURED: Mapping[str, Type] = {"text": STR, "lines": ListOf(STR)}


@dataclass(frozen=True, slots=True)
class Targets:
    """Finds what tasks call; `sources` has the task types that the workflow uses, by kind.

    `calls` gathers the calls of functions by task for a strict check, None where nobody asks; `pools` are the names of
    limits of the workflows that this one is a task of.
    """

    signatures: Signatures
    sources: Mapping[str, TaskTypeSource]
    calls: dict[str, Call] | None = None
    subs: SubWorkflows | None = None
    pools: frozenset[str] = frozenset()
    _reaches: list[Reaches] = field(default_factory=list)
    _kinds: dict[str, Signature] = field(default_factory=dict)

    @property
    def reaches(self) -> Reaches:
        """Return what reads the code behind targets."""
        if not self._reaches:
            # Late: it is 30 modules, and asks for what is installed; code is read for tasks with a cache.
            from flowpar.code.reach import Reaches

            self._reaches.append(Reaches(self.signatures.library))
        return self._reaches[0]

    def target(self, model: TaskModel) -> str:
        """Return "module:function" of what a worker calls for a task, "" where the task has none."""
        if model.kind == "python":
            return model.body if isinstance(model.body, str) else ""
        source = self.sources.get(model.kind)
        return "" if source is None else source.target

    def find(self, model: TaskModel) -> Signature | TargetProblem | None:
        """Return what a task calls, None where that has a finding already."""
        if model.kind == "python":
            return self.signatures.of(model.body) if isinstance(model.body, str) else None
        return self.of_kind(model.kind) if self.target(model) else None

    def of_kind(self, kind: str) -> Signature:
        """Return the signature of a task type; raises PluginError where its source can't be read."""
        if kind not in self._kinds:
            source = self.sources[kind]
            found = self.signatures.of(source.target)
            if isinstance(found, TargetProblem):
                raise PluginError(f'task type "{kind}" of {source.origin} can\'t be read: {found.message}')
            self._kinds[kind] = found
        return self._kinds[kind]

    def output_of(self, model: TaskModel) -> Type:
        """Return the static type of what one attempt of a task gives."""
        if model.kind == "shell" and isinstance(model.body, dict) and model.body.get("capture") is not None:
            # An expression may give any of them; what is wrong with it is found elsewhere.
            capture = model.body["capture"]
            return _CAPTURED.get(capture, ANY) if isinstance(capture, str) else ANY
        if model.kind == "workflow":
            return ANY if self.subs is None else self.subs.output_of(model.body)
        found = self.find(model)
        return found.returns if isinstance(found, Signature) and found.is_known else ANY

    def spot_of(self, model: TaskModel) -> Spot | None:
        """Return where the user's function is that makes a task's output."""
        found = self.find(model) if model.kind == "python" else None
        if not isinstance(found, Signature) or not found.line:
            return None
        return Spot(found.file, found.line, found.column, found.name)


def check_target(findings: Findings, path: Path, found: Signature | TargetProblem) -> None:
    """Find a `python:` target that can't be called, or not as a task."""
    if isinstance(found, TargetProblem):
        labels = () if found.label is None else (found.label,)
        findings.error(_CODES[found.kind], path, found.message, hint=found.hint, labels=labels)
    else:
        refuse_async(findings, path, found)


def refuse_async(findings: Findings, path: Path, found: Signature) -> None:
    """Find a function, of the user's or of a task type, that only a loop could call."""
    if found.is_async and found.is_generator:
        message = f'"{found.name}" is an async generator, and a task calls a plain function'
        findings.error(
            "FP411", path, message, hint="yield from a plain function, or return the list that asyncio.run(…) gives"
        )
    elif found.is_async:
        message = f'"{found.name}" is an async function, and a task calls a plain one'
        findings.error("FP411", path, message, hint="call it by asyncio.run(…) in a function of your own")
