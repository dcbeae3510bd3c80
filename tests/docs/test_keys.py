"""Each key of the language has an example that runs or checks, a golden error, and a place in the schema."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from flowpar.lang.vocabulary import LATER_TASK_KEYS
from flowpar.testing.page import blocks

PROJECT = Path(__file__).parents[2]
GOLDEN = PROJECT / "tests" / "golden" / "check"
SCHEMA = json.loads((PROJECT / "schemas" / "workflow.schema.json").read_text(encoding="utf-8"))
TOP_KEYS = (
    "flowpar", "name", "description", "inputs", "secrets", "env", "env_file", "limits", "defaults", "preload",
    "python_path", "plugins", "tasks", "finally", "outputs",
)  # fmt: skip
TASK_KEYS = (
    "description", "needs", "if", "run_if", "for_each", "matrix", "key", "max_parallel", "batch", "on_item_error",
    "repeat", "with", "env", "cwd", "executor", "resources", "priority", "retry", "timeout", "grace", "allow_failure",
    "cache", "python", "shell", "workflow",
)  # fmt: skip


KEYS = [
    pytest.param(level, key, id=f"{level}-{key}")
    for level, keys in (("top", TOP_KEYS), ("task", TASK_KEYS))
    for key in keys
    if level == "top" or key not in LATER_TASK_KEYS
]


def written(text: str, level: str, key: str) -> bool:
    """Whether a workflow has a key, at the beginning of a line or in braces."""
    if level == "top":
        return re.search(rf"^{key}:", text, re.MULTILINE) is not None
    return re.search(rf"(^ {{2,8}}|[{{,] *){key}:", text, re.MULTILINE) is not None


def examples() -> list[str]:
    pages = [*(PROJECT / "docs").glob("*.md"), PROJECT / "README.md"]
    shown = [block.text for page in pages for block in blocks(page.read_text(encoding="utf-8"))]
    files = [file.read_text(encoding="utf-8") for file in (PROJECT / "workflows").rglob("*.yaml")]
    return [text for text in [*shown, *files] if "flowpar: 1" in text]


def errors() -> list[str]:
    """Return what the golden findings point at: the line that each shows, and what it says."""
    return [file.read_text(encoding="utf-8") for file in GOLDEN.glob("*.out")]


@pytest.mark.parametrize(("level", "key"), KEYS)
def test_a_key_has_an_example_that_a_test_runs(level: str, key: str) -> None:
    assert any(written(text, level, key) for text in examples())


@pytest.mark.parametrize(("level", "key"), KEYS)
def test_a_key_has_a_golden_finding(level: str, key: str) -> None:
    found = [part for text in errors() for part in text.split("\n\n") if "[FP122]" not in part]

    assert any(f'"{key}' in part or re.search(rf"\b{key}:", part) for part in found)


@pytest.mark.parametrize(("level", "key"), KEYS)
def test_a_key_is_in_the_schema_and_is_told_about(level: str, key: str) -> None:
    properties = SCHEMA["properties"] if level == "top" else SCHEMA["$defs"]["task"]["properties"]

    assert properties[key]["description"]


def test_the_schema_has_no_other_keys() -> None:
    assert set(SCHEMA["properties"]) <= set(TOP_KEYS)
    assert set(SCHEMA["$defs"]["task"]["properties"]) <= set(TASK_KEYS)


def test_the_page_of_the_language_has_a_row_for_each_key() -> None:
    page = (PROJECT / "docs" / "language.md").read_text(encoding="utf-8")
    rows = {name for row in re.findall(r"^\| ([^|]*) \|", page, re.MULTILINE) for name in re.findall(r"`(\w+)`", row)}
    kinds = {"python", "shell", "workflow"}  # they have chapters of their own

    assert {key for level, key in (param.values[:2] for param in KEYS) if key not in rows | kinds} == set()
