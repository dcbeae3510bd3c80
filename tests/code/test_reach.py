"""What a function reaches in a project, read from sources."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

import pytest

from flowpar.code.library import Library
from flowpar.code.problem import ProblemKind, TargetProblem
from flowpar.code.reach import Reached, Reaches

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@pytest.fixture
def project(tmp_path: Path) -> Callable[..., Reaches]:
    """Return a function that writes files (`__` in a name stands for `/`) and reads them anew."""

    def project(**files: str) -> Reaches:
        for name, text in files.items():
            path = tmp_path / (name.replace("__", "/").replace("/init", "/__init__") + ".py")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(textwrap.dedent(text))
        return Reaches(Library([tmp_path]))

    return project


def names(reached: Reached | TargetProblem) -> list[str]:
    assert isinstance(reached, Reached), reached
    return [part.name for part in reached.parts]


def test_a_function_reaches_what_it_names_through_imports_of_all_kinds(project: Callable[..., Reaches]) -> None:
    reaches = project(
        steps="""
            import lib
            import lib.rates as rates
            from lib.names import first as one

            def run(x):
                from lib.late import late
                return one(x) + rates.RATE + lib.deep.inner.VALUE + late()

            def other():
                return one
        """,
        lib__init="",
        lib__names="from .others import first\n",
        lib__others="def first(x): return SECOND + x\nSECOND = 2\nTHIRD = 3\n",
        lib__rates="RATE = 3\nUNUSED = 4\n",
        lib__deep__init="from . import inner\n",
        lib__deep__inner="VALUE = 1\n",
        lib__late="def late(): return 1\n",
    )

    assert names(reaches.of("steps:run")) == [
        "lib.deep.inner:VALUE",
        "lib.late:late",
        "lib.others:SECOND",
        "lib.others:first",
        "lib.rates:RATE",
        "steps:run",
    ]


def test_each_part_has_its_kind_its_file_and_its_line(project: Callable[..., Reaches]) -> None:
    reaches = project(steps="RATE = 3\n\nclass Row: pass\n\ndef run(x): return Row() if x else RATE\n")

    reached = reaches.of("steps:run")

    assert isinstance(reached, Reached)
    assert [(part.kind, part.name, part.path, part.line) for part in reached.parts] == [
        ("constant", "steps:RATE", "steps.py", 1),
        ("class", "steps:Row", "steps.py", 3),
        ("function", "steps:run", "steps.py", 5),
    ]


def test_what_a_registry_holds_is_reached(project: Callable[..., Reaches]) -> None:
    reaches = project(
        steps="""
            TABLE = {}

            def register(name):
                def keep(function):
                    TABLE[name] = function
                    return function
                return keep

            @register("a")
            def first(x): return x + 1

            def unrelated(): return 1

            def run(name): return TABLE[name](1)
        """,
    )

    assert names(reaches.of("steps:run")) == ["steps:TABLE", "steps:first", "steps:register", "steps:run"]


def test_a_statement_that_acts_counts_for_all_who_import_its_module(project: Callable[..., Reaches]) -> None:
    reaches = project(
        steps="import lib.seeded\nimport lib.quiet\ndef run(): return 1\n",
        lib__init="",
        lib__seeded="import random\nrandom.seed(3)\n",
        lib__quiet="VALUE = 3\n",
    )

    assert names(reaches.of("steps:run")) == ["lib.seeded", "steps:run"]


def test_where_names_are_made_at_run_time_all_of_a_module_counts_and_a_note_says_so(
    project: Callable[..., Reaches],
) -> None:
    reaches = project(
        steps="import lib\n\ndef run(name):\n    return getattr(lib, name)()\n", lib="def one(): return 1\nTWO = 2\n"
    )

    reached = reaches.of("steps:run")

    assert names(reached) == ["lib:TWO", "lib:one", "steps:run"]
    assert isinstance(reached, Reached)
    assert reached.notes == ('steps.py:4: "lib" may be anything of module "lib", so all of that counts',)


def test_recursion_through_modules_ends(project: Callable[..., Reaches]) -> None:
    reaches = project(
        one="from two import odd\n\ndef even(n): return n == 0 or odd(n - 1)\n",
        two="import one\n\ndef odd(n): return n != 0 and one.even(n - 1)\n",
    )

    assert names(reaches.of("one:even")) == names(reaches.of("two:odd")) == ["one:even", "two:odd"]


def test_a_function_made_at_run_time_is_a_problem(project: Callable[..., Reaches]) -> None:
    problem = project(steps='exec("def run(): return 1")\n').of("steps:run")

    assert isinstance(problem, TargetProblem)
    assert problem.kind is ProblemKind.NO_SOURCE


def test_a_script_reaches_what_it_imports(project: Callable[..., Reaches]) -> None:
    reaches = project(lib="def one(): return TWO\nTWO = 2\nTHREE = 3\n")

    assert names(reaches.of_text("from lib import one\noutput = one() + x\n")) == [
        "<script>:output",
        "lib:TWO",
        "lib:one",
    ]
