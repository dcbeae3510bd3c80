"""What annotations mean."""

from __future__ import annotations

import sys
import textwrap
from importlib.machinery import EXTENSION_SUFFIXES
from typing import TYPE_CHECKING

import pytest

from flowpar.code.signature import Signature, Signatures
from flowpar.core.types import ANY, INT, STR, ListOf, Named, Record, Type, show

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

PRELUDE = """
from __future__ import annotations
import datetime, pathlib, typing as t
import collections.abc as cabc
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Callable, List, Literal, Mapping, NewType, Optional, Union
import numpy as np
from shapes import Point
Names = list[str]
UserId = NewType("UserId", int)
"""


@pytest.mark.parametrize(
    ("annotation", "shown"),
    [
        ("int", "int"),
        ("None", "None"),
        ("list[int]", "list[int]"),
        ("List[int]", "list[int]"),
        ("t.Sequence[Path]", "list[path]"),
        ("cabc.Iterable[pathlib.Path]", "list[path]"),
        ("tuple[int, ...]", "list[int]"),
        ("tuple[int, str]", "tuple[int, str]"),
        ("dict[str, float]", "dict[str, float]"),
        ("Mapping[str, Any]", "dict[str, any]"),
        ("Counter[str]", "dict[str, int]"),
        ("Optional[int]", "int | None"),
        ("Union[int, str]", "int | str"),
        ("int | None", "int | None"),
        ("'int | None'", "int | None"),
        ("Literal['a', 1]", "Literal['a', 1]"),
        ("Annotated[int, 'positive']", "int"),
        ("datetime.datetime", "datetime"),
        ("Names", "list[str]"),
        ("UserId", "int"),
        ("Point", "Point"),
        ("list[Point]", "list[Point]"),
        ("np.ndarray", "any"),
        ("Nowhere", "any"),
        ("Callable[[int], int]", "any"),
        ("int if True else str", "any"),
        ("object", "any"),
    ],
)
def test_an_annotation_is_read(signature: Callable[..., Signature], annotation: str, shown: str) -> None:
    found = signature(
        "steps:f",
        steps=PRELUDE + f"def f(x: {annotation}): ...",
        shapes="from typing import NamedTuple\nclass Point(NamedTuple):\n    x: int\n",
    )

    assert show(found.parameters[0].type) == shown


def returns(signature: Callable[..., Signature], text: str) -> Type:
    return signature("steps:f", steps=textwrap.dedent(text)).returns


@pytest.mark.parametrize(
    ("head", "is_mapping"),
    [
        ("from dataclasses import dataclass\n@dataclass(frozen=True)\nclass P:", False),
        ("from typing import NamedTuple\nclass P(NamedTuple):", False),
        ("from typing_extensions import TypedDict\nclass P(TypedDict, total=False):", True),
        ("import pydantic\nclass P(pydantic.BaseModel):", False),
    ],
)
def test_a_class_with_fields_is_a_record(signature: Callable[..., Signature], head: str, is_mapping: bool) -> None:  # noqa: FBT001
    found = returns(signature, f"{head}\n    x: int\n    y: list[str]\ndef f() -> P: ...")

    assert isinstance(found, Record)
    assert found.fields == (("x", INT), ("y", ListOf(STR)))
    assert found.is_mapping is is_mapping


def test_a_record_has_its_properties_and_inherited_fields(signature: Callable[..., Signature]) -> None:
    found = returns(
        signature,
        """
        from dataclasses import dataclass
        from typing import ClassVar
        @dataclass
        class Base:
            x: int
        @dataclass
        class P(Base):
            limit: ClassVar[int] = 3
            y: str
            @property
            def size(self) -> int: ...
        def f() -> P: ...
        """,
    )

    assert isinstance(found, Record)
    assert dict(found.fields) == {"limit": INT, "size": INT, "x": INT, "y": STR}


def test_a_class_that_refers_to_itself_has_a_finite_type(signature: Callable[..., Signature]) -> None:
    found = returns(
        signature,
        """
        from __future__ import annotations
        from dataclasses import dataclass
        @dataclass
        class Node:
            children: list[Node]
        def f() -> Node: ...
        """,
    )

    assert isinstance(found, Record)
    assert len(repr(found)) < 2000


