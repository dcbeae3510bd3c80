"""structlog, imported without what it imports for uses that flowpar has none of: 25 ms of 70, with rich 65 of 110.

rich      draws tracebacks, and none is drawn here; while this name is None, structlog goes without
asyncio   is for loggers of coroutines: it is imported when somebody uses one
"""

from __future__ import annotations

import sys
from contextlib import contextmanager
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator


class _Later(ModuleType):
    """Stands for a module that is imported when something of it is used."""

    def __getattr__(self, name: str) -> Any:
        return getattr(import_module(self.__name__), name)


@contextmanager
def _in_place_of(name: str, stand_in: ModuleType | None) -> Iterator[None]:
    """Let an import find `stand_in` under a name, unless the module itself is there."""
    if sys.modules.get(name) is not None:
        yield
        return
    sys.modules[name] = stand_in  # type: ignore[assignment]  # None is what refuses an import
    try:
        yield
    finally:
        del sys.modules[name]


with _in_place_of("rich", None), _in_place_of("asyncio", _Later("asyncio")):
    import structlog as structlog  # noqa: PLC0414 (so that it may be imported from here)
