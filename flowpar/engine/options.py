"""How a run is to be made, beside its plan: `EngineOptions`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from flowpar.core.frozen import dataclass, field
from flowpar.engine.cache_options import CacheOptions

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class EngineOptions:
    """How to run: `workers` at once, state below `state_dir` unless there is a `run_dir`.

    `recorded` are the options of the command line that the journal keeps for a resume. With `keeps_values` all files
    of values stay when nobody will read them any more; otherwise the newest of them do, where there is no
    `values_limit` on what they may hold together, in bytes. With `syncs_values` they are on disk before they count.
    Where it `is_traced`, tasks get a `TRACEPARENT`; where it `is_audited`, what they reach is noted.
    `executor` is that of the command line, with its address.
    """

    workers: int
    state_dir: Path
    run_dir: Path | None = None
    start_method: Literal["fork", "forkserver", "spawn"] = "fork"
    is_fail_fast: bool = False
    timeout_s: float | None = None
    is_synced: bool = True
    trust_state: bool = False
    keeps_values: bool = False
    values_limit: int | None = None
    syncs_values: bool = False
    cache: CacheOptions = field(default_factory=CacheOptions)
    is_traced: bool = False
    is_audited: bool = False
    recorded: Mapping[str, object] = field(default_factory=dict)
    executor: str | None = None
    allows_plugins: bool = True
