"""What all tests share: a bounded Hypothesis, and where the project is."""

from __future__ import annotations

import compileall
import os
import signal
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, settings

if TYPE_CHECKING:
    from collections.abc import Sequence

# Two noisy cores are shared by whatever else the machine does: a slow example is no finding.
settings.register_profile("default", deadline=None, suppress_health_check=[HealthCheck.too_slow], max_examples=40)
settings.register_profile("soak", deadline=None, suppress_health_check=list(HealthCheck), max_examples=3000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "default"))

# A shell's background job starts with SIGINT ignored, which every command that the tests start would inherit.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
# So does what nohup starts with SIGHUP. A handler keeps it from ending the tests, and is none in what they start.
if signal.getsignal(signal.SIGHUP) is signal.SIG_IGN:
    signal.signal(signal.SIGHUP, lambda *_: None)


TESTS = Path(__file__).parent
# Rooms whose tests start processes: each may last for seconds, of which it computes for some only.
LASTING = {"benchmarks", "catalogue", "cli", "contracts", "death", "docs", "engine", "execute", "plugin", "workflows"}


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int | None:
    """Start more workers than there are cores, as many tests wait for a process or a deadline."""
    if "PYTEST_XDIST_AUTO_NUM_WORKERS" in os.environ:
        return None
    return max(2, len(os.sched_getaffinity(0)) * 3 // 2)


def pytest_configure(config: pytest.Config) -> None:
    is_first = not hasattr(config, "workerinput")
    if is_first:
        # Where Python may write no bytecode, each of a thousand commands would compile flowpar anew, in 0.2 s.
        compileall.compile_dir(TESTS.parent / "flowpar", quiet=2)
    if getattr(config.option, "dist", "no") == "load":
        # It hands out hundreds of tests ahead: in the end one worker is alone with those that last.
        config.option.dist = "worksteal"


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Begin each worker's share with tests that last: what others take from its end, when they are done, is short."""
    shares = getattr(config, "workerinput", {}).get("workercount", 1)
    long = [item for item in items if item.path.parent.name in LASTING]
    short = [item for item in items if item.path.parent.name not in LASTING]
    items[:] = [item for share in range(shares) for kind in (long, short) for item in part(kind, share, shares)]


def part(items: Sequence[pytest.Item], number: int, of: int) -> Sequence[pytest.Item]:
    return items[len(items) * number // of : len(items) * (number + 1) // of]


@pytest.fixture(scope="session")
def project_root() -> Path:
    """Return the folder that holds pyproject.toml."""
    return Path(__file__).parents[1]
