"""Admission: limits hold at each step, everything that can start does so some time, and who waits is not overtaken."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flowpar.schedule.resources import DECISIONS, LIGHT, ONE_CPU, WHOLE, Grant, Pools, Request, request_of
from flowpar.testing.simulation import planned

_TOTALS = {"cpu": 3, "api": 2, "disk": 1, "memory": 1000}
_AMOUNTS: dict[str, list[float]] = {
    "cpu": [0, 0.5, 1, 2, 3],
    "api": [0, 0.5, 1, 2],
    "disk": [0, 1],
    "memory": [0, 10, 400, 1000],
}


@st.composite
def _requests(draw: st.DrawFn) -> Request:
    if draw(st.booleans()):
        return ONE_CPU
    resources = {name: draw(st.sampled_from(amounts)) for name, amounts in _AMOUNTS.items()}
    return request_of(planned("t", resources=resources))


@dataclass
class _Play:
    """What waits, most urgent first, and what runs; ends come in any order."""

    waiting: list[Request]
    pools: Pools
    running: list[Grant] = field(default_factory=list)

    def fill(self) -> None:
        turn, left = self.pools.turn(), []
        for request in self.waiting:
            if turn.admits(request):
                self.running.append(self.pools.take(request))
            else:
                turn.reserve(request)
                left.append(request)
        self.waiting = left

    def end(self, place: int) -> None:
        self.pools.give_back(self.running.pop(place % len(self.running)))

    def used(self, name: str) -> int:
        return sum(dict(grant.request).get(name, 0) for grant in self.running)


@given(st.lists(_requests(), max_size=30), st.lists(st.integers(0, 30)), st.integers(0, 2))
def test_limits_hold_at_each_step_and_everything_starts_some_time(
    requests: list[Request], ends: list[int], ahead: int
) -> None:
    play = _Play(list(requests), Pools(_TOTALS, ahead=ahead))
    steps = iter(ends)

    play.fill()
    while play.running:
        for name, total in _TOTALS.items():
            assert play.used(name) <= total * WHOLE + (ahead * WHOLE if name == "cpu" else 0)
        play.end(next(steps, 0))
        play.fill()

    assert not play.waiting
    assert all(play.pools.free(name) == total * WHOLE for name, total in _TOTALS.items())


_PATIENCE = 100


@given(_requests(), st.lists(_requests(), min_size=1, max_size=10))
def test_a_large_request_starts_though_smaller_ones_never_stop_coming(large: Request, small: list[Request]) -> None:
    pools = Pools(_TOTALS, ahead=2)
    running = [pools.take(ONE_CPU), pools.take(ONE_CPU)]
    turn = pools.turn()
    turns = 1

    while not turn.admits(large) and turns < _PATIENCE:
        turn.reserve(large)
        running += [pools.take(request) for request in small if turn.admits(request)]
        pools.give_back(running.pop(0))
        turn = pools.turn()
        turns += 1

    assert turns < _PATIENCE, "it was starved"


def test_what_ones_wait_for_is_not_given_to_less_urgent_ones() -> None:
    pools = Pools({"cpu": 8, "memory": 10})
    pools.take(request_of(planned("a", resources={"memory": 6})))
    turn = pools.turn()
    large, small = (request_of(planned("t", resources={"memory": amount})) for amount in (8, 2))

    is_large_admitted = turn.admits(large)
    turn.reserve(large)

    assert (is_large_admitted, turn.admits(small), turn.admits(ONE_CPU)) == (False, False, True)


def test_cpus_do_not_idle_for_one_that_waits_for_something_else() -> None:
    pools = Pools({"cpu": 2, "api": 1})
    api = request_of(planned("t", resources={"api": 1}))
    pools.take(api)
    turn = pools.turn()

    turn.reserve(api)

    assert turn.admits(ONE_CPU)


def test_cpus_are_kept_for_one_that_lacks_nothing_else() -> None:
    pools = Pools({"cpu": 2}, ahead=2)
    pools.take(ONE_CPU)
    turn = pools.turn()

    turn.reserve(request_of(planned("t", resources={"cpu": 2})))

    assert not turn.admits(ONE_CPU)


def test_only_plain_attempts_are_sent_ahead_of_the_workers() -> None:
    pools = Pools({"cpu": 1, "api": 2}, ahead=2)
    pools.take(ONE_CPU)
    turn = pools.turn()

    assert turn.admits(ONE_CPU)
    assert not turn.admits(request_of(planned("t", resources={"api": 1})))


def test_what_is_larger_than_a_pool_takes_all_of_it() -> None:
    pools = Pools({"cpu": 2, LIGHT: 1})

    assert pools.within((("cpu", 8 * WHOLE), ("gpu", WHOLE))) == (("cpu", 2 * WHOLE), ("gpu", WHOLE))


def test_devices_are_handed_out_once_and_come_back() -> None:
    pools = Pools({"gpu": 3}, devices=("a", "b", "c"))
    two = request_of(planned("t", resources={"gpu": 2, "cpu": 0}))

    first = pools.take(two)
    second = pools.take(request_of(planned("t", resources={"gpu": 1, "cpu": 0})))
    pools.give_back(first)

    assert (first.devices, second.devices) == (("a", "b"), ("c",))
    assert pools.take(two).devices == ("a", "b")


@pytest.mark.parametrize(
    ("executor", "resources", "expected"),
    [
        ("process", {}, ONE_CPU),
        ("thread", {}, ()),
        ("inline", {}, ()),
        ("thread", {"api": 1}, (("api", WHOLE),)),
        ("thread", {"cpu": 0.5}, (("cpu", 500),)),
        ("process", {"api": 1}, (("api", WHOLE), ("cpu", WHOLE))),
        ("process", {"cpu": 0.25}, ((LIGHT, 750), ("cpu", 250))),
        ("process", {"cpu": 0, "api": 0.0001}, ((LIGHT, WHOLE), ("api", 1))),
    ],
)
def test_what_attempts_ask_for(executor: str, resources: dict[str, float], expected: Request) -> None:
    assert request_of(planned("t", executor=executor, resources=resources)) == expected


def test_decisions_take_a_worker() -> None:
    assert (DECISIONS.executor, DECISIONS.request) == ("process", ONE_CPU)
