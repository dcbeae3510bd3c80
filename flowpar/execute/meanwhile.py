"""What became of files and code while an attempt was made: its key says how they were before.

before ─► attempt ─► after       the same? ─► it may be kept; else the reason why not
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from flowpar.data.matched import matched
from flowpar.data.stamp import stamp_or_nothing

if TYPE_CHECKING:
    from collections.abc import Mapping

    from flowpar.data.cache_entry import Keeping
    from flowpar.execute.recipe import Shared


def outputs_before(keeping: Keeping) -> Mapping[str, str]:
    """Return the files that match the outputs of an attempt which is about to begin, with their stamps."""
    found = matched(keeping.outputs, keeping.folder, stays_inside=True).files if keeping.outputs else ()
    return {path: stamp_or_nothing(_full(keeping, path)) for path in found}


def unwritten(keeping: Keeping, paths: tuple[str, ...], before: Mapping[str, str]) -> str:
    """Return a file among outputs that was there before and that nobody has written to since, "" for none."""
    known = (path for path in paths if path in before)
    return next((path for path in known if stamp_or_nothing(_full(keeping, path)) == before[path]), "")


def changed_meanwhile(keeping: Keeping, shared: Shared) -> str:
    """Return what an attempt can't be kept for, as it was changed since its key was made; "" for nothing."""
    for file, stamp in shared.code.get(str(keeping.parts.get("code")), ()):
        if stamp_or_nothing(file) != stamp:
            return f'its code was changed meanwhile, in "{os.path.basename(file)}"'  # noqa: PTH119 - a text
    for path, stamp in keeping.stamps.items():
        if stamp_or_nothing(_full(keeping, path)) != stamp:
            return f'"{path}", which it declares to read, was changed meanwhile'
    if not keeping.files:
        return ""
    now = set(matched(keeping.files, keeping.folder).files) - keeping.stamps.keys()
    own = set(matched(keeping.outputs, keeping.folder).files) if now and keeping.outputs else set()
    new = min(now - own, default="")
    return f'"{new}", which it declares to read, was not there before' if new else ""


def _full(keeping: Keeping, path: str) -> str:
    return os.path.join(keeping.folder, path)  # noqa: PTH118 - texts
