"""What a function reaches in a project, read from sources."""

from __future__ import annotations

import textwrap
from dataclasses import replace
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
        "<script>",
        "<script>:output",
        "lib:TWO",
        "lib:one",
    ]


def test_a_constant_three_imports_away_changes_exactly_what_reaches_it(project: Callable[..., Reaches]) -> None:
    steps = "from one import near\n\ndef with_it(): return near()\n\ndef without(): return 1\n"
    files = {
        "steps": steps,
        "one": "import two\n\ndef near(): return two.b()\n",
        "two": "from three import c as b\n",
        "three": "RATE = 3\nOTHER = 4\n\ndef c(): return RATE\n\ndef d(): return OTHER\n",
    }
    before = project(**files)
    known = {target: before.of(target) for target in ("steps:with_it", "steps:without", "one:near", "three:d")}

    after = project(three=files["three"].replace("RATE = 3", "RATE = 5"))

    changed = {target for target, reached in known.items() if digest(after.of(target)) != digest(reached)}
    assert changed == {"steps:with_it", "one:near"}


def test_the_digest_is_the_same_in_every_checkout_and_process(project: Callable[..., Reaches], tmp_path: Path) -> None:
    text = "KINDS = {'a', 'b'}\n\ndef run(rows):\n    seen = set(rows)\n    return seen | KINDS\n"
    other = tmp_path / "elsewhere"
    other.mkdir()
    (other / "steps.py").write_text(text)

    here = project(steps=text).of("steps:run")

    there = Reaches(Library([other])).of("steps:run")
    assert isinstance(here, Reached)
    assert isinstance(there, Reached)
    assert replace(here, files=()) == replace(there, files=())
    assert [file for file, _ in here.files] == [str(tmp_path / "steps.py")]
    assert here.digest == "5f4d9bef71892389"  # as in any other process, and in any other version of Python


def test_a_note_tells_who_asks_for_the_time(project: Callable[..., Reaches]) -> None:
    reaches = project(
        steps="from datetime import datetime\nimport time as t\n\ndef run():\n    return datetime.now(), t.time()\n"
    )

    reached = reaches.of("steps:run")

    assert isinstance(reached, Reached)
    assert reached.notes == (
        'steps.py:5: "datetime.now" asks for the time, which no key knows',
        'steps.py:5: "t.time" asks for the time, which no key knows',
    )


def digest(reached: Reached | TargetProblem) -> str:
    assert isinstance(reached, Reached), reached
    return reached.digest


@pytest.mark.parametrize(
    ("use", "counts"),
    [
        ("import agents\nTOOL = agents.Tool(call)\n", True),
        ("import agents\nTOOL = agents.Tool([call])\n", True),
        ("def wrap(f): return agents.Tool(f)\nimport agents\nTOOL = wrap(call)\n", True),
        ("import agents\nTOOL = agents.Tool(call(1))\n", False),
        ("from functools import partial\nTOOL = partial(call, 1)\n", False),
        ("TOOL = sorted([1], key=call)\n", False),
        ("def wrap(f): return f(1)\nTOOL = wrap(call)\n", False),
    ],
)
@pytest.mark.parametrize("edit", [("x: int", "x: str"), ("One.", "Two.")])
def test_annotations_and_docstrings_count_of_what_is_given_to_packages(
    project: Callable[..., Reaches], use: str, *, counts: bool, edit: tuple[str, str]
) -> None:
    text = f'def call(x: int):\n    """One."""\n    return x\n{use}\ndef run(): return TOOL\n'

    before = digest(project(steps=text).of("steps:run"))
    after = digest(project(steps=text.replace(*edit)).of("steps:run"))

    assert (before != after) == counts


def test_a_constant_counts_only_where_it_is_reached_though_tables_are_made_of_tables(
    project: Callable[..., Reaches],
) -> None:
    reaches = project(
        steps="""
            import logging, os
            from pathlib import Path
            from lib import NAMES, load, retry, settings

            logger = logging.getLogger(__name__)
            BASE = Path(__file__).resolve().parent
            DATA = BASE / "data" / os.environ.get("X", "y")
            RATES = {"a": 1, "b": 2}
            LIMITS = {**RATES, "c": 3}
            COLUMNS = [name.upper() for name in NAMES]
            FROM_LIB = settings.rate * 2
            LOADED = load("x")
            PER = {name: rate * 2 for name, rate in RATES.items()}

            @retry(times=3)
            def one(x): return RATES[x]

            @retry(times=4)
            def two(x): return LIMITS[x]

            def three(): return DATA

            def four(): return COLUMNS, logger.info("x")
        """,
        lib="""
            from dataclasses import dataclass

            NAMES = ["a", "b"]
            DEFAULTS = {"times": 3}

            @dataclass
            class Settings:
                rate: float = 1.0

            settings = Settings()

            def load(name):
                rows = []
                for each in NAMES:
                    rows.append(each)
                return rows

            def retry(times):
                limit = times or DEFAULTS["times"]
                def wrap(f):
                    def inner(*given): return f(*given)
                    return inner
                return wrap
        """,
    )

    assert names(reaches.of("steps:one")) == ["lib:DEFAULTS", "lib:retry", "steps:RATES", "steps:one"]
    assert names(reaches.of("steps:two")) == ["lib:DEFAULTS", "lib:retry", "steps:LIMITS", "steps:RATES", "steps:two"]
    assert names(reaches.of("steps:three")) == ["steps:BASE", "steps:DATA", "steps:three"]
    assert names(reaches.of("steps:four")) == ["lib:NAMES", "steps:COLUMNS", "steps:four", "steps:logger"]


