"""The plan: what this run will do, frozen; stdlib dataclasses only."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from flowpar.core.frozen import dataclass, field

if TYPE_CHECKING:
    from collections.abc import Mapping

    from flowpar.code.reached import Reached
    from flowpar.core.run_if import RunIf
    from flowpar.core.source import Span
    from flowpar.execute.recipe import Call, Scope
    from flowpar.expr.template import Template
    from flowpar.planning.rounds import Rounds
    from flowpar.planning.secret import SecretSource
    from flowpar.planning.template import Template as TaskTemplate


@dataclass(frozen=True, slots=True)
class Retry:
    """When a failed attempt is made again; `attempts` counts all of them, `on` is empty for any failure."""

    attempts: int = 1
    delay_s: float = 0.0
    backoff: float = 1.0
    max_delay_s: float | None = None
    jitter: bool = False
    on: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Repeat:
    """How often a task may run until its `until` holds; `takes_last` is what becomes of the last round otherwise."""

    rounds: int
    delay_s: float = 0.0
    takes_last: bool = False


@dataclass(frozen=True, slots=True)
class FanOut:
    """How a task becomes items; `items` is their number where it is known before the run.

    `feeds` has for a name the task whose items, or yielded values, become the items one by one;
    `key` gives each item the name by which it is known again, and then `fingerprint` is of the lists.
    """

    names: Mapping[str, Template]
    is_product: bool = False
    include: tuple[Mapping[str, Template], ...] = ()
    exclude: tuple[Mapping[str, Template], ...] = ()
    max_parallel: int | None = None
    on_item_error: Literal["finish", "fail_fast", "collect"] = "finish"
    items: int | None = None
    feeds: Mapping[str, str] = field(default_factory=dict)
    key: Template | None = None
    fingerprint: str = ""

    @property
    def lists(self) -> list[Template]:
        """All that says which items there are: the lists, and what is beside the axes."""
        beside = (value for entry in (*self.include, *self.exclude) for value in entry.values())
        return [*self.names.values(), *beside]


@dataclass(frozen=True, slots=True)
class Bound:
    """What a task is bound to that is a part of one item of a sub-workflow.

    `key` is the name of the item, where it has one; `mark` is then a digest of what it is bound to, if only the run
    knows that.
    """

    each: Mapping[str, bytes]
    index: int
    is_matrix: bool = False
    key: str | float | None = None
    mark: str = ""


@dataclass(frozen=True, slots=True)
class Bounds:
    """What holds for a sub-workflow as a whole, or for each item of one; on the task that ends it.

    `of` is the task that has the outputs of all items, "" where it is no item.
    """

    timeout_s: float | None = None
    of: str = ""
    max_parallel: int | None = None
    on_item_error: Literal["finish", "fail_fast", "collect"] = "finish"


@dataclass(frozen=True, slots=True)
class Caching:
    """What beside its arguments says that an attempt was made before, and how long that counts.

    `code` is the digest of what the task runs, and `reached` what that is made of, installed distributions included.
    `files` are read and `outputs` written, as globs, and the arguments `named_by` name further files that are read;
    `env` are names of variables. It `is_implied` where nobody asked for it: of tasks that only pass on what others
    came to.
    """

    code: str = ""
    reached: Reached | None = None
    files: Template | None = None
    outputs: Template | None = None
    env: tuple[str, ...] = ()
    version: Template | None = None
    ttl_s: float | None = None
    is_implied: bool = False
    named_by: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class PlannedTask:
    """One task of the plan; `index` is its place in the file.

    `needs` are task ids in plan order; `reads` those of them whose output, status, error or items
    the worker's templates read, and `decides_on` those that the `if`, `for_each` or matrix reads.
    `condition_is_per_item` says that the `if` mentions `each` or `matrix`. `fingerprint` and `code` are
    of what it does and of the file of its function, empty in a plan that nobody will run. `resources` are
    what an attempt holds of each pool (memory in bytes), as far as that is written, and `resources_at` where
    in the file `resources_in`; `priority` goes before the length of the path.
    `preload` are modules that may be imported before it starts.
    A task of `finally` (`in_finally`) stands after all others. `scope` is the sub-workflow that a task is a part of,
    `bound` what the item of it is bound to that the task begins; a task with a `template` makes such items.
    Where one `is_spared`, its failure is only that of the sub-workflow which it begins. `part_of` is the task that ends
    the sub-workflow, or the item of one, that it belongs to; `bounds` are on such a task. `tidies` is the one after
    whose tasks it has its turn, as a task of its `finally`. `lap` is the round of a sub-workflow that repeats, and
    `previous` the task that has the outputs of the round before; a task with `rounds` decides whether another follows.
    With a `cache` what was made before, in any run, is not made again.
    """

    id: str
    index: int
    kind: str
    layer: int
    executor: str
    call: Call
    needs: tuple[str, ...] = ()
    reads: frozenset[str] = frozenset()
    decides_on: frozenset[str] = frozenset()
    run_if: RunIf = "all_success"
    condition: Template | None = None
    condition_is_per_item: bool = False
    fan_out: FanOut | None = None
    retry: Retry = field(default_factory=Retry)
    repeat: Repeat | None = None
    timeout_s: float | None = None
    grace_s: float = 5.0
    allow_failure: bool = False
    description: str = ""
    fingerprint: str = ""
    code: str = ""
    in_finally: bool = False
    resources: Mapping[str, float] = field(default_factory=dict)
    resources_at: Mapping[str, Span] = field(default_factory=dict)
    resources_in: str = ""
    priority: int = 0
    batch: int | None = None
    preload: tuple[str, ...] = ()
    scope: Scope | None = None
    bound: Bound | None = None
    template: TaskTemplate | None = None
    is_spared: bool = False
    part_of: str = ""
    bounds: Bounds | None = None
    tidies: str = ""
    lap: int = 0
    previous: str = ""
    rounds: Rounds | None = None
    cache: Caching | None = None


@dataclass(frozen=True, slots=True)
class Plan:
    """A workflow ready to run: tasks in topological order (file order among equals).

    `weights` is the length of the longest path from each task to the end of the run, in seconds where earlier runs
    say how long tasks take, and else in tasks; `expected_s` is what an attempt takes then on average. `outputs_read`
    are the tasks that the workflow's own outputs read; `limits` are the sizes of its own pools; `secrets` are
    where they are read from, never they.
    """

    workflow: str
    file: str
    workflow_dir: str
    description: str
    tasks: tuple[PlannedTask, ...]
    layers: tuple[tuple[str, ...], ...]
    weights: Mapping[str, float]
    inputs: Mapping[str, object]
    outputs: Mapping[str, Template]
    env: Mapping[str, Template]
    env_file: Mapping[str, str]
    python_path: tuple[str, ...]
    outputs_read: frozenset[str] = frozenset()
    limits: Mapping[str, float] = field(default_factory=dict)
    secrets: tuple[SecretSource, ...] = ()
    expected_s: float | None = None
