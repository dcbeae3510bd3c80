"""What nobody can check, because its type is not known where YAML meets a function; for `check --strict` only.

    FP710  a function does not say what it returns, and something reads its output
    FP711  a function does not say what a parameter takes that it is given
    FP712  a parameter says what it takes, and of what it is given the type is not known

Each is reported once for a function, a parameter, or a parameter and what it is given, however many tasks
call it. Who writes `Any` means it, and nothing is said.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from flowpar.core.types import ANY, PATH, Constant, ListOf, MapOf, OneOf, Record, TupleOf, Type, show, widen
from flowpar.expr.references import references
from flowpar.expr.template import Constant as ConstantTemplate

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from flowpar.code.signature import Parameter, Signature
    from flowpar.core.diagnostics import Label
    from flowpar.lang.rules.argument import Call
    from flowpar.lang.rules.findings import Findings
    from flowpar.lang.rules.reading import Read

_NO_ITEMS = ConstantTemplate([])  # a list of anything
_MEANT = re.compile(r"\b(Any|object)\b")


def warn_of_unknown(findings: Findings, calls: Mapping[str, Call], read: Iterable[str]) -> None:
    """Find what is not known at the borders of tasks; `calls` are theirs by id, `read` the tasks with readers."""
    said: set[tuple[str, ...]] = set()
    silent = {task for task, call in calls.items() if _is_silent(call.signature)}
    for task in dict.fromkeys(read):
        if task in silent and _is_first(said, calls[task].owner):
            _warn_of_return(findings, task, calls[task])
    for call in calls.values():
        for parameter in call.signature.named if call.signature.is_known else ():
            given = call.arguments.get(parameter.name)
            if given is None or given.template in (None, _NO_ITEMS):
                continue
            if parameter.annotation is None:
                if _is_first(said, call.owner, parameter.name):
                    _warn_of_parameter(findings, call, parameter, given.type)
            elif _is_unknown(parameter.type, given.type) and not silent & set(_sources(given)):
                _warn_of_argument(findings, call, parameter, given, calls=calls, said=said)


def _is_first(said: set[tuple[str, ...]], *subject: str) -> bool:
    if subject in said:
        return False
    said.add(subject)
    return True


def _is_silent(signature: Signature) -> bool:
    return not signature.is_known or signature.returns_text is None


def _warn_of_return(findings: Findings, task: str, call: Call) -> None:
    signature = call.signature
    message = f"{call.owner} does not say what it returns, so nothing is known of tasks.{task}.output"
    hint = f"annotate it: def {signature.name}(…) -> …"
    if not signature.is_known:
        message = f"what {call.owner} returns can't be read from its source"
        hint = "call it from a function of your own that is annotated"
    findings.warning("FP710", (*call.path[:-1], "python"), message, hint=hint, labels=call.labels)


def _warn_of_parameter(findings: Findings, call: Call, parameter: Parameter, given: Type) -> None:
    message = f'{call.owner} does not say what its parameter "{parameter.name}" takes'
    hint = f"annotate it: {parameter.name}: {_written(given)}"
    path = call.path_of(parameter.name)
    findings.warning("FP711", path, message, hint=hint, labels=call.labels, of_key=True)


def _written(kind: Type) -> str:
    """Return a type as an annotation, as far as it is known."""
    kind = widen(kind)
    if kind == ANY or isinstance(kind, Constant):
        return "…"
    match kind:
        case ListOf(item):
            return f"list[{_written(item)}]"
        case Record(name="dict", line=0):
            return "dict[str, …]"
        case MapOf(key, value):
            return f"dict[{_written(key)}, {_written(value)}]"
        case OneOf(members):
            return " | ".join(map(_written, members))
        case _:
            return "Path" if kind == PATH else show(kind)


def _warn_of_argument(
    findings: Findings,
    call: Call,
    parameter: Parameter,
    given: Read,
    *,
    calls: Mapping[str, Call],
    said: set[tuple[str, ...]],
) -> None:
    sources = [calls[task] for task in _sources(given) if task in calls]
    texts = [source.signature.returns_text or "" for source in sources]
    remedy = _remedy(given, sources)
    if any(map(_MEANT.search, texts)) or not _is_first(said, call.owner, parameter.name, remedy):
        return
    wanted = f'"{parameter.name}: {parameter.annotation}" of {call.owner}'
    known = "" if given.type == ANY else f", only that it is {show(widen(given.type))}"
    message = f"the type of what {wanted} is given is not known{known}"
    labels: list[Label] = [*call.labels, *(label for source in sources for label in source.labels)]
    findings.warning("FP712", call.path_of(parameter.name), message, hint=remedy, labels=labels)


def _remedy(given: Read, sources: list[Call]) -> str:
    """Return what to write, by where the value comes from."""
    if sources:
        signature = sources[0].signature
        return f'say in full what "{signature.name}" returns, which is "-> {signature.returns_text}"'
    inputs = [ref.name for ref in references(given.template) if ref.context == "inputs"] if given.template else []
    if inputs:
        what = 'the "items"' if isinstance(given.type, ListOf) else 'a "type" other than any'
        return f'declare {what} of input "{inputs[0]}"'
    return "let an annotated function make it, or check it there"


def _sources(given: Read) -> Iterator[str]:
    """Give the tasks whose output an argument is made of."""
    for reference in references(given.template) if given.template is not None else ():
        if reference.context == "tasks" and reference.name is not None:
            yield reference.name


def _is_unknown(wanted: Type, given: Type) -> bool:
    """Whether something is asked of a value, or of what is in it, that nobody knows of it."""
    if wanted == ANY:
        return False
    if given == ANY:
        return True
    match wanted, given:
        case ListOf(item), ListOf(other):
            return _is_unknown(item, other)
        case TupleOf(items), ListOf(other):
            return any(_is_unknown(item, other) for item in items)
        case MapOf(_, value), MapOf(_, other):
            return _is_unknown(value, other)
        case Record(is_mapping=True), MapOf():
            return True
        case _:
            return False
