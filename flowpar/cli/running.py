"""What `run` and `resume` have in common: their options, and what these come to."""

from __future__ import annotations

import json
import os
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, get_args

import click

from flowpar.cli import options
from flowpar.cli.cpus import usable_cpus
from flowpar.cli.sinks import is_traced
from flowpar.cli.watch import LogFormat, Watch
from flowpar.core.errors import ExitCode, UsageError
from flowpar.core.executors import EXECUTORS, how_to_install, split_address
from flowpar.core.frozen import dataclass, replace
from flowpar.core.suggest import nearest
from flowpar.engine.cache_options import LIMIT_BYTES, CacheOptions
from flowpar.engine.options import EngineOptions
from flowpar.plugin.executors import InstalledExecutors
from flowpar.report.outputs import readable
from flowpar.report.progress import Verbosity
from flowpar.report.wording import near, reason_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from flowpar.planning.prepared import Prepared
    from flowpar.report.screen import Color, Screen
    from flowpar.schedule.run import RunEnd

StartMethod = Literal["fork", "forkserver", "spawn"]
START_METHODS: tuple[StartMethod, ...] = get_args(StartMethod)
# A hundredth of a second for each MB: what nobody has listed yet must not hold up a run.
_MOST_READ_BYTES = 4 << 20


@dataclass(frozen=True, slots=True)
class RunArguments:
    """The options that `run` and `resume` share; None where nothing was given."""

    assignments: tuple[str, ...]
    only: tuple[str, ...]
    inputs_file: str | None
    workers: int | None
    executor: str | None
    fail_fast: bool
    timeout_s: float | None
    state_dir: Path
    start_method: StartMethod | None
    log_format: LogFormat
    no_sync: bool
    sync_values: bool
    values_limit: int | None
    audit: bool
    no_plugins: bool
    trust_state: bool
    no_cache: bool
    refresh: tuple[str, ...]
    cache_dir: Path | None
    cache_limit: int | None
    is_json: bool
    quiet: bool
    verbose: bool
    color: Color
    result_file: Path | None
    sinks: tuple[str, ...]

    @property
    def verbosity(self) -> Verbosity:
        """How much is told."""
        if self.quiet:
            return Verbosity.QUIET
        return Verbosity.VERBOSE if self.verbose else Verbosity.NORMAL

    @property
    def has_hints(self) -> bool:
        """Whether a person may read what would have been faster; a program or a CI job changes nothing by it."""
        return not self.is_json and os.environ.get("CI", "") in {"", "0", "false"}

    @property
    def slots(self) -> int:
        """How many workers there are to be."""
        return self.workers or usable_cpus()

    @property
    def executor_name(self) -> str | None:
        """The executor of tasks that name none."""
        return None if self.executor is None else split_address(self.executor)[0]

    def engine_options(self, *, run_dir: Path | None = None) -> EngineOptions:
        """Return how to run; the journal keeps what a resume needs of it."""
        return EngineOptions(
            workers=self.slots,
            state_dir=self.state_dir,
            run_dir=run_dir,
            start_method=self.start_method or "fork",
            is_fail_fast=self.fail_fast,
            timeout_s=self.timeout_s,
            is_synced=not self.no_sync,
            trust_state=self.trust_state,
            keeps_values=bool(self.only),
            values_limit=self.values_limit,
            syncs_values=self.sync_values,
            cache=self._cache_options(),
            executor=self.executor,
            allows_plugins=not self.no_plugins,
            is_audited=self.audit,
            recorded=self._recorded(),
            is_traced=is_traced(self.sinks),
        )

    def _cache_options(self) -> CacheOptions:
        return CacheOptions(
            is_on=not self.no_cache,
            folder=self.cache_dir,
            limit_bytes=self.cache_limit or LIMIT_BYTES,
            refreshed=self.refresh,
        )

    def _recorded(self) -> Mapping[str, object]:
        """Return the options that a resume keeps, and the folder to which relative paths are relative."""
        return {
            "folder": os.path.abspath(os.curdir) if os.path.exists(os.curdir) else None,  # noqa: PTH100, PTH110
            "executor": self.executor,
            "start_method": self.start_method or "fork",
            "fail_fast": self.fail_fast,
            "no_plugins": self.no_plugins,
            **({"only": list(self.only)} if self.only else {}),
            **({"values_limit": self.values_limit} if self.values_limit else {}),
            **({"sync_values": True} if self.sync_values else {}),
            **({"no_cache": True} if self.no_cache else {}),
            **({"cache_dir": os.fspath(self.cache_dir.absolute())} if self.cache_dir is not None else {}),
            **({"cache_limit": self.cache_limit} if self.cache_limit else {}),
        }


def _read_executor(context: click.Context, parameter: click.Parameter, given: str | None) -> str | None:
    """Take NAME or NAME=ADDRESS; what is installed is asked only where the name is not one of ours."""
    if given is None or given in EXECUTORS:
        return given
    name, address = split_address(given)
    if name in EXECUTORS:
        raise click.BadParameter(f'"{name}" is on this machine and takes no address', context, parameter)
    installed = InstalledExecutors().names
    if name not in installed:
        known = ", ".join((*EXECUTORS, *installed))
        hint = how_to_install(name)
        raise click.BadParameter(f'"{name}" is not one of {known}{f"; try {hint}" if hint else ""}', context, parameter)
    if given.endswith("=") and not address:
        raise click.BadParameter(f'there is no address after "{given}"', context, parameter)
    return given