def test_a_class_with_an_unknown_base_is_anything(signature: Callable[..., Signature]) -> None:
    assert returns(signature, "import torch\nclass Net(torch.Module): ...\ndef f() -> Net: ...") is ANY


def test_a_plain_class_is_its_name(signature: Callable[..., Signature]) -> None:
    assert returns(signature, "class Model: ...\ndef f() -> Model: ...") == Named("Model")


def test_an_alias_of_itself_ends(signature: Callable[..., Signature]) -> None:
    assert returns(signature, "A = 'list[A]'\nX = 'X'\ndef f() -> X: ...") is ANY


def installed(folder: Path, text: str, *, name: str = "shared/__init__.py") -> None:
    """Write a module as an installed package has it."""
    path = folder / "site-packages" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(textwrap.dedent(text))


def from_packages(folder: Path, text: str) -> Type:
    (folder / "steps.py").write_text(textwrap.dedent(text))
    found = Signatures([folder, folder / "site-packages"]).of("steps:f")
    assert isinstance(found, Signature)
    return found.returns


USES = "import shared\ndef f() -> list[shared.Row]: ..."
ROW = "from dataclasses import dataclass\n@dataclass\nclass Row:\n    x: int\n"


def test_a_class_of_an_installed_package_is_read_in_its_source(tmp_path: Path) -> None:
    installed(tmp_path, "from shared.inner import Row\n")
    installed(tmp_path, ROW, name="shared/inner.py")

    found = from_packages(tmp_path, USES)

    assert isinstance(found, ListOf)
    assert isinstance(found.item, Record)
    assert found.item.fields == (("x", INT),)


def test_a_stub_stands_for_a_package(tmp_path: Path) -> None:
    installed(tmp_path, "Row = object\n")
    installed(tmp_path, ROW, name="shared-stubs/__init__.pyi")

    assert show(from_packages(tmp_path, USES)) == "list[Row]"


def test_a_stub_beside_a_module_without_source_is_read(tmp_path: Path) -> None:
    installed(tmp_path, "from shared.fast import Row\n")
    installed(tmp_path, "", name="shared/fast.cpython-311-x86_64-linux-gnu.so")
    installed(tmp_path, "", name=f"shared/fast{EXTENSION_SUFFIXES[0]}")
    installed(tmp_path, ROW, name="shared/fast.pyi")

    assert show(from_packages(tmp_path, USES)) == "list[Row]"


@pytest.mark.parametrize(
    "text",
    [
        "from elsewhere import Base\nclass Row(Base): ...",
        "from typing import Protocol\nclass Row(Protocol):\n    x: int",
        "Row = make()",
        "x = 1",
        "class Row: ...\n" + "#" * 300_000,
    ],
)
def test_what_a_package_does_not_show_is_anything(tmp_path: Path, text: str) -> None:
    installed(tmp_path, text)

    assert show(from_packages(tmp_path, USES)) == "list[any]"


def test_names_of_python_stay_what_they_are_below_an_import_of_all(signature: Callable[..., Signature]) -> None:
    assert show(returns(signature, "from typing import *\ndef f() -> Sequence[int]: ...")) == "list[int]"
    assert show(returns(signature, "from typing import *\ndef f() -> list[int]: ...")) == "list[int]"


def test_a_submodule_that_a_package_imports_from_itself_is_found(signature: Callable[..., Signature]) -> None:
    found = signature(
        "steps:f",
        steps="import pkg.sub\ndef f() -> pkg.sub.deep.Numbers: ...",
        pkg__init="",
        pkg__sub__init="from . import deep",
        pkg__sub__deep="Numbers = list[int]",
    )

    assert show(found.returns) == "list[int]"


@pytest.mark.skipif(sys.version_info < (3, 12), reason="new in Python 3.12")
def test_an_alias_by_type_is_followed(signature: Callable[..., Signature]) -> None:
    assert show(returns(signature, "type Names = list[str]\ndef f() -> Names: ...")) == "list[str]"
