"""How a plan is run this time, and how that ended: two values at the ends of the loop."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flowpar.core.frozen import dataclass, field
from flowpar.schedule.start import Start

if TYPE_CHECKING:
    from collections.abc import Mapping

    from flowpar.core.errors import ExitCode
    from flowpar.core.outcome import Failure
    from flowpar.core.states import RunStatus, TaskState
    from flowpar.schedule.resources import Pools


@dataclass(frozen=True, slots=True)
class RunOptions:
    """How a plan is run this time.

    `run_dir` is absolute; `recorded` goes into the journal as it is, `secrets` nowhere. `pools` are what tasks
    share, None where no task of the plan asks for anything. `values_limit`, `syncs_values`, `trace_id`,
    `is_audited` and `code` are as workers get them.
    """

    run_id: str
    run_dir: str
    workers: int = 1
    is_fail_fast: bool = False
    timeout_s: float | None = None
    versions: Mapping[str, str] = field(default_factory=dict)
    recorded: Mapping[str, object] = field(default_factory=dict)
    start: Start = field(default_factory=Start)
    pools: Pools | None = None
    secrets: Mapping[str, str] = field(default_factory=dict, repr=False)
    values_limit: int | None = None
    syncs_values: bool = False
    trace_id: str = ""
    is_audited: bool = False
    code: Mapping[str, tuple[tuple[str, str], ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class RunEnd:
    """How a run ended.

    `outputs` is the JSON text of the workflow's outputs, None where the run did not come to them;
    `outputs_failure` says why they could not be made though every task ended well.
    """

    status: RunStatus
    exit_code: ExitCode
    states: Mapping[str, TaskState]
    failed: tuple[str, ...]
    duration_s: float
    outputs: str | None = None
    outputs_failure: Failure | None = None
