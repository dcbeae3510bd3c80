"""Findings for other programs hold the same places, in each program's form."""

from __future__ import annotations

import json
from pathlib import Path

from flowpar.core.diagnostics import Diagnostic, Label, Severity
from flowpar.core.source import NOWHERE, Span
from flowpar.report.findings import as_github, as_json, as_sarif

FOUND = Diagnostic(
    "FP201",
    'needs "laod", 100%',
    "flows/w, x.yaml",
    Span(4, 13, 4, 17),
    hint="did you mean load?",
    labels=(Label("steps.py", Span(3, 5, 3, 9), "defined here"),),
)
WHOLE_FILE = Diagnostic("FP101", "it can't be read", "/tmp/no.yaml", NOWHERE, Severity.WARNING)


def test_json_has_every_part_and_the_counts() -> None:
    assert json.loads(as_json([FOUND, WHOLE_FILE])) == {
        "findings": [
            {
                "file": "flows/w, x.yaml",
                "line": 4,
                "column": 13,
                "end_line": 4,
                "end_column": 17,
                "severity": "error",
                "code": "FP201",
                "message": 'needs "laod", 100%',
                "hint": "did you mean load?",
                "labels": [{"file": "steps.py", "line": 3, "column": 5, "message": "defined here"}],
            },
            {
                "file": "/tmp/no.yaml",
                "line": 1,
                "column": 1,
                "end_line": 1,
                "end_column": 1,
                "severity": "warning",
                "code": "FP101",
                "message": "it can't be read",
                "hint": None,
                "labels": [],
            },
        ],
        "errors": 1,
        "warnings": 1,
    }


def test_json_without_findings() -> None:
    assert json.loads(as_json([])) == {"findings": [], "errors": 0, "warnings": 0}


def test_github_commands_are_escaped() -> None:
    text = as_github([FOUND, WHOLE_FILE])

    assert text.splitlines() == [
        (
            "::error file=flows/w%2C x.yaml,line=4,col=13,endLine=4,endColumn=17,title=FP201::"
            'needs "laod", 100%25; did you mean load?'
        ),
        "::warning file=/tmp/no.yaml,line=1,col=1,endLine=1,endColumn=1,title=FP101::it can't be read",
    ]


def test_sarif_has_rules_places_and_relations() -> None:
    log = json.loads(as_sarif([FOUND, WHOLE_FILE]))
    (run,) = log["runs"]

    assert log["version"] == "2.1.0"
    assert [rule["id"] for rule in run["tool"]["driver"]["rules"]] == ["FP101", "FP201"]
    first, second = run["results"]
    assert (first["ruleId"], first["ruleIndex"], first["level"]) == ("FP201", 1, "error")
    place = first["locations"][0]["physicalLocation"]
    assert place["artifactLocation"]["uri"] == "flows/w%2C%20x.yaml"
    assert place["region"] == {"startLine": 4, "startColumn": 13, "endLine": 4, "endColumn": 17}
    assert first["relatedLocations"][0]["message"] == {"text": "defined here"}
    assert second["locations"][0]["physicalLocation"] == {"artifactLocation": {"uri": Path("/tmp/no.yaml").as_uri()}}
