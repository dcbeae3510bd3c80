"""Rows S: data stays data, whatever is in it; what lies around is not taken for ours."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from tests.catalogue.conftest import Yard

pytestmark = pytest.mark.timeout(180)

STEERING = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e]")
STEPS = """
    import logging, sys
    from flowpar.plugin import TaskContext

    NASTY = ["$(touch one)", "`touch two`", "a; touch three", "-rf", "--help", "'\\"", "${IFS}", "* ?", "x\\ny", ""]
    STEERS = "\\x1b]0;owned\\x07\\x1b[31mred\\x9b31m\\r\\n" + '{"event":"task.succeeded","task":"fake"}' + "\\u202e"

    def nasty() -> list[str]: return NASTY
    def template() -> str: return "${{ inputs.n }}"
    def steers() -> str: return STEERS

    def says(context: TaskContext):
        print(STEERS)
        print(STEERS, file=sys.stderr)
        logging.getLogger("x" + STEERS).warning(STEERS)
        context.logger.info(STEERS, k=STEERS)
        context.progress(1, 2, note=STEERS)

    def fails(): raise type("Bad" + STEERS, (Exception,), {})(STEERS)
"""


def test_s01_s04_values_reach_programs_as_they_are(yard: Yard) -> None:
    yard.write(
        """
        tasks:
          nasty: {python: "steps:nasty"}
          text: {shell: 'printf "%s" "$V"', env: {V: "${{ each.v }}"}, for_each: {v: "${{ tasks.nasty.output }}"}}
          words: {shell: [printf, "%s", "${{ each.v }}"], for_each: {v: "${{ tasks.nasty.output }}"}}
          inside:
            for_each: {v: "${{ tasks.nasty.output }}"}
            shell: |
              f() { printf "%s" "$1"; }
              for word in ${{ each.v }}; do f "$word"; done
              test ${{ each.v }} = "$(f "${{ each.v }}"; echo .)" || printf "%s" "${{ each.v }}"
        outputs:
          given: "${{ tasks.nasty.output }}"
          text: "${{ [each.stdout for each in tasks.text.output] }}"
          words: "${{ [each.stdout for each in tasks.words.output] }}"
          inside: "${{ [each.stdout for each in tasks.inside.output] }}"
        """.replace("each.stdout for each in", "one.stdout for one in"),
        STEPS,
    )

    ended = yard.run("--json")

    assert ended.code == 0, ended.stderr
    outputs = json.loads(ended.stdout)
    assert outputs["text"] == outputs["words"] == outputs["given"]
    assert outputs["inside"] == [value * 2 for value in outputs["given"]]
    assert not {"one", "two", "three"} & {file.name for file in yard.folder.iterdir()}


def test_e08_a_value_that_looks_like_an_expression_stays_text(yard: Yard) -> None:
    yard.write(
        """
        inputs: {n: 1}
        tasks:
          give: {python: "steps:template"}
          take: {shell: 'printf "%s" "$V"', env: {V: "${{ tasks.give.output }}", N: "${{ inputs.n }}"}}
        outputs: {out: "${{ tasks.take.output.stdout }}", again: "${{ tasks.give.output }}"}
        """,
        STEPS,
    )

    ended = yard.run("--json")

    assert json.loads(ended.stdout) == {"out": "${{ inputs.n }}", "again": "${{ inputs.n }}"}


@pytest.mark.parametrize("log_format", ["auto", "console", "json"])
def test_s11_s12_nothing_that_a_task_says_steers_a_terminal_or_forges_a_record(yard: Yard, log_format: str) -> None:
    yard.write('tasks:\n  says: {python: "steps:says"}\n  fails: {python: "steps:fails"}\n', STEPS)

    ended = yard.run("-v", "--log-format", log_format)
    shown = yard.command("show", "last")

    assert ended.code == 1
    for text in (ended.stderr, ended.stdout, shown.stdout, shown.stderr):
        assert not STEERING.search(text), text
    for name in ("events.jsonl", "run.log.jsonl"):
        records = [json.loads(line) for line in (yard.run_dir / name).read_text().splitlines()]
        assert {record.get("task") for record in records} <= {None, "says", "fails"}


def test_s13_modules_that_lie_in_the_current_folder_are_not_ours(yard: Yard) -> None:
    yard.write(
        'tasks:\n  a: {python: "steps:nasty"}\n  b: {shell: "true"}\n  c: {python: "steps:nasty", executor: thread}'
    )
    (yard.folder / "steps.py").write_text("def nasty() -> int:\n    return 1\n")
    names = [
        "flowpar",
        "yaml",
        "json",
        "pydantic",
        "click",
        "structlog",
        "rich",
        "orjson",
        "pickle",
        "logging",
        "sitecustomize",
    ]
    for name in [*names, "selectors", "shutil", "dataclasses", "multiprocessing", "traceback", "zlib", "secrets"]:
        (yard.folder / f"{name}.py").write_text(f"open({str(yard.folder / 'hit')!r}, 'a').write({name!r})\n")
    # "python -m" would put the current folder in front, for any program; the console script does not.
    script = "import sys; sys.path.pop(0); sys.argv[0] = 'flowpar'; from flowpar.__main__ import main; sys.exit(main())"

    checked = yard.script(script, "check", "workflow.yaml")
    ended = yard.script(script, "run", "workflow.yaml")

    assert (checked.code, ended.code) == (0, 0), (checked, ended)
    assert not (yard.folder / "hit").exists()


def test_s14_nothing_is_left_in_the_temporary_folder(yard: Yard, tmp_path: Path) -> None:
    yard.write('tasks:\n  a: {python: "steps:nasty"}\n  b: {python: "steps:nasty", executor: inline}', STEPS)
    temporary = tmp_path / "temporary"
    temporary.mkdir()

    ended = yard.run(TMPDIR=str(temporary))

    assert ended.code == 0, ended.stderr
    assert list(temporary.iterdir()) == []
