"""What `flowpar check` says of a value and what the border does with it are of one mind."""

from __future__ import annotations

import datetime as dt
import enum
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NotRequired, Optional, TypedDict

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flowpar.code.signature import Signature, Signatures
from flowpar.core.accept import accepts
from flowpar.core.types import Type, of_value
from flowpar.execute.border import convert
from flowpar.execute.conversion import Unfit

if TYPE_CHECKING:
    from collections.abc import Callable

SOURCE = """
from __future__ import annotations
import datetime as dt
import enum
from pathlib import Path
from typing import Any, Literal, NotRequired, Optional, TypedDict

class Color(enum.Enum):
    RED = "red"
    BLUE = "blue"

class Rank(enum.IntEnum):
    FIRST = 1
    SECOND = 2

class Row(TypedDict):
    id: int
    name: NotRequired[str]
"""


class Color(enum.Enum):
    RED = "red"
    BLUE = "blue"


class Rank(enum.IntEnum):
    FIRST = 1
    SECOND = 2


class Row(TypedDict):
    id: int
    name: NotRequired[str]


NAMES: dict[str, Any] = {
    "dt": dt,
    "Path": Path,
    "Any": Any,
    "Literal": Literal,
    "Optional": Optional,
    "Color": Color,
    "Rank": Rank,
    "Row": Row,
}
simple = st.sampled_from(
    ["int", "float", "str", "Path", "dt.date", "None", "Color", "Rank", "Row", "Literal['red', 3]", "Any"]
)
texts = st.recursive(
    simple,
    lambda inner: (
        st.builds("list[{}]".format, inner)
        | st.builds("dict[str, {}]".format, inner)
        | st.builds("Optional[{}]".format, inner)
        | st.builds("tuple[{}, {}]".format, inner, inner)
        | st.builds("set[{}]".format, simple)
    ),
    max_leaves=4,
)
# Check is stricter with what is written in the document: it refuses `true` for an `int`, which for Python is one, and
# keys that a TypedDict does not have, which a mapping from elsewhere may well have.
values = st.recursive(
    st.none() | st.integers(0, 4) | st.floats(0, 1) | st.sampled_from(["red", "RED", "2024-05-01", "x"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["id", "name"]), inner),
    max_leaves=6,
)


@pytest.fixture(scope="module")
def type_of(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Type]:
    """Return a function that reads an annotation from source."""
    folder = tmp_path_factory.mktemp("steps")
    made: dict[str, Type] = {}

    def type_of(text: str) -> Type:
        if text not in made:
            name = f"steps{len(made)}"
            (folder / f"{name}.py").write_text(f"{SOURCE}\ndef f(x: {text}): ...\n")
            found = Signatures([folder]).of(f"{name}:f")
            assert isinstance(found, Signature)
            made[text] = found.parameters[0].type
        return made[text]

    return type_of


@given(texts, values)
def test_what_check_refuses_the_border_refuses(type_of: Callable[[str], Type], text: str, value: object) -> None:
    if accepts(type_of(text), of_value(value)):
        return

    with pytest.raises(Unfit):
        convert(value, eval(text, NAMES))  # noqa: S307 - one of the texts above


@given(texts, values)
def test_what_check_lets_through_the_border_lets_in(type_of: Callable[[str], Type], text: str, value: object) -> None:
    wanted = type_of(text)
    # Of a text or a list only its value says whether it is a date, hashable, or of that length.
    if any(word in text for word in ("date", "set[", "tuple[")) or not accepts(wanted, of_value(value, depth=9)):
        return

    assert not is_refused(value, text)


def is_refused(value: object, text: str) -> bool:
    try:
        convert(value, eval(text, NAMES))  # noqa: S307 - one of the texts above
    except Unfit:
        return True
    return False
