"""What `check` hands on to the planner: a workflow whose texts are parsed and whose references are known.

    Checked
      ├─ tasks    {id: CheckedTask}     templates, needs, settings; in file order
      ├─ outputs  {name: Template}
      └─ diagnostics                    where one is an error, the rest is for reading, not for running

Settings of a task are its own or those of `defaults`, as templates: what needs a value of the run's
inputs is evaluated by the planner.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from flowpar.core.frozen import dataclass, field
from flowpar.core.source import Span
from flowpar.expr.parse import find_expressions
from flowpar.expr.references import locate
from flowpar.lang.node import ScalarNode

if TYPE_CHECKING:
    from pathlib import Path

    from flowpar.code.looked import Looked
    from flowpar.code.reached import Reached
    from flowpar.code.signature import Signature
    from flowpar.core.diagnostics import Diagnostics
    from flowpar.core.source import Source
    from flowpar.core.types import Type
    from flowpar.expr.references import Reference
    from flowpar.expr.template import Expression, Template
    from flowpar.lang.model import Workflow
    from flowpar.lang.node import Document
    from flowpar.plugin.used import UsedKinds


@dataclass(frozen=True, slots=True)
class Place:
    """A value of the document by its path, and where within its text."""

    path: tuple[str | int, ...]
    start: int = 0
    end: int | None = None


@dataclass(frozen=True, slots=True)
class Mention:
    """An expression of the document reads something; the expression is number `number` of the text at `path`.

    `is_guarded` says that `default(…)` stands around it.
    """

    reference: Reference
    is_guarded: bool
    path: tuple[str | int, ...]
    text: str
    number: int
    expression: Expression

    def place(self) -> Place:
        """Return where in the text it is read."""
        start, end = locate(self.expression, self.reference) or (0, len(self.expression.text))
        begin = start_of(self.text, self.number)
        return Place(self.path, begin + start, begin + end)


def start_of(text: str, number: int) -> int:
    """Return where in a text the inside of its expression number `number` begins; a bare condition begins at 0."""
    found = find_expressions(text)
    return found[number][2] if number < len(found) else 0


class NeededAt(Mapping[str, Span]):
    """The tasks that one task needs, each with the place that says so; places are worked out when asked for."""

    __slots__ = ("_document", "_places")

    def __init__(self, document: Document, places: Mapping[str, Place | Mention]) -> None:
        """Keep the places by task id, in the order in which they stand in the file."""
        self._document = document
        self._places = places

    def __getitem__(self, task: str) -> Span:
        """Return where a task is needed."""
        place = self._places[task]
        return span_at(self._document, place.place() if isinstance(place, Mention) else place)

    def __contains__(self, task: object) -> bool:
        """Whether a task is needed."""
        return task in self._places

    def __iter__(self) -> Iterator[str]:
        """Give the ids."""
        return iter(self._places)

    def __len__(self) -> int:
        """Count them, each once."""
        return len(self._places)


def span_at(document: Document, place: Place) -> Span:
    """Return the span of a place."""
    node = document.node(place.path)
    if place.end is None or not isinstance(node, ScalarNode):
        return document.span(place.path)
    return node.span_of(place.start, place.end)


NO_TEMPLATES: Mapping[str, Template] = {}
"""What a task has that gives no arguments or variables: one for all, as 100,000 empty ones take 7 MB each time."""


@dataclass(frozen=True, slots=True)
class CheckedCall:
    """What a worker calls: for `python` the user's function with `with`, else the task type's with its keys.

    `signature` is None where the target has a finding.
    """

    target: str = ""
    arguments: Mapping[str, Template] = field(default_factory=lambda: NO_TEMPLATES)
    env: Mapping[str, Template] = field(default_factory=lambda: NO_TEMPLATES)
    cwd: Template | None = None
    until: Template | None = None
    signature: Signature | None = None


@dataclass(frozen=True, slots=True)
class CheckedCache:
    """What says that an attempt was made before, beside its arguments: the `code` it runs, and what is declared.

    `named_by` are arguments that name files which it reads.
    """

    code: str = ""
    reached: Reached | None = None
    files: Template | None = None
    outputs: Template | None = None
    env: tuple[str, ...] = ()
    version: Template | None = None
    named_by: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class CheckedFanOut:
    """The names of `for_each`, or the axes of `matrix` (`is_product`), with their lists.

    `feeds` has for a name the task that feeds it item by item; `key` gives each item its name.
    """

    names: Mapping[str, Template]
    is_product: bool = False
    include: tuple[Mapping[str, Template], ...] = ()
    exclude: tuple[Mapping[str, Template], ...] = ()
    feeds: Mapping[str, str] = field(default_factory=dict)
    key: Template | None = None

    @property
    def lists(self) -> list[Template]:
        """All that says which items there are: the lists, and what is beside the axes."""
        beside = (value for entry in (*self.include, *self.exclude) for value in entry.values())
        return [*self.names.values(), *beside]


@dataclass(frozen=True, slots=True)
class Executors:
    """Who names an executor: the task, `defaults`, the task type."""

    own: str | None = None
    default: str | None = None
    of_kind: str | None = None

    def chosen(self, command_line: str | None = None) -> str:
        """Return the executor: the task's, that of `--executor`, of `defaults`, of the task type, else process."""
        return self.own or command_line or self.default or self.of_kind or "process"


