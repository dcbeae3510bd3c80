"""What installed distributions say that they bring, by their entry points; nothing of them is imported."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from flowpar.core.frozen import dataclass

if TYPE_CHECKING:
    from collections.abc import Sequence

OWN_DISTRIBUTION: Final = "flowpar"


@dataclass(frozen=True, slots=True)
class Claim:
    """An installed distribution says that it brings something of a name: a kind of task, or an executor."""

    kind: str
    target: str
    distribution: str
    version: str

    @property
    def origin(self) -> str:
        """Return who claims it, for messages."""
        return f"{self.distribution} {self.version}".rstrip()


def scan(search_path: Sequence[str], group: str) -> dict[str, tuple[Claim, ...]]:
    """Return the claims of a group of entry points by name, those of one name by their distribution."""
    from importlib import metadata  # late: 50 ms, and a workflow of built-in kinds needs none of it

    claims: dict[str, dict[str, Claim]] = {}
    for distribution in metadata.distributions(path=list(search_path)):
        points = distribution.entry_points.select(group=group)
        if not points or distribution.name == OWN_DISTRIBUTION:
            continue
        for point in points:
            claim = Claim(point.name, point.value.split("[")[0].strip(), distribution.name, distribution.version)
            # The first of a name on the path is the one that an import gets.
            claims.setdefault(point.name, {}).setdefault(distribution.name, claim)
    return {kind: tuple(found[name] for name in sorted(found)) for kind, found in sorted(claims.items())}
