"""The inputs of a run: what was given, what is declared, and the values that follow.

    -i name=value      texts, parsed by the declared type      first wins
    --inputs FILE      YAML or JSON, typed already
    the journal        of the run that goes on, as it was given then
    FLOWPAR_INPUT_…    texts
    default            of the declaration

Every input that is unknown, missing or does not fit is a finding at its declaration.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from flowpar.core.diagnostics import Diagnostic, Severity
from flowpar.core.errors import UsageError
from flowpar.core.frozen import dataclass, field
from flowpar.core.source import NOWHERE
from flowpar.core.suggest import nearest
from flowpar.data.input_value import InputProblem, value_from_data, value_from_text

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from flowpar.lang.checked import Checked
    from flowpar.lang.model import InputModel
    from flowpar.lang.node import Document

_PREFIX = "FLOWPAR_INPUT_"


@dataclass(frozen=True, slots=True)
class GivenInputs:
    """What was given for a run; `origin` is what messages call the source of `values`.

    `recorded` are the inputs of an earlier part of the run: those that the workflow has no more are let go.
    Relative paths among them are relative to `folder`, the current one.
    """

    texts: Mapping[str, str] = field(default_factory=dict)
    values: Mapping[str, object] = field(default_factory=dict)
    environment: Mapping[str, str] = field(default_factory=dict)
    folder: Path = field(default_factory=Path.cwd)
    origin: str = "inputs"
    recorded: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ResolvedInputs:
    """The values of all declared inputs; where there are findings, those without one."""

    values: Mapping[str, object]
    diagnostics: tuple[Diagnostic, ...] = ()


def read_given(
    assignments: Sequence[str], *, file: str | None = None, environment: Mapping[str, str] | None = None
) -> GivenInputs:
    """Read what a command line gives: `name=value` texts and a file; raises UsageError."""
    texts: dict[str, str] = {}
    for number, assignment in enumerate(assignments, 1):
        name, equals, value = assignment.partition("=")
        if not equals or not name:  # what was given is not shown: a value alone may be a secret
            which = "-i" if len(assignments) == 1 else f"-i number {number}"
            what = "name" if equals else '"="'
            raise UsageError(f"{which} is not of the form name=value: there is no {what} in it")
        texts[name.strip()] = value
    values = {} if file is None else read_inputs_file(file)
    return GivenInputs(texts, values, environment or {}, origin=file or "inputs")


def read_inputs_file(path: str) -> dict[str, object]:
    """Read a YAML or JSON file of inputs; raises UsageError."""
    # Late: YAML takes its time to import, and without such a file a plan that was kept needs none.
    from flowpar.lang.loader import load
    from flowpar.lang.plain import PlainReader

    loaded = load(path)
    document = loaded.document
    problems = list(loaded.diagnostics)
    found: dict[str, object] = {}
    if document is not None:
        reader = PlainReader(document)
        found = {key.text: reader.value(node) for key, node in document.root.items()}
        problems += [finding for finding in reader.findings if finding.severity is Severity.ERROR]
    if loaded.source is not None and document is None and any(problem.code == "FP120" for problem in problems):
        raise UsageError(f"{path}: an inputs file is a mapping of names to values")
    if problems:
        first = problems[0]
        place = "" if first.span == NOWHERE else f":{first.span.line}:{first.span.column}"
        raise UsageError(f"inputs file {path}{place}: {first.message}", hint=first.hint)
    return found


def resolve_inputs(checked: Checked, given: GivenInputs) -> ResolvedInputs:
    """Return a value for every declared input of a checked workflow."""
    if checked.workflow is None or checked.document is None or checked.folder is None:
        return ResolvedInputs({})
    resolver = _Resolver(checked.document, given, checked.folder)
    values = {}
    for name, model in checked.workflow.inputs.items():
        try:
            values[name] = resolver.value(name, model)
        except InputProblem as problem:
            resolver.find(name, problem)
    resolver.refuse_unknown(checked.workflow.inputs)
    return ResolvedInputs(values, tuple(resolver.found))


@dataclass(slots=True)
class _Resolver:
    """Looks inputs up in what was given."""

    document: Document
    given: GivenInputs
    folder: Path
    found: list[Diagnostic] = field(default_factory=list)

    def value(self, name: str, model: InputModel) -> object:
        """Return the value of an input; raises InputProblem."""
        if name in self.given.texts:
            return value_from_text(model, self.given.texts[name], self.given.folder)
        if name in self.given.values or name in self.given.recorded:
            value = self.given.values.get(name, self.given.recorded.get(name))
            is_null = value is None and model.has_default and model.default is None
            return None if is_null else value_from_data(model, value, self.given.folder)
        text = self.given.environment.get(variable_of(name))
        if text is not None:
            return value_from_text(model, text, self.given.folder)
        if not model.has_default:
            raise InputProblem("is required and was not given", hint=f"add -i {name}=…")
        return None if model.default is None else value_from_data(model, model.default, self.folder)

    def find(self, name: str, problem: InputProblem) -> None:
        """Report what is wrong with the value of an input, at its declaration."""
        code = "FP505" if not self._source(name) else "FP507" if problem.is_bound else "FP506"
        span = self.document.span(("inputs", name), of_key=True)
        message = f'input "{name}"{self._source(name)} {problem.message}'
        self.found.append(Diagnostic(code, message, self.document.source.path, span, hint=problem.hint))

    def _source(self, name: str) -> str:
        if name in self.given.texts:
            return ", given by -i,"
        if name in self.given.values:
            return f", given by {self.given.origin},"
        if name in self.given.recorded:
            return ", given when the run began,"
        variable = variable_of(name)
        return f", given by {variable}," if variable in self.given.environment else ""

    def refuse_unknown(self, declared: Mapping[str, InputModel]) -> None:
        """Report what was given for inputs that the workflow does not have."""
        for name, origin in {
            **dict.fromkeys(self.given.values, self.given.origin),
            **dict.fromkeys(self.given.texts, "-i"),
        }.items():
            if name in declared:
                continue
            near = nearest(name, declared)
            hint = f'did you mean "{near}"?' if near else _listing(declared)
            span = self.document.span(("inputs",), of_key=True)
            message = f'{origin} gives "{name}", which is not an input of this workflow'
            self.found.append(Diagnostic("FP504", message, self.document.source.path, span, hint=hint))


def variable_of(name: str) -> str:
    """Return the environment variable that may give an input."""
    return _PREFIX + name.upper().replace("-", "_")


def _listing(declared: Mapping[str, InputModel]) -> str:
    return f"its inputs are {', '.join(list(declared)[:12])}" if declared else "it has no inputs"
