"""The task type `wait_for_files`: until files are there, and nobody writes to them any more."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from flowpar.plugin import Finding, TaskContext, task_type

from flowpar_files.storage import FoundFile, check_urls, place

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from flowpar_files.storage import Place

_LONGEST_NAP_S = 0.2


def check(arguments: Mapping[str, object]) -> Iterator[Finding]:
    """Look at what is written in the workflow; what the run will make is passed over."""
    yield from check_urls("urls", arguments.get("urls"))
    every_s = arguments.get("every_s")
    if isinstance(every_s, int | float) and every_s <= 0:
        yield Finding(f"every_s must be more than 0, and is {every_s}", argument="every_s")


@task_type(executor="thread", secrets=("credentials",), preload=("fsspec",), check=check)
def wait_for_files(
    urls: str | list[str],
    *,
    every_s: float = 5.0,
    unchanged_s: float = 0.0,
    storage: dict[str, Any] | None = None,
    credentials: dict[str, str] | None = None,
    context: TaskContext,
) -> list[FoundFile]:
    """Wait until each address or pattern matches a file, and none has changed for `unchanged_s`; return them.

    It looks every `every_s` seconds, for as long as the task's `timeout` lets it.
    """
    places = [place(url, storage, credentials) for url in ([urls] if isinstance(urls, str) else urls)]
    before: list[FoundFile] = []
    since = time.monotonic()
    while not context.cancelled():
        missing, files = _look(places)
        if files != before:
            before, since = files, time.monotonic()
        if not missing and time.monotonic() - since >= unchanged_s:
            break
        context.progress(len(places) - missing, len(places), "waits for files" if missing else "waits for them to rest")
        _sleep(every_s, context)
    return before


def _look(places: list[Place]) -> tuple[int, list[FoundFile]]:
    """Return how many of the places have no file, and all files of the others."""
    found = [where.files() for where in places]
    return sum(not files for files in found), [file for files in found for file in files]


def _sleep(seconds: float, context: TaskContext) -> None:
    until = time.monotonic() + seconds
    while (left := until - time.monotonic()) > 0 and not context.cancelled():
        time.sleep(min(left, _LONGEST_NAP_S))
