"""Counting primes in pure Python: work that holds the interpreter's lock."""

from __future__ import annotations

import time
from dataclasses import dataclass


@dataclass(frozen=True)
class Counted:
    """How many primes there were, and when the counting ran (seconds of the monotonic clock)."""

    primes: int
    started: float
    ended: float


@dataclass(frozen=True)
class Way:
    """One way to do the work, against doing it serially."""

    way: str
    primes: int
    seconds: float
    speed_up: float


def is_prime(number: int) -> bool:
    """Whether `number` is prime, by trial division."""
    if number < 4:
        return number > 1
    if number % 2 == 0:
        return False
    return all(number % divisor for divisor in range(3, int(number**0.5) + 1, 2))


def count_share(limit: int, share: int, shares: int) -> Counted:
    """Count the primes below `limit` among every `shares`-th odd number, from the `share`-th on."""
    started = time.monotonic()
    primes = sum(map(is_prime, range(2 * share + 1, limit, 2 * shares)))
    return Counted(primes + (share == 0 and limit > 2), started, time.monotonic())


def count_all(limit: int, shares: int) -> Counted:
    """Count all shares one after another."""
    counted = [count_share(limit, share, shares) for share in range(shares)]
    return Counted(sum(part.primes for part in counted), counted[0].started, counted[-1].ended)


def compare(serial: Counted, threads: list[Counted], processes: list[Counted]) -> list[Way]:
    """Set the three ways side by side; all of them must have counted the same."""
    serial_s = serial.ended - serial.started
    ways = []
    for way, parts in (("serial", [serial]), ("threads", threads), ("processes", processes)):
        seconds = max(part.ended for part in parts) - min(part.started for part in parts)
        primes = sum(part.primes for part in parts)
        ways.append(Way(way, primes, round(seconds, 3), round(serial_s / seconds, 2)))
    if len({way.primes for way in ways}) != 1:
        raise ValueError(f"the three ways disagree: {ways}")
    return ways
