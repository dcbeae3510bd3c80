"""What an encoded value looks like, without its classes: each object of one is a `Placeholder`.

    Point(x=1)  ──encode──►  bytes  ──outline──►  Placeholder("steps.Point", state={"x": 1})

Nothing is imported, looked up or called but placeholders, and the two kinds of the standard library that cannot
do harm with any arguments. So a value can be shown whose class is gone, or is not to be trusted.
"""

from __future__ import annotations

import io
import pickle
from datetime import date, datetime, time, timedelta, timezone
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from flowpar.core.errors import NeedsWorker
from flowpar.data.codec import Damaged, take_apart

if TYPE_CHECKING:
    from typing import Self

_HARMLESS = {("datetime", kind.__name__): kind for kind in (date, datetime, time, timedelta, timezone)} | {
    ("decimal", "Decimal"): Decimal
}
_MOST_CLASSES = 1000


class Placeholder:
    """Stands for an object: `named` is its class or what made it, the rest is how it was made."""

    named = ""

    def __new__(cls, *arguments: object, **more: object) -> Self:
        """Keep what it would have been made with."""
        made = super().__new__(cls)
        made.arguments = (*arguments, *more.values())
        made.state = None
        made.items = []
        return made

    arguments: tuple[object, ...]
    state: object
    items: list[object]

    def __setstate__(self, state: object) -> None:
        """Keep what would have been set on it."""
        self.state = state

    def __call__(self, *arguments: object) -> Placeholder:
        """Stand for what a call of it would have given, too."""
        return Placeholder(*arguments)

    def __setitem__(self, key: object, value: object) -> None:
        """Keep an entry of what is a mapping."""
        self.items.append((key, value))

    def append(self, item: object) -> None:
        """Keep an item of what is a list."""
        self.items.append(item)

    add = append

    def extend(self, items: list[object]) -> None:
        """Keep items of what is a list."""
        self.items.extend(items)

    update = extend

    def field_of_outline(self, name: str) -> object:
        """Return a field as an expression reads it, as far as the encoding says it; raises NeedsWorker where not."""
        parts = self.state if isinstance(self.state, tuple) else (self.state,)
        for part in parts:
            if isinstance(part, dict) and name in part:
                return part[name]
        raise NeedsWorker(f'"{name}" of a {self.named or "value"} is only known where its class is')


class _Reader(pickle.Unpickler):
    def __init__(self, pickled: bytes | memoryview, buffers: Any) -> None:
        super().__init__(io.BytesIO(pickled), buffers=buffers)
        self._known: dict[tuple[str, str], Any] = {}

    @property
    def classes(self) -> frozenset[tuple[str, str]]:
        """What is named in it, by module and name, but for what is harmless."""
        return frozenset(self._known)

    def find_class(self, module: str, name: str, /) -> Any:
        place = (module, name)
        if place in _HARMLESS:
            return _HARMLESS[place]
        if place not in self._known:
            if len(self._known) >= _MOST_CLASSES:
                raise Damaged("the encoding of a value names too many classes")
            self._known[place] = type("Placeholder", (Placeholder,), {"named": f"{module}.{name}"})
        return self._known[place]

    def persistent_load(self, _: object) -> object:
        return Placeholder()


def outline(data: bytes | memoryview) -> object:
    """Return what a value looks like; raises `Damaged` for what is no encoding, and runs no code of a class."""
    return _read(data)[0]


def classes_named(data: bytes | memoryview) -> frozenset[tuple[str, str]]:
    """Return the classes and functions that an encoding names, by module and name; raises what `outline` does."""
    return _read(data)[1].classes


def _read(data: bytes | memoryview) -> tuple[object, _Reader]:
    pickled, buffers = take_apart(data)
    reader = _Reader(pickled, buffers)
    try:
        return reader.load(), reader
    except Damaged:
        raise
    except Exception as error:  # MemoryError, too: what is damaged may ask for any amount
        raise Damaged(f"the encoding of a value is damaged: {error}") from error
