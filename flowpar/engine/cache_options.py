"""What a run is told of its cache."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flowpar.core.frozen import dataclass

if TYPE_CHECKING:
    from pathlib import Path

LIMIT_BYTES = 10 << 30


@dataclass(frozen=True, slots=True)
class CacheOptions:
    """Whether it is asked and kept, where it is if not in the state folder, and how much it may hold.

    For the tasks that are `refreshed` it is kept and not asked.
    """

    is_on: bool = True
    folder: Path | None = None
    limit_bytes: int = LIMIT_BYTES
    refreshed: tuple[str, ...] = ()
