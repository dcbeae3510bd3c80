"""The arguments of a task against the signature of what it calls: unknown, missing and ill-typed ones."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flowpar.core.accept import accepts
from flowpar.core.diagnostics import Label
from flowpar.core.frozen import dataclass
from flowpar.core.misfit import described, misfit, suggestion
from flowpar.core.source import Span
from flowpar.core.suggest import nearest
from flowpar.core.types import (
    ANY,
    Constant,
    Enumeration,
    ListOf,
    Record,
    Type,
    classes_in,
    show,
    widen,
    without_none,
)
from flowpar.expr.typing_access import label_of, labels_of
from flowpar.lang.node import SequenceNode

if TYPE_CHECKING:
    from collections.abc import Mapping

    from flowpar.code.signature import Parameter, Signature
    from flowpar.lang.rules.findings import Findings, Path
    from flowpar.lang.rules.reading import Read

_MOST_NAMED = 12


@dataclass(frozen=True, slots=True)
class Call:
    """A task's call: `path` is where its arguments stand, `owner` what messages call the function.

    `is_short` says that the one argument stands at `path` itself; `home` is what to blame for a missing one;
    `is_ours` that the function is flowpar's own, whose source helps nobody.
    """

    signature: Signature
    owner: str
    arguments: Mapping[str, Read]
    path: Path
    home: Path
    is_short: bool = False
    is_ours: bool = False

    def path_of(self, name: str) -> Path:
        """Return where an argument stands."""
        return self.path if self.is_short else (*self.path, name)

    @property
    def labels(self) -> tuple[Label, ...]:
        """The place of the definition, where it is known."""
        signature = self.signature
        if not signature.line or self.is_ours:
            return ()
        span = Span.at(signature.line, signature.column, length=len(signature.name))
        return (Label(signature.file, span, f'"{signature.name}" is defined here'),)


def check_call(findings: Findings, call: Call) -> None:
    """Find the arguments that the function does not take as they are, and those that it needs."""
    if not call.signature.is_known:
        return
    parameters = {parameter.name: parameter for parameter in call.signature.named}
    unnamed = _refuse_positional(findings, call)
    unknown = [name for name in call.arguments if name not in parameters and name not in unnamed]
    missing = [name for name, parameter in parameters.items() if parameter.is_required and name not in call.arguments]
    if not call.signature.takes_any_name:
        for name in unknown:
            _find_unknown(findings, call, name, parameters)
    is_any = call.signature.takes_any_name
    absent = [parameters[name] for name in missing if is_any or not _is_misspelt(name, unknown, parameters)]
    if absent and not isinstance(findings.document.node(call.path), SequenceNode):  # that is a finding of its own
        _find_missing(findings, call, absent)
    others = next((one for one in call.signature.parameters if one.kind == "var_keyword"), None)
    for name, read in call.arguments.items():
        parameter = parameters.get(name, others if name in unknown else None)
        if parameter is not None and read.template is not None:
            _check_type(findings, call, parameter, read, name=name)


def _is_misspelt(missing: str, unknown: list[str], parameters: Mapping[str, Parameter]) -> bool:
    """Whether an unknown argument was probably meant to be this one, so one finding is enough."""
    return any(nearest(name, parameters) == missing for name in unknown)


def _find_unknown(findings: Findings, call: Call, name: str, parameters: Mapping[str, Parameter]) -> None:
    message = f'{call.owner} has no parameter "{name}"'
    if name == call.signature.context:
        hint: str | None = "the worker gives the context itself"
    else:
        near = nearest(name, parameters)
        hint = f'did you mean "{near}"?' if near is not None else _listing(parameters)
    findings.key_error("FP406", call.path_of(name), message, hint=hint, labels=call.labels)


def _listing(parameters: Mapping[str, Parameter]) -> str:
    if not parameters:
        return "it takes no arguments"
    names = list(parameters)
    more = ", …" if len(names) > _MOST_NAMED else ""
    return f"its parameters are {', '.join(names[:_MOST_NAMED])}{more}"


def _find_missing(findings: Findings, call: Call, missing: list[Parameter]) -> None:
    shown = [f'"{one.name}: {one.annotation}"' if one.annotation else f'"{one.name}"' for one in missing]
    first = missing[0].name
    message = f"{call.owner} needs the argument{'s' if len(shown) > 1 else ''} {', '.join(shown)}"
    what = "them" if len(shown) > 1 else f'"{first}: …"'
    hint = f'add {what} below "{call.path[-1]}"'
    if first == "self":
        hint = "a method needs an object; make one and call it in a function of your own"
    findings.key_error("FP407", call.home, message, hint=hint, labels=call.labels)


def _check_type(findings: Findings, call: Call, parameter: Parameter, read: Read, *, name: str) -> None:
    given = read.type
    if accepts(parameter.type, given):
        return
    wanted = parameter.wanted
    subject = f'parameter "{parameter.name}"' if name == parameter.name else f'"{name}" as one of "**{parameter.name}"'
    message = f"{subject} of {call.owner} wants {wanted}, this is {described(given)}"
    part = misfit(parameter.type, given)
    hint = _about_none(parameter.type, given) or part or _conversion(parameter.type, given, is_ours=call.is_ours)
    origin = () if read.origin is None else (label_of(read.origin, ""),)
    labels = (*call.labels, *_class_labels(parameter.type, is_part=part is not None), *origin)
    findings.error("FP408", call.path_of(name), message, hint=hint, labels=dict.fromkeys(labels))


def _class_labels(wanted: Type, *, is_part: bool) -> tuple[Label, ...]:
    """Return the place of the class that a value is to be one of."""
    named = next(iter(classes_in(wanted)), None)
    is_shown = isinstance(named, Enumeration) or (isinstance(named, Record) and is_part)
    return labels_of(named, "") if is_shown and named is not None else ()


def _about_none(wanted: Type, given: Type) -> str | None:
    """Return what to write where a value would fit if it, or one of its items, were not None."""
    sure = without_none(given)
    if sure != given and accepts(wanted, sure):
        return "it may be None: give another value by default(…, …)"
    if not isinstance(given, ListOf):
        return None
    sure = without_none(given.item)
    is_it = sure != given.item and accepts(wanted, ListOf(sure))
    return "an item may be None: leave those out by [x for x in … if x is not None]" if is_it else None


def _conversion(wanted: Type, given: Type, *, is_ours: bool) -> str | None:
    plain = widen(given)
    if show(wanted) == "str" and show(plain) in {"int", "float", "bool"}:
        return "put it in quotes" if isinstance(given, Constant) else "write str(…)"
    if isinstance(plain, ListOf) and plain.item != ANY and accepts(wanted, plain.item) and not is_ours:
        return "one item of such a list would do: with a for_each the task runs for each of them"
    if isinstance(wanted, ListOf) and wanted.item != ANY and accepts(wanted.item, given):
        return "write [ ] around it for a list of one"
    return suggestion(wanted, given)


def _refuse_positional(findings: Findings, call: Call) -> frozenset[str]:
    """Find parameters that no task can give, and return their names."""
    unnamed = [parameter for parameter in call.signature.parameters if parameter.kind == "positional_only"]
    for parameter in unnamed:
        is_given = parameter.name in call.arguments
        if is_given or parameter.is_required:
            path = call.path_of(parameter.name) if is_given else call.home
            message = f'parameter "{parameter.name}" of {call.owner} can\'t be given by name'
            hint = 'take the "/" out of its signature, or call it from a function of your own'
            findings.key_error("FP412", path, message, hint=hint, labels=call.labels)
    return frozenset(parameter.name for parameter in unnamed)
