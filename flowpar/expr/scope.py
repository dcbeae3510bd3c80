"""What an expression can see at its place in the document: the `Scope` that a checker asks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Collection

    from flowpar.core.types import Type


class Scope(Protocol):
    """The contexts at one place; `output` and `previous` are values, asked for by an empty name."""

    @property
    def present(self) -> frozenset[str]:
        """The places (`tasks.a.output`) that are known not to be None here."""
        ...

    def member(self, context: str, name: str) -> Type | None:
        """Return the type of a member, or None where the context has none of that name."""
        ...

    def members(self, context: str) -> Collection[str]:
        """Return the names that a context has, for "did you mean"."""
        ...

    def why_absent(self, context: str) -> str | None:
        """Return why a context is not available here, as part of a sentence, or None where it is."""
        ...
