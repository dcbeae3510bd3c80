"""The files that the code of cached tasks stands in, as they are when a run begins.

Workers look whether they still are, before they keep what came of it.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from flowpar.core.digest import digest_bytes
from flowpar.data.stamp import stamp_of
from flowpar.planning.template import within

if TYPE_CHECKING:
    from collections.abc import Mapping

    from flowpar.planning.model import Plan


def code_state(plan: Plan) -> Mapping[str, tuple[tuple[str, str], ...]]:
    """Return the files of each code with their stamps; "" for one that is not what the plan was made of any more."""
    stamp = lru_cache(maxsize=None)(_stamp)
    known = {task.cache.code: task.cache.reached for task in within(plan.tasks) if task.cache is not None}
    return {
        code: tuple((file, stamp(file, digest)) for file, digest in reached.files)
        for code, reached in known.items()
        if reached is not None and reached.files
    }


def _stamp(file: str, digest: str) -> str:
    try:
        stamp = stamp_of(file)
        return stamp if digest_bytes(Path(file).read_bytes()) == digest else ""
    except OSError:
        return ""
