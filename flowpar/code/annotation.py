"""What an annotation means, as a static type: names are followed through the project's own modules.

    Annotations(library).type_of(module, expression)

The standard library's well-known names are in a table, so that its source need not be read; classes of installed
packages are looked up in theirs, or in a stub. What is not understood is `ANY`, so nothing right is ever refused.
"""

from __future__ import annotations

import ast
from dataclasses import replace
from typing import TYPE_CHECKING

from flowpar.code.enumeration import enumeration_of
from flowpar.code.generic import parameters_of
from flowpar.code.library import Defined, Foreign
from flowpar.code.shape import Family, shape_of
from flowpar.code.spot import spot_of_name
from flowpar.code.standard import COUNTERS, LISTS, MAPPINGS, TUPLES, WRAPPERS, bare, standard
from flowpar.core.types import ANY, INT, NONE, Constant, ListOf, MapOf, Named, Record, Spot, TupleOf, show, union

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from flowpar.code.generic import Bound
    from flowpar.code.library import Library, Module
    from flowpar.code.shape import Field, Member, Shape
    from flowpar.core.types import Type

    Given = Mapping[str, Type]

# Aliases and classes within classes are followed this far; a record's type holds its fields' types,
# so the bound also keeps a type small that refers to itself.
_DEEPEST = 4
NOTHING: Given = {}


