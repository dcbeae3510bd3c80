"""The classes that a value names: what a task does with it is their code, too.

value ─► classes and functions in its encoding, by name ─► those of the project, each with a digest of its code

Nothing is imported. A large encoding is looked through for the names of the project's modules alone.
"""

from __future__ import annotations

import os
from contextlib import suppress
from typing import TYPE_CHECKING, Protocol

from flowpar.data.codec import take_apart
from flowpar.data.outline import classes_named
from flowpar.data.parts import PARTS, parts_in
from flowpar.data.store import ValueLost

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from flowpar.core.outcome import ValueRef
    from flowpar.data.store import ValueStore

_LARGEST_READ_BYTES = 8 << 20


class NotTold(Exception):  # noqa: N818 - it says what the source is
    """What an attempt is made of can't be known again; the message says what."""


class ClassCodes(Protocol):
    """Where the code of classes is known."""

    @property
    def folders(self) -> tuple[str, ...]:
        """Where the project's modules are."""
        ...

    def digest(self, module: str, name: str) -> str:
        """Return the digest of a class of the project, "" for one of an installed package; raises NotTold."""
        ...


class Named:
    """Finds what values name; each value is looked through once."""

    def __init__(self, store: ValueStore, codes: ClassCodes) -> None:
        """Read values of `store`, and ask `codes` for code."""
        self.store = store
        self._codes = codes
        self._known: dict[str, dict[str, str]] = {}
        self._modules: tuple[bytes, ...] | None = None

    def of(self, refs: Iterable[ValueRef]) -> dict[str, str]:
        """Return the digest of each class of the project that values name; raises NotTold."""
        found: dict[str, str] = {}
        for ref in refs:
            if ref.is_plain:
                continue
            known = self._known.get(ref.checksum)
            if known is None:
                known = dict(self._read(ref))
                if ref.checksum:
                    self._known[ref.checksum] = known
            found |= known
        return found

    def _read(self, ref: ValueRef) -> Iterator[tuple[str, str]]:
        try:
            data = self.store.data(ref)
        except ValueLost as error:
            raise NotTold(str(error)) from error
        if data[: len(PARTS)] == PARTS:
            for part in parts_in(data):
                yield from self.of([part]).items()
            return
        pickled, _ = take_apart(data)
        if len(pickled) > _LARGEST_READ_BYTES:
            whole = bytes(pickled)
            if any(name in whole for name in self._names_of_modules()):
                raise NotTold("a large value may be of a class of the project")
            return
        for module, name in sorted(classes_named(data)):
            digest = self._codes.digest(module, name)
            if digest:
                yield f"{module}:{name}", digest

    def _names_of_modules(self) -> tuple[bytes, ...]:
        if self._modules is None:
            names: set[str] = {"__main__"}
            for folder in self._codes.folders:
                with suppress(OSError):
                    names.update(name.partition(".")[0] for name in os.listdir(folder))  # noqa: PTH208 - names
            self._modules = tuple(name.encode() for name in sorted(names) if name.isidentifier())
        return self._modules
