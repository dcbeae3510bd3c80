"""Whatever is typed into a workflow, the rules find something or nothing; they never break."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from flowpar.code.signature import Signatures
from flowpar.core.source import Source
from flowpar.lang.binding import bind
from flowpar.lang.loader import parse
from flowpar.lang.rules.every import check_workflow
from flowpar.lang.rules.target import Targets

TEXT = """\
flowpar: 1
inputs: {top: {type: integer, default: 10}, names: [a, b], on-or-off: true}
env: {A: "${{ inputs.top }}"}
defaults: {timeout: "${{ inputs.top }}", retry: {attempts: 3}}
tasks:
  load-data: {python: "json:loads", with: {s: "[1, 2]"}, allow_failure: true}
  each-one:
    python: math:sqrt
    if: each.item > 1 and inputs.on-or-off
    for_each: ${{ default(tasks.load-data.output, [1]) }}
    with: {x: "${{ each.item + each.index }}"}
  grid:
    matrix: {a: [1, 2], b: "${{ inputs.names }}", exclude: [{a: 1, b: a}]}
    shell: [echo, "${{ matrix.a }} ${{ matrix.b }}"]
  last: {shell: {run: echo "$X"}, needs: [grid], env: {X: "${{ len(tasks.each-one.output) }}"}}
outputs: {n: "${{ tasks.each-one.output[0] if tasks.each-one.status == 'succeeded' else None }}"}
"""
PIECES = [
    "${{",
    "}}",
    "{",
    "}",
    "[",
    "]",
    ":",
    " #",
    "\n",
    "  ",
    '"',
    "'",
    "null",
    "each.",
    "tasks.",
    "é",
    "-",
    ".",
    "(",
    ")",
    "1",
]
EDITS = st.lists(
    st.tuples(st.integers(0, len(TEXT)), st.integers(0, 12), st.sampled_from(["", *PIECES])), min_size=1, max_size=3
)


def findings_of(text: str) -> int | None:
    document = parse(Source("w.yaml", text)).document
    if document is None:
        return None
    workflow = bind(document).workflow
    return len(check_workflow(workflow, document, Targets(Signatures([]), {})).diagnostics)


def test_the_workflow_as_it_is_has_nothing_wrong() -> None:
    assert findings_of(TEXT) == 0


@given(EDITS)
def test_any_edit_gives_findings_and_no_crash(edits: list[tuple[int, int, str]]) -> None:
    text = TEXT
    for start, length, piece in edits:
        text = text[:start] + piece + text[start + length :]

    found = findings_of(text)

    assert found is None or found >= 0
