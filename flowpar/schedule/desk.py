"""All that changes while a run goes on, in one place for the loop and its parts.

    frontier  which tasks may be opened          backlog    which attempts may start
    ledger    what each task came to             in_flight  which attempts were submitted
    settled   tasks that ended in this turn      fresh      outputs that nobody could look up yet
    given     items in it that feed others       stale      outputs that nobody reads any more
    stop      why no more may start              pools      what is free, None where nothing is counted
    wanted    stops that are asked for           in_finally whether the tasks of `finally` have their turn
    head_start  whether jobs go ahead of the workers

One thread only touches it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from flowpar.core.collector import collector_paused
from flowpar.core.frozen import dataclass, field
from flowpar.data.parts import has_files
from flowpar.planning.template import within
from flowpar.schedule.attempt import InFlight, Ready
from flowpar.schedule.backlog import Backlog
from flowpar.schedule.feed import Feed, Given
from flowpar.schedule.frontier import Frontier
from flowpar.schedule.head_start import HeadStart
from flowpar.schedule.ledger import NOT_BEGUN, Ledger, Record
from flowpar.schedule.resources import DECISIONS, Lane, request_of
from flowpar.schedule.timers import Timers

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

    from flowpar.core.clock import Clock
    from flowpar.core.outcome import ValueRef
    from flowpar.planning.model import Plan, PlannedTask
    from flowpar.schedule.announce import Announcer
    from flowpar.schedule.crew import Crew, OutputKey, Stop
    from flowpar.schedule.resources import Pools
    from flowpar.schedule.run import RunOptions


@dataclass(slots=True)
class Desk:
    """The state of a run; owned by the loop, which hands it to its parts."""

    clock: Clock
    announce: Announcer
    frontier: Frontier
    ledger: Ledger
    timers: Timers[Callable[[], None]]
    in_flight: InFlight
    backlog: Backlog[Ready | Record]
    head_start: HeadStart
    settled: list[Record] = field(default_factory=list)
    given: list[Given] = field(default_factory=list)
    fresh: dict[OutputKey, ValueRef] = field(default_factory=dict)
    stale: list[OutputKey] = field(default_factory=list)
    stop: Stop | None = None
    wanted: list[Stop] = field(default_factory=list)
    in_finally: bool = False
    pools: Pools | None = None
    has_priorities: bool = False

    def give(self, record: Record, item: int, value: ValueRef | None) -> None:
        """Note an item that ended, where it feeds others: they get it when it is durable."""
        if record.feed is not None:
            self.given.append(Given(record, item, value))

    def publish(self, record: Record, item: int | None, ref: ValueRef) -> None:
        """Put an output where its readers find it; one that nobody reads is not kept."""
        if self.ledger.is_read(record.task.id):
            self.fresh[record.task.id, item] = ref
            if has_files(ref):
                self.ledger.holding.hold(record.task, ref)
            if item is not None:
                record.keep_item_output(item, ref)
        elif item is None and record.task.template is None:  # the loop itself reads what items there are
            record.output = None

    def withdraw(self, keys: Iterable[OutputKey]) -> None:
        """Forget outputs that nobody reads any more."""
        for key in keys:
            self.fresh.pop(key, None)
            self.stale.append(key)

    def want(self, stop: Stop) -> None:
        """Ask for a stop at the next opportunity."""
        self.wanted.append(stop)

    def queue(self, ready: Ready) -> None:
        """Let an attempt start when there is room; after a stop nothing may, nor what it cancelled."""
        if self.stop is not None or ready.record.state.is_final:
            return
        lane = DECISIONS if ready.decision is not None else ready.record.lane
        self.backlog.add(lane, ready.record.rank, ready)

    def queue_items(self, record: Record) -> None:
        """Let the next item of a fan-out start when there is room, where one may."""
        if self.stop is None and record.items is not None and record.items.has_next and not record.is_queued:
            record.is_queued = True
            self.backlog.add(record.lane, record.rank, record)

    def enter_finally(self, tasks: Sequence[PlannedTask], plan: Plan) -> None:
        """Let nothing but some tasks of `finally` run from now on."""
        self.in_finally, self.stop = True, None
        feeds = {task.id: frozenset(task.fan_out.feeds.values()) for task in tasks if task.fan_out is not None}
        self.frontier = _frontier_of(tasks, plan, feeds)
        self.settled.clear()
        self.given.clear()


def _frontier_of(tasks: Sequence[PlannedTask], plan: Plan, feeds: Mapping[str, Collection[str]]) -> Frontier:
    rules = {task.id: task.run_if for task in tasks if task.run_if != "all_success"}
    feeds = {task.id: feeds[task.id] for task in tasks if task.id in feeds}
    known = {task.id for task in tasks}
    # What waits for its turn in the `finally` of a sub-workflow has it where the run stopped before that.
    needs = {task.id: [need for need in task.needs if not task.tidies or need in known] for task in tasks}
    return Frontier(needs, plan.weights, feeds, rules)


@collector_paused()
def lay_out(plan: Plan, crew: Crew, clock: Clock, announce: Announcer, *, options: RunOptions) -> Desk:
    """Return the desk of a run that has not begun, or of one that goes on."""
    pools, start = options.pools, options.start
    in_file_order = sorted(plan.tasks, key=lambda task: task.index)
    records = [
        Record(
            task,
            (-task.priority, -plan.weights.get(task.id, 0.0), task.index),
            start.tasks.get(task.id, NOT_BEGUN),
            lane=lane_of(task, pools),
        )
        for task in in_file_order
    ]
    ledger = Ledger(records, read_at_the_end=plan.outputs_read)
    feeds = lay_feeds(ledger, records)
    timers: Timers[Callable[[], None]] = Timers()
    return Desk(
        clock=clock,
        announce=announce,
        frontier=_frontier_of([task for task in in_file_order if not task.in_finally], plan, feeds),
        ledger=ledger,
        timers=timers,
        in_flight=InFlight(crew, clock, timers, pools),
        backlog=Backlog(),
        head_start=HeadStart(options.workers, plan.expected_s),
        pools=pools,
        has_priorities=any(task.priority for task in within(in_file_order)),
    )


def lane_of(task: PlannedTask, pools: Pools | None) -> Lane:
    """Return where the attempts at a task wait."""
    request = request_of(task)
    executor = task.executor
    if executor == "process":
        executor = "batch" if task.batch is not None else "template" if task.preload else executor
    return Lane(executor, request if pools is None else pools.within(request))


def lay_feeds(ledger: Ledger, records: Iterable[Record]) -> dict[str, frozenset[str]]:
    """Lay out which tasks feed which, and return for each fan-out those that feed it."""
    feeds: dict[str, frozenset[str]] = {}
    for record in records:
        fan_out = record.task.fan_out
        if fan_out is not None and fan_out.feeds:
            feeds[record.task.id] = frozenset(fan_out.feeds.values())
            for source in (ledger[name] for name in sorted(feeds[record.task.id])):
                source.feed = source.feed or Feed()
                source.feed.waiting.append(record)
    return feeds
