"""Mistakes between YAML and Python are found before anything runs, with both places, and nothing is imported."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from flowpar.lang.checked import Checked

    Find = Callable[..., list[str]]

RAISES = 'raise RuntimeError("this module was imported")\n'
BAD = """\
    from __future__ import annotations
    from collections import namedtuple
    from dataclasses import dataclass, field
    from enum import Enum, IntEnum, StrEnum, auto
    from pathlib import Path
    from typing import Literal, NamedTuple, NotRequired, TypedDict

    @dataclass
    class Inner:
        depth: int
        label: str = ""

    @dataclass(kw_only=True)
    class Report:
        inner: Inner
        maybe: Inner | None = None
        rows: list[Inner] = field(default_factory=list)

    class Row(TypedDict):
        id: int
        note: NotRequired[str]

    class Point(NamedTuple):
        x: int
        name: str

    Place = namedtuple("Place", ["lat", "lon"])

    class Color(Enum):
        RED = "red"
        GREEN = "green"

    class Level(StrEnum):
        LOW = auto()
        HIGH = auto()

    class Rank(IntEnum):
        FIRST = 1
        SECOND = auto()

    def report() -> Report: ...
    def reports() -> list[Report]: ...
    def row() -> Row: ...
    def point() -> Point: ...
    def place() -> Place: ...
    def color() -> Color: ...
    def level() -> Level: ...
    def rank() -> Rank: ...
    def maybe() -> Inner | None: ...
    def names() -> list[str]: ...
    def five(count: int, name: str, rate: float, folder: Path, flag: bool) -> int: ...
    def total(numbers: list[int]) -> int: ...
    def run(mode: Literal["fast", "exact"]) -> None: ...
    def paint(color: Color) -> None: ...
    def store(row: Row) -> None: ...
    def number(n: int) -> int: ...
    def numbers(items: list[Inner]) -> int: ...
    """
STEPS = RAISES + textwrap.dedent(BAD)
SOURCES = (
    "report", "reports", "row", "point", "place", "color", "level", "rank", "maybe", "names",
)  # fmt: skip


def workflow(target: str, name: str, value: str) -> str:
    """Return a workflow in which a task is given what an expression makes of the others' outputs."""
    sources = "".join(f'  {task}: {{python: "steps:{task}"}}\n' for task in SOURCES)
    use = f"  use:\n    python: steps:{target}\n    with:\n      {name}: >-\n        ${{{{ {value} }}}}\n"
    return f"tasks:\n{sources}{use}"


def test_all_of_them_are_reported_at_once_with_both_places(checked: Callable[..., Checked]) -> None:
    found = checked(
        """
        tasks:
          report: {python: "steps:report"}
          names: {python: "steps:names"}
          five:
            python: steps:five
            with: {count: many, name: 3, rate: fast, folder: 4, flag: "yes"}
          one: {python: "steps:number", with: {n: "${{ tasks.report.output.iner.depth }}"}}
          two: {python: "steps:number", with: {n: "${{ tasks.report.output.inner.dpth }}"}}
          three: {python: "steps:number", with: {n: "${{ len(tasks.report.output.row) }}"}}
          total: {python: "steps:total", with: {numbers: "${{ tasks.names.output }}"}}
        """,
        steps=STEPS,
    ).diagnostics

    told = list(found)
    lines = STEPS.splitlines()
    seconds = [lines[finding.labels[0].span.line - 1].strip() for finding in told]
    assert [finding.code for finding in told] == [*["FP408"] * 5, *["FP308"] * 3, "FP408"]
    assert all(label.file.endswith("steps.py") for finding in told for label in finding.labels)
    assert all(line.startswith("def five") for line in seconds[:5])
    assert seconds[5:] == [
        "inner: Inner",
        "depth: int",
        "rows: list[Inner] = field(default_factory=list)",
        "def total(numbers: list[int]) -> int: ...",
    ]
    assert [finding.hint for finding in told[5:8]] == [f'did you mean "{name}"?' for name in ("inner", "depth", "rows")]


