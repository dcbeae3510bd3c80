"""Findings in the user's text: what is wrong, where, and what to write instead."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

from flowpar.core.frozen import dataclass, field

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from flowpar.core.source import Span


class Severity(StrEnum):
    """An error stops the command; a warning does so only under `--strict`."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, slots=True)
class Label:
    """A second place that explains a finding, such as the `def` line of a function."""

    file: str
    span: Span
    message: str


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """One finding: `message` says what is wrong on one line, `hint` what to write instead."""

    code: str
    message: str
    file: str
    span: Span
    severity: Severity = Severity.ERROR
    hint: str | None = None
    labels: tuple[Label, ...] = ()


@dataclass(slots=True)
class Diagnostics:
    """The findings of one command, gathered so that all of them are reported at once."""

    found: list[Diagnostic] = field(default_factory=list)

    def add(self, diagnostic: Diagnostic) -> None:
        """Keep one finding."""
        self.found.append(diagnostic)

    def extend(self, diagnostics: Iterable[Diagnostic]) -> None:
        """Keep several findings."""
        self.found.extend(diagnostics)

    def __iter__(self) -> Iterator[Diagnostic]:
        """Give each finding once, in the order files were checked and within a file by place."""
        files = {name: rank for rank, name in enumerate(dict.fromkeys(d.file for d in self.found))}
        ordered = sorted(self.found, key=lambda d: (files[d.file], d.span, d.code, d.message))
        return iter(dict.fromkeys(ordered))

    def __len__(self) -> int:
        """Count the distinct findings."""
        return len(dict.fromkeys(self.found))

    @property
    def has_errors(self) -> bool:
        """Whether any finding is an error."""
        return any(d.severity is Severity.ERROR for d in self.found)
