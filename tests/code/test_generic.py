"""What generic classes are with something given for their parameters."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from flowpar.core.accept import accepts
from flowpar.core.types import ANY, INT, STR, Record, Type, show

if TYPE_CHECKING:
    from collections.abc import Callable

    from flowpar.code.signature import Signature

BOXES = """
from __future__ import annotations
from dataclasses import dataclass
from typing import AnyStr, Generic, NamedTuple, Optional, Protocol, TypedDict, TypeVar, Union
from pydantic import BaseModel

T = TypeVar("T")
K = TypeVar("K", bound=str)

@dataclass
class Box(Generic[T]):
    value: T
    many: list[T]
    maybe: Optional[T] = None
    text: "T | None" = None
    note: str = ""
    @property
    def first(self) -> T: ...

@dataclass
class Pair(Generic[K, T]):
    key: K
    value: T

@dataclass
class Swapped(Pair[T, K], Generic[K, T]):
    rest: dict[K, T]

class Ints(Box[int]):
    pass

@dataclass
class Nested(Box[list[T]]):
    inner: Box[T]

@dataclass
class Deeper(Nested[str]):
    pass

@dataclass
class Bare(Box):
    pass

class Row(TypedDict, Generic[T]):
    value: T

class Point(NamedTuple, Generic[T]):
    x: T
    y: T

class Model(BaseModel, Generic[T]):
    item: T

@dataclass
class Text(Generic[AnyStr]):
    text: AnyStr

@dataclass
class Tree(Generic[T]):
    value: T
    left: Tree[T] | None = None

class Plain(Generic[T]):
    def value(self) -> T: ...

IntBox = Box[int]
"""


@pytest.fixture
def returned(signature: Callable[..., Signature]) -> Callable[[str], Type]:
    """Return a function that reads an annotation beside `BOXES`."""

    def returned(annotation: str, more: str = "") -> Type:
        steps = f"from boxes import *\n{more}\ndef f() -> {annotation}: ...\n"
        return signature("steps:f", boxes=BOXES, steps=steps).returns

    return returned


@pytest.mark.parametrize(
    ("annotation", "fields"),
    [
        (
            "Box[int]",
            {"value": "int", "many": "list[int]", "maybe": "int | None", "text": "int | None", "first": "int"},
        ),
        ("Box[list[str]]", {"value": "list[str]", "many": "list[list[str]]", "note": "str"}),
        ("Box['int']", {"value": "int"}),
        ("'Box[int]'", {"value": "int"}),
        ("Box", {"value": "any", "many": "list[any]", "note": "str"}),
        ("Box[int, str]", {"value": "any"}),
        ("Box[Nowhere]", {"value": "any"}),
        ("Box[Box[int]]", {"value": "Box[int]"}),
        ("IntBox", {"value": "int"}),
        ("Pair[str, int]", {"key": "str", "value": "int"}),
        ("Swapped[str, int]", {"key": "int", "value": "str", "rest": "dict[str, int]"}),
        ("Ints", {"value": "int", "many": "list[int]"}),
        ("Nested[int]", {"value": "list[int]", "inner": "Box[int]", "many": "list[list[int]]"}),
        ("Deeper", {"value": "list[str]", "inner": "Box[str]"}),
        ("Bare", {"value": "any"}),
        ("Row[int]", {"value": "int"}),
        ("Point[float]", {"x": "float", "y": "float"}),
        ("Model[bool]", {"item": "bool"}),
        ("Text[str]", {"text": "str"}),
        ("Tree[int]", {"value": "int", "left": "Tree[int] | None"}),
    ],
)
def test_fields_have_the_types_that_are_given(
    annotation: str, fields: dict[str, str], returned: Callable[[str], Type]
) -> None:
    found = returned(annotation)

    assert isinstance(found, Record)
    assert {name: show(found.field(name) or ANY) for name in fields} == fields


def test_a_class_is_shown_with_what_is_given(returned: Callable[[str], Type]) -> None:
    assert show(returned("Box[int]")) == "Box[int]"
    assert show(returned("Swapped[str, list[int]]")) == "Swapped[str, list[int]]"
    assert show(returned("Box")) == "Box"
    assert show(returned("Plain[int]")) == "Plain"


def test_what_is_given_must_fit_what_is_asked_for(returned: Callable[[str], Type]) -> None:
    kinds = {name: returned(name) for name in ("Box[int]", "Box[float]", "Box[str]", "Box", "Ints", "Box[list[int]]")}

    assert accepts(kinds["Box[int]"], kinds["Box[int]"])
    assert accepts(kinds["Box[float]"], kinds["Box[int]"])
    assert accepts(kinds["Box"], kinds["Box[str]"])
    assert accepts(kinds["Box[str]"], kinds["Box"])
    assert accepts(kinds["Box[int]"], kinds["Ints"])
    assert not accepts(kinds["Box[int]"], kinds["Box[str]"])
    assert not accepts(kinds["Box[int]"], kinds["Box[list[int]]"])


def test_a_constructor_asks_for_what_a_base_was_given(signature: Callable[..., Signature]) -> None:
    steps = """
    from dataclasses import dataclass
    from boxes import Pair

    @dataclass
    class Named(Pair[str, int]):
        pass
    """

    found = signature("steps:Named", boxes=BOXES, steps=steps)

    assert [(p.name, p.type) for p in found.parameters] == [("key", STR), ("value", INT)]


def test_a_parameter_of_one_class_is_not_that_of_its_base(returned: Callable[..., Type]) -> None:
    more = "@dataclass\nclass Other(Pair[str, list[T]]):\n    own: T\n"

    found = returned("Other[int]", f"from dataclasses import dataclass\nfrom boxes import T\n{more}")

    assert isinstance(found, Record)
    assert [show(found.field(name) or ANY) for name in ("own", "key", "value")] == ["int", "str", "list[int]"]


@pytest.mark.skipif(sys.version_info < (3, 12), reason="new in Python 3.12")
def test_parameters_in_brackets_behind_a_name_are_the_same(signature: Callable[..., Signature]) -> None:
    steps = """
    from dataclasses import dataclass

    T = int

    @dataclass
    class Box[T]:
        value: T
        many: list[T]

    class Sub[K](Box[list[K]]):
        pass

    def f[T](x: T, box: Box[str]) -> Sub[str]: ...
    """

    found = signature("steps:f", steps=steps)

    assert isinstance(found.returns, Record)
    assert [show(kind) for _, kind in found.returns.fields] == ["list[str]", "list[list[str]]"]
    assert [show(p.type) for p in found.parameters] == ["any", "Box[str]"]
