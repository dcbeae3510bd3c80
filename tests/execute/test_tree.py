"""Walking and ending real process trees."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from flowpar.execute import tree

if TYPE_CHECKING:
    from collections.abc import Iterator

# A root with two levels below it, all of which ignore TERM.
FAMILY = "trap '' TERM; sh -c 'sleep 60 & sleep 60' & sleep 60"


def state_of(pid: int) -> str:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]


@pytest.fixture
def root() -> Iterator[int]:
    process = subprocess.Popen(["/bin/sh", "-c", FAMILY], start_new_session=True)
    until = time.monotonic() + 10
    while len(tree.descendants(process.pid)) < 4 and time.monotonic() < until:
        time.sleep(0.002)
    yield process.pid
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def test_descendants_are_found_parents_first(root: int) -> None:
    found = tree.descendants(root)

    assert len(found) == 4
    assert set(tree.children_of(root)) == set(found[:2])
    assert all(tree.is_alive(pid) for pid in found)


def test_a_scan_of_all_processes_finds_the_same(root: int) -> None:
    assert sorted(tree.descendants_by_scan(root)) == sorted(tree.descendants(root))


def test_a_frozen_tree_stands_still(root: int) -> None:
    frozen = tree.freeze(root)

    assert sorted(frozen) == sorted(tree.descendants(root))
    # The signal is there at once; each process stops when it next looks. One that waits in vfork
    # for a stopped child is in D and as still.
    until = time.monotonic() + 3
    while not set(map(state_of, frozen)) <= {"T", "D"} and time.monotonic() < until:
        time.sleep(0.002)
    assert set(map(state_of, frozen)) <= {"T", "D"}


def test_a_killed_tree_is_gone(root: int) -> None:
    everyone = [root, *tree.descendants(root)]

    tree.kill_tree(root)

    until = time.monotonic() + 3
    while any(map(tree.is_alive, everyone)) and time.monotonic() < until:
        time.sleep(0.002)
    assert not any(map(tree.is_alive, everyone))


def test_what_is_gone_has_no_children_and_no_name() -> None:
    with subprocess.Popen(["/bin/true"]) as process:
        process.wait()

    assert tree.children_of(process.pid) == tree.descendants(process.pid) == []
    assert tree.name_of(process.pid) == "?"
    assert not tree.send(process.pid, signal.SIGTERM)


def test_killing_what_is_below_spares_whom_it_is_told() -> None:
    code = (
        "import os, subprocess; from flowpar.execute import kernel, tree; kernel.become_subreaper();"
        "a = subprocess.Popen(['/bin/sleep', '60']); b = subprocess.Popen(['/bin/sleep', '60']);"
        "ended = tree.kill_descendants(spare=frozenset({a.pid}));"
        "print(ended == [b.pid], tree.is_alive(a.pid), tree.children_of(os.getpid()) == [a.pid]);"
        "a.kill(); a.wait(); os._exit(0 if print(flush=True) is None else 1)"
    )

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)

    assert done.stdout.split() == ["True", "True", "True"]
