"""Memory in large pages: what was in it stays, and a fork finds it there."""

from __future__ import annotations

import platform
import subprocess
import sys
from pathlib import Path

import pytest

SWITCH = Path("/sys/kernel/mm/transparent_hugepage/enabled")
BLOCK = """
import hashlib, os
from flowpar.execute.pages import enlarge

def in_large_pages():
    with open("/proc/self/smaps_rollup") as lines:
        return sum(int(line.split()[1]) for line in lines if line.startswith("AnonHugePages:")) << 10

block = bytearray(os.urandom(1 << 20) * 16)
before = in_large_pages(), hashlib.sha256(block).digest()
enlarge()
after = in_large_pages(), hashlib.sha256(block).digest()
pid = os.fork()
if pid == 0:
    block[::4096] = bytes(len(block) // 4096)
    os._exit(0 if hashlib.sha256(block).digest() != after[1] else 1)
_, status = os.waitpid(pid, 0)
assert status == 0
assert before[1] == after[1] == hashlib.sha256(block).digest()
print(after[0] - before[0])
"""


def version() -> tuple[int, ...]:
    return tuple(int(part) for part in platform.release().split("-")[0].split(".")[:2] if part.isdigit())


def grown_by() -> int:
    done = subprocess.run([sys.executable, "-c", BLOCK], check=True, capture_output=True, text=True, timeout=60)
    return int(done.stdout)


@pytest.mark.skipif(
    not SWITCH.exists() or "[never]" in SWITCH.read_text() or version() < (6, 1),
    reason="this system has no large pages on request",
)
def test_what_is_in_memory_moves_into_large_pages_and_stays_what_it_was() -> None:
    # Where memory is in too small pieces there may be none; a part of sixteen is enough.
    assert grown_by() >= 8 << 20
