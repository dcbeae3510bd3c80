"""The process of a local dask cluster: a scheduler here, workers below; it ends when its standard input does.

python -m flowpar_dask.local WORKERS FOLDER ─► {"address": "tcp://127.0.0.1:…"}
"""

from __future__ import annotations

import json
import os
import signal
import sys
from typing import Any

import dask
from distributed import LocalCluster


def main(workers: int, folder: str) -> None:
    """Serve until whoever started it is gone, then end the whole process group."""
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
    os.killpg(os.getpgrp(), signal.SIGKILL)


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2])
