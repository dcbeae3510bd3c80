"""A workflow with Python files beside it, written and checked for one test."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

import pytest

from flowpar.lang.check import check
from flowpar.plugin.registry import Registry

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from flowpar.lang.checked import Checked


@pytest.fixture
def checked(tmp_path: Path) -> Callable[..., Checked]:
    """Return a function that writes a workflow and `files` beside it (`pack__steps` is pack/steps.py) and checks it."""

    def checked(text: str, **files: str) -> Checked:
        for name, content in files.items():
            path = tmp_path / f"{name.replace('__', '/').replace('/init', '/__init__')}.py"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(textwrap.dedent(content))
        (tmp_path / "workflow.yaml").write_text("flowpar: 1\n" + textwrap.dedent(text))
        return check(tmp_path / "workflow.yaml", registry=Registry(allows_plugins=True))

    return checked


@pytest.fixture
def findings(checked: Callable[..., Checked]) -> Callable[..., list[str]]:
    """Return a function like `checked` that gives "line:column code" of each finding, in order."""

    def findings(text: str, **files: str) -> list[str]:
        found = checked(text, **files).diagnostics
        return [f"{finding.span.line}:{finding.span.column} {finding.code}" for finding in found]

    return findings


@pytest.fixture
def messages(checked: Callable[..., Checked]) -> Callable[..., list[str]]:
    """Return a function like `checked` that gives "message; hint" of each finding, in order."""

    def messages(text: str, **files: str) -> list[str]:
        found = checked(text, **files).diagnostics
        return ["; ".join(filter(None, (finding.message, finding.hint))) for finding in found]

    return messages
