"""The files that arguments of a task name, where its type says that it reads them."""

from __future__ import annotations

import glob
import os
from typing import TYPE_CHECKING

from flowpar.data.matched import matched

if TYPE_CHECKING:
    from collections.abc import Iterable


def named_files(values: Iterable[object], folder: str, *, home: str) -> tuple[str, ...]:
    """Return the files that values name, as seen from a folder; relative ones start from `home` there.

    Of a folder these are all in it. Addresses are no files.
    """
    texts = [text for value in values for text in _paths_in(value) if text and "://" not in text]
    patterns = [glob.escape(os.path.join(home, text)) for text in texts]  # noqa: PTH118 - texts
    return matched(patterns, folder).files


def _paths_in(value: object) -> list[str]:
    """Return the paths in the value of an argument: of a mapping its keys, but for what is mounted for writing."""
    if isinstance(value, dict):
        value = [path for path, place in value.items() if not str(place).endswith(":rw")]
    many = value if isinstance(value, list | tuple) else [value]
    return [os.fspath(each) for each in many if isinstance(each, str | os.PathLike)]
