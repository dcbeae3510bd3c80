"""What a worker does for a job: the recipe of its task, what the run shares, and what is bound for this attempt.

    Shared    one for the run: inputs, environment, folders, where outputs are found
    recipe    one for the task: Call | Expand | Judge | Render
    Bindings  one for the attempt: the item's values and what upstream tasks gave

All three are pickled by the engine and opened by the worker; what is shared already by the launcher, once, for all
workers to come. They hold plain data and classes of ours, so opening them runs no user code.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from flowpar.core.frozen import dataclass, field, replace
from flowpar.core.packed import Packed

if TYPE_CHECKING:
    from collections.abc import Mapping

    from flowpar.core.outcome import ValueRef
    from flowpar.data.cache_entry import Keeping
    from flowpar.execute.begun import BegunFile
    from flowpar.expr.template import Template


@dataclass(frozen=True, slots=True)
class Shared(Packed):
    """What every job of a run gets.

    `env` holds templates of the top-level `env`, applied after `env_file` (already read).
    `secrets` travel by sockets and pipes only and are kept nowhere; tasks do not inherit the `hidden` variables
    that they were read from. `outputs_address` and `outputs_key` lead to the managed outputs; None where there
    are none (tests). `modules` are those that the tasks' functions are in. The files of values may hold
    `values_limit` bytes together, where there is a limit; with `syncs_values` they are on disk before they are told.
    With `has_cache` large values have a checksum by which they may be known again anywhere, and `code` has the files
    of each code of cached tasks with their stamps.
    With a `trace_id` each attempt gets the `TRACEPARENT` of its own span.
    If it `is_audited`, attempts note what they reach (`execute/audit.py`). Workers of a pool note in `begun` what they
    begin, where somebody wants to know that outlives them. Files of values are looked for in the folder `near` before
    they are in the run's, where there is one, and the scratch folders of attempts are below `scratch_in` instead of the
    run's: locks of folders count on one machine only.
    """

    run_id: str
    run_dir: str
    workflow_name: str
    workflow_dir: str
    python_path: tuple[str, ...]
    inputs: Mapping[str, object]
    env_file: Mapping[str, str] = field(default_factory=dict)
    env: Mapping[str, Template] = field(default_factory=dict)
    outputs_address: str | None = None
    outputs_key: bytes = b""
    secrets: Mapping[str, str] = field(default_factory=dict, repr=False)
    hidden: tuple[str, ...] = ()
    modules: tuple[str, ...] = ()
    values_limit: int | None = None
    syncs_values: bool = False
    has_cache: bool = False
    code: Mapping[str, tuple[tuple[str, str], ...]] = field(default_factory=dict)
    trace_id: str = ""
    is_audited: bool = False
    begun: BegunFile | None = None
    near: str = ""
    scratch_in: str = ""


OUTPUTS = "outputs"
"""The task, which is none, that makes the workflow's outputs after all others."""
INPUTS = "(inputs)"
"""The task of a sub-workflow, by its id there, that makes the inputs which other tasks give."""


def secret_key(owner: str, name: str) -> str:
    """Return the name of a secret among those of a run; `owner` is the file of a sub-workflow, "" for none."""
    return f"{owner}:{name}" if owner else name


@dataclass(frozen=True, slots=True)
class Scope(Packed):
    """The sub-workflow that a task is a part of: what stands before its ids, and what its file brings.

    `inputs` are those that were known before the run; where `has_entry`, a task makes what is given, or at least
    waits until there is a reason to begin. `may_fail` says that the run may go on without its tasks. `file` is
    its file, which has secrets of its own.
    """

    prefix: str
    workflow_name: str
    workflow_dir: str
    python_path: tuple[str, ...]
    inputs: Mapping[str, object]
    env: Mapping[str, Template]
    env_file: Mapping[str, str]
    has_entry: bool = False
    may_fail: bool = False
    file: str = ""

    def within(self, shared: Shared) -> Shared:
        """Return what the tasks of the sub-workflow share."""
        owner = secret_key(self.file, "")
        return replace(
            shared,
            workflow_name=self.workflow_name,
            workflow_dir=self.workflow_dir,
            python_path=self.python_path,
            inputs=self.inputs,
            env=self.env,
            env_file={name: value for name, value in self.env_file.items() if name not in shared.hidden},
            secrets={key.removeprefix(owner): value for key, value in shared.secrets.items() if key.startswith(owner)},
        )