_OPTIONS: tuple[Callable[[Callable[..., Any]], Callable[..., Any]], ...] = (
    options.inputs(),
    options.only(),
    options.whole_number("-w", "--workers", least=1, help="Run N at once; by default one for each usable CPU."),
    click.option(
        "--executor",
        callback=_read_executor,
        metavar="NAME[=ADDRESS]",
        help=f"Where tasks run that do not say it themselves: {', '.join(EXECUTORS)}, or what a plugin brings.",
    ),
    click.option("--fail-fast", is_flag=True, help="Start nothing more once a task has failed."),
    click.option(
        "--timeout", "timeout_s", callback=options.read_duration, metavar="DURATION", help="End the run after it."
    ),
    options.state_dir(),
    click.option(
        "--start-method",
        type=click.Choice(START_METHODS),
        help="How processes of tasks are started; by default fork.",
    ),
    click.option(
        "--log-format",
        type=click.Choice([form.value for form in LogFormat]),
        default=LogFormat.AUTO.value,
        show_default=True,
        callback=lambda _context, _parameter, value: LogFormat(value),
        help="What stderr shows: a live view or plain lines, log lines for people, or log lines as JSON.",
    ),
    click.option("--no-sync", is_flag=True, help="Do not wait for the disk; a power cut may then lose tasks."),
    click.option("--sync-values", is_flag=True, help="Wait for the disk before a large value counts, too."),
    click.option(
        "--values-limit",
        callback=options.read_size,
        metavar="SIZE",
        help="How much the files of values may hold together; by default as much as there is room.",
    ),
    *options.cache(),
    click.option(
        "--sink",
        "sinks",
        multiple=True,
        metavar="NAME[=TARGET]",
        help="Tell otel[=URL] or prometheus=FILE.prom, or a sink that is installed, too; may be repeated.",
    ),
    click.option("--audit", is_flag=True, help="Tell what tasks read that they do not declare; they take longer."),
    options.no_plugins(),
    click.option("--trust-state", is_flag=True, help="Use a state folder that is a link or another user's."),
    options.as_json("the outputs"),
    options.verbosity(),
    options.color(),
    click.option("--result", "result_file", type=click.Path(path_type=Path), hidden=True),
)


def run_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Take all that says how to run."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def selected(prepared: Prepared, only: Sequence[str]) -> tuple[Prepared, tuple[str, ...]]:
    """Return a workflow of which only some tasks are to run, and the outputs that are left out with the others."""
    if prepared.plan is None or not only:
        return prepared, ()
    from flowpar.planning.select import select  # late: most runs are of the whole

    selection = select(prepared.plan, only)
    return replace(prepared, selected=selection.plan), selection.outputs


def refuse_unknown(prepared: Prepared, refresh: Sequence[str]) -> None:
    """Raise UsageError where `--refresh` names what is no task, nor a part of one that only the run will know."""
    plan = prepared.plan
    if plan is None or not refresh:
        return
    known = {task.id for task in plan.tasks}
    for name in refresh:
        whole = name.partition("[")[0]
        if name not in known and not any(each == whole or each.startswith((f"{name}/", f"{whole}[")) for each in known):
            near = nearest(name, known)
            hint = f'did you mean "{near}"?' if near else "see flowpar plan for the names of tasks"
            raise UsageError(f'--refresh names "{name}", which is no task', hint=hint)


def timed(prepared: Prepared, arguments: RunArguments, watch: Watch) -> Prepared:
    """Return what is prepared, its paths in seconds where earlier runs say how long tasks take.

    They are not asked where there is a worker for each task that is ready, as it is no matter then which goes first,
    and nobody is shown when the run may end.
    """
    plan = prepared.selected or prepared.plan
    has_choice = plan is not None and max(map(len, plan.layers), default=0) > arguments.slots
    if plan is None or not (has_choice or watch.draws):
        return prepared
    from flowpar.cli.took import costs_of  # late: where nothing is asked of earlier runs

    costs = costs_of(plan, arguments.state_dir, trust_state=arguments.trust_state, most_bytes=_MOST_READ_BYTES)
    in_seconds = costs.timed(plan, arguments.slots)
    if in_seconds is not plan:
        is_known = all(costs.knows(task.id) for task in plan.tasks)
        watch.expect(costs, path_s=max(in_seconds.weights.values(), default=0.0) if is_known else 0.0)
    return replace(prepared, selected=in_seconds) if has_choice else prepared


def show_outputs(screen: Screen, end: RunEnd, run_dir: Path, *, is_json: bool, left_out: Sequence[str] = ()) -> None:
    """Print the outputs of a run that ended well, or say why there are none, or where they are."""
    if end.outputs_failure is not None:
        screen.tell(f"flowpar: the outputs cannot be made: {reason_of(end.outputs_failure)}", "error")
    if end.outputs is None or end.exit_code != ExitCode.OK:
        return
    outputs = json.loads(end.outputs)
    if left_out:
        screen.tell(f"flowpar: left out with the tasks that they need: {', '.join(left_out)}", "warning")
    if outputs and not screen.has_stdout:
        file = shlex.quote(near(os.path.join(run_dir, "outputs.json")))  # noqa: PTH118
        screen.tell(f"flowpar: stdout is closed, so the outputs are not printed; they are in {file}", "warning")
    elif is_json:
        screen.show(f"{end.outputs}\n")
    elif outputs:
        screen.show(readable(outputs))
