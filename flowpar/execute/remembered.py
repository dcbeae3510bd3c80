"""What an attempt does for the cache, before and after: nothing is imported for it where there is none."""

from __future__ import annotations

from time import perf_counter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from flowpar.core.outcome import Success
    from flowpar.data.cache_entry import Keeping
    from flowpar.execute.base import Job
    from flowpar.execute.recipe import Shared


class Memory:
    """Owned by one attempt; `keeping` says how it is kept, None where it is not."""

    def __init__(self, keeping: Keeping | None) -> None:
        """Begin to count the time."""
        self._keeping = keeping
        self._began = perf_counter()
        self._outputs: Mapping[str, str] = {}

    def look(self) -> None:
        """Note what is there of files that are to be kept: what the attempt does not write is not its own."""
        if self._keeping is not None and self._keeping.outputs:
            from flowpar.execute.meanwhile import outputs_before  # late: only a task with a cache pays for it

            self._outputs = outputs_before(self._keeping)

    def keep(self, success: Success, job: Job, shared: Shared) -> tuple[str, ...]:
        """Keep what it came to in the cache, where that is wanted; return a warning where that can't be."""
        if self._keeping is None:
            return ()
        from flowpar.execute.keep import keep  # late: as above

        seconds = perf_counter() - self._began
        return keep(self._keeping, success, job, shared, seconds=seconds, before=self._outputs)
