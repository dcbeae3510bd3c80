"""What all binders do: make a model from plain values, and bring each error to its place."""

from __future__ import annotations

from functools import cache
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, TypeVar

from pydantic import TypeAdapter, ValidationError

from flowpar.lang.wording import describe_error, did_you_mean, finding, found_at, name_of, short

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from flowpar.core.diagnostics import Diagnostic
    from flowpar.lang.node import Document
    from flowpar.lang.plain import PlainReader
    from flowpar.lang.wording import Path

T = TypeVar("T")

_NEAR = 80
_NONE: Mapping[str, str] = MappingProxyType({})

_INTERNAL = frozenset({"kind", "body", "counts_retries", "has_default", "in_finally", "is_on"})


NOTHING: Final = object()
"""Stands for a key that is written without a value, which no model takes for a key that is not written."""


@cache
def keys_of(model: type) -> frozenset[str]:
    """Return the keys that a document may use for a model."""
    found = set()
    for name, info in model.__pydantic_fields__.items():  # type: ignore[attr-defined]
        if name not in _INTERNAL:
            found.add(str(info.validation_alias or name))
    return frozenset(found)


class ShapeReader:
    """A document, its plain values, and the findings about its shape."""

    def __init__(self, document: Document, plain: PlainReader) -> None:
        """Start without findings."""
        self.document = document
        self.plain = plain
        self.findings: list[Diagnostic] = []
        self._validators: dict[type, Callable[[object], Any]] = {}

    def model(self, model: type[T], path: Path, parts: dict[str, Any]) -> T | None:
        """Return the model of what is right in `parts`, and report what is not; None where nothing is left."""
        validate = self._validators.get(model)
        if validate is None:
            validate = self._validators[model] = TypeAdapter(model).validate_python
        while True:
            try:
                found: T = validate(parts)
            except ValidationError as error:
                wrong = error.errors(include_url=False, include_input=False)
            else:
                return found
            for one in wrong:
                self.findings.append(describe_error(self.document, path, one))
            left = {key: value for key, value in parts.items() if key not in {one["loc"][0] for one in wrong}}
            if len(left) == len(parts):
                return None
            parts = left

    def find(self, path: Path, message: str, *, code: str, hint: str | None = None, of_key: bool = False) -> None:
        """Report something at the value (or the key) of a path."""
        self.findings.append(finding(self.document, path, message, code=code, hint=hint, of_key=of_key))

    def find_key(self, path: Path, message: str, *, code: str, hint: str | None = None) -> None:
        """Report something at the key of a path."""
        self.find(path, message, code=code, hint=hint, of_key=True)

    def find_wrong(self, path: Path, wanted: str, *, hint: str | None = None, code: str = "FP124") -> None:
        """Report that something else is wanted at a path."""
        message = f"{name_of(path)} wants {wanted}, found {found_at(self.document.node(path))}"
        self.find(path, message, code=code, hint=hint)

    def find_unknown(
        self,
        path: Path,
        owner: str,
        known: Sequence[str],
        *,
        hint: str | None = None,
        also: str = "",
        foreign: Mapping[str, str] = _NONE,
    ) -> None:
        """Report a key that nothing of ours has; `foreign` says what other tools call ours."""
        word = str(path[-1])
        advice = hint or did_you_mean(word, known, also=also, foreign=foreign)
        if self._is_cut_text(path):
            advice = 'a "," inside { } starts a new key; put a text that holds one in quotes'
        self.find_key(path, f'{owner} has the unknown key "{short(word)}"', code="FP121", hint=advice)

    def _is_cut_text(self, path: Path) -> bool:
        """Whether a key is what stands after a comma in a flow mapping, without a ":" of its own."""
        key = self.document.key(path)
        if key is None:
            return False
        rest = self.document.source.text[key.start + key.length :][:_NEAR].lstrip()
        return rest.startswith((",", "}"))
