"""A workflow as its document says it: strict, frozen, and raw where expressions may stand.

    Workflow ─┬─ inputs    {name: InputModel}
              ├─ secrets   {name: SecretModel}
              ├─ defaults  DefaultsModel
              ├─ tasks     {id: TaskModel}
              └─ env, limits, outputs, …

Values that may hold expressions are plain (text, numbers, lists, mappings) and not parsed. `None` means
that a key was not written. The models are slotted dataclasses: a model with a dictionary of its own would
cost 100,000 tasks 150 MB more.
"""

from __future__ import annotations

from dataclasses import field
from typing import Any, Literal, TypeVar, dataclass_transform

from pydantic import ConfigDict, Field
from pydantic.dataclasses import dataclass

from flowpar.core.left_out import in_place_of, no_entry_points
from flowpar.lang.cache_field import Globs, OutputGlobs, VariableNames, Version  # noqa: TC001 -- pydantic reads the annotations
from flowpar.lang.fields import (  # noqa: TC001 -- the same
    Batch,
    Bound,
    Choices,
    Condition,
    Count,
    Duration,
    ExecutorName,
    Factor,
    Ids,
    ItemError,
    Items,
    Length,
    Limit,
    Matrix,
    Name,
    OnMax,
    RetryOn,
    RunRule,
    Switch,
    Text,
    Texts,
    Timeout,
    Variables,
)
from flowpar.lang.preload_field import Preload  # noqa: TC001 -- the same
from flowpar.lang.resource_field import Amounts, Priority  # noqa: TC001 -- the same

# Types are strict field by field: `strict=True` for a dataclass as a whole would refuse mappings.
_STRICT = ConfigDict(extra="forbid", validate_by_name=True, validate_by_alias=True, regex_engine="python-re")

T = TypeVar("T")

InputType = Literal["string", "integer", "number", "boolean", "path", "list", "mapping", "any"]


@dataclass_transform(frozen_default=True, field_specifiers=(Field, field))
def _model(plain: type[T]) -> type[T]:
    """Make a strict model, for which pydantic looks for no plugins of its own in all distributions."""
    with in_place_of("pydantic.plugin._loader", get_plugins=no_entry_points):
        return dataclass(frozen=True, slots=True, config=_STRICT)(plain)  # type: ignore[return-value] # the same class, as pydantic has it


@_model
class RetryModel:
    """When a failed attempt is made again.

    `attempts` counts all of them; where it is an expression and `counts_retries` is set, its value
    counts the tries after the first (the short form `retry: ${{ … }}`).
    """

    attempts: Count = 1
    delay: Duration = 0.0
    backoff: Factor = 1.0
    max_delay: Duration | None = None
    jitter: Switch = False
    on: RetryOn = ()
    counts_retries: bool = Field(default=False, exclude=True)


@_model
class RepeatModel:
    """How often a task runs until its output is what is wanted."""

    until: Condition
    max: Count
    delay: Duration = 0.0
    on_max: OnMax = "fail"


@_model
class CacheModel:
    """Whether an attempt that was made before is made again, and what counts beside its arguments and code."""

    files: Globs = ()
    outputs: OutputGlobs = ()
    env: VariableNames = ()
    version: Version | None = None
    ttl: Timeout | None = None
    is_on: Switch = Field(default=True, exclude=True)


@_model
class InputModel:
    """One declared input; it is required unless `has_default`."""

    type: InputType = "any"
    items: InputType | None = None
    default: Any = None
    description: Text = ""
    enum: Choices | None = None
    minimum: Bound | None = None
    maximum: Bound | None = None
    pattern: Text | None = None
    min_length: Length | None = None
    max_length: Length | None = None
    has_default: bool = Field(default=False, exclude=True)


@_model
class SecretModel:
    """Where one declared secret is read from: one of the two, none where the declaration has a finding."""

    env: Text | None = None
    file: Text | None = None


@_model
class DefaultsModel:
    """Keys that a task has unless it has its own."""

    description: Text | None = None
    run_if: RunRule | None = None
    max_parallel: Count | None = None
    batch: Batch | None = None
    on_item_error: ItemError | None = None
    env: Variables | None = None
    cwd: Text | None = None
    executor: ExecutorName | None = None
    resources: Amounts | None = None
    priority: Priority | None = None
    retry: RetryModel | None = None
    timeout: Timeout | None = None
    grace: Duration | None = None
    allow_failure: Switch | None = None
    cache: CacheModel | None = None


@_model
class TaskModel:
    """One task as written; `kind` is its kind key and `body` what stands below it.

    A task whose kind has a finding has the kind "" and no body. Lists below `shell` hold texts.
    """

    kind: str = ""
    body: Any = None
    description: Text | None = None
    needs: Ids = ()
    condition: Condition | None = Field(default=None, validation_alias="if")
    run_if: RunRule | None = None
    for_each: Items | None = None
    matrix: Matrix | None = None
    key: Text | None = None
    max_parallel: Count | None = None
    batch: Batch | None = None
    on_item_error: ItemError | None = None
    repeat: RepeatModel | None = None
    arguments: dict[str, Any] | None = Field(default=None, validation_alias="with")
    env: Variables | None = None
    cwd: Text | None = None
    executor: ExecutorName | None = None
    resources: Amounts | None = None
    priority: Priority | None = None
    retry: RetryModel | None = None
    timeout: Timeout | None = None
    grace: Duration | None = None
    allow_failure: Switch | None = None
    cache: CacheModel | None = None
    in_finally: bool = Field(default=False, exclude=True)

    @property
    def home(self) -> str:
        """The top-level key below which it stands."""
        return "finally" if self.in_finally else "tasks"


@_model
class Workflow:
    """A whole document; `tasks` has those of `finally`, too, after the others."""

    flowpar: Literal[1] = 1
    name: Name | None = None
    description: Text = ""
    inputs: dict[str, InputModel] = field(default_factory=dict)
    secrets: dict[str, SecretModel] = field(default_factory=dict)
    env: Variables = field(default_factory=dict)
    env_file: Texts = ()
    limits: dict[str, Limit] = field(default_factory=dict)
    defaults: DefaultsModel = field(default_factory=DefaultsModel)
    preload: Preload = "auto"
    python_path: Texts = ()
    plugins: Texts = ()
    tasks: dict[str, TaskModel] = field(default_factory=dict)
    finally_: dict[str, TaskModel] = Field(default_factory=dict, validation_alias="finally")
    outputs: dict[str, Any] = field(default_factory=dict)
