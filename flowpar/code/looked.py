"""What was asked of the disk to read signatures, and what it said: enough to see whether it would say the same again.

    modules   name -> where an import finds it, None where it finds nothing
    files     path -> digest of what was read there

What is asked next follows from what was said before. So where every answer is the same again, all that
was made of them would be the same, and a file that now shadows another one has changed an answer.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from flowpar.code.module import ModuleFinder, NotFound
from flowpar.core.digest import digest_bytes
from flowpar.core.frozen import dataclass

if TYPE_CHECKING:
    from collections.abc import Mapping

    from flowpar.code.module import ModuleSource


@dataclass(frozen=True, slots=True)
class Looked:
    """The questions and the answers; a file whose digest is empty was not read as a whole."""

    search_path: tuple[str, ...]
    modules: Mapping[str, ModuleSource | None]
    files: Mapping[str, str]

    @property
    def is_repeatable(self) -> bool:
        """Whether it can be asked again."""
        return all(self.files.values())

    def holds(self) -> bool:
        """Ask again: whether every module is where it was, and every file what it was."""
        finder = ModuleFinder(self.search_path)
        return all(_is_at(finder, name, found) for name, found in self.modules.items()) and all(
            digest_of_file(file) == expected for file, expected in self.files.items()
        )


def digest_of_file(file: str) -> str:
    """Return the digest of what is in a file, empty where it cannot be read."""
    try:
        return digest_bytes(Path(file).read_bytes())
    except OSError:
        return ""


def _is_at(finder: ModuleFinder, name: str, expected: ModuleSource | None) -> bool:
    found = finder.find(name)
    return expected is None if isinstance(found, NotFound) else found == expected
