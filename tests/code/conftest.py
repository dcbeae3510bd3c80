"""A project of Python files, written for one test."""

from __future__ import annotations

import sys
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from flowpar.code.signature import Signature, Signatures

if TYPE_CHECKING:
    from collections.abc import Callable

    from flowpar.code.problem import TargetProblem

sys.path.insert(0, str(Path(__file__).parent))


@pytest.fixture
def read(tmp_path: Path) -> Callable[..., Signature | TargetProblem]:
    """Return a function that writes `files` (`__` in a name stands for `/`) and reads a target among them."""

    def read(target: str, **files: str) -> Signature | TargetProblem:
        for name, text in files.items():
            path = tmp_path / (name.replace("__", "/").replace("/init", "/__init__") + ".py")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(textwrap.dedent(text))
        return Signatures([tmp_path]).of(target)

    return read


@pytest.fixture
def signature(read: Callable[..., Signature | TargetProblem]) -> Callable[..., Signature]:
    """Return a function like `read` for targets that are there."""

    def signature(target: str, **files: str) -> Signature:
        found = read(target, **files)
        assert isinstance(found, Signature), found
        return found

    return signature


@pytest.fixture
def problem(read: Callable[..., Signature | TargetProblem]) -> Callable[..., TargetProblem]:
    """Return a function like `read` for targets that can't be called."""

    def problem(target: str, **files: str) -> TargetProblem:
        found = read(target, **files)
        assert not isinstance(found, Signature), found
        return found

    return problem
