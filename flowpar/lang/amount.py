"""What a task may ask for of each pool: `cpu`, `memory` and `gpu`, and the names of `limits`."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from flowpar.core.types import FLOAT, INT, STR, union
from flowpar.lang.size import SIZE_FORM, size_bytes, size_hint, size_text

if TYPE_CHECKING:
    from flowpar.core.types import Type

_LEAST_MEMORY_BYTES = 2**20
_MOST = 10**9


def amount_of(pool: str, value: object) -> float | None:
    """Return how much of a pool a value asks for (memory in bytes), or None where it can't be asked for."""
    if pool == "memory":
        size = size_bytes(value)
        return None if size is None or size < _LEAST_MEMORY_BYTES else size
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    if pool == "gpu" and not isinstance(value, int):
        return None
    return value if math.isfinite(value) and 0 <= value <= _MOST else None


def wanted_of(pool: str) -> str:
    """Return in words what may be asked for of a pool."""
    if pool == "memory":
        return f"{SIZE_FORM}, at least 1MiB"
    return "a whole number from 0 on" if pool == "gpu" else "a number from 0 on"


def hint_of(pool: str, value: object) -> str | None:
    """Return what was probably meant by something that can't be asked for."""
    if pool == "memory":
        return size_hint(value) or None
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return f"{_MOST:,} is the most" if is_number and isinstance(value, int | float) and value > _MOST else None


def type_of(pool: str) -> Type:
    """Return the type that an expression for a pool must have."""
    if pool == "memory":
        return union([FLOAT, STR])
    return INT if pool == "gpu" else FLOAT


def amount_text(pool: str, amount: float) -> str:
    """Return an amount as a workflow writes it."""
    return size_text(int(amount)) if pool == "memory" else f"{amount:g}"
