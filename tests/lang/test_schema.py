"""The JSON Schema is what the models say, takes every workflow and refuses what has a wrong shape."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import jsonschema  # type: ignore[import-untyped]  # no stubs among the dependencies
import pytest

from flowpar.code.signature import Parameter, Signature
from flowpar.core.source import Source
from flowpar.core.types import ANY, BOOL, INT, NONE, PATH, STR, Constant, ListOf, MapOf, Record, TupleOf, Type, union
from flowpar.lang.binding import bind
from flowpar.lang.loader import load, parse
from flowpar.lang.plain import PlainReader
from flowpar.lang.schema import Schema, of_type, schema_text, workflow_schema

ROOT = Path(__file__).parents[2]
FILE = ROOT / "schemas" / "workflow.schema.json"
SHAPE_CODES = frozenset(f"FP{number}" for number in range(120, 130))

HTTP = Signature(
    "http",
    parameters=(
        Parameter("url", type=STR),
        Parameter("method", kind="keyword_only", type=Constant(("GET", "POST")), is_required=False),
        Parameter("json", kind="keyword_only", is_required=False),
    ),
    docstring="Send an HTTP request.\n\nMore.",
)


def test_the_file_is_what_the_models_say() -> None:
    text = schema_text(workflow_schema())
    if os.environ.get("REGENERATE"):
        FILE.write_text(text)

    assert FILE.read_text() == text, "stale: run REGENERATE=1 pytest tests/lang/test_schema.py"


def failures(files: list[Path]) -> set[str]:
    """Return the files that check-jsonschema refuses."""
    command = [
        sys.executable,
        "-m",
        "check_jsonschema",
        "--schemafile",
        str(FILE),
        "-o",
        "json",
        "-v",
        *map(str, files),
    ]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    report = json.loads(done.stdout)
    return {error["filename"] for error in [*report.get("errors", ()), *report.get("parse_errors", ())]}


def has_shape_finding(file: Path) -> bool:
    loaded = load(file)
    found = loaded.diagnostics
    if loaded.document is not None:
        found = (*found, *bind(loaded.document).diagnostics)
    return any(finding.code in SHAPE_CODES for finding in found)


def test_the_workflows_validate() -> None:
    files = sorted((ROOT / "workflows").glob("*.yaml"))

    assert files
    assert failures(files) == set()


def test_golden_documents_with_a_wrong_shape_do_not_validate() -> None:
    files = [file for file in sorted((ROOT / "tests/golden/check").glob("*.yaml")) if has_shape_finding(file)]

    assert files
    assert failures(files) == {str(file) for file in files}


def fits(value: object, schema: Schema) -> bool:
    return jsonschema.validators.validator_for(schema)(schema).is_valid(value)  # type: ignore[no-any-return]


@pytest.mark.parametrize(
    "body",
    [
        "https://example.org",
        {"url": "x"},
        {"url": "x", "method": "GET", "json": {"a": [1]}},
        {"url": "${{ inputs.x }}", "method": "${{ inputs.m }}"},
    ],
)
def test_kinds_of_plugins_are_completed(body: object) -> None:
    document = {"flowpar": 1, "tasks": {"a": {"http": body}}}

    assert fits(document, workflow_schema([("http", HTTP)]))


@pytest.mark.parametrize("body", [{}, {"url": 3}, {"url": "x", "method": "PUT"}, {"url": "x", "mehtod": "GET"}, None])
def test_kinds_of_plugins_are_checked(body: object) -> None:
    schema = workflow_schema([("http", HTTP)])

    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({"flowpar": 1, "tasks": {"a": {"http": body}}}, schema)


def test_a_plugin_cannot_replace_a_built_in() -> None:
    assert workflow_schema([("shell", HTTP)]) == workflow_schema()


@pytest.mark.parametrize(
    ("kind", "schema"),
    [
        (ANY, {}),
        (STR, {"type": "string"}),
        (PATH, {"type": "string"}),
        (BOOL, {"type": "boolean"}),
        (Constant((1, "a")), {"enum": [1, "a"]}),
        (ListOf(ANY), {"type": "array", "items": True}),
        (TupleOf((INT, INT)), {"type": "array", "minItems": 2, "maxItems": 2}),
        (Record("R", ()), {}),
        (Record("R", (), is_mapping=True), {"type": "object"}),
        (union([STR, NONE]), {"anyOf": [{"type": "string"}, {"type": "null"}]}),
    ],
)
def test_types_as_schemas(kind: Type, schema: Schema) -> None:
    assert of_type(kind) == schema


def test_items_may_be_expressions() -> None:
    for kind, value in ((ListOf(INT), [1, "${{ x }}"]), (MapOf(STR, INT), {"a": 1, "b": "${{ x }}"})):
        assert fits(value, of_type(kind))


@pytest.mark.parametrize(
    "task",
    [
        "{python: 'a:b', with: {x: 1}, retry: 2, timeout: 10, env: {A: 1, B: true, C: x}}",
        "{python: 'a:b', retry: {attempts: 3, delay: 2s, on: [exit 75, a.B]}, timeout: 1h30m}",
        "{shell: [a, 1, true], for_each: {a: [1], b: '${{ x }}'}, max_parallel: '${{ inputs.n }}'}",
        "{shell: {run: ls, shell: bash}, matrix: {a: [1], exclude: [{a: 1}]}, if: true, needs: []}",
    ],
)
def test_what_binds_validates(task: str) -> None:
    loaded = parse(Source("w.yaml", f"flowpar: 1\ntasks: {{t: {task}}}\n"))
    assert loaded.document is not None
    assert bind(loaded.document).diagnostics == ()

    jsonschema.validate(PlainReader(loaded.document).value(loaded.document.root), workflow_schema())