class Annotations:
    """Reads annotations; each class is read once for each depth at which it stands."""

    def __init__(self, library: Library) -> None:
        """Start with no class read."""
        self._library = library
        self._classes: dict[tuple[str, int, tuple[Type, ...], int], Type] = {}

    def type_of(
        self, module: Module, annotation: ast.expr | None, *, given: Given = NOTHING, depth: int = _DEEPEST
    ) -> Type:
        """Return the type that an annotation in a module stands for; `given` is what type parameters stand for."""
        match annotation:
            case ast.Constant(value=None):
                return NONE
            case ast.Constant(value=str(text)):
                return self._of_text(module, text, given, depth)
            case ast.BinOp(left=left, op=ast.BitOr(), right=right):
                return union(self.type_of(module, side, given=given, depth=depth) for side in (left, right))
            case ast.Subscript(value=head, slice=inside):
                parts = inside.elts if isinstance(inside, ast.Tuple) else [inside]
                return self._subscript(module, head, parts, given=given, depth=depth)
            case ast.Name(id=name) if name in given:
                return given[name]
            case ast.Name() | ast.Attribute():
                return self._named(module, annotation, depth)
            case _:
                return ANY

    def of_class(
        self, module: Module, node: ast.ClassDef, parts: tuple[Type, ...] = (), *, depth: int = _DEEPEST
    ) -> Type:
        """Return the type of a class's instances; `parts` stand for its type parameters."""
        key = (module.name, node.lineno, parts, depth)
        if key not in self._classes:
            self._classes[key] = Named(node.name)  # what the class is within itself
            self._classes[key] = self._record(module, node, parts, depth)
        return self._classes[key]

    def of_field(self, field: Field | Member, *, given: Given = NOTHING, depth: int = _DEEPEST) -> Type:
        """Return the type of a field, by way of the classes through which it was inherited."""
        given = self.through(field.bounds, given=given, depth=depth)
        return self.type_of(field.module, field.annotation, given=given, depth=depth)

    def through(self, bounds: Sequence[Bound], *, given: Given = NOTHING, depth: int = _DEEPEST) -> Given:
        """Return what type parameters stand for at the end of a way through the bases of a class."""
        for bound in bounds:
            given = {
                name: ANY if part is None else self.type_of(bound.module, part, given=given, depth=depth)
                for name, part in bound.pairs
            }
        return given

    def _of_text(self, module: Module, text: str, given: Given, depth: int) -> Type:
        if not depth:
            return ANY
        try:
            return self.type_of(module, ast.parse(text.strip(), mode="eval").body, given=given, depth=depth - 1)
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            return ANY

    def _named(self, module: Module, name: ast.expr, depth: int) -> Type:
        meaning = self._library.meaning(module, name)
        if isinstance(meaning, Foreign):
            known = bare(standard(meaning.qualified))
            if known != ANY or depth < 1:
                return known
            meaning = self._library.located(meaning.qualified)
        if not isinstance(meaning, Defined) or not meaning.binding.is_certain:
            return ANY
        match meaning.binding.value:
            case ast.ClassDef() as node:
                return self.of_class(meaning.module, node, depth=depth - 1) if depth else Named(node.name)
            case ast.Call() as call:
                return self._made(meaning.module, call, depth - 1) if depth else ANY
            case ast.Name() | ast.Attribute() | ast.Subscript() | ast.BinOp() | ast.Constant(value=str()) as alias:
                return self.type_of(meaning.module, alias, depth=depth - 1) if depth else ANY
            case _:
                return ANY

    def _subscript(
        self, module: Module, head: ast.expr, parts: Sequence[ast.expr], *, given: Given, depth: int
    ) -> Type:
        meaning = self._library.meaning(module, head)
        if not isinstance(meaning, Foreign):
            return self._generic(module, head, parts, given=given, depth=depth)
        name = standard(meaning.qualified)
        if name == "typing.Literal":
            return _literal(parts)
        if name in WRAPPERS or name in LISTS:
            inner = self.type_of(module, parts[0], given=given, depth=depth)
            return ListOf(inner) if name in LISTS else inner
        types = [self.type_of(module, part, given=given, depth=depth) for part in parts]
        if name in TUPLES:
            is_open = isinstance(parts[-1], ast.Constant) and parts[-1].value is Ellipsis
            if any(isinstance(part, ast.Starred) for part in parts):
                return ListOf(ANY)  # nobody knows how many items it unpacks to
            return ListOf(types[0]) if is_open else TupleOf(tuple(types))
        if name in MAPPINGS and len(types) == 2:  # noqa: PLR2004 - key and value
            return MapOf(types[0], types[1])
        if name in COUNTERS:
            return MapOf(types[0], INT)
        if name in {"typing.Union", "typing.Optional"}:
            return union([*types, NONE] if name == "typing.Optional" else types)
        return bare(name)

    def _generic(self, module: Module, head: ast.expr, parts: Sequence[ast.expr], *, given: Given, depth: int) -> Type:
        """Return the type of a generic class of the project's, with what is given for its parameters."""
        meaning = self._library.meaning(module, head)
        is_class = isinstance(meaning, Defined) and meaning.binding.is_certain and depth
        if not is_class or not isinstance(meaning, Defined) or not isinstance(meaning.binding.value, ast.ClassDef):
            return self._named(module, head, depth)
        types = tuple(self.type_of(module, part, given=given, depth=depth) for part in parts)
        return self.of_class(meaning.module, meaning.binding.value, types, depth=depth - 1)

    def _made(self, module: Module, call: ast.Call, depth: int) -> Type:
        """Return what `X = NewType("X", int)`, `namedtuple("X", "a b")` and the like stand for."""
        maker = self._library.meaning(module, call.func)
        if not isinstance(maker, Foreign):
            return ANY
        match standard(maker.qualified), call.args:
            case "typing.NewType", [_, ast.expr() as base]:
                return self.type_of(module, base, depth=depth)
            case "collections.namedtuple", [ast.Constant(value=str(name)), fields]:
                return _of_call(module, call, name, tuple((field, ANY) for field in _field_names(fields)))
            case "typing.NamedTuple", [ast.Constant(value=str(name)), ast.List(elts=pairs)]:
                inside = [pair.elts for pair in pairs if isinstance(pair, ast.Tuple)]
                return _of_call(module, call, name, self._pairs(module, inside, depth))
            case "typing.TypedDict", [ast.Constant(value=str(name)), ast.Dict(keys=keys, values=values)]:
                inside = [[key, value] for key, value in zip(keys, values, strict=True) if key is not None]
                return _of_call(module, call, name, self._pairs(module, inside, depth), is_mapping=True)
            case _:
                return ANY

    def _pairs(self, module: Module, pairs: Sequence[Sequence[ast.expr]], depth: int) -> tuple[tuple[str, Type], ...]:
        return tuple(
            (pair[0].value, self.type_of(module, pair[1], depth=depth))
            for pair in pairs
            if len(pair) == 2 and isinstance(pair[0], ast.Constant) and isinstance(pair[0].value, str)  # noqa: PLR2004
        )

    def _record(self, module: Module, node: ast.ClassDef, parts: tuple[Type, ...], depth: int) -> Type:
        shape = shape_of(self._library, module, node)
        if shape.family is Family.ENUM and shape.is_complete:
            return enumeration_of(self._library, module, node)
        if not shape.has_fields:
            return Named(node.name) if shape.is_complete else ANY
        is_mapping = shape.family is Family.TYPED_DICT
        names = parameters_of(self._library, module, node)
        parts = parts if len(parts) == len(names) else ()
        given = dict(zip(names, parts or [ANY] * len(names), strict=True))
        kinds = {f.name: self.of_field(f, given=given, depth=depth) for f in shape.fields}
        members = {} if is_mapping else {m.name: m for m in shape.members if m.name not in kinds}
        fields = {name: self.of_field(m, given=given, depth=depth) for name, m in members.items()}
        fields |= {f.name: kinds[f.name] for f in shape.fields if not f.is_passed_only}
        return Record(
            f"{node.name}[{', '.join(map(show, parts))}]" if parts else node.name,
            tuple(fields.items()),
            module.source.file,
            node.lineno,
            is_mapping=is_mapping,
            parts=parts,
            optional=frozenset(f.name for f in shape.fields if f.may_be_missing) if is_mapping else frozenset(),
            items=tuple(kinds.values()) if shape.family is Family.NAMED_TUPLE else None,
            above=shape.above,
            spots=() if module.is_ours else self._spots(module, node, shape),
        )

    @staticmethod
    def _spots(module: Module, node: ast.ClassDef, shape: Shape) -> tuple[tuple[str, Spot], ...]:
        # By its own name, without what is given for its parameters.
        return ("", replace(spot_of_name(module, node), name=node.name)), *(
            (field.name, field.spot) for field in shape.fields
        )


def _of_call(
    module: Module, call: ast.Call, name: str, fields: tuple[tuple[str, Type], ...], *, is_mapping: bool = False
) -> Record:
    is_partial = any(k.arg == "total" and getattr(k.value, "value", True) is False for k in call.keywords)
    return Record(
        name,
        fields,
        module.source.file,
        call.lineno,
        is_mapping=is_mapping,
        optional=frozenset(field for field, _ in fields) if is_partial else frozenset(),
        items=None if is_mapping else tuple(kind for _, kind in fields),
        spots=(("", Spot(module.source.file, call.lineno, call.col_offset + 1)),),
    )


def _literal(parts: Sequence[ast.expr]) -> Type:
    values = []
    for part in parts:
        try:
            value = ast.literal_eval(part)
        except ValueError:
            return ANY  # a member of an enum, or another alias
        if not (value is None or isinstance(value, str | int | bool)):
            return ANY
        values.append(value)
    return Constant(tuple(values))


def _field_names(fields: ast.expr) -> list[str]:
    try:
        value = ast.literal_eval(fields)
    except ValueError:
        return []
    return value.replace(",", " ").split() if isinstance(value, str) else [str(name) for name in value]