@pytest.mark.parametrize(
    ("target", "name", "value", "wanted"),
    [
        ("number", "n", "tasks.report.output.inner.dpth", 'Inner has no field "dpth"; did you mean "depth"?'),
        ("number", "n", "tasks.reports.output[0].rows[0].dpth", 'Inner has no field "dpth"; did you mean "depth"?'),
        ("number", "n", "tasks.row.output.idd", 'Row has no key "idd"; did you mean "id"?'),
        ("number", "n", 'tasks.row.output["idd"]', 'Row has no key "idd"; did you mean "id"?'),
        ("number", "n", "tasks.point.output[2]", "Point has 2 items, and none at 2"),
        ("number", "n", "tasks.point.output[1]", 'parameter "n" of "steps:number" wants int, this is str'),
        ("number", "n", "tasks.place.output.latt", 'Place has no field "latt"; did you mean "lat"?'),
        ("number", "n", "tasks.color.output.valu", 'Color has no field "valu"; did you mean "value"?'),
        (
            "number",
            "n",
            "tasks.maybe.output.depth",
            (
                'tasks.maybe.output may be None, which has no field "depth"; '
                "write default(tasks.maybe.output.depth, …), or ask first: tasks.maybe.output is not None"
            ),
        ),
        (
            "number",
            "n",
            "len(tasks.row.output.note)",
            (
                'the key "note" of Row may be missing; '
                'write default(tasks.row.output.note, …), or ask first: "note" in tasks.row.output'
            ),
        ),
        (
            "numbers",
            "items",
            "[tasks.maybe.output]",
            (
                'parameter "items" of "steps:numbers" wants list[Inner], this is list[Inner | None]; '
                "an item may be None: leave those out by [x for x in … if x is not None]"
            ),
        ),
        (
            "run",
            "mode",
            "'quick'",
            'parameter "mode" of "steps:run" wants Literal[\'fast\', \'exact\'], this is the text "quick"',
        ),
        (
            "paint",
            "color",
            "'blue'",
            'parameter "color" of "steps:paint" wants Color, this is the text "blue"; its values are red, green',
        ),
        (
            "store",
            "row",
            "{'note': 'x'}",
            'parameter "row" of "steps:store" wants Row, this is dict; its key "id" is missing',
        ),
        (
            "store",
            "row",
            "{'id': 1, 'nte': 'x'}",
            'parameter "row" of "steps:store" wants Row, this is dict; Row has no key "nte"; did you mean "note"?',
        ),
        (
            "store",
            "row",
            "{'id': 'x'}",
            'parameter "row" of "steps:store" wants Row, this is dict; its key "id" is the text "x", not int',
        ),
    ],
)
def test_a_wrong_value_is_found_through_chains(messages: Find, target: str, name: str, value: str, wanted: str) -> None:
    assert messages(workflow(target, name, value), steps=STEPS) == [wanted]


@pytest.mark.parametrize(
    ("target", "name", "value"),
    [
        ("number", "n", "default(tasks.maybe.output.depth, 0)"),
        ("number", "n", "tasks.maybe.output.depth if tasks.maybe.output is not None else 0"),
        ("number", "n", "0 if tasks.maybe.output is None else tasks.maybe.output.depth"),
        ("number", "n", "1 if tasks.maybe.output and tasks.maybe.output.depth > 2 else 0"),
        ("number", "n", "len(tasks.row.output.note) if 'note' in tasks.row.output else 0"),
        ("number", "n", "sum(x.maybe.depth for x in tasks.reports.output if x.maybe is not None)"),
        ("numbers", "items", "[x for x in [tasks.maybe.output] if x is not None]"),
        ("numbers", "items", "[x.inner for x in tasks.reports.output]"),
        ("number", "n", "tasks.point.output[-2]"),
        ("number", "n", "tasks.rank.output"),
        ("number", "n", "tasks.place.output[0]"),
        ("run", "mode", "'fast'"),
        ("paint", "color", "'red'"),
        ("paint", "color", "'RED'"),
        ("paint", "color", "tasks.color.output"),
        ("paint", "color", "tasks.level.output"),
        ("store", "row", "{'id': 1}"),
        ("store", "row", "tasks.row.output"),
    ],
)
def test_what_may_be_right_is_let_through(messages: Find, target: str, name: str, value: str) -> None:
    assert messages(workflow(target, name, value), steps=STEPS) == []


