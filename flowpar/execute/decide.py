"""What is decided before a task's first attempt: its `if`, and the items of its fan-out.

    judge    template ─► bool, of an `if` or an `until`
    expand   templates ─► Expansion: names that advance together, or axes of a product

A worker does this, and so does the engine where only plain data is met.
"""

from __future__ import annotations

import json
from array import array
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from itertools import product
from math import prod
from typing import TYPE_CHECKING, Any

from flowpar.core.frozen import dataclass
from flowpar.core.outcome import FailureKind, TaskFailed
from flowpar.data.codec import NotEncodable
from flowpar.data.items import PackedItems, pack_items
from flowpar.execute.expansion import Expansion
from flowpar.execute.failure import refusal
from flowpar.expr.evaluate import IN_WORKER, Limits, evaluate
from flowpar.expr.failure import EvaluationError
from flowpar.expr.work import type_name

if TYPE_CHECKING:
    from flowpar.execute.recipe import Expand
    from flowpar.expr.template import Template

Contexts = Mapping[str, object]
Combination = Mapping[str, object]
Key = str | int | float | bool
# The places of ten million items fill 160 MB for each name.
_MAX_ITEMS = 10_000_000


def judge(condition: Template, contexts: Contexts, *, limits: Limits = IN_WORKER, key: str = "if") -> bool:
    """Return whether the condition of `key` holds; raises TaskFailed where it has no value, or one that is no bool."""
    value = _evaluated(key, condition, contexts, limits)
    if value is True or value is False:
        return value
    if type(value).__module__ == "numpy" and type(value).__name__ in {"bool", "bool_"}:
        return bool(value)
    raise _refused(f"{key}: it must be true or false, not {type_name(value)}")


def expand(recipe: Expand, contexts: Contexts, *, limits: Limits = IN_WORKER) -> Expansion:
    """Return the items of a fan-out; raises TaskFailed where there are none to be had."""
    table = _table(recipe, contexts, limits)
    columns = {name: _column(_place(name, is_product=recipe.is_product), table, name) for name in table.values}
    condition, keys = recipe.condition, None
    if recipe.key is not None:
        keys = _keys(recipe.key, _bound(table, contexts, is_matrix=recipe.is_product), limits)
    if condition is None:
        return Expansion(table.count, columns, keys=keys)
    bound = _bound(table, contexts, is_matrix=recipe.is_product, keys=keys)
    return Expansion(table.count, columns, [judge(condition, item, limits=limits) for item in bound], keys=keys)


def item_of(recipe: Expand, contexts: Contexts, index: int) -> tuple[Mapping[str, object], Key | None]:
    """Return what one item is bound to, and its key where it has one, without passing any value on."""
    table = _table(recipe, contexts, IN_WORKER)
    if index >= table.count:
        raise _refused(f"there are {table.count} items now, and no item {index}")
    chosen = {name: column[table.indices[name][index]] for name, column in table.values.items()}
    if recipe.key is None:
        return chosen, None
    bound = {**contexts, "matrix" if recipe.is_product else "each": {**chosen, "index": index}}
    key: Any = _evaluated("key", recipe.key, bound, IN_WORKER)
    return chosen, key


def _table(recipe: Expand, contexts: Contexts, limits: Limits) -> _Table:
    """Evaluate the lists, and put together which item takes what of them."""
    values = {}
    for name, template in recipe.names.items():
        place = _place(name, is_product=recipe.is_product)
        values[name] = _listed(place, _evaluated(place, template, contexts, limits))
    if not recipe.is_product:
        return _together(values)
    beside = {name: _combinations(name, recipe, contexts, limits) for name in ("include", "exclude")}
    return _product(values, **beside)


def _keys(key: Template, bound: Iterable[Contexts], limits: Limits) -> list[Key]:
    """Return the key of each item; two that are alike, or one that is no plain value, fail the fan-out."""
    items: dict[tuple[type, Key], int] = {}
    keys: list[Key] = []
    for item, contexts in enumerate(bound):
        value = _evaluated("key", key, contexts, limits)
        if not isinstance(value, str | int | float):
            raise _refused(f"key: that of item {item} must be text, a number or true or false, not {type_name(value)}")
        plain: Key = _plain_key(value)
        first = items.setdefault((type(plain), plain), item)
        if first != item:
            raise _refused(f"key: items {first} and {item} have the same, {json.dumps(plain)[:80]}")
        keys.append(plain)
    return keys


def _plain_key(value: str | float) -> Key:
    """Return a value of a class of the user's, or of numpy's, as the plain one that it is."""
    for kind in (bool, str, int, float):
        if isinstance(value, kind):
            return kind(value)
    return str(value)


@dataclass(frozen=True, slots=True)
class _Table:
    """Values by name, and which of them each item takes."""

    values: Mapping[str, Sequence[object]]
    indices: Mapping[str, Sequence[int]]
    count: int


