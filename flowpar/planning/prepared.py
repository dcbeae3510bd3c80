"""What comes of a workflow file before it runs: its plan or the findings, and what they were made from."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flowpar.core.frozen import dataclass, field
from flowpar.planning.secret import Secrets

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from flowpar.core.diagnostics import Diagnostics
    from flowpar.core.source import Source
    from flowpar.planning.grounds import Grounds
    from flowpar.planning.model import Plan


@dataclass(frozen=True, slots=True)
class Prepared:
    """A workflow that was read: its plan, or the findings why there is none; `sources` by path as messages show it.

    `grounds` are there where the plan would be the same again as long as they hold; `is_kept` says that it
    was made earlier and they do. `given` is the digest of its inputs, and `shelf` the file in which runs to
    come look for it. `secrets` are those of the run, where there is a plan for one. `selected` is what of the
    plan runs, where that is not all of it.
    """

    path: str
    plan: Plan | None
    diagnostics: Diagnostics
    sources: Mapping[str, Source]
    grounds: Grounds | None = None
    is_kept: bool = False
    given: str = ""
    shelf: Path | None = None
    selected: Plan | None = None
    secrets: Secrets = field(default_factory=Secrets)