@pytest.mark.parametrize(
    ("condition", "wanted"),
    [
        ("tasks.color.output == 'red'", "Color and str are never equal; compare the member's value, ….value, or "),
        ("tasks.color.output.value == 'blue'", 'the value is never "blue"; it is one of red, green'),
        ("tasks.color.output.name == 'red'", 'the value is never "red"; did you mean "RED"?'),
        ("tasks.level.output == 'loww'", 'the value is never "loww"; did you mean "low"?'),
        ("tasks.rank.output == 3", "the value is never 3; it is one of 1, 2"),
        ("tasks.level.output in ['high', 'none']", 'the value is never "none"; it is one of low, high'),
    ],
)
def test_an_enum_never_is_what_it_has_no_member_for(messages: Find, condition: str, wanted: str) -> None:
    sources = "".join(f'  {task}: {{python: "steps:{task}"}}\n' for task in ("color", "level", "rank"))

    [found] = messages(f'tasks:\n{sources}  use: {{if: "{condition}", shell: echo}}\n', steps=STEPS)

    assert found.startswith(wanted)


def test_the_condition_of_a_task_holds_in_all_of_it(messages: Find) -> None:
    found = messages(
        """
        tasks:
          maybe: {python: "steps:maybe"}
          use:
            if: tasks.maybe.output is not None and tasks.maybe.output.depth > 1
            python: steps:numbers
            with: {items: ["${{ tasks.maybe.output }}"]}
            env: {DEPTH: "${{ tasks.maybe.output.depth }}"}
        """,
        steps=STEPS,
    )

    assert found == []


@pytest.mark.parametrize(
    ("keys", "shown"),
    [
        ("on_item_error: collect", "list[int | None]"),
        ('if: "each.item > 1"', "list[int | None]"),
        ("max_parallel: 2", None),
    ],
)
def test_the_list_of_a_fan_out_has_gaps_where_items_may_be_left_out(
    messages: Find, keys: str, shown: str | None
) -> None:
    found = messages(
        f"""
        tasks:
          each:
            for_each: [1, 2]
            python: steps:number
            {keys}
            with: {{n: "${{{{ each.item }}}}"}}
          total: {{python: "steps:total", with: {{numbers: "${{{{ tasks.each.output }}}}"}}}}
        """,
        steps=STEPS,
    )

    told = f'parameter "numbers" of "steps:total" wants list[int], this is {shown}; an item may be None: leave those '
    assert [one.partition("out by")[0] for one in found] == ([] if shown is None else [told])


def test_the_items_of_a_list_and_the_axes_of_a_matrix_have_their_types(messages: Find) -> None:
    found = messages(
        """
        tasks:
          reports: {python: "steps:reports"}
          each:
            for_each: ${{ tasks.reports.output }}
            python: steps:number
            with: {n: "${{ each.item.inner.labl }}"}
          named:
            for_each: {report: "${{ tasks.reports.output }}", n: [a, b]}
            python: steps:number
            with: {n: "${{ each.n }}"}
          grid:
            matrix: {lr: [0.1, 0.2], depth: [1, 2]}
            python: steps:number
            with: {n: "${{ matrix.lr }}"}
          total: {python: "steps:total", with: {numbers: "${{ tasks.each.output[0] }}"}}
        """,
        steps=STEPS,
    )

    assert found == [
        'Inner has no field "labl"; did you mean "label"?',
        'parameter "n" of "steps:number" wants int, this is str',
        'parameter "n" of "steps:number" wants int, this is float',
        'parameter "numbers" of "steps:total" wants list[int], this is int; write [ ] around it for a list of one',
    ]


