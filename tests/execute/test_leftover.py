"""What an earlier part of a run left behind is ended, and nothing else."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import uuid

import pytest

from flowpar.execute.leftover import end_leftovers

pytestmark = [
    pytest.mark.timeout(180),
    pytest.mark.skipif(not sys.platform.startswith("linux"), reason="found by /proc"),
]


def sleeper(run_id: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(["/bin/sleep", "60"], env={**os.environ, "FLOWPAR_RUN_ID": run_id}, start_new_session=True)


def test_processes_of_the_run_are_ended_and_those_of_others_are_not() -> None:
    mine, longer = uuid.uuid4().hex, uuid.uuid4().hex
    ours, theirs, similar = sleeper(mine), sleeper(longer), sleeper(f"{mine}x")
    try:
        assert end_leftovers(mine) == [ours.pid]

        assert ours.wait(60) == -signal.SIGKILL
        assert (theirs.poll(), similar.poll()) == (None, None)
    finally:
        for process in (ours, theirs, similar):
            process.kill()
            process.wait(60)


@pytest.mark.parametrize("wrapper", ["", "env -u FLOWPAR_RUN_ID "])
def test_who_asks_is_spared_and_those_above_it(wrapper: str) -> None:
    run_id = uuid.uuid4().hex
    code = f"from flowpar.execute.leftover import end_leftovers; print(end_leftovers({run_id!r}))"

    done = subprocess.run(
        ["/bin/sh", "-c", f'{wrapper}"{sys.executable}" -c "{code}"; echo alive'],
        env={**os.environ, "FLOWPAR_RUN_ID": run_id},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert done.stdout == "[]\nalive\n"


def test_nothing_is_left_of_a_run_that_never_was() -> None:
    assert end_leftovers(uuid.uuid4().hex) == []