def test_scripts_count_by_their_meaning_each_for_itself(project: Callable[..., Reaches]) -> None:
    reaches = project(lib="RATE = 3\n")
    first = "from lib import RATE\noutput = rows[0] * RATE\n"

    known = {
        text: digest(reaches.of_text(text))
        for text in (
            first,
            "# why\nfrom lib import RATE\n\noutput = (rows[0]\n  * RATE)  # a price\n",
            first.replace("0", "1"),
            first + "rows.append(1)\n",
            first + "rows[0] = 2\n",
            first + "if __name__ == '__main__':\n    output = 2\n",
            first.replace("* RATE", "* RATE + 0"),
            "output = 1\n",
        )
    }
    values = list(known.values())

    assert values[0] == values[1]
    assert len({*values[1:]}) == len(values) - 1
    assert digest(project(lib="RATE = 4\n").of_text(first)) != values[0]


def test_a_script_whose_docstrings_count_is_read_as_well(project: Callable[..., Reaches]) -> None:
    reaches = project()
    text = 'def call():\n    """One."""\noutput = call.__doc__\n'

    assert digest(reaches.of_text(text)) != digest(reaches.of_text(text.replace("One", "Two")))
    assert digest(reaches.of_text("output = 1\n")) != digest(reaches.of_text("output = 2\n"))


def test_an_installed_module_without_a_distribution_counts_by_its_content(
    project: Callable[..., Reaches], tmp_path: Path
) -> None:
    project(steps="import vend\n\ndef run(): return vend.RATE\n")
    layer = tmp_path / "site-packages"
    layer.mkdir()
    seen = []
    for text in ("RATE = 1\n", "RATE = 1\n", "RATE = 2\n"):
        (layer / "vend.py").write_text(text)
        reached = Reaches(Library([tmp_path, layer])).of("steps:run")
        assert isinstance(reached, Reached)
        seen.append(reached.distributions)

    assert seen[0] == seen[1] != seen[2]
    assert [name for name, _ in seen[0]] == ["module vend"]


def test_subclasses_of_any_module_count_where_a_class_is_asked_for_them(project: Callable[..., Reaches]) -> None:
    reaches = project(
        base="class Step: pass\n\nclass Other: pass\n\ndef known(): return Step.__subclasses__()\n",
        more="from base import Step\n\nclass Double(Step): factor = 2\n",
        steps="import more\nfrom base import known\n\ndef run(): return known()\n",
    )

    assert names(reaches.of("steps:run")) == ["base:Other", "base:Step", "base:known", "more:Double", "steps:run"]


@pytest.mark.parametrize("home", ["site-packages/vend.py", "site-packages/vend/__init__.py"])
def test_which_name_of_an_installed_package_stands_under_another_name_counts(
    project: Callable[..., Reaches], tmp_path: Path, home: str
) -> None:
    (tmp_path / home).parent.mkdir(parents=True)
    (tmp_path / home).write_text("def low(): return 1\ndef high(): return 2\n")
    lib = "from vend import low as rate\n"
    seen = []
    for text in (lib, f"# as ever\n{lib}", lib.replace("low", "high")):
        project(steps="from lib import rate\n\ndef run(): return rate()\n", lib=text)
        seen.append(digest(Reaches(Library([tmp_path, tmp_path / "site-packages"])).of("steps:run")))

    assert seen[0] == seen[1] != seen[2]


def test_a_note_tells_who_puts_a_folder_into_the_path_that_nobody_knows(project: Callable[..., Reaches]) -> None:
    reaches = project(steps="import os, sys\n\nsys.path.insert(0, os.environ['LIBS'])\n\ndef run(): return 1\n")

    reached = reaches.of("steps:run")

    assert isinstance(reached, Reached)
    assert reached.notes == (
        "steps.py:3: reading can't tell which folder is added to sys.path; name what is imported from there by version",
    )
