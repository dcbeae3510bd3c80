"""What a function reaches, as values: for whoever keeps them and never reads source."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flowpar.core.frozen import dataclass

if TYPE_CHECKING:
    from flowpar.code.outline import PartKind


@dataclass(frozen=True, slots=True)
class Part:
    """One definition, constant or module that counts; `path` starts where the module is looked for."""

    kind: PartKind
    name: str
    path: str
    line: int
    digest: str


@dataclass(frozen=True, slots=True)
class Reached:
    """What a function reaches; `digest` is that of `parts`, which are sorted by name, and of nothing else.

    `files` are those of all modules that are imported with it, each with a digest of what was read there.
    """

    digest: str
    parts: tuple[Part, ...] = ()
    distributions: tuple[tuple[str, str], ...] = ()
    notes: tuple[str, ...] = ()
    files: tuple[tuple[str, str], ...] = ()
