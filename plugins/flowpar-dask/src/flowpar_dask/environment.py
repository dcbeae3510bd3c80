"""Whether dask workers have the distributions that tasks reach in the same versions; said once, and no failure.

modules of the tasks ─► packages that they import ─► distributions ─┬─ here ──┬─► what differs, in words
                                      dask's own ───────────────────┴─ there ─┘
"""

from __future__ import annotations

import sys
from collections import defaultdict
from importlib import metadata
from typing import TYPE_CHECKING, Any

from flowpar.code.distribution import Distributions
from flowpar.code.imported import ImportedPackages
from flowpar.code.library import Library

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from flowpar.execute.recipe import Shared

_OF_DASK = ("dask", "distributed", "cloudpickle")
_MOST_NAMED = 6


def reached(shared: Shared) -> dict[str, str]:
    """Return the distributions that the modules of a run's tasks import, and dask's own, with their versions here."""
    imported = ImportedPackages(Library((shared.workflow_dir, *shared.python_path, *sys.path)))
    packages = {package for module in shared.modules for package in imported.of(module)}
    return {**dict(Distributions().of(packages)), **versions_of(_OF_DASK)}


def versions_of(names: Iterable[str]) -> dict[str, str]:
    """Return the versions of distributions that are installed where this is called, "" for those that are not."""
    found = {}
    for name in names:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            found[name] = ""
    return found


def other_versions(ours: Mapping[str, str], theirs: Mapping[str, Mapping[str, str] | BaseException]) -> str:
    """Return what dask workers, by address, have in other versions, "" where nothing is."""
    workers_of: defaultdict[str, list[str]] = defaultdict(list)
    for address, found in theirs.items():
        if isinstance(found, BaseException):  # it ended meanwhile, or runs another version of this plugin
            continue
        different = [name for name in sorted(ours) if found.get(name, ours[name]) != ours[name]]
        if different:
            told = [f"{name} {ours[name]} here and {found[name] or 'none'} there" for name in different[:_MOST_NAMED]]
            more = f", and {len(different) - _MOST_NAMED} more" if len(different) > _MOST_NAMED else ""
            workers_of[", ".join(told) + more].append(address)
    return "; ".join(f"{_named(workers)}: {what}" for what, workers in workers_of.items())


def _named(workers: list[str]) -> str:
    if len(workers) == 1:
        return f"the dask worker {workers[0]} has other versions than this machine"
    return f"{len(workers)} dask workers, {workers[0]} is one, have other versions than this machine"


def compare(client: Any, shared: Shared) -> str:
    """Return what all dask workers have in other versions than this machine."""
    ours = reached(shared)
    return other_versions(ours, client.run(versions_of, tuple(ours), on_error="return"))
