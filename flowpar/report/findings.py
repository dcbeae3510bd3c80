"""Findings for other programs: JSON, GitHub workflow commands, SARIF 2.1.0.

Lines and columns count from 1 and an end column is exclusive; a finding about a whole file is at 1:1.
"""

from __future__ import annotations

import json
from dataclasses import astuple
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from flowpar import __version__
from flowpar.core.diagnostics import Severity
from flowpar.core.source import NOWHERE, Span

if TYPE_CHECKING:
    from collections.abc import Iterable

    from flowpar.core.diagnostics import Diagnostic

_START = Span(1, 1, 1, 1)
_SARIF_SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"


def as_json(diagnostics: Iterable[Diagnostic]) -> str:
    """Return the findings as one JSON object with their counts."""
    found = list(diagnostics)
    errors = sum(diagnostic.severity is Severity.ERROR for diagnostic in found)
    record = {"findings": [_record(one) for one in found], "errors": errors, "warnings": len(found) - errors}
    return json.dumps(record, indent=2, ensure_ascii=False) + "\n"


def as_github(diagnostics: Iterable[Diagnostic]) -> str:
    """Return the findings as annotations, one command of GitHub Actions a line."""
    return "".join(f"{_command(diagnostic)}\n" for diagnostic in diagnostics)


def as_sarif(diagnostics: Iterable[Diagnostic]) -> str:
    """Return the findings as a SARIF log with one run."""
    found = list(diagnostics)
    codes = sorted({diagnostic.code for diagnostic in found})
    driver = {"name": "flowpar", "version": __version__, "rules": [{"id": code} for code in codes]}
    run = {
        "tool": {"driver": driver},
        "columnKind": "unicodeCodePoints",
        "results": [_result(diagnostic, codes) for diagnostic in found],
    }
    return (
        json.dumps({"$schema": _SARIF_SCHEMA, "version": "2.1.0", "runs": [run]}, indent=2, ensure_ascii=False) + "\n"
    )


def _record(diagnostic: Diagnostic) -> dict[str, Any]:
    line, column, end_line, end_column = astuple(_shown(diagnostic.span))
    return {
        "file": diagnostic.file,
        "line": line,
        "column": column,
        "end_line": end_line,
        "end_column": end_column,
        "severity": diagnostic.severity.value,
        "code": diagnostic.code,
        "message": diagnostic.message,
        "hint": diagnostic.hint,
        "labels": [
            {"file": label.file, "line": label.span.line, "column": label.span.column, "message": label.message}
            for label in diagnostic.labels
        ],
    }


def _text(diagnostic: Diagnostic) -> str:
    return diagnostic.message if diagnostic.hint is None else f"{diagnostic.message}; {diagnostic.hint}"


def _command(diagnostic: Diagnostic) -> str:
    span = _shown(diagnostic.span)
    properties = {
        "file": diagnostic.file,
        "line": span.line,
        "col": span.column,
        "endLine": span.end_line,
        "endColumn": span.end_column,
        "title": diagnostic.code,
    }
    shown = ",".join(
        f"{name}={_escape(str(value)).replace(':', '%3A').replace(',', '%2C')}" for name, value in properties.items()
    )
    return f"::{diagnostic.severity.value} {shown}::{_escape(_text(diagnostic))}"


def _escape(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _result(diagnostic: Diagnostic, codes: list[str]) -> dict[str, Any]:
    result: dict[str, Any] = {
        "ruleId": diagnostic.code,
        "ruleIndex": codes.index(diagnostic.code),
        "level": diagnostic.severity.value,
        "message": {"text": _text(diagnostic)},
        "locations": [{"physicalLocation": _location(diagnostic.file, diagnostic.span)}],
    }
    if diagnostic.labels:
        result["relatedLocations"] = [
            {"physicalLocation": _location(label.file, label.span), "message": {"text": label.message}}
            for label in diagnostic.labels
        ]
    return result


def _location(file: str, span: Span) -> dict[str, Any]:
    path = Path(file)
    location: dict[str, Any] = {
        "artifactLocation": {"uri": path.as_uri() if path.is_absolute() else quote(path.as_posix())}
    }
    if span != NOWHERE:
        line, column, end_line, end_column = astuple(span)
        location["region"] = {"startLine": line, "startColumn": column, "endLine": end_line, "endColumn": end_column}
    return location


def _shown(span: Span) -> Span:
    return _START if span == NOWHERE else span
