"""All importers by name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from flowpar.core.errors import UsageError
from flowpar.lang.importers.wfformat import WfFormat

if TYPE_CHECKING:
    from collections.abc import Mapping

    from flowpar.core.source import Source
    from flowpar.lang.importers.importer import Importer

IMPORTERS: Final[Mapping[str, Importer]] = {importer.name: importer for importer in (WfFormat(),)}


def importer_for(source: Source) -> Importer:
    """Return the importer that knows a file; raises UsageError where none does."""
    if not source.text.strip():
        raise UsageError(f'"{source.path}" is empty')
    for importer in IMPORTERS.values():
        if importer.recognises(source):
            return importer
    raise UsageError(
        f'"{source.path}" is no file of a system that is known here',
        hint=f"known are {', '.join(IMPORTERS)}; say which it is with --format",
    )
