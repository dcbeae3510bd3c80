"""Traces keep to the Trace Event Format, whatever the attempts were."""

from __future__ import annotations

import json
from collections import defaultdict
from itertools import pairwise
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from flowpar.report.past import Past, PastAttempt
from flowpar.report.trace import trace

BEGUN = 1_800_000_000.0
STATES = ("succeeded", "failed", "retried", "running", "cut_off", "cancelled")
NAMES = ("load", "<b>\x1b[31m", 'a"b', "ünï")


@st.composite
def pasts(draw: st.DrawFn) -> Past:
    attempts = [
        PastAttempt(
            task=draw(st.sampled_from(NAMES)),
            item=draw(st.none() | st.integers(0, 3)),
            attempt=draw(st.integers(1, 3)),
            layer=0,
            executor="process",
            state=draw(st.sampled_from(STATES)),
            pid=draw(st.none() | st.integers(1, 4)),
            started_at=draw(st.none() | st.floats(BEGUN - 1, BEGUN + 100)),
            duration_s=draw(st.none() | st.floats(0, 20)),
            wait_s=draw(st.none() | st.floats(0, 5)),
            cpu_s=draw(st.none() | st.floats(0, 20)),
            max_rss_bytes=draw(st.none() | st.integers(0, 1 << 40)),
        )
        for _ in range(draw(st.integers(0, 12)))
    ]
    return Past(tuple(attempts), ((BEGUN, BEGUN + 10), (BEGUN + 50, BEGUN + 120)), {})


def check_format(made: dict[str, Any]) -> dict[str, list[dict[str, Any]]]:
    """Hold a trace against the rules of the format; return its events by phase."""
    assert json.loads(json.dumps(made)) == made
    by_phase: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for event in made["traceEvents"]:
        by_phase[event["ph"]].append(event)
        assert isinstance(event["name"], str)
        assert type(event["pid"]) is int
        assert type(event["tid"]) is int
        if event["ph"] != "M":
            assert type(event["ts"]) is int
            assert event["ts"] >= 0
    assert set(by_phase) <= {"M", "X", "s", "f", "b", "e", "C", "i"}
    assert {event["name"] for event in by_phase["M"]} <= {
        "process_name",
        "process_sort_index",
        "thread_name",
        "thread_sort_index",
    }
    tracks: dict[tuple[int, int], list[tuple[int, int]]] = defaultdict(list)
    for event in by_phase["X"]:
        assert type(event["dur"]) is int
        assert event["dur"] >= 0
        tracks[event["pid"], event["tid"]].append((event["ts"], event["ts"] + event["dur"]))
    for times in tracks.values():
        times.sort()
        assert all(before[1] <= after[0] for before, after in pairwise(times))
    check_pairs(by_phase["s"], by_phase["f"])
    check_pairs(by_phase["b"], by_phase["e"])
    for event in (*by_phase["s"], *by_phase["f"]):
        assert any(begin <= event["ts"] <= end for begin, end in tracks[event["pid"], event["tid"]])
    assert all(event["bp"] == "e" for event in by_phase["f"])
    for event in by_phase["C"]:
        assert all(isinstance(value, int | float) and value >= 0 for value in event["args"].values())
    return by_phase


def check_pairs(begins: list[dict[str, Any]], ends: list[dict[str, Any]]) -> None:
    ends_by = {(event["cat"], event["id"]): event for event in ends}
    assert len(ends_by) == len(begins) == len(ends)
    assert all(event["ts"] <= ends_by[event["cat"], event["id"]]["ts"] for event in begins)


@settings(max_examples=50)
@given(past=pasts())
def test_every_trace_keeps_to_the_format_and_has_each_attempt_that_ran(past: Past) -> None:
    needs = {name: NAMES[:place] for place, name in enumerate(NAMES)}

    by_phase = check_format(trace(past, needs, {"workflow": "w", "run_id": "r"}))

    assert len(by_phase["X"]) == sum(one.started_at is not None for one in past.attempts)


def attempt(task: str, start: float, duration_s: float, **more: Any) -> PastAttempt:
    given = {"item": None, "attempt": 1, "pid": 7, **more}
    return PastAttempt(
        task=task,
        layer=0,
        executor="process",
        started_at=BEGUN + start,
        duration_s=duration_s,
        **{"state": "succeeded", **given},
    )


def test_attempts_share_slots_and_arrows_lead_to_what_needed_them_and_tried_again() -> None:
    attempts = (
        attempt("load", 0, 1, cpu_s=0.5, max_rss_bytes=100),
        attempt("other", 0.5, 1, pid=8, cpu_s=1.0, max_rss_bytes=50),
        attempt("count", 1, 1, state="retried", wait_s=0.25),
        attempt("count", 2.5, 1, attempt=2),
    )

    by_phase = check_format(trace(Past(attempts, ((BEGUN, BEGUN + 4),), {}), {"count": ["load"]}, {}))

    assert [(event["name"], event["tid"], event["ts"], event["dur"]) for event in by_phase["X"]] == [
        ("load", 1, 0, 1_000_000),
        ("other", 2, 500_000, 1_000_000),
        ("count", 1, 1_000_000, 1_000_000),
        ("count (attempt 2)", 1, 2_500_000, 1_000_000),
    ]
    assert [event["name"] for event in by_phase["s"]] == ["tried again", "needs"]
    assert [(event["name"], event["ts"]) for event in by_phase["b"]] == [("count", 750_000)]
    running = [(event["ts"], event["args"]["attempts"]) for event in by_phase["C"] if event["name"] == "running"]
    assert (500_000, 2) in running
    assert running[-1] == (3_500_000, 0)
    memory = [event["args"]["bytes"] for event in by_phase["C"] if event["name"] == "memory"]
    assert max(memory) == 150


def test_thousands_of_items_stay_a_file_that_can_be_opened() -> None:
    attempts = tuple(attempt("each", n / 1000, 0.001, item=n) for n in range(8_000))

    by_phase = check_format(trace(Past(attempts, ((BEGUN, BEGUN + 8),), {}), {}, {}))

    assert len(by_phase["C"]) <= 3 * 10_002
    assert len({event["tid"] for event in by_phase["X"]}) <= 2
