"""The plan that a run was made by, taken from its folder as it is, whatever has changed since.

run folder ── plan ──► Packed ──► Recalled: the plan, and what it stood on

What is to run asks whether a plan still holds (`ready`); who looks back wants the one that there was.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from flowpar.core.frozen import dataclass
from flowpar.planning.dotenv import DotenvProblem, read_variables
from flowpar.planning.env_values import with_values
from flowpar.planning.kept import Packed
from flowpar.record.plans import PLAN, read_plan

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from flowpar.planning.grounds import Grounds
    from flowpar.planning.model import Plan


@dataclass(frozen=True, slots=True)
class Recalled:
    """A plan as it was kept, and its grounds; values of env files are not in it."""

    plan: Plan
    grounds: Grounds

    def with_env_files(self) -> tuple[Plan, tuple[str, ...]]:
        """Return the plan with what its env files hold now, and what is wrong with those that can't be read."""
        problems: list[str] = []
        own: dict[str, str] = {}
        files: dict[str, dict[str, str]] = {}
        for grounds in _all(self.grounds):
            try:
                found = read_variables(grounds.folder, grounds.env_files)
            except DotenvProblem as problem:
                problems.append(f"an env file in {grounds.folder} {problem}")
                continue
            if grounds is self.grounds:
                own = found
            else:
                files[grounds.path] = found
        return with_values(self.plan, own, files), tuple(problems)


def recall(run_dir: Path) -> Recalled | None:
    """Return the plan that is kept with a run; None where there is none, or it is not whole, ours, and readable."""
    content = read_plan(run_dir / PLAN)
    if content is None:
        return None
    packed = Packed(content)
    head, rest = packed.head(), packed.rest()
    return None if head is None or rest is None else Recalled(rest[1], head[1])


def _all(grounds: Grounds) -> Iterator[Grounds]:
    yield grounds
    yield from grounds.subs
