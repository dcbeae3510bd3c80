"""What a sink is told when it is opened, before the run begins."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flowpar.core.frozen import dataclass, field

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


@dataclass(frozen=True, slots=True)
class SinkSetting:
    """What is known when a sink is opened: what the tasks of the plan need, by their ids.

    `tell` takes a line for the person who runs it; in `close` it disturbs no picture.
    """

    needs: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    tell: Callable[[str], None] = field(default=print, repr=False)
