"""Retry is arithmetic on a policy and a failure."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flowpar.core.outcome import Failure, FailureKind
from flowpar.planning.model import Retry
from flowpar.schedule.retry import is_retried, next_try

RAISED = Failure(FailureKind.EXCEPTION, "ValueError", "no")

REFUSED = Failure(
    FailureKind.EXCEPTION, "client.Refused", "", bases=("client.ApiError", "ConnectionError", "OSError", "Exception")
)


def half() -> float:
    return 0.5


def test_without_a_policy_there_is_one_attempt() -> None:
    assert next_try(Retry(), 1, RAISED, half) is None


def test_attempts_counts_all_of_them() -> None:
    delays = [next_try(Retry(attempts=3), attempt, RAISED, half) for attempt in (1, 2, 3)]

    assert delays == [0.0, 0.0, None]


def test_the_delay_backs_off_up_to_its_limit() -> None:
    policy = Retry(attempts=9, delay_s=2, backoff=3, max_delay_s=20)

    assert [next_try(policy, attempt, RAISED, half) for attempt in (1, 2, 3, 4)] == [2, 6, 18, 20]


def test_jitter_takes_away_up_to_half_and_comes_from_the_given_source() -> None:
    policy = Retry(attempts=2, delay_s=10, jitter=True)

    assert next_try(policy, 1, RAISED, half) == 7.5
    assert next_try(policy, 1, RAISED, lambda: 0.0) == 10


def test_a_huge_backoff_does_not_overflow() -> None:
    policy = Retry(attempts=100_000, delay_s=1, backoff=10, max_delay_s=60)

    assert next_try(policy, 50_000, RAISED, half) == 60
    assert next_try(Retry(attempts=100_000, backoff=10), 50_000, RAISED, half) == 0


@pytest.mark.parametrize(
    ("pattern", "failure", "expected"),
    [
        ("ValueError", RAISED, True),
        ("KeyError", RAISED, False),
        ("ConnectionError", REFUSED, True),
        ("OSError", REFUSED, True),
        ("ApiError", REFUSED, True),
        ("client.ApiError", REFUSED, True),
        ("other.ApiError", REFUSED, False),
        ("ConnectionRefusedError", Failure(FailureKind.EXCEPTION, "ConnectionError", ""), False),
        ("ConnectTimeout", Failure(FailureKind.EXCEPTION, "httpx.ConnectTimeout", ""), True),
        ("httpx.ConnectTimeout", Failure(FailureKind.EXCEPTION, "httpx.ConnectTimeout", ""), True),
        ("other.ConnectTimeout", Failure(FailureKind.EXCEPTION, "httpx.ConnectTimeout", ""), False),
        ("Timeout", Failure(FailureKind.EXCEPTION, "ConnectTimeout", ""), False),
        ("exit 75", Failure(FailureKind.EXIT, "exit", "", exit_code=75), True),
        ("exit 7", Failure(FailureKind.EXIT, "exit", "", exit_code=75), False),
        ("exit 75", RAISED, False),
        ("exit", Failure(FailureKind.EXIT, "exit", "", exit_code=1), True),
        ("timeout", Failure(FailureKind.TIMEOUT, "timeout", ""), True),
        ("timeout", Failure(FailureKind.EXCEPTION, "timeout", ""), False),
        ("died", Failure(FailureKind.DIED, "SIGKILL", ""), True),
        ("died", RAISED, False),
    ],
)
def test_on_matches_kinds_exits_and_exceptions(pattern: str, failure: Failure, *, expected: bool) -> None:
    assert is_retried(Retry(attempts=2, on=("never", pattern)), failure) is expected


@pytest.mark.parametrize("kind", [FailureKind.EXPRESSION, FailureKind.CANCELLED])
def test_what_cannot_end_otherwise_is_not_retried(kind: FailureKind) -> None:
    assert not is_retried(Retry(attempts=9), Failure(kind, "x", ""))


@given(st.integers(1, 200), st.floats(0, 1e6), st.floats(1, 10), st.floats(0, 1e6), st.floats(0, 1, exclude_max=True))
def test_a_delay_is_never_negative_nor_over_its_limit(
    attempt: int, delay_s: float, backoff: float, limit: float, draw: float
) -> None:
    policy = Retry(attempts=1000, delay_s=delay_s, backoff=backoff, max_delay_s=limit, jitter=True)

    delay = next_try(policy, attempt, RAISED, lambda: draw)

    assert delay is not None
    assert 0 <= delay <= limit