def _together(values: Mapping[str, Sequence[object]]) -> _Table:
    lengths = {name: len(column) for name, column in values.items()}
    if len(set(lengths.values())) > 1:
        told = ", ".join(f'"{name}" has {length}' for name, length in lengths.items())
        raise _refused(f"for_each: names advance together and need as many values each: {told}")
    count = next(iter(lengths.values()), 0)
    _bound_count("for_each", count)
    return _Table(values, dict.fromkeys(values, range(count)), count)


def _combinations(name: str, recipe: Expand, contexts: Contexts, limits: Limits) -> Sequence[Combination]:
    """Return the combinations that stand beside the axes."""
    entries = recipe.include if name == "include" else recipe.exclude
    what = f"matrix.{name}"
    return [{axis: _evaluated(what, value, contexts, limits) for axis, value in entry.items()} for entry in entries]


def _product(
    values: Mapping[str, Sequence[object]], include: Sequence[Combination], exclude: Sequence[Combination]
) -> _Table:
    """Return every combination but the excluded ones, the last axis fastest, then the included ones."""
    _bound_count("matrix", prod(map(len, values.values())) + len(include))
    indices = {name: array("Q") for name in values}
    for combination in product(*(range(len(column)) for column in values.values())):
        chosen = dict(zip(values, combination, strict=True))
        if not any(_matches(values, chosen, wanted) for wanted in exclude):
            for name, index in chosen.items():
                indices[name].append(index)
    extended = {name: list(column) for name, column in values.items()}
    for included in include:
        for name, column in extended.items():
            if name not in included:
                raise _refused(f'matrix: each of "include" gives a value for every axis, and one has no "{name}"')
            indices[name].append(len(column))
            column.append(included[name])
    return _Table(extended, indices, len(next(iter(indices.values()), ())))


def _matches(values: Mapping[str, Sequence[object]], chosen: Mapping[str, int], wanted: Combination) -> bool:
    return all(name in chosen and values[name][chosen[name]] == value for name, value in wanted.items())


def _column(what: str, table: _Table, name: str) -> PackedItems:
    try:
        packed = pack_items(table.values[name])
    except NotEncodable as error:
        raise _refused(f"{what}: a value of it {error.message.removeprefix('output ')}") from None
    indices = table.indices[name]
    return packed if isinstance(indices, range) else packed.select(indices)


def _bound(
    table: _Table, contexts: Contexts, *, is_matrix: bool, keys: Sequence[Key] | None = None
) -> Iterator[Contexts]:
    for item in range(table.count):
        values = {name: column[table.indices[name][item]] for name, column in table.values.items()}
        index: dict[str, object] = {"index": item} if keys is None else {"index": item, "key": keys[item]}
        yield {**contexts, "each": index, "matrix": values} if is_matrix else {**contexts, "each": {**index, **values}}


def _place(name: str, *, is_product: bool) -> str:
    if is_product:
        return f"matrix.{name}"
    return "for_each" if name == "item" else f"for_each.{name}"  # a bare list binds each.item


def _evaluated(what: str, template: Template, contexts: Contexts, limits: Limits) -> object:
    try:
        return evaluate(template, contexts, limits=limits)
    except EvaluationError as error:
        raise _refused(f"{what}: {error}") from None


def _listed(what: str, value: object) -> Sequence[object]:
    """Return the values of a name as a sequence; a text, a mapping and a set are refused with what to write."""
    if isinstance(value, list | tuple | range):
        return value
    if isinstance(value, Iterator):
        instead = "let the function return list(…) of it, or yield its items"
        raise _refused(f"{what}: it must be a list, not {type_name(value)}; {instead}")
    if not isinstance(value, Iterable) or not isinstance(value, Collection) or getattr(value, "ndim", 1) == 0:
        raise _refused(f"{what}: it must be a list, not {type_name(value)}")
    instead = _instead_of(value)
    if instead:
        raise _refused(f"{what}: it must be a list, not {type_name(value)}; {instead}")
    try:
        return list(value)
    except Exception as error:  # the user's class may do anything
        raise _refused(f"{what}: its items cannot be read: {type(error).__name__}: {error}") from error


def _instead_of(value: object) -> str:
    if isinstance(value, str | bytes | bytearray):
        return "use split(…) for the parts of a text"
    if isinstance(value, Mapping):
        return "use items(…), keys(…) or values(…)"
    if isinstance(value, set | frozenset):
        return "use sorted(…), for a set has no order"
    return "return a list of its rows from the task" if hasattr(value, "itertuples") else ""


def _bound_count(what: str, count: int) -> None:
    if count > _MAX_ITEMS:
        raise _refused(f"{what}: {count:,} items are more than {_MAX_ITEMS:,}; let an item do several of them")


def _refused(message: str) -> TaskFailed:
    return TaskFailed(refusal(FailureKind.EXPRESSION, message))
