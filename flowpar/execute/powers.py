"""What a process may do: its user, its groups and its limits, which a task can give away and nobody get back."""

from __future__ import annotations

import os
import resource
from typing import NamedTuple

_LIMITS = tuple(sorted({getattr(resource, name) for name in dir(resource) if name.startswith("RLIMIT_")}))


class Powers(NamedTuple):
    """Equal to another where nothing was given away meanwhile."""

    users: tuple[int, ...]
    groups: tuple[int, ...]
    limits: tuple[tuple[int, int], ...]

    @classmethod
    def now(cls) -> Powers:
        """Take note of those of this process."""
        return cls(
            (os.getuid(), os.geteuid()),
            (os.getgid(), os.getegid(), *os.getgroups()),
            tuple(map(resource.getrlimit, _LIMITS)),
        )
