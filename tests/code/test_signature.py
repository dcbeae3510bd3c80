"""What targets ask for and give, by their source alone."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from flowpar.code.problem import ProblemKind, TargetProblem
from flowpar.code.signature import Signature, signature_of
from flowpar.core.types import ANY, INT, STR, Enumeration, ListOf, Named, show

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Read = Callable[..., Signature]
    Fail = Callable[..., TargetProblem]


def names(signature: Signature) -> list[str]:
    return [("" if p.is_required else "?") + p.name for p in signature.named]


def test_a_function_tells_its_parameters_result_place_and_help(signature: Read) -> None:
    found = signature(
        "steps:count",
        steps='''
            def count(book: str, *, top: int = 10, **rest: int) -> list[str]:
                """Count words."""
        ''',
    )

    assert names(found) == ["book", "?top"]
    assert found.takes_any_name
    assert [show(p.type) for p in found.parameters] == ["str", "int", "int"]
    assert found.returns == ListOf(STR)
    assert (found.line, found.column, found.docstring) == (2, 5, "Count words.")
    assert found.parameters[1].default == "10"


def test_reading_runs_and_writes_nothing(signature: Read, tmp_path: Path) -> None:
    hostile = "from pathlib import Path\nPath(__file__).with_name('ran').touch()\n"

    signature("pack.steps:f", pack__init=hostile, pack__steps=hostile + "def f(): pass\n")

    assert sorted(p.name for p in tmp_path.rglob("*")) == ["__init__.py", "pack", "steps.py"]
    assert "pack" not in sys.modules


def test_a_package_without_init_is_found(signature: Read) -> None:
    assert names(signature("a.b.steps:f", a__b__steps="def f(x): ...")) == ["x"]


def test_a_name_is_followed_through_re_exports(signature: Read) -> None:
    found = signature(
        "pack:f",
        pack__init="from .inner import g as f",
        pack__inner="from .deep import *",
        pack__deep="def g(x: int): ...",
    )

    assert names(found) == ["x"]
    assert found.file.endswith("deep.py")


def test_modules_that_import_a_name_from_each_other_end_the_search(problem: Fail) -> None:
    found = problem("a:f", a="from b import f", b="from a import f")

    assert found.kind is ProblemKind.FUNCTION


def test_star_imports_in_a_ring_end_the_search(problem: Fail) -> None:
    found = problem("a:f", a="from b import *", b="from a import *")

    assert found.kind is ProblemKind.FUNCTION


@pytest.mark.parametrize(
    "text",
    [
        "try:\n    from fast import f\nexcept ImportError:\n    def f(x): ...",
        "def __getattr__(name): ...",
        "globals()['f'] = print",
        "from nowhere import f",
        "def f(x): ...\nfrom nowhere import *",
        "from functools import partial\nf = partial(print, 1)",
        "from time import sleep as f",
        "import numba\n@numba.njit\ndef f(x): ...",
        "for f in (print,): pass",
        "def start():\n    global f\n    f = print",
        "from enum import Enum\nclass f(Enum):\n    A = 1",
        "import torch\nclass f(torch.Module): ...",
    ],
)
def test_what_reading_cannot_tell_is_there_and_unknown(signature: Read, text: str) -> None:
    assert not signature("steps:f", steps=text).is_known


@pytest.mark.parametrize("target", ["math:sqrt", "time:sleep", "os.path:exists", "sys:exit", "zlib:compress"])
def test_modules_without_source_are_known(target: str) -> None:
    assert isinstance(signature_of(target, sys.path), Signature)


def test_an_installed_function_is_read(signature: Read) -> None:
    found = signature_of("json:dumps", sys.path)

    assert isinstance(found, Signature)
    assert "?indent" in names(found)


def test_a_generator_gives_a_list_of_what_it_yields(signature: Read) -> None:
    text = """
        from collections.abc import Iterator
        def f() -> Iterator[int]:
            yield 1
        def g():
            def inner():
                yield 1
    """

    found = signature("steps:f", steps=text)

    assert found.is_generator
    assert found.returns == ListOf(INT)
    assert not signature("steps:g", steps=text).is_generator


def test_an_async_function_says_so(signature: Read) -> None:
    assert signature("steps:f", steps="async  def f(): ...").is_async


def test_a_decorator_that_wraps_everything_keeps_the_signature(signature: Read) -> None:
    text = """
        import functools
        def timed(function):
            @functools.wraps(function)
            def wrapper(*args, **kwargs):
                return function(*args, **kwargs)
            return wrapper
        @timed
        @functools.lru_cache(maxsize=None)
        def f(x): ...
    """

    assert names(signature("steps:f", steps=text)) == ["x"]


def test_the_task_context_is_no_argument(signature: Read) -> None:
    text = "from flowpar import TaskContext\ndef f(x, *, context: TaskContext | None = None): ..."

    found = signature("steps:f", steps=text)

    assert names(found) == ["x"]
    assert found.context == "context"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("f = lambda x, y=1: x", ["x", "?y"]),
        ("def g(x): ...\nf = g", ["x"]),
        ("class f:\n    def __init__(self, x, *, y=2): ...", ["x", "?y"]),
        ("class f: ...", []),
        ("from typing import NamedTuple\nclass f(NamedTuple):\n    x: int\n    y: int = 0", ["x", "?y"]),
    ],
)
def test_other_callables_tell_their_parameters(signature: Read, text: str, expected: list[str]) -> None:
    found = signature("steps:f", steps=text)

    assert found.is_known
    assert names(found) == expected


def test_a_dataclass_asks_for_its_fields_without_default(signature: Read) -> None:
    text = """
        import dataclasses
        @dataclasses.dataclass
        class Base:
            x: int
        @dataclasses.dataclass
        class Book(Base):
            y: list = dataclasses.field(default_factory=list)
            z: int = dataclasses.field(repr=False)
    """

    found = signature("steps:Book", steps=text)

    assert found.is_known
    assert names(found) == ["x", "?y", "z"]


def test_nested_names_are_looked_up(signature: Read, problem: Fail) -> None:
    text = """
        class Model:
            @classmethod
            def load(cls, path): ...
            @staticmethod
            def fit(x): ...
    """

    assert names(signature("steps:Model.load", steps=text)) == ["path"]
    assert names(signature("steps:Model.fit", steps=text)) == ["x"]
    assert problem("steps:Model.lod", steps=text).hint == 'did you mean "load"?'


@pytest.mark.parametrize(
    ("target", "kind", "hint"),
    [
        ("stesp:count", ProblemKind.MODULE, 'did you mean "steps"?'),
        ("pack.wrods:f", ProblemKind.MODULE, 'did you mean "pack.words"?'),
        ("steps:cuont", ProblemKind.FUNCTION, 'did you mean "count"?'),
        ("steps:LIMIT", ProblemKind.NOT_CALLABLE, None),
        ("steps.count", ProblemKind.FORM, 'did you mean "steps:count"?'),
        ("pack/words.py", ProblemKind.FORM, 'a module is named as an import names it: "pack.words:function"'),
        ("", ProblemKind.FORM, None),
        ("steps:", ProblemKind.FORM, None),
        ("steps:count(1)", ProblemKind.FORM, None),
        ("../steps:count", ProblemKind.FORM, None),
    ],
)
def test_what_is_wrong_with_a_target_is_said(problem: Fail, target: str, kind: ProblemKind, hint: str | None) -> None:
    found = problem(target, steps="LIMIT = 5\ndef count(): ...", pack__words="def f(): ...")

    assert (found.kind, found.hint) == (kind, hint)


def test_a_syntax_error_is_shown_at_its_place(problem: Fail) -> None:
    found = problem("steps:f", steps="x = 1\ndef f(:\n")

    assert found.kind is ProblemKind.BROKEN
    assert found.label is not None
    assert (found.label.file[-8:], found.label.span.line, found.label.span.column) == ("steps.py", 2, 7)


@pytest.mark.parametrize("data", [b"\xff\xfe\x00", b"x = '\x00'", b"x = " + b"(" * 5000, b"# coding: nonsense\n"])
def test_a_file_that_is_no_python_is_a_problem_and_no_crash(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "steps.py").write_bytes(data)

    found = signature_of("steps:f", [tmp_path])

    assert isinstance(found, TargetProblem)
    assert found.kind is ProblemKind.BROKEN


def test_an_enum_has_its_members(signature: Read) -> None:
    text = """
        import enum, os
        class Color(enum.Enum):
            RED = "red"
            BOTH = auto()
            ODD = (1, 2)
        class Level(enum.StrEnum):
            LOW = enum.auto()
            HIGH = "high"
        class Rank(enum.IntEnum):
            FIRST = 5
            SECOND = enum.auto()
        class Made(enum.Enum):
            A = 1
            @classmethod
            def _missing_(cls, value): ...
        class Flags(enum.Flag):
            A = 1
        def f(a: Color, b: Level, c: Rank, d: Made, e: Flags, g: 'Unknown'): ...
    """

    found = [p.type for p in signature("steps:f", steps=text).parameters]

    assert found == [
        Enumeration("Color", (("RED", "red"), ("BOTH", None), ("ODD", None))),
        Enumeration("Level", (("LOW", "low"), ("HIGH", "high")), mixin=STR),
        Enumeration("Rank", (("FIRST", 5), ("SECOND", 6)), mixin=INT),
        Enumeration("Made", (("A", 1),), is_open=True, has_fields=True),
        Named("Flags"),
        ANY,
    ]


def test_a_name_from_before_a_star_import_is_known_where_that_does_not_have_it(signature: Read) -> None:
    inner = '__all__ = ["g"]\ndef g(x: str): ...\ndef f(z): ...\n'

    found = signature(
        "pack:f",
        pack__init="from .core import f\nfrom .inner import *\n",
        pack__core="def f(x: int): ...\n",
        pack__inner=inner,
    )

    assert [(p.name, p.type) for p in found.parameters] == [("x", INT)]


@pytest.mark.parametrize(
    ("inner", "shown"),
    [
        ("def f(y: str): ...", ["str"]),
        ("def g(): ...", ["int"]),
        ("__all__ = []\ndef f(y: str): ...", ["int"]),
        ("__all__ = ['f']\ndef f(y: str): ...", ["str"]),
        ("__all__ = []\n__all__ += ['f']\ndef f(y: str): ...", None),
        ("__all__ = []\n__all__.append('f')\ndef f(y: str): ...", None),
        ("if print:\n    def f(y: str): ...\nelse:\n    f = 3", None),
        ("from nowhere import *", None),
        ("globals()['f'] = 3", None),
    ],
)
def test_a_star_import_replaces_the_names_that_it_brings(signature: Read, inner: str, shown: list[str] | None) -> None:
    found = signature("steps:f", steps="def f(x: int): ...\nfrom inner import *\n", inner=inner)

    assert (None if not found.is_known else [show(p.type) for p in found.parameters]) == shown


def test_what_a_star_import_leaves_out_is_not_there(problem: Fail) -> None:
    found = problem("steps:g", steps="from inner import *\n", inner="__all__ = ['f']\ndef f(): ...\ndef g(): ...\n")

    assert found.kind is ProblemKind.FUNCTION


MODELS = """
from dataclasses import dataclass
from typing import Generic, Self, TypeVar

