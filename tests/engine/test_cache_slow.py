"""A cache on a disk that does not answer: what waits for it holds up nothing else, neither tasks nor Ctrl-C."""

from __future__ import annotations

import json
import os
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from flowpar.testing.held_file import held

sys.path.insert(0, str(Path(__file__).parents[1]))
import warm

if TYPE_CHECKING:
    from collections.abc import Iterator

# A file is held for 45 s at most.
pytestmark = [pytest.mark.timeout(180), pytest.mark.skipif(sys.platform != "linux", reason="it needs leases")]
_ANSWERS_S = 30.0
_LARGE_BYTES = 1 << 20
WORKFLOW = """
flowpar: 1
tasks:
  large:
    shell: mkdir -p out; head -c 1048576 /dev/zero > out/large.bin
    cache: {files: data.bin, outputs: out/large.bin}
  plain:
    shell: "true"
  said:
    shell: echo done > said
    needs: [plain]
"""


class Checkout:
    """A folder in which `large` was made and kept; from then on `said` is open for writing once all else ran."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.out = folder / "out" / "large.bin"
        self.begun: list[warm.Started] = []
        (folder / "w.yaml").write_text(WORKFLOW)
        (folder / "data.bin").write_bytes(b"d" * _LARGE_BYTES)
        assert warm.run(["run", "w.yaml"], cwd=folder).returncode == 0
        (folder / "said").unlink()
        os.mkfifo(folder / "said")

    @property
    def blob(self) -> Path:
        """What holds the output."""
        return max((self.folder / ".flowpar" / "cache" / "blobs").glob("*/*"), key=lambda path: path.stat().st_size)

    def begin(self) -> warm.Started:
        """Return a run of which nothing is left but `large`."""
        self.begun.append(warm.Started(["run", "w.yaml", "--run-dir", "second"], cwd=self.folder))
        assert (self.folder / "said").read_text() == "done\n"
        return self.begun[-1]

    def states(self) -> dict[str, str]:
        """Return what became of tasks, as far as the journal of that run has it."""
        lines = map(json.loads, (self.folder / "second" / "events.jsonl").read_text().splitlines())
        return {line["task"]: line["event"].removeprefix("task.") for line in lines if "task" in line}


@pytest.fixture
def checkout(tmp_path: Path) -> Iterator[Checkout]:
    found = Checkout(tmp_path)
    yield found
    for run in found.begun:
        run.terminate()
        run.wait(_ANSWERS_S)


def test_other_tasks_run_while_a_large_output_is_put_back(checkout: Checkout) -> None:
    checkout.out.unlink()

    with held(checkout.blob):
        run = checkout.begin()
        assert not checkout.out.exists()
        assert "large" not in checkout.states()

    assert run.wait(_ANSWERS_S) == 0
    assert checkout.states() == {"plain": "succeeded", "said": "succeeded", "large": "cached"}
    assert checkout.out.read_bytes() == bytes(_LARGE_BYTES)


def test_other_tasks_run_while_a_large_declared_file_is_read(checkout: Checkout) -> None:
    (checkout.folder / "data.bin").write_bytes(b"e" * _LARGE_BYTES)

    with held(checkout.folder / "data.bin"):
        run = checkout.begin()
        assert "large" not in checkout.states()

    assert run.wait(_ANSWERS_S) == 0
    assert checkout.states()["large"] == "succeeded"


@pytest.mark.parametrize("signals", [1, 2])
def test_a_run_is_stopped_while_a_large_output_is_put_back(checkout: Checkout, signals: int) -> None:
    checkout.out.unlink()

    with held(checkout.blob):
        run = checkout.begin()
        for _ in range(signals):
            run.send_signal(signal.SIGINT)
        assert run.wait(_ANSWERS_S) == 130

    assert list(checkout.out.parent.iterdir()) == []
    assert checkout.states()["large"] == "cancelled"


def test_a_run_is_stopped_while_a_large_declared_file_is_read(checkout: Checkout) -> None:
    (checkout.folder / "data.bin").write_bytes(b"e" * _LARGE_BYTES)

    with held(checkout.folder / "data.bin"):
        run = checkout.begin()
        run.send_signal(signal.SIGINT)
        assert run.wait(_ANSWERS_S) == 130

    assert checkout.states()["large"] == "cancelled"
