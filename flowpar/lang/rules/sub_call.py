"""The call of a sub-workflow: `with` against the inputs that its file declares."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flowpar.core.accept import accepts
from flowpar.core.diagnostics import Label
from flowpar.core.suggest import nearest
from flowpar.core.types import Constant as ConstantType
from flowpar.core.types import show, widen
from flowpar.data.input_value import InputProblem, value_from_data
from flowpar.expr.template import Constant
from flowpar.lang.checked import CheckedCall
from flowpar.lang.rules.scope import type_of_input
from flowpar.lang.sub import SubProblem

if TYPE_CHECKING:
    from flowpar.lang.checked import Checked
    from flowpar.lang.model import InputModel, TaskModel
    from flowpar.lang.rules.findings import Findings, Path
    from flowpar.lang.rules.reading import Read, Reading
    from flowpar.lang.rules.scope import View
    from flowpar.lang.rules.target import Targets

_MOST_NAMED = 12


def read_sub(reading: Reading, targets: Targets, path: Path, model: TaskModel, *, view: View) -> CheckedCall:
    """Read and check what a sub-workflow is given."""
    home = (*path, "with")
    arguments = {name: reading.value(v, (*home, name), view) for name, v in (model.arguments or {}).items()}
    templates = {name: read.template for name, read in arguments.items() if read.template is not None}
    target = model.body if isinstance(model.body, str) else ""
    found = targets.subs.find(target) if targets.subs is not None and target else None
    if isinstance(found, SubProblem):
        reading.findings.error(found.code, (*path, "workflow"), found.message, hint=found.hint)
    elif found is not None and found.workflow is not None:
        blamed = home if model.arguments is not None else (*path, "workflow")
        _check_inputs(reading.findings, found, arguments, home, blamed=blamed)
    return CheckedCall(target, templates)


def _check_inputs(findings: Findings, sub: Checked, given: dict[str, Read], home: Path, *, blamed: Path) -> None:
    declared = {} if sub.workflow is None else sub.workflow.inputs
    owner = f'"{sub.path}"'
    unknown = [name for name in given if name not in declared]
    for name in unknown:
        near = nearest(name, declared)
        names = ", ".join(list(declared)[:_MOST_NAMED])
        hint = f'did you mean "{near}"?' if near else f"its inputs are {names}" if declared else "it has no inputs"
        findings.key_error("FP253", (*home, name), f'{owner} has no input "{name}"', hint=hint, labels=())
    meant = {nearest(name, declared) for name in unknown}
    for name, model in declared.items():
        if name not in given and not model.has_default and name not in meant:
            label = _label(sub, ("inputs", name), f'"{name}" is declared here')
            message = f'{owner} needs the input "{name}"'
            findings.key_error("FP254", blamed, message, hint=f'add "{name}: …" below "with"', labels=label)
    for name, read in given.items():
        if name in declared and read.template is not None:
            problem = _mismatch(name, declared[name], read, sub)
            if problem:
                label = _label(sub, ("inputs", name), f'"{name}" is declared here')
                findings.error("FP255", (*home, name), problem, labels=label)


def _mismatch(name: str, model: InputModel, read: Read, sub: Checked) -> str:
    """Return what is wrong with the value of an input, as far as that is known before the run."""
    if isinstance(read.template, Constant) and sub.folder is not None:
        try:
            value_from_data(model, read.template.value, sub.folder)
        except InputProblem as problem:
            return f'input "{name}" of "{sub.path}" {problem.message}'
        return ""
    wanted = type_of_input(model)
    if accepts(widen(wanted), read.type) or isinstance(read.type, ConstantType) or model.type == "path":
        return ""
    return f'input "{name}" of "{sub.path}" wants {show(wanted)}, this is {show(widen(read.type))}'


def _label(sub: Checked, path: tuple[str, ...], text: str) -> tuple[Label, ...]:
    if sub.document is None or sub.document.node(path) is None:
        return ()
    return (Label(sub.path, sub.document.span(path, of_key=True), text),)
