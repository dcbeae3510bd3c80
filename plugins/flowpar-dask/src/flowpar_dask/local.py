"""The process of a local dask cluster: a scheduler here, workers below; it ends when its standard input does.

python -m flowpar_dask.local WORKERS FOLDER ─► {"address": "tcp://127.0.0.1:…"}
"""

from __future__ import annotations

import json
import os
import sys
from contextlib import suppress
from typing import Any

import dask
import psutil
from distributed import LocalCluster


def main(workers: int, folder: str) -> None:
    """Serve until whoever started it is gone, then end all of it."""
    dask.config.set(
        {
            "distributed.worker.memory.target": False,
            "distributed.worker.memory.spill": False,
            "distributed.worker.memory.pause": False,
            "distributed.worker.memory.terminate": False,
        }
    )
    started: Any = LocalCluster  # its signature has no types
    cluster = started(
        n_workers=workers,
        threads_per_worker=1,
        processes=True,
        host="127.0.0.1",
        dashboard_address=None,
        local_directory=folder,
        memory_limit=0,
        silence_logs=50,
    )
    sys.stdout.write(json.dumps({"address": cluster.scheduler_address}) + "\n")
    sys.stdout.flush()
    sys.stdin.buffer.read()
    end_at_once()


def end_at_once() -> None:
    """Kill all that was started below and leave; what multiprocessing has in shared memory is tidied by its tracker.

    The tracker of resources sees nobody left who may use them, and ends by itself.
    """
    for child in psutil.Process().children(recursive=True):
        with suppress(psutil.Error):
            if not any("resource_tracker" in word for word in child.cmdline()):
                child.kill()
    os._exit(0)


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2])
