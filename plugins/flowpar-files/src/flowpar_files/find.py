"""The task type `find_files`: which files there are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flowpar.plugin import Finding, TaskContext, task_type

from flowpar_files.storage import FoundFile, check_urls, place

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


def check(arguments: Mapping[str, object]) -> Iterator[Finding]:
    """Look at what is written in the workflow; what the run will make is passed over."""
    yield from check_urls("pattern", arguments.get("pattern"))


@task_type(executor="thread", secrets=("credentials",), preload=("fsspec",), check=check)
def find_files(
    pattern: str,
    *,
    at_least: int = 0,
    storage: dict[str, Any] | None = None,
    credentials: dict[str, str] | None = None,
    context: TaskContext,
) -> list[FoundFile]:
    """Return the files that a pattern matches, by address: `*` within a folder, `**` through all folders."""
    files = place(pattern, storage, credentials).files()
    context.logger.info("files.found", pattern=pattern, files=len(files))
    if len(files) < at_least:
        raise FileNotFoundError(f'"{pattern}" matches {len(files)} files, and {at_least} are needed')
    return files
