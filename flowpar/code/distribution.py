"""Which installed distributions, in which versions, the modules of installed packages come from.

Read from the distributions' own files, once; nothing is imported. What a distribution requires counts along with it.
"""

from __future__ import annotations

import re
from functools import cached_property
from importlib.metadata import PackageNotFoundError, distribution, packages_distributions
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


class Distributions:
    """Answers for the environment of this process."""

    def __init__(self) -> None:
        """Start with nothing read."""
        self._known: dict[str, tuple[str, tuple[str, ...]] | None] = {}

    @cached_property
    def _of_package(self) -> Mapping[str, Sequence[str]]:
        return packages_distributions()

    def of(self, modules: Iterable[str]) -> tuple[tuple[str, str], ...]:
        """Return the distributions of installed modules and all that those require, as (name, version)."""
        tops = {module.partition(".")[0] for module in modules}
        return self.named(*(name for top in tops for name in self._of_package.get(top, ())))

    def loose(self, modules: Iterable[str]) -> set[str]:
        """Return the top-level names of modules that no distribution brings."""
        tops = {module.partition(".")[0] for module in modules}
        return tops - self._of_package.keys() if tops else tops

    def named(self, *names: str) -> tuple[tuple[str, str], ...]:
        """Return distributions and all that they require, as (name, version)."""
        waiting = list(map(normalised, names))
        found: dict[str, str] = {}
        while waiting:
            name = waiting.pop()
            known = None if name in found else self._read(name)
            if known is not None:
                found[name] = known[0]
                waiting += known[1]
        return tuple(sorted(found.items()))

    def _read(self, name: str) -> tuple[str, tuple[str, ...]] | None:
        """Return a distribution's version and what it requires without extras; None where it is not installed."""
        if name not in self._known:
            try:
                read = distribution(name)
            except (PackageNotFoundError, ValueError):
                self._known[name] = None
                return None
            required = [text for text in read.requires or () if "extra ==" not in text.replace("extra==", "extra ==")]
            names = (_NAME.match(text.strip()) for text in required)
            self._known[name] = read.version, tuple(normalised(match.group()) for match in names if match)
        return self._known[name]


def normalised(name: str) -> str:
    """Return a distribution's name in the one form that all its spellings have in common."""
    return re.sub(r"[-_.]+", "-", name).lower()
