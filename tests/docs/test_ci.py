"""The snippets of docs/ci.md are what they say, and their commands find what is wrong."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import jsonschema  # type: ignore[import-untyped]  # no stubs among the dependencies
import pytest
import yaml

from flowpar.testing.page import blocks

PROJECT = Path(__file__).parents[2]
PAGE = PROJECT / "docs" / "ci.md"
SHOWN = {block.name: block.text for block in blocks(PAGE.read_text(encoding="utf-8")) if block.name}
ACTIONS = [name for name in SHOWN if name.startswith(".github/")]
SOUND = "flowpar: 1\ntasks: {load: {shell: echo loaded}}\n"
WRONG = "flowpar: 1\ntasks: {clean: {shell: echo, needs: [laod, '50%, done']}}\n"
# What SARIF 2.1.0 says of the properties that are written.
TEXT = {
    "type": "object",
    "required": ["text"],
    "properties": {"text": {"type": "string"}},
    "additionalProperties": False,
}
NUMBER = {"type": "integer", "minimum": 1}
PLACE = {
    "type": "object",
    "properties": {
        "artifactLocation": {"type": "object", "properties": {"uri": {"type": "string", "format": "uri-reference"}}},
        "region": {
            "type": "object",
            "properties": dict.fromkeys(("startLine", "startColumn", "endLine", "endColumn"), NUMBER),
            "additionalProperties": False,
        },
    },
    "additionalProperties": False,
}
LOCATIONS = {
    "type": "array",
    "items": {
        "type": "object",
        "properties": {"physicalLocation": PLACE, "message": TEXT},
        "additionalProperties": False,
    },
}
RESULT = {
    "type": "object",
    "required": ["message"],
    "properties": {
        "ruleId": {"type": "string"},
        "ruleIndex": {"type": "integer", "minimum": -1},
        "level": {"enum": ["none", "note", "warning", "error"]},
        "message": TEXT,
        "locations": LOCATIONS,
        "relatedLocations": {**LOCATIONS, "uniqueItems": True},
    },
    "additionalProperties": False,
}
SARIF = {
    "type": "object",
    "required": ["version", "runs"],
    "properties": {
        "$schema": {"type": "string"},
        "version": {"const": "2.1.0"},
        "runs": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["tool"],
                "properties": {
                    "tool": {"type": "object", "required": ["driver"]},
                    "columnKind": {"enum": ["utf16CodeUnits", "unicodeCodePoints"]},
                    "results": {"type": "array", "items": RESULT},
                },
                "additionalProperties": False,
            },
        },
    },
    "additionalProperties": False,
}


def check(command: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run a command line that begins with `flowpar`, as a shell would with this version of it."""
    text = command.replace("flowpar", f"{shlex.quote(sys.executable)} -m flowpar", 1)
    return subprocess.run(
        ["/bin/sh", "-e", "-c", text], cwd=folder, capture_output=True, text=True, timeout=60, check=False
    )


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "workflows").mkdir()
    (tmp_path / "workflows" / "wrong.yaml").write_text(WRONG)
    (tmp_path / "workflows" / "sound.yaml").write_text(SOUND)
    return tmp_path


def steps(name: str) -> list[str]:
    job = yaml.safe_load(SHOWN[name])["jobs"]["workflows"]
    return [step["run"] for step in job["steps"] if step.get("run", "").startswith("flowpar ")]


@pytest.mark.parametrize("name", ACTIONS)
def test_an_action_is_one_that_github_takes(name: str, tmp_path: Path) -> None:
    (tmp_path / "action.yaml").write_text(SHOWN[name])
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.github-workflows", "action.yaml"]

    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False)

    assert done.returncode == 0, done.stdout
    assert [f".github/workflows/{name}.yaml" for name in ("check", "alerts", "report")] == ACTIONS


def test_the_annotations_of_the_action_are_commands_of_one_line(folder: Path) -> None:
    done = check(steps(".github/workflows/check.yaml")[0], folder)

    lines = done.stdout.splitlines()
    assert done.returncode == 2
    assert len(lines) == 2
    assert all(
        re.fullmatch(
            r"::error file=workflows/wrong.yaml,line=2,col=\d+,endLine=2,endColumn=\d+,title=FP201::[^\r\n]+", line
        )
        for line in lines
    )
    assert '"50%25, done"' in lines[1]


def test_the_alerts_of_the_action_are_sarif(folder: Path) -> None:
    done = check(steps(".github/workflows/alerts.yaml")[0], folder)

    log: Any = json.loads((folder / "findings.sarif").read_text())
    jsonschema.validate(log, SARIF)
    assert done.returncode == 2
    assert [result["ruleId"] for result in log["runs"][0]["results"]] == ["FP201", "FP201"]
    assert {rule["id"] for rule in log["runs"][0]["tool"]["driver"]["rules"]} == {"FP201"}


def test_the_hook_that_the_page_names_is_there_and_finds_what_is_wrong(folder: Path) -> None:
    hooks = yaml.safe_load((PROJECT / ".pre-commit-hooks.yaml").read_text(encoding="utf-8"))
    used = yaml.safe_load(SHOWN[".pre-commit-config.yaml"])["repos"][0]["hooks"]

    assert [hook["id"] for hook in used] == [hook["id"] for hook in hooks] == ["flowpar-check"]
    (hook,) = hooks
    assert {"id", "name", "entry", "language"} <= hook.keys()
    for pattern in (hook["files"], used[0]["files"]):
        assert re.search(pattern, "workflows/wrong.yaml")
        assert not re.search(pattern, "data/books.yaml")
    assert check(f"{hook['entry']} workflows/sound.yaml", folder).returncode == 0
    assert check(f"{hook['entry']} workflows/sound.yaml workflows/wrong.yaml", folder).returncode == 2
