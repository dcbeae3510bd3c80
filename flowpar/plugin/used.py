"""The task types that one workflow uses, and how they were found: enough to see whether they are still the same."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from flowpar.core.errors import PluginError
from flowpar.core.frozen import dataclass
from flowpar.plugin.local import read_local

if TYPE_CHECKING:
    from collections.abc import Mapping

    from flowpar.plugin.registry import Registry, TaskTypeSource


@dataclass(frozen=True, slots=True)
class UsedKinds:
    """What the `entries` of `plugins:` brought, and by kind what the workflow uses, `python` left out."""

    entries: tuple[str, ...]
    folder: str
    python_path: tuple[str, ...]
    local: tuple[TaskTypeSource, ...]
    used: Mapping[str, TaskTypeSource]

    def are_found_by(self, registry: Registry) -> bool:
        """Whether a registry finds all of them where they were, of the same version and with the same options."""
        if self.entries:
            found = read_local(self.entries, workflow_dir=Path(self.folder), python_path=self.python_path)
            if found.problems or found.sources != self.local:
                return False
            registry = registry.with_local(found.sources)
        try:
            return all(registry.find(kind) == source for kind, source in self.used.items())
        except PluginError:
            return False
