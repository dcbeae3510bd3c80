"""How a frozen dataclass with slots is pickled: as a call with its fields."""

from __future__ import annotations

from operator import attrgetter
from typing import TYPE_CHECKING, Any, ClassVar

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


class Packed:
    """Base of dataclasses, frozen, with slots and made from all their fields, of which many are pickled.

    By themselves they look up the description of each field again, both ways: four times the work.
    """

    __slots__ = ()
    _values: ClassVar[Callable[[Any], tuple[object, ...]]]

    def __init_subclass__(cls) -> None:
        """Know the fields of a class, as soon as it has them."""
        names: Sequence[str] = cls.__slots__
        cls._values = attrgetter(*names) if len(names) > 1 else _only(names)

    def __reduce__(self) -> tuple[type[Any], tuple[object, ...]]:
        """Return the class and what to call it with."""
        made: type[Any] = type(self)
        return made, made._values(self)  # noqa: SLF001 - its own


def _only(names: Sequence[str]) -> Callable[[Any], tuple[object, ...]]:
    return staticmethod(lambda one: tuple([getattr(one, name) for name in names]))
