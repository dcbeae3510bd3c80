"""The whole language is on dask what it is in processes: the cases of flowpar.testing, and what the documents run."""

from __future__ import annotations

from pathlib import Path

import pytest
from flowpar.testing.language import CASES, LanguageContract

DOCS = Path(__file__).parents[3] / "docs"


class TestLanguage(LanguageContract):
    pages = (CASES, DOCS / "language.md")

    @pytest.fixture
    def executor(self, address: str) -> str:
        return f"dask={address}"
