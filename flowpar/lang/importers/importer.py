"""What an importer is: it knows its own files, and says of each one as what it comes out and what is lost.

Source ─► recognises ─► translate ─► Translation ─► files in a folder
                            │             └── notes, for the person and at the head of the workflow
                            └── DocumentError: the file is not what it should be
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Protocol

from flowpar.core.frozen import dataclass

if TYPE_CHECKING:
    from collections.abc import Mapping

    from flowpar.core.source import Source

WORKFLOW = "workflow.yaml"
"""The name that each importer gives to the workflow among its files."""


@dataclass(frozen=True, slots=True)
class Translation:
    """What came of a file; `files` are texts by name, the workflow and all that it needs.

    Attributes:
        files: Text by file name, `WORKFLOW` first.
        told: What was found, on one line.
        notes: What could not be translated or means something else now, a line each; empty where nothing is lost.
        example: Arguments of `flowpar run` behind the file that are worth a try, such as `-i scale=0.001`.
    """

    files: Mapping[str, str]
    told: str
    notes: tuple[str, ...]
    example: str = ""


class Importer(Protocol):
    """Reads the files of one other system."""

    name: ClassVar[str]

    def recognises(self, source: Source) -> bool:
        """Say whether a file seems to be one of this system's, broken ones included; never raises."""
        ...

    def translate(self, source: Source) -> Translation:
        """Turn a file into a workflow; raises DocumentError, naming the place, for one that is wrong."""
        ...