T = TypeVar("T")

class Base:
    @classmethod
    def make(cls, name: str) -> Self: ...
    def renamed(self, name: str) -> "Self": ...

@dataclass
class Child(Base):
    size: int

class Box(Generic[T]):
    def __init__(self, item: T, items: list[T]) -> None: ...

class Ints(Box[int]):
    pass
"""


@pytest.mark.parametrize(
    ("target", "shown"), [("Child.make", "Child"), ("Base.make", "Base"), ("Child.renamed", "Child")]
)
def test_self_is_the_class_by_which_a_method_is_called(signature: Read, target: str, shown: str) -> None:
    assert show(signature(f"steps:{target}", steps=MODELS).returns) == shown


def test_what_a_class_is_made_of_knows_what_stands_for_the_parameters_of_its_base(signature: Read) -> None:
    found = signature("steps:Ints", steps=MODELS)

    assert [p.wanted for p in found.parameters] == ["int", "list[int]"]


def test_a_class_that_inherits_a_method_from_elsewhere_has_it_unknown(signature: Read) -> None:
    steps = "from nowhere import Base\nclass Child(Base): ...\nclass Two(dict, Child): ...\n"

    assert not signature("steps:Child.make", steps=steps).is_known
    assert not signature("steps:Two.make", steps=steps).is_known


def test_an_alias_is_shown_with_what_it_stands_for(signature: Read) -> None:
    steps = """
        from typing import Literal, NewType
        Mode = Literal["a", "b"]
        User = NewType("User", int)
        class Plain: ...
        def f(mode: Mode, user: User, plain: Plain, number: int, modes: list[Mode]): ...
    """

    wanted = [p.wanted for p in signature("steps:f", steps=steps).parameters]

    assert wanted == ["Mode (Literal['a', 'b'])", "User (int)", "Plain", "int", "list[Mode]"]


def test_a_tuple_that_unpacks_another_one_has_any_length(signature: Read) -> None:
    found = signature("steps:f", steps="def f() -> tuple[int, *tuple[str, ...]]: ...\n")

    assert found.returns == ListOf(ANY)


def test_an_enum_of_unique_values_is_one(signature: Read) -> None:
    steps = "import enum\n@enum.unique\nclass Mode(enum.StrEnum):\n    A = enum.auto()\ndef f(mode: Mode): ...\n"

    assert isinstance(signature("steps:f", steps=steps).parameters[0].type, Enumeration)
