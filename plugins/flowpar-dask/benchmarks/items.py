"""What an item costs on a local dask cluster: a run beside dask's own `client.map`, in turn on the same two workers.

python plugins/flowpar-dask/benchmarks/items.py [ITEMS] [REPEATS]
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from distributed import Client

from flowpar_dask.cluster import LocalCluster

STEPS = "def same(n: int) -> int:\n    return n\n"
WORKFLOW = """
flowpar: 1
name: items
inputs: {count: {type: integer}}
tasks:
  same:
    for_each: {n: "${{ range(inputs.count) }}"}
    python: steps:same
    with: {n: "${{ each.n }}"}
"""


def same(n: int) -> int:
    """Do nothing."""
    return n


def by_dask(address: str, count: int) -> float:
    """Return the seconds of `client.map` and the gathering of its results."""
    make: Any = Client
    with make(address, set_as_default=False) as client:
        client.submit(same, -1).result()
        began = time.perf_counter()
        client.gather(client.map(same, range(count), pure=False))
        return time.perf_counter() - began


def by_flowpar(folder: Path, address: str, count: int) -> float:
    """Return the seconds of a run from its first event to its last, its journal included."""
    run = folder / f"run-{time.monotonic_ns()}"
    options = ["--executor", f"dask={address}", "-i", f"count={count}", "--run-dir", str(run), "-q"]
    subprocess.run([sys.executable, "-m", "flowpar", "run", str(folder / "items.yaml"), *options], check=True)
    last = (run / "events.jsonl").read_text().splitlines()[-1]
    return float(json.loads(last)["duration_s"])


def main(count: int, repeats: int) -> None:
    """Print milliseconds an item, and the ratio."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "steps.py").write_text(STEPS)
        (folder / "items.yaml").write_text(WORKFLOW)
        cluster = LocalCluster(2, folder / "cluster")
        try:
            for _ in range(repeats):
                dask, flowpar = by_dask(cluster.address, count), by_flowpar(folder, cluster.address, count)
                each = f"client.map {dask / count * 1e3:.3f} ms, flowpar {flowpar / count * 1e3:.3f} ms"
                sys.stdout.write(f"{count} items: {each} an item, ratio {flowpar / dask:.2f}\n")
        finally:
            cluster.close()


if __name__ == "__main__":
    given = iter(sys.argv[1:])
    main(int(next(given, "10000")), int(next(given, "3")))
