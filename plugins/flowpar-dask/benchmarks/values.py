"""How a large value gets to its reader: by dask, by a mapped file, and from another machine's memory, in turn.

python plugins/flowpar-dask/benchmarks/values.py [MEBIBYTES …]
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from distributed import Client, get_worker
from flowpar.data.store import ValueStore

from flowpar_dask.cluster import LocalCluster
from flowpar_dask.near import Maker, Near

_REPEATS = 5


def make(size: int) -> bytearray:
    """Return a value."""
    return bytearray(b"x") * size


def touch(value: Any) -> int:
    """Read a byte of each page."""
    return sum(memoryview(value)[::4096])


def keep(run_dir: str, size: int, number: int) -> tuple[object, float]:
    """Keep a value in the run folder, and return where and how long it took."""
    value = memoryview(make(size))
    Near.of("values", run_dir, get_worker())
    began = time.perf_counter()
    ref = ValueStore(run_dir).put(value, str(number))
    return ref, time.perf_counter() - began


def read(run_dir: str, ref: Any, maker: str) -> float:
    """Return the seconds until a value is read, taken from where it was made where a maker is named."""
    worker = get_worker()
    near = Near.of("values", run_dir, worker)
    began = time.perf_counter()
    if maker:
        near.fetch({ref.file: Maker(maker, "elsewhere")}, worker)
        assert Path(near.folder, Path(ref.file).name).exists()  # noqa: S101
    touch(ValueStore(run_dir, near=near.folder if maker else "").get(ref))
    took = time.perf_counter() - began
    near.close()
    return took


def once(client: Any, workers: list[str], run_dir: str, *, size: int, number: int) -> tuple[float, ...]:
    """Return the seconds of each way."""
    here, there = workers
    made = client.submit(make, size, workers=[here], pure=False)
    client.submit(len, made, workers=[here], pure=False).result()
    began = time.perf_counter()
    client.submit(touch, made, workers=[there], pure=False).result()
    by_dask = time.perf_counter() - began
    ref, kept = client.submit(keep, run_dir, size, number, workers=[here], pure=False).result()
    mapped = client.submit(read, run_dir, ref, "", workers=[there], pure=False).result()
    fetched = client.submit(read, run_dir, ref, here, workers=[there], pure=False).result()
    Path(run_dir, ref.file).unlink()
    return by_dask, kept, mapped, fetched


def main(sizes: list[int]) -> None:
    """Print the least of some times in milliseconds."""
    with tempfile.TemporaryDirectory() as name:
        cluster = LocalCluster(2, Path(name, "cluster"))
        connect: Any = Client
        try:
            with connect(cluster.address, set_as_default=False) as client:
                workers = sorted(client.scheduler_info()["workers"])
                for mebibytes in sizes:
                    times = [
                        once(client, workers, name, size=mebibytes << 20, number=number) for number in range(_REPEATS)
                    ]
                    least = [f"{min(column) * 1e3:.1f}" for column in zip(*times, strict=True)]
                    told = "by dask {} ms; kept in a file {} ms and mapped {} ms; fetched and mapped {} ms"
                    sys.stdout.write(f"{mebibytes} MiB: {told.format(*least)}\n")
        finally:
            cluster.close()


if __name__ == "__main__":
    main([int(size) for size in sys.argv[1:]] or [1, 16, 128])
