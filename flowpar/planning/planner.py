"""From a file to a frozen plan: check, inputs, graph, settings.

    path ─ check ─► Checked ─┬─ given inputs ─► values
                             └─ needs ─► graph ─► layers, weights ─► Plan
                                           └─► cycles ─► findings

pydantic ends before the plan and networkx in it: who runs a plan loads neither.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from flowpar.core.diagnostics import Diagnostics
from flowpar.execute.recipe import Call
from flowpar.expr.references import references
from flowpar.expr.template import Constant
from flowpar.lang.check import check
from flowpar.planning.expand import count_items
from flowpar.planning.graph import build_graph, find_cycles, layers_of, weights_of
from flowpar.planning.model import FanOut, Plan, PlannedTask
from flowpar.planning.setting import SettingReader

if TYPE_CHECKING:
    from collections.abc import Mapping

    from flowpar.core.source import Source
    from flowpar.lang.checked import Checked, CheckedTask
    from flowpar.plugin.registry import Registry


@dataclass(frozen=True, slots=True)
class Prepared:
    """A workflow that was read: its plan, or the findings why there is none; `sources` by path as messages show it."""

    path: str
    plan: Plan | None
    diagnostics: Diagnostics
    sources: Mapping[str, Source]
