from __future__ import annotations

import json
from typing import TYPE_CHECKING

from jsonschema import Draft202012Validator  # type: ignore[import-untyped]

from flowpar.cli.main import main

if TYPE_CHECKING:
    from pathlib import Path

    import pytest


def test_plugins_lists_the_built_in_kinds(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["plugins"]) == 0

    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == ["kind", "is", "from", "function", "usable"]
    assert [line.split()[0] for line in lines[2:4]] == ["python", "shell"]


def test_plugins_lists_for_programs(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["plugins", "--json"]) == 0

    listed = json.loads(capsys.readouterr().out)
    assert {"kind", "target", "distribution", "version", "problem"} <= set(listed[0])


def test_the_schema_for_a_file_that_is_not_there_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["schema", str(tmp_path / "gone.yaml")]) == 2

    said = capsys.readouterr()
    assert said.out == ""
    assert "gone.yaml: the file can't be read: no such file or directory" in said.err


def test_the_schema_is_one_and_knows_the_files_of_a_workflow(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "kinds.py").write_text(
        "from flowpar.plugin import task_type\n\n\n"
        "@task_type()\ndef greet(name: str, *, times: int = 1) -> str:\n    return name * times\n"
    )
    workflow = tmp_path / "workflow.yaml"
    workflow.write_text("flowpar: 1\nplugins: [./kinds.py]\ntasks:\n  a:\n    greet: you\n")

    assert main(["schema"]) == 0
    plain = json.loads(capsys.readouterr().out)
    assert main(["schema", str(workflow)]) == 0
    extended = json.loads(capsys.readouterr().out)

    Draft202012Validator.check_schema(plain)
    kinds = {name: set(schema["$defs"]["task"]["properties"]) for name, schema in (("p", plain), ("e", extended))}
    assert {"python", "shell"} <= kinds["p"]
    assert kinds["e"] - kinds["p"] == {"greet"}
