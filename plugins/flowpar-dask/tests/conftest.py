"""A dask cluster of real processes over TCP on this machine, one for all tests that do not end it."""

from __future__ import annotations

import subprocess
import sys
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from flowpar_dask.cluster import LocalCluster

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

DEADLINE_S = 240.0


@pytest.fixture(scope="session")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    cluster = LocalCluster(2, tmp_path_factory.mktemp("cluster"))
    yield cluster.address
    cluster.close()


@pytest.fixture
def mortal(tmp_path: Path) -> Iterator[LocalCluster]:
    """Give a cluster for a test that ends some of it."""
    cluster = LocalCluster(2, tmp_path / "cluster")
    yield cluster
    cluster.close()


@dataclass(frozen=True)
class Yard:
    """A folder with a workflow, and the command."""

    folder: Path

    def write(self, **files: str) -> None:
        for name, text in files.items():
            suffix = ".yaml" if "tasks:" in text else ".py"
            (self.folder / f"{name}{suffix}").write_text(text)

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "flowpar", *arguments],
            cwd=self.folder,
            capture_output=True,
            text=True,
            timeout=DEADLINE_S,
            check=False,
        )

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-m", "flowpar", *arguments],
            cwd=self.folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def until(self, is_met: Callable[[], bool]) -> None:
        """Wait until something holds; fail where it does not in time."""
        deadline = time.monotonic() + DEADLINE_S / 2
        while not is_met():
            assert time.monotonic() < deadline
            time.sleep(0.02)


@pytest.fixture
def yard(tmp_path: Path) -> Yard:
    return Yard(tmp_path)
