"""The findings of the rules, each brought to its place in the document."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flowpar.core.diagnostics import Diagnostic, Severity
from flowpar.core.frozen import dataclass, field
from flowpar.lang.checked import Place, span_at

if TYPE_CHECKING:
    from collections.abc import Iterable

    from flowpar.core.diagnostics import Label
    from flowpar.core.source import Span
    from flowpar.lang.node import Document

Path = tuple[str | int, ...]


@dataclass(slots=True)
class Findings:
    """What the rules have found so far in one document; `pools` are limits of the workflows around it."""

    document: Document
    pools: frozenset[str] = frozenset()
    found: list[Diagnostic] = field(default_factory=list)

    def error(
        self, code: str, path: Path, message: str, *, hint: str | None = None, labels: Iterable[Label] = ()
    ) -> None:
        """Find an error at the value of a path."""
        self._add(code, self.document.span(path), message, hint=hint, labels=labels)

    def key_error(
        self, code: str, path: Path, message: str, *, hint: str | None = None, labels: Iterable[Label] = ()
    ) -> None:
        """Find an error at the key that a path ends with."""
        self._add(code, self.document.span(path, of_key=True), message, hint=hint, labels=labels)

    def text_error(
        self, code: str, place: Place, message: str, *, hint: str | None = None, labels: Iterable[Label] = ()
    ) -> None:
        """Find an error within a scalar's text."""
        self._add(code, span_at(self.document, place), message, hint=hint, labels=labels)

    def warning(
        self,
        code: str,
        path: Path,
        message: str,
        *,
        hint: str | None = None,
        of_key: bool = False,
        labels: Iterable[Label] = (),
    ) -> None:
        """Find a warning at the value or the key of a path."""
        span = self.document.span(path, of_key=of_key)
        self._add(code, span, message, hint=hint, labels=labels, severity=Severity.WARNING)

    def text_warning(self, code: str, place: Place, message: str, *, hint: str | None = None) -> None:
        """Find a warning within a scalar's text."""
        self._add(code, span_at(self.document, place), message, hint=hint, severity=Severity.WARNING)

    def _add(
        self,
        code: str,
        span: Span,
        message: str,
        *,
        hint: str | None,
        labels: Iterable[Label] = (),
        severity: Severity = Severity.ERROR,
    ) -> None:
        file = self.document.source.path
        self.found.append(Diagnostic(code, message, file, span, severity, hint, tuple(labels)))
