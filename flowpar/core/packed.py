"""How a frozen dataclass with slots is pickled: as a call with its fields."""

from __future__ import annotations

from typing import Any


class Packed:
    """Base of dataclasses, frozen, with slots and made from all their fields, of which many are pickled.

    By themselves they look up the description of each field again, both ways: four times the work.
    """

    __slots__ = ()

    def __reduce__(self) -> tuple[type[Any], tuple[object, ...]]:
        """Return the class and what to call it with."""
        made: type[Any] = type(self)
        return made, tuple([getattr(self, name) for name in made.__slots__])
