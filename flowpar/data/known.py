"""Values of Python's own classes from their pickles: plain data, paths, dates and the like; nothing of the user's.

What is admitted are constructors of the standard library that only hold data, so opening such a pickle runs no
code of the user's and does nothing beside.
"""

from __future__ import annotations

import io
import pickle
from typing import Any

from flowpar.core.errors import NeedsWorker
from flowpar.data.codec import Damaged

# By module: of `pathlib` the classes have moved between versions of Python.
_KNOWN = {
    "pathlib": {"PosixPath", "PurePosixPath", "WindowsPath", "PureWindowsPath"},
    "pathlib._local": {"PosixPath", "PurePosixPath", "WindowsPath", "PureWindowsPath"},
    "datetime": {"date", "datetime", "time", "timedelta", "timezone"},
    "decimal": {"Decimal"},
    "fractions": {"Fraction"},
    "uuid": {"UUID"},
    "collections": {"Counter", "OrderedDict"},
    "builtins": {"complex", "bytearray", "range", "set", "frozenset"},
}
_ILL_MADE = (pickle.UnpicklingError, EOFError, AttributeError, IndexError, KeyError, TypeError, ValueError)


class _Reader(pickle.Unpickler):
    def find_class(self, module: str, name: str, /) -> Any:
        if name in _KNOWN.get(module, ()):
            return super().find_class(module, name)
        raise NeedsWorker(f"it holds a {module}.{name}")

    def persistent_load(self, _: object) -> Any:
        raise NeedsWorker("it holds a reference to something else")


def decode_known(data: bytes) -> object:
    """Return a value of Python's own classes; raises NeedsWorker for any other, Damaged for what is no pickle."""
    if not data.startswith(b"\x80"):
        raise NeedsWorker("it has buffers apart, or parts")
    try:
        return _Reader(io.BytesIO(data)).load()
    except (*_ILL_MADE, RecursionError, MemoryError, OverflowError) as error:
        raise Damaged(f"the encoding cannot be read: {error}") from error
