"""The fan-out of a task: the names that `for_each` or `matrix` bind, their lists, and the types of their items."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flowpar.core.frozen import dataclass
from flowpar.core.types import (
    ANY,
    BYTES,
    ListOf,
    MapOf,
    Named,
    OneOf,
    Record,
    Simple,
    TupleOf,
    Type,
    show,
    union,
    widen,
)
from flowpar.expr.template import Constant as ConstantTemplate
from flowpar.lang.checked import CheckedFanOut

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from flowpar.expr.template import Template
    from flowpar.lang.model import TaskModel
    from flowpar.lang.rules.findings import Findings, Path
    from flowpar.lang.rules.reading import Reading
    from flowpar.lang.rules.scope import View

_BESIDE_AXES = ("include", "exclude")


@dataclass(frozen=True, slots=True)
class FanOut:
    """What is bound for each item: `types` has all names, `checked` lacks those with findings."""

    checked: CheckedFanOut
    types: Mapping[str, Type]

    @property
    def context(self) -> str:
        """The context that has the names."""
        return "matrix" if self.checked.is_product else "each"


def read_fan_out(reading: Reading, path: Path, model: TaskModel, view: View) -> FanOut | None:
    """Read `for_each` or `matrix`; None for a task without."""
    if model.for_each is not None:
        lists = model.for_each if isinstance(model.for_each, dict) else {"item": model.for_each}
        home: Path = (*path, "for_each")
        names, types = _read_lists(reading, home, lists, view, is_nested=isinstance(model.for_each, dict))
        _check_lengths(reading.findings, home, names)
        return FanOut(CheckedFanOut(names), types)
    if model.matrix is None:
        return None
    home = (*path, "matrix")
    axes = {name: values for name, values in model.matrix.items() if name not in _BESIDE_AXES}
    axes = axes or _axes_of_combinations(model.matrix.get("include"))
    names, types = _read_lists(reading, home, axes, view, is_nested=True)
    beside = (_read_beside(reading, home, name, model.matrix, view=view) for name in _BESIDE_AXES)
    (include, included), (exclude, _) = beside
    _check_axes(reading.findings, home, axes, {"include": include, "exclude": exclude})
    checked = CheckedFanOut(names, is_product=True, include=include, exclude=exclude)
    return FanOut(checked, {axis: _with_included(axis, kind, axes, included) for axis, kind in types.items()})


def _with_included(axis: str, kind: Type, axes: Mapping[str, Any], included: Sequence[Mapping[str, Type]]) -> Type:
    """Return the type of an axis whose values are in whole combinations, too."""
    added = [widen(entry[axis]) for entry in included if axis in entry]
    return union([*([] if axes.get(axis) == [] and added else [kind]), *added])


def _read_lists(
    reading: Reading, home: Path, lists: Mapping[str, Any], view: View, *, is_nested: bool
) -> tuple[dict[str, Template], dict[str, Type]]:
    names: dict[str, Template] = {}
    types: dict[str, Type] = {}
    for name, value in lists.items():
        path = (*home, name) if is_nested else home
        read = reading.value(value, path, view)
        item = item_type(read.type)
        types[name] = item or ANY
        if read.template is not None and item is None:
            message = f'"{home[-1]}" needs a list, this is {show(widen(read.type))}'
            reading.findings.error("FP205", path, message, hint=_list_hint(read.type))
        elif read.template is not None:
            names[name] = read.template
    return names, types


def item_type(kind: Type) -> Type | None:
    """Return the type of a list's items, None for what is no list."""
    match kind:
        case ListOf(item):
            return widen(item)
        case TupleOf(items):
            return union(map(widen, items))
        case OneOf(members):
            found = [part for member in members if (part := item_type(member)) is not None]
            return union(found) if found else None
        case Named():
            return ANY
        case Simple("any" | "object"):
            return ANY
        case _:
            return None


def _list_hint(kind: Type) -> str | None:
    match widen(kind):
        case Simple("str"):
            return "divide it by split(…), or write [ ] around it for a list of one"
        case MapOf() | Record(is_mapping=True):
            return "take its keys(…), values(…) or items(…)"
        case Simple("int"):
            return "for 0, 1, 2, … write range(…)"
        case Simple() as simple if simple != BYTES:
            return "write [ ] around it for a list of one"
        case _:
            return None


def _check_lengths(findings: Findings, home: Path, names: Mapping[str, Template]) -> None:
    """Find lists that advance together and are known to have different lengths."""
    lengths = {
        name: len(template.value)
        for name, template in names.items()
        if isinstance(template, ConstantTemplate) and isinstance(template.value, list)
    }
    first = next(iter(lengths), None)
    for name, length in lengths.items():
        if first is not None and length != lengths[first]:
            message = f'"{first}" has {lengths[first]} items and "{name}" has {length}, but names advance together'
            hint = 'give both the same length, or write "matrix" for every combination'
            findings.error("FP203", (*home, name), message, hint=hint)


def _axes_of_combinations(include: Any) -> dict[str, Any]:
    """Return the axes of a matrix that has nothing but whole combinations: none of their values is crossed."""
    first = next((one for one in include if isinstance(one, dict)), {}) if isinstance(include, list) else {}
    return {name: [] for name in first}


def _read_beside(
    reading: Reading, home: Path, name: str, matrix: Mapping[str, Any], *, view: View
) -> tuple[tuple[Mapping[str, Template], ...], list[Mapping[str, Type]]]:
    """Read `include` or `exclude`: combinations of values, and their types."""
    value = matrix.get(name)
    if not isinstance(value, list) or not all(isinstance(entry, dict) for entry in value):
        return (), []
    read = [
        {axis: reading.value(part, (*home, name, index, axis), view) for axis, part in entry.items()}
        for index, entry in enumerate(value)
    ]
    templates = [{axis: part.template or ConstantTemplate(None) for axis, part in entry.items()} for entry in read]
    return tuple(templates), [{axis: part.type for axis, part in entry.items()} for entry in read]


def _check_axes(
    findings: Findings, home: Path, axes: Mapping[str, Any], beside: Mapping[str, tuple[Mapping[str, Template], ...]]
) -> None:
    """Find combinations that name no axis, or leave one out where the whole is wanted."""
    for name, entries in beside.items():
        for index, entry in enumerate(entries):
            for key in entry:
                if axes and key not in axes:
                    message = f'"{key}" is no axis of this matrix'
                    findings.key_error(
                        "FP209", (*home, name, index, key), message, hint=f"its axes are {', '.join(axes)}"
                    )
            missing = [axis for axis in axes if axis not in entry]
            if name == "include" and missing:
                message = f'this combination has no "{missing[0]}", and "include" appends whole ones'
                findings.error("FP209", (*home, name, index), message, hint=f"give it all of {', '.join(axes)}")
