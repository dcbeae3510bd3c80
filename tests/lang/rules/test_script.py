"""Scripts: every one that Python takes passes, what it does not take is found, and each line is known by its number."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

import pytest

from flowpar.core.variables import SCRIPT_PLACE, SCRIPT_TEXT
from flowpar.expr.template import Constant
from flowpar.planning.fingerprint import Fingerprints

if TYPE_CHECKING:
    from collections.abc import Callable

    from flowpar.lang.checked import Checked


def workflow(script: str, reader: str = "${{ tasks.a.output }}", arguments: str = "{}") -> str:
    block = textwrap.indent(script, " " * 8)
    return f'tasks:\n  a:\n    python:\n      script: |\n{block}\n    with: {arguments}\noutputs: {{x: "{reader}"}}\n'


@pytest.mark.parametrize(
    "script",
    [
        "output = 1",
        "output: int = 1",
        "x, (output, *_) = 1, (2, 3)",
        "for output in [1]: pass",
        "with open('x') as output: pass",
        "import json as output",
        "from x import *",
        "def output(): pass",
        "class output: pass",
        "(output := 1)",
        "def f():\n    global output\n    output = 1\nf()",
        "match 1:\n    case output: pass",
        "exec('output = 1')",
        "globals()['output'] = 1",
    ],
)
def test_whatever_may_set_the_output_counts(script: str, findings: Callable[..., list[str]]) -> None:
    assert findings(workflow(script)) == []


@pytest.mark.parametrize(
    "script", ["x = output", "def f():\n    output = 1\nf()", "[output for output in [1]]", "x.output = 1"]
)
def test_what_sets_no_output_of_the_script_is_found_where_it_is_read(
    script: str, findings: Callable[..., list[str]]
) -> None:
    assert findings(workflow(script)) == ["5:7 FP725"]
    assert findings(workflow(script, reader="${{ tasks.a.status }}")) == []


def test_an_argument_that_only_a_text_names_is_not_read(findings: Callable[..., list[str]]) -> None:
    assert findings(workflow("output = 'n'", arguments="{n: 1, output: 2}")) == ["7:12 FP726"]
    assert findings(workflow("output = eval('n')", arguments="{n: 1}")) == []
    assert findings(workflow("def f(): return n\noutput = f()", arguments="{n: 1}")) == []


@pytest.mark.parametrize(
    ("body", "lines"),
    [
        ("script: |\n        a = 1\n\n        output = a\n", (6, 7, 8, 9)),
        ('script: "a = 1\\noutput = a"', (5, 5)),
        ("script: >\n        a = 1\n\n        output = a\n", (6, 8, 8)),
        ("script: 'a = 1\n\n        output = a'", (5, 7)),
    ],
)
def test_each_line_of_a_script_is_known_by_its_line_of_the_file(
    body: str, lines: tuple[int, ...], checked: Callable[..., Checked]
) -> None:
    arguments = checked(f"tasks:\n  a:\n    python:\n      {body}\n").tasks["a"].call.arguments

    place = arguments[SCRIPT_PLACE]
    assert isinstance(place, Constant)
    assert isinstance(place.value, tuple)
    assert place.value[0].endswith("/workflow.yaml")
    assert place.value[1] == lines


def test_escaped_braces_are_what_they_stand_for(checked: Callable[..., Checked]) -> None:
    call = checked(workflow("output = '$${{ x }}' + f'{{}}'")).tasks["a"].call

    assert call.arguments[SCRIPT_TEXT] == Constant("output = '${{ x }}' + f'{{}}'\n")


def test_a_script_that_moves_is_the_same_task_and_one_that_changes_another(checked: Callable[..., Checked]) -> None:
    prints = Fingerprints({}, {})
    texts = [workflow("output = 1"), f"# moved\n{workflow('output = 1')}", workflow("output = 2")]
    first, moved, changed = (prints.of(checked(text).tasks["a"]) for text in texts)

    assert first == moved
    assert first != changed
