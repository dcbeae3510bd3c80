"""When a failed attempt is made again: a policy and a failure in, a delay or None out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flowpar.core.outcome import FailureKind

if TYPE_CHECKING:
    from collections.abc import Callable

    from flowpar.core.outcome import Failure
    from flowpar.planning.model import Retry

# An expression gives the same again, and who cancels does not want another try.
_NEVER = frozenset(
    {FailureKind.EXPRESSION, FailureKind.CANCELLED, FailureKind.ITEMS, FailureKind.ROUNDS, FailureKind.TASKS}
)
_BY_KIND = {"timeout": FailureKind.TIMEOUT, "died": FailureKind.DIED, "exit": FailureKind.EXIT}
_LONGEST_S = 366 * 86_400.0


def next_try(policy: Retry, attempt: int, failure: Failure, random: Callable[[], float]) -> float | None:
    """Return the seconds to wait before attempt `attempt + 1`, or None to give up.

    `random` gives numbers in [0, 1); jitter takes away up to half of the delay, so that
    `max_delay_s` holds and attempts that failed together do not come back together.
    """
    if attempt >= policy.attempts or not is_retried(policy, failure):
        return None
    delay = _backed_off(policy, attempt)
    return delay * (1.0 - random() / 2) if policy.jitter else delay


def is_retried(policy: Retry, failure: Failure) -> bool:
    """Whether the policy's `on` covers this failure; an empty `on` covers all that could end otherwise."""
    if failure.kind in _NEVER:
        return False
    return not policy.on or any(_matches(pattern, failure) for pattern in policy.on)


def _backed_off(policy: Retry, attempt: int) -> float:
    limit = _LONGEST_S if policy.max_delay_s is None else policy.max_delay_s
    if not policy.delay_s:
        return 0.0
    try:
        return min(limit, policy.delay_s * policy.backoff ** (attempt - 1))
    except OverflowError:
        return limit


def _matches(pattern: str, failure: Failure) -> bool:
    word, _, code = pattern.strip().partition(" ")
    if word == "exit" and code:
        return failure.kind is FailureKind.EXIT and code.strip() == str(failure.exit_code)
    if word in _BY_KIND:
        return failure.kind is _BY_KIND[word]
    if failure.kind is not FailureKind.EXCEPTION:
        return False
    return any(name == word or name.endswith(f".{word}") for name in (failure.type, *failure.bases))