def test_where_a_value_comes_from_is_shown_too(checked: Callable[..., Checked]) -> None:
    found = checked(
        """
        tasks:
          names: {python: "steps:names"}
          reports: {python: "steps:reports"}
          maybe: {python: "steps:maybe"}
          total: {python: "steps:total", with: {numbers: "${{ tasks.names.output }}"}}
          one: {python: "steps:number", with: {n: "${{ tasks.maybe.output.depth }}"}}
          two: {python: "steps:number", with: {n: "${{ tasks.reports.output[0].maybe.depth }}"}}
        """,
        steps=STEPS,
    ).diagnostics

    lines = STEPS.splitlines()
    assert [[lines[label.span.line - 1].strip() for label in one.labels] for one in found] == [
        ["def total(numbers: list[int]) -> int: ...", "def names() -> list[str]: ..."],
        ["def maybe() -> Inner | None: ..."],
        ["maybe: Inner | None = None"],
    ]


def test_an_axis_has_the_types_of_its_values_and_of_whole_combinations(messages: Find) -> None:
    found = messages(
        """
        tasks:
          grid:
            matrix:
              depth: [1, 2]
              include: [{depth: deep}]
            python: steps:number
            with: {n: "${{ matrix.depth }}"}
          alone:
            matrix:
              include: [{depth: 1}, {depth: 2}]
            python: steps:number
            with: {n: "${{ matrix.depth }}"}
        """,
        steps=STEPS,
    )

    assert found == ['parameter "n" of "steps:number" wants int, this is int | str']


MODE = "Literal['fast', 'exact']"
DETAILED = """
from __future__ import annotations
import datetime as dt
from typing import Literal

Mode = Literal["fast", "exact"]

def modes(modes: list[Mode]): ...
def sizes(sizes: dict[str, list[int]]): ...
def numbered(names: dict[int, str]): ...
def times(at: dt.datetime, day: dt.date | None = None): ...
def pair(pair: tuple[int, str]): ...
def options(**options: int): ...
def one_or_many(one: int | list[int] | None): ...
def one(n: int): ...
def flagged(flag: bool = False): ...
def maybe(mode: Mode | None = None): ...
"""


@pytest.mark.parametrize(
    ("call", "value", "told"),
    [
        ("modes:modes", "[fast, exct]", f'one of its items is the text "exct", not {MODE}; did you mean "exact"?'),
        ("sizes:sizes", "{a: [1], b: [1, x]}", 'its key "b": one of its items is the text "x", not int'),
        ("numbered:names", "{1: a}", "the keys of a mapping in YAML are always text"),
        ("times:at", "yesterday", "write it in ISO form, such as 2024-05-01T12:30:00Z"),
        ("times:at", "2024-05-01T12:30", None),
        ("times:at", "2024-05-01", None),
        ("one_or_many:one", "[1, x]", 'one of its items is the text "x", not int'),
        ("one_or_many:one", "[1, 2]", None),
        ("options:x", "3", None),
        ("one:n", "[1, 2]", "one item of such a list would do: with a for_each the task runs for each of them"),
        ("modes:modes", "fast", "write [ ] around it for a list of one"),
        ("flagged:flag", '"yes"', "write true"),
        ("flagged:flag", "0", "write false"),
        ("flagged:flag", "maybe", ""),
        ("maybe:mode", "exct", 'did you mean "exact"?'),
    ],
)  # fmt: skip
def test_the_part_that_does_not_fit_is_told(messages: Find, call: str, value: str, told: str | None) -> None:
    function, _, name = call.partition(":")

    found = messages(f"tasks:\n  t: {{python: 'steps:{function}', with: {{{name}: {value}}}}}\n", steps=DETAILED)

    assert [one.partition("; ")[2] for one in found] == ([] if told is None else [told])


def test_what_goes_into_keywords_has_their_type(messages: Find) -> None:
    found = messages("tasks:\n  t: {python: 'steps:options', with: {x: many}}\n", steps=DETAILED)

    assert found == ['"x" as one of "**options" of "steps:options" wants int, this is the text "many"']