@dataclass(frozen=True, slots=True)
class CheckedTask:
    """One task of the document, in file order by `index`.

    `reads` are the tasks that the worker's templates read, `decides_on` those that `if` and the fan-out
    read; `needs` has them all and those of `needs`, the task itself where it refers to itself; of a task of
    `finally` only others of `finally`.

    `settings` has, where they are written, `run_if`, `max_parallel`, `on_item_error`, `timeout`, `grace`,
    `allow_failure`, `priority`, `resources.cpu`, …, `repeat.max`, … and `retry.attempts`, `retry.delay`, …;
    `retry.counts_retries` says that the attempts count those after the first. `sub` is what was made of the file of
    a task of the kind `workflow`. `preload` are modules that may be imported for it before it starts.
    """

    id: str
    index: int
    kind: str
    call: CheckedCall
    needs: NeededAt
    reads: frozenset[str] = frozenset()
    decides_on: frozenset[str] = frozenset()
    condition: Template | None = None
    condition_is_per_item: bool = False
    fan_out: CheckedFanOut | None = None
    settings: Mapping[str, Template] = field(default_factory=dict)
    executors: Executors = field(default_factory=Executors)
    description: str = ""
    in_finally: bool = False
    batch: int | None = None
    sub: Checked | None = None
    preload: tuple[str, ...] = ()
    cache: CheckedCache | None = None

    @property
    def home(self) -> str:
        """The top-level key below which it stands."""
        return "finally" if self.in_finally else "tasks"


@dataclass(frozen=True, slots=True)
class Checked:
    """A document and all that was found; `workflow` and `document` are None where it could not be read.

    `folder` is the workflow's, absolute; `python_path` is what tasks get before their `sys.path`, absolute,
    the workflow's folder first. `sources` has the texts that findings point into, by path.
    `looked` and `kinds` say what it took from beside the document; where `has_own_checks`, code of
    task types had a say, too.
    """

    path: str
    diagnostics: Diagnostics
    sources: Mapping[str, Source]
    workflow: Workflow | None = None
    document: Document | None = None
    folder: Path | None = None
    python_path: tuple[str, ...] = ()
    tasks: Mapping[str, CheckedTask] = field(default_factory=dict)
    outputs: Mapping[str, Template] = field(default_factory=dict)
    output_types: Mapping[str, Type] = field(default_factory=dict)
    env: Mapping[str, Template] = field(default_factory=dict)
    looked: Looked | None = None
    kinds: UsedKinds | None = None
    has_own_checks: bool = False