@dataclass(frozen=True, slots=True)
class Call(Packed):
    """Call `target` ("module:function") with evaluated arguments; what it returns is the output.

    `threads` is how many threads numeric libraries may take, 0 where the task does not say.
    `until` is asked of the output: where it does not hold, another round follows. With `streams` what the
    function yields is told at once, for others go on with it.
    """

    target: str
    arguments: Mapping[str, Template]
    env: Mapping[str, Template] = field(default_factory=dict)
    cwd: Template | None = None
    threads: int = 0
    until: Template | None = None
    streams: bool = False


@dataclass(frozen=True, slots=True)
class Expand:
    """Evaluate the names of a `for_each` or `matrix` axes; the output is an encoded `Expansion`.

    `is_product` makes the cross product of the axes (last one fastest) less `exclude` plus
    `include`; otherwise names advance together and unequal lengths fail. `condition` is an `if` that
    mentions each item, `key` gives each its name.
    """

    names: Mapping[str, Template]
    is_product: bool = False
    include: tuple[Mapping[str, Template], ...] = ()
    exclude: tuple[Mapping[str, Template], ...] = ()
    condition: Template | None = None
    key: Template | None = None


@dataclass(frozen=True, slots=True)
class Judge:
    """Evaluate an `if`; the output is a bool."""

    condition: Template


@dataclass(frozen=True, slots=True)
class Render:
    """Evaluate the workflow's `outputs`; the output is their JSON text as str."""

    outputs: Mapping[str, Template]


Recipe = Call | Expand | Judge | Render


@dataclass(frozen=True, slots=True)
class FailureView(Packed):
    """`tasks.x.error` as expressions see it."""

    kind: str
    type: str
    message: str
    attempt: int
    exit_code: int | None
    traceback: str


@dataclass(frozen=True, slots=True)
class TaskView(Packed):
    """`tasks.x` as a job needs it.

    `output` is the value's place where it travels along, `item_outputs` those of a fan-out's items
    (None for an item without one); `is_managed` says that it (or that of each succeeded item) is to
    be looked up in the managed outputs instead. `item_states` has one state name for each item of a
    fan-out and is None otherwise.
    """

    status: str
    output: ValueRef | None = None
    is_managed: bool = False
    error: FailureView | None = None
    item_states: tuple[str, ...] | None = None
    item_outputs: tuple[ValueRef | None, ...] | None = None
    item_errors: Mapping[int, FailureView] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Bindings(Packed):
    """What is bound for one attempt.

    `each` maps names to the encoded value of this item (decoded in the worker); `is_matrix` says
    that they are read as `matrix.<name>`. `run` is `run.status` and `run.failed` in `finally`. `devices` are
    the ids of the attempt's `gpu`, None where it did not ask. `round` counts the rounds of a repeat from 1,
    0 where there are none; `previous` is what the last one gave. `scope` is there in a sub-workflow, and what
    stands before its ids stands in `tasks`, too. `key` is the name of the item, where
    it has one. `keeping` says how the cache keeps what the attempt comes to, None where it does not.
    """

    tasks: Mapping[str, TaskView] = field(default_factory=dict)
    each: Mapping[str, bytes] = field(default_factory=dict)
    index: int | None = None
    is_matrix: bool = False
    run: Mapping[str, object] = field(default_factory=dict)
    devices: tuple[str, ...] | None = None
    round: int = 0
    previous: ValueRef | None = None
    scope: Scope | None = None
    key: str | float | None = None
    keeping: Keeping | None = None
