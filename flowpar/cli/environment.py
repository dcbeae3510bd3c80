"""What a run was run with: versions, machine, commit, plugins, options."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from flowpar.record.commit import commit_of, work_tree_of
from flowpar.record.past import seconds

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from flowpar.engine.past_plan import PastPlan
    from flowpar.record.settled import Settled

_NAMES = {"flowpar": "flowpar", "python": "Python", "platform": "Platform"}
_MOST_FILES = 5
_SHORT = 12


def environment_of(settled: Settled, plan: PastPlan | None) -> Iterator[tuple[str, str]]:
    """Give what is known, by its name."""
    run = settled.run
    versions = {str(name): str(text) for name, text in run.versions.items()}
    for name, text in versions.items():
        if name != "commit":
            yield _NAMES.get(name, name), text
    yield "Commit", _commit(versions.get("commit", ""), run.file, run.started_at)
    if plan is not None:
        yield "Plugins", ", ".join(f"{name} {version}".rstrip() for name, version in plan.plugins) or "none"
    yield "Workers", str(run.workers)
    yield "Options", ", ".join(f"{name}={value}" for name, value in _given(run.options).items())
    yield "Run folder", run.run_dir


def _given(options: Mapping[str, object]) -> Mapping[str, object]:
    return {name: value for name, value in options.items() if value not in (None, False, [], {})}


def _commit(recorded: str, file: str, started_at: str) -> str:
    """Say which commit the run was at, and whether files differed from it, as far as these tell now."""
    folder = os.path.dirname(os.path.abspath(file))  # noqa: PTH100, PTH120 - the text of a journal
    tree = work_tree_of(folder) if commit_of(folder) else None
    if not recorded:
        return ""
    short = recorded[:_SHORT]
    if tree is None:
        return short
    if tree.commit != recorded:
        return f"{short} (the checkout is at {tree.commit[:_SHORT]} now)"
    if not tree.changed:
        return f"{short}, clean"
    names = ", ".join(tree.changed[:_MOST_FILES]) + (" and others" if len(tree.changed) > _MOST_FILES else "")
    if tree.was_changed_by(seconds(started_at)):
        return f"{short}, dirty: not all was committed when the run began ({names})"
    return f"{short}, clean when the run began; changed since: {names}"
