"""Each key of the language has an example that runs or checks, a golden error, and a place in the schema.

The keys are those of the models, node by node: of the file, of a task, of `defaults`, `retry`, an input, and so on.
"""

from __future__ import annotations

import dataclasses
import json
import re
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from flowpar.core.source import Source
from flowpar.lang import model
from flowpar.lang.loader import parse
from flowpar.lang.plain import PlainReader
from flowpar.lang.vocabulary import BUILT_IN_KINDS, BUILT_IN_LIMITS
from flowpar.testing.page import blocks

if TYPE_CHECKING:
    from collections.abc import Iterator

PROJECT = Path(__file__).parents[2]
GOLDEN = PROJECT / "tests" / "golden" / "check"
SCHEMA = json.loads((PROJECT / "schemas" / "workflow.schema.json").read_text(encoding="utf-8"))


def keys_of(kind: type) -> list[str]:
    """Return the keys of a model as they are written."""
    fields = [field for field in dataclasses.fields(kind) if not getattr(field.default, "exclude", False)]
    written = [getattr(field.default, "validation_alias", None) or field.name for field in fields]
    return [key for key in written if key not in {"kind", "body"}]


NODES = {
    "top": keys_of(model.Workflow),
    "task": [*keys_of(model.TaskModel), *sorted(BUILT_IN_KINDS)],
    "defaults": keys_of(model.DefaultsModel),
    "retry": keys_of(model.RetryModel),
    "repeat": keys_of(model.RepeatModel),
    "cache": keys_of(model.CacheModel),
    "input": keys_of(model.InputModel),
    "secret": keys_of(model.SecretModel),
    "resources": sorted(BUILT_IN_LIMITS),
    "matrix": ["include", "exclude"],
    "shell": ["run", "shell", "capture"],
    "python": ["script"],
}
KEYS = [pytest.param(node, key, id=f"{node}-{key}") for node, keys in NODES.items() for key in keys]


def nodes_of(text: str) -> Iterator[tuple[str, str]]:
    """Give each key of a workflow, with the node in which it stands."""
    document = parse(Source("w.yaml", text)).document
    if document is None:
        return
    reader = PlainReader(document)
    top = {key.text: reader.value(node) for key, node in document.root.items()}
    tasks = [task for home in ("tasks", "finally") for task in within(top.get(home))]
    found = [
        ("top", top),
        ("defaults", top.get("defaults")),
        *(("input", one) for one in within(top.get("inputs"))),
        *(("secret", one) for one in within(top.get("secrets"))),
        *(("task", task) for task in tasks),
        *((node, task.get(node)) for task in tasks for node in NODES if isinstance(task, dict)),
    ]
    yield from ((node, key) for node, mapping in found if isinstance(mapping, dict) for key in mapping)


def within(mapping: object) -> list[object]:
    return list(mapping.values()) if isinstance(mapping, dict) else []


@cache
def keys_in_examples() -> frozenset[tuple[str, str]]:
    pages = [*(PROJECT / "docs").glob("*.md"), PROJECT / "README.md"]
    shown = [block.text for page in pages for block in blocks(page.read_text(encoding="utf-8"))]
    files = [file.read_text(encoding="utf-8") for file in (PROJECT / "workflows").rglob("*.yaml")]
    return frozenset(key for text in [*shown, *files] if "flowpar: 1" in text for key in nodes_of(text))


@cache
def findings() -> tuple[str, ...]:
    """Return what the golden findings point at: the line that each shows, and what it says."""
    texts = [file.read_text(encoding="utf-8") for file in GOLDEN.glob("*.out")]
    return tuple(part for text in texts for part in text.split("\n\n"))


@pytest.mark.parametrize(("node", "key"), KEYS)
def test_a_key_has_an_example_that_a_test_runs(node: str, key: str) -> None:
    assert (node, key) in keys_in_examples()


@pytest.mark.parametrize(("node", "key"), KEYS)
def test_a_key_has_a_golden_finding(node: str, key: str) -> None:
    assert any(f'"{key}' in part or re.search(rf"\b{key}:", part) for part in findings()), node


@pytest.mark.parametrize(("node", "key"), KEYS)
def test_a_key_is_in_the_document_of_which_the_fuzzer_makes_others(node: str, key: str) -> None:
    whole = (GOLDEN / "valid-everything.yaml").read_text(encoding="utf-8")

    assert (node, key) in set(nodes_of(whole))


@pytest.mark.parametrize("node", ["top", "task"])
def test_the_keys_of_the_schema_are_those_of_the_models_and_are_told_about(node: str) -> None:
    properties = SCHEMA["properties"] if node == "top" else SCHEMA["$defs"]["task"]["properties"]

    assert set(properties) == set(NODES[node])
    assert all(one["description"] for one in properties.values())


def test_the_page_of_the_language_has_a_row_for_each_key() -> None:
    page = "".join((PROJECT / "docs" / name).read_text(encoding="utf-8") for name in ("language.md", "cache.md"))
    rows = {name for row in re.findall(r"^ *\| ([^|]*) \|", page, re.MULTILINE) for name in re.findall(r"`(\w+)`", row)}
    in_chapters = {"python", "shell", "workflow", "script", "run", "include", "exclude", "file"}

    assert {key for _, key in (param.values[:2] for param in KEYS)} - rows - in_chapters == set()
