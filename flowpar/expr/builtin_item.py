"""Built-in functions over lists and mappings."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flowpar.core.types import ANY, BOOL, FLOAT, INT, STR, ListOf, MapOf, Record, TupleOf, Type, union, widen
from flowpar.expr.access import read_field, read_item
from flowpar.expr.failure import EvaluationError
from flowpar.expr.signature import Function, Kind, Parameter, always, item_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from flowpar.expr.work import Work

_ABSENT: Any = object()


def _len(work: Work, value: Any) -> int:
    del work
    return len(value)


def _pick(choose: Callable[..., object], name: str) -> Callable[..., object]:
    def run(work: Work, *values: Any, by: str | int | None = None, default: object = _ABSENT) -> object:
        items = work.listed(values[0] if len(values) == 1 else values)
        if not items and default is not _ABSENT:
            return default
        if not items:
            raise EvaluationError(f"{name}() of nothing; write {name}(items, default=…)")
        work.weigh(items)
        return choose(items, key=_by(by))

    return run


def _by(by: str | int | None) -> Callable[[object], Any] | None:
    if by is None:
        return None
    return lambda item: read_field(item, by) if isinstance(by, str) else read_item(item, by)


def _picked(kinds: Sequence[Type]) -> Type:
    return item_of(kinds[0]) if len(kinds) == 1 else union(map(widen, kinds))


def _sum(work: Work, items: Iterable[Any]) -> object:
    numbers: list[Any] = work.listed(items)
    return sum(numbers)


def _summed(kinds: Sequence[Type]) -> Type:
    item = widen(item_of(kinds[0])) if kinds else ANY
    return INT if item in {INT, BOOL} else FLOAT if item == FLOAT else ANY


def _sorted(work: Work, items: Iterable[Any], *, by: str | int | None = None, reverse: bool = False) -> list[Any]:
    values = work.listed(items)
    work.weigh(values)
    work.spend(len(values) * len(values).bit_length())
    return sorted(values, key=_by(by), reverse=reverse)


def _same_items(kinds: Sequence[Type]) -> Type:
    return ListOf(item_of(kinds[0])) if kinds else ListOf(ANY)


def _reversed(work: Work, items: Iterable[object]) -> list[object]:
    return work.listed(items)[::-1]


def _range(work: Work, start: int, stop: int | None = None, step: int = 1) -> list[int]:
    if step == 0:
        raise EvaluationError("the step of range() may not be 0")
    numbers = range(start) if stop is None else range(start, stop, step)
    count = max(0, (numbers.stop - numbers.start + step - (1 if step > 0 else -1)) // step)
    work.spend(1 + count)  # len() of a range fails past sys.maxsize
    return list(numbers)


def _zip(work: Work, *items: Iterable[object]) -> list[tuple[object, ...]]:
    lists = [work.listed(values) for values in items]
    return list(zip(*lists, strict=False))


def _zipped(kinds: Sequence[Type]) -> Type:
    return ListOf(TupleOf(tuple(map(item_of, kinds))))


def _enumerate(work: Work, items: Iterable[object], start: int = 0) -> list[tuple[int, object]]:
    return list(enumerate(work.listed(items), start))


def _enumerated(kinds: Sequence[Type]) -> Type:
    return ListOf(TupleOf((INT, item_of(kinds[0]) if kinds else ANY)))


def _any(work: Work, items: Iterable[object]) -> bool:
    return any(work.listed(items))


def _all(work: Work, items: Iterable[object]) -> bool:
    return all(work.listed(items))


def _keys(work: Work, mapping: Mapping[object, object]) -> list[object]:
    return work.listed(mapping.keys())


def _values(work: Work, mapping: Mapping[object, object]) -> list[object]:
    return work.listed(mapping.values())


def _items(work: Work, mapping: Mapping[object, object]) -> list[object]:
    return work.listed(mapping.items())


def _sides(kind: Type) -> tuple[Type, Type]:
    match kind:
        case MapOf(key, value):
            return key, value
        case Record(is_mapping=True):
            return STR, union(widen(value) for _, value in kind.fields)
        case _:
            return ANY, ANY


def _flatten(work: Work, items: Iterable[Iterable[object]]) -> list[object]:
    """Take one level of lists away; what is no list stays as it is."""
    flat: list[object] = []
    for item in work.listed(items):
        flat.extend(work.listed(item) if isinstance(item, list | tuple | set | frozenset) else (item,))
    return flat


def _flattened(kinds: Sequence[Type]) -> Type:
    item = item_of(kinds[0]) if kinds else ANY
    return ListOf(item_of(item) if isinstance(item, ListOf | TupleOf) else ANY)


def _unique(work: Work, items: Iterable[object]) -> list[object]:
    """Keep the first of equal items; items that can't be hashed are compared one by one."""
    values = work.listed(items)
    work.weigh(values)
    try:
        return list(dict.fromkeys(values))
    except TypeError:
        kept: list[object] = []
        for value in values:
            work.spend(len(kept))
            if value not in kept:
                kept.append(value)
        return kept


_ITEMS = Parameter("items", Kind.ITEMS)
_BY = Parameter("by", Kind.FIELD, is_required=False, is_keyword=True)
_DEFAULT = Parameter("default", is_required=False, is_keyword=True)
_MAPPING = Parameter("mapping", Kind.MAPPING)
_REVERSE = Parameter("reverse", Kind.BOOL, is_required=False, is_keyword=True)
_STOP = Parameter("stop", Kind.INT, is_required=False)
_STEP = Parameter("step", Kind.INT, is_required=False)

FUNCTIONS = (
    Function("len", (Parameter("value", Kind.SIZED),), always(INT), _len),
    Function("min", (Parameter("values"), _BY, _DEFAULT), _picked, _pick(min, "min"), is_variadic=True),
    Function("max", (Parameter("values"), _BY, _DEFAULT), _picked, _pick(max, "max"), is_variadic=True),
    Function("sum", (_ITEMS,), _summed, _sum),
    Function("sorted", (_ITEMS, _BY, _REVERSE), _same_items, _sorted),
    Function("reversed", (_ITEMS,), _same_items, _reversed),
    Function("range", (Parameter("start", Kind.INT), _STOP, _STEP), always(ListOf(INT)), _range),
    Function("zip", (_ITEMS,), _zipped, _zip, is_variadic=True),
    Function("enumerate", (_ITEMS, Parameter("start", Kind.INT, is_required=False)), _enumerated, _enumerate),
    Function("any", (_ITEMS,), always(BOOL), _any),
    Function("all", (_ITEMS,), always(BOOL), _all),
    Function("keys", (_MAPPING,), lambda kinds: ListOf(_sides(kinds[0])[0] if kinds else ANY), _keys),
    Function("values", (_MAPPING,), lambda kinds: ListOf(_sides(kinds[0])[1] if kinds else ANY), _values),
    Function("items", (_MAPPING,), lambda kinds: ListOf(TupleOf(_sides(kinds[0])) if kinds else ANY), _items),
    Function("flatten", (_ITEMS,), _flattened, _flatten),
    Function("unique", (_ITEMS,), _same_items, _unique),
)
