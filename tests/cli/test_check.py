from __future__ import annotations

import json
from pathlib import Path

import pytest

from flowpar.cli.main import main

SOUND = "flowpar: 1\nname: words\ntasks:\n  a: {shell: echo hi}\n  b: {needs: [a], shell: echo ho}\n"
BROKEN = SOUND.replace("needs: [a]", "needs: [aa]")
WARNED = SOUND.replace("echo hi", "echo hi, max_parallel: 3")


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name, text in {"sound": SOUND, "broken": BROKEN, "warned": WARNED}.items():
        Path(f"{name}.yaml").write_text(text)


pytestmark = pytest.mark.usefixtures("files")


def test_a_sound_workflow_has_no_findings(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "sound.yaml"]) == 0

    assert capsys.readouterr() == ("", "no findings\n")


def test_findings_of_all_files_go_to_stdout_and_their_number_to_stderr(capsys: pytest.CaptureFixture[str]) -> None:
    code = main(["check", "broken.yaml", "sound.yaml", "missing.yaml"])

    out, err = capsys.readouterr()
    assert code == 2
    assert out.startswith('broken.yaml:5:15: error[FP201]: task "b" needs "aa"')
    assert "missing.yaml: error[FP101]" in out
    assert err == "2 errors\n"


def test_a_warning_fails_only_under_strict(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "warned.yaml"]) == 0
    assert main(["check", "--strict", "warned.yaml"]) == 2

    assert capsys.readouterr().err == "1 warning\n1 warning\n"


def test_findings_for_programs_are_json(capsys: pytest.CaptureFixture[str]) -> None:
    code = main(["check", "--format", "json", "broken.yaml"])

    found = json.loads(capsys.readouterr().out)
    assert code == 2
    assert (found["errors"], found["warnings"]) == (1, 0)
    assert (found["findings"][0]["line"], found["findings"][0]["column"]) == (5, 15)


@pytest.mark.parametrize(("form", "start"), [("github", "::error file=broken.yaml,line=5"), ("sarif", "{")])
def test_other_forms_are_known(form: str, start: str, capsys: pytest.CaptureFixture[str]) -> None:
    main(["check", "--format", form, "broken.yaml"])

    assert capsys.readouterr().out.startswith(start)


def test_checking_writes_nothing() -> None:
    before = sorted(Path().rglob("*"))

    main(["check", "sound.yaml", "broken.yaml"])

    assert sorted(Path().rglob("*")) == before


def test_colours_are_used_when_told_to(capsys: pytest.CaptureFixture[str]) -> None:
    main(["check", "--color", "always", "broken.yaml"])
    coloured = capsys.readouterr().out
    main(["check", "broken.yaml"])
    plain = capsys.readouterr().out

    assert "\x1b[" in coloured
    assert "\x1b[" not in plain


def test_a_plan_is_shown_in_order(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["plan", "sound.yaml"]) == 0

    assert capsys.readouterr().out.splitlines() == [
        "words: 2 tasks in 2 layers",
        "",
        "layer  task  kind   executor  needs",
        "-----  ----  -----  --------  -----",
        "    0  a     shell  process",
        "    1  b     shell  process   a",
        "",
        "longest path: a -> b",
    ]


INPUTS = """flowpar: 1
name: items
inputs: {rows: {type: list}}
tasks:
  each: {for_each: "${{ inputs.rows }}", shell: echo}
"""


@pytest.mark.parametrize(
    ("given", "items"), [((), "many"), (("-i", "rows=[1, 2, 3]"), "3"), (("--inputs", "given.yaml"), "2")]
)
def test_a_plan_counts_the_items_of_inputs_that_are_given(
    given: tuple[str, ...], items: str, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("inputs.yaml").write_text(INPUTS)
    Path("given.yaml").write_text("rows: [1, 2]\n")

    assert main(["plan", "inputs.yaml", *given]) == 0

    head, _, row = capsys.readouterr().out.splitlines()[2:5]
    assert head.split() == ["layer", "task", "kind", "executor", "items"]
    assert row.split() == ["0", "each", "shell", "process", items]
    assert not Path(".flowpar").exists()


@pytest.mark.parametrize(
    ("given", "told"), [("rows", "is not of the form name=value"), ("rosw=[]", 'did you mean "rows"?')]
)
def test_a_plan_refuses_inputs_as_a_run_does(given: str, told: str, capsys: pytest.CaptureFixture[str]) -> None:
    Path("inputs.yaml").write_text(INPUTS)

    assert main(["plan", "inputs.yaml", "-i", given]) == 2

    out, err = capsys.readouterr()
    assert out == ""
    assert told in err


def test_a_plan_for_programs_is_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["plan", "--json", "sound.yaml"]) == 0

    plan = json.loads(capsys.readouterr().out)
    assert plan["layers"] == [["a"], ["b"]]
    assert plan["longest_path"] == ["a", "b"]
    assert [task["needs"] for task in plan["tasks"]] == [[], ["a"]]


@pytest.mark.parametrize(
    ("form", "start"), [("ascii", "● a"), ("mermaid", "flowchart TB"), ("dot", 'digraph "words"'), ("svg", "<svg ")]
)
def test_a_graph_is_drawn(form: str, start: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["graph", "--format", form, "sound.yaml"]) == 0

    assert capsys.readouterr().out.startswith(start)


@pytest.mark.parametrize("verb", ["plan", "graph"])
def test_a_broken_workflow_has_neither_plan_nor_graph(verb: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([verb, "broken.yaml"]) == 2

    out, err = capsys.readouterr()
    assert out == ""
    assert "error[FP201]" in err
