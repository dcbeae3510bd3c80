"""A cluster with certificates: the run reads them from dask's configuration, and so do values between workers."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any

import pytest
from distributed import Security

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

WORKFLOW = """
flowpar: 1
name: tls
tasks:
  big: {python: {script: "output = [n] * 100_000"}, for_each: {n: [1, 2]}, with: {n: "${{ each.n }}"}}
  sum: {python: {script: "output = sum(map(sum, all))"}, with: {all: "${{ tasks.big.output }}"}}
outputs: {sum: "${{ tasks.sum.output }}"}
"""


@pytest.fixture
def certificates(tmp_path: Path) -> dict[str, str]:
    """Make certificates, and return the variables that name them."""
    pytest.importorskip("cryptography")
    make: Any = Security
    told = make.temporary()
    made = {"ca_file": told.tls_ca_file, "cert": told.tls_client_cert, "key": told.tls_client_key}
    for name, text in made.items():
        (tmp_path / f"{name}.pem").write_text(text)
    variables = {"DASK_DISTRIBUTED__COMM__TLS__CA_FILE": str(tmp_path / "ca_file.pem")}
    for role in ("SCHEDULER", "WORKER", "CLIENT"):
        variables[f"DASK_DISTRIBUTED__COMM__TLS__{role}__CERT"] = str(tmp_path / "cert.pem")
        variables[f"DASK_DISTRIBUTED__COMM__TLS__{role}__KEY"] = str(tmp_path / "key.pem")
    return variables


@pytest.fixture
def scheduler(tmp_path: Path, certificates: dict[str, str]) -> Iterator[str]:
    """Two workers, each on what it takes for a machine of its own, at an address with certificates."""
    file, started = tmp_path / "scheduler.json", []
    environment = {**os.environ, **certificates, "DASK_DISTRIBUTED__COMM__REQUIRE_ENCRYPTION": "true"}
    with (tmp_path / "said").open("wb") as said:
        for number in range(3):
            what = ["worker", "--no-nanny", "--nthreads", "1", "--no-dashboard", "--local-directory", str(tmp_path)]
            if not number:
                what = ["scheduler", "--host", "tls://127.0.0.1", "--port", "0", "--no-dashboard"]
            command = [sys.executable, "-m", "dask", *what, "--scheduler-file", str(file)]
            variables = {**environment, "DASK_FLOWPAR__MACHINE": str(number)}
            started.append(subprocess.Popen(command, env=variables, stdout=said, stderr=said))
        deadline = time.monotonic() + 60
        while not (file.exists() and file.stat().st_size):
            assert time.monotonic() < deadline
            time.sleep(0.1)
        yield json.loads(file.read_text())["address"]
    for process in started:
        process.kill()  # a worker whose scheduler has ended takes long to end by itself
    for process in started:
        process.wait(30)


def test_a_run_goes_to_a_cluster_with_certificates(
    tmp_path: Path, scheduler: str, certificates: dict[str, str]
) -> None:
    (tmp_path / "w.yaml").write_text(WORKFLOW)
    command = [sys.executable, "-m", "flowpar", "run", "w.yaml", "--executor", f"dask={scheduler}", "--json"]

    done = subprocess.run(
        command,
        cwd=tmp_path,
        env={**os.environ, **certificates},
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )

    assert scheduler.startswith("tls://")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == {"sum": 300_000}


def test_without_certificates_it_says_what_is_missing(tmp_path: Path, scheduler: str) -> None:
    (tmp_path / "w.yaml").write_text(WORKFLOW)
    command = [sys.executable, "-m", "flowpar", "run", "w.yaml", "--executor", f"dask={scheduler}", "--json"]

    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=240, check=False)

    assert done.returncode == 3
    assert f"there are no certificates for {scheduler}" in done.stderr
