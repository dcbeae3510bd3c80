"""The yardstick of short items: N squares by `multiprocessing.Pool.map`, one item a message, nothing else.

`python bare_map.py N WORKERS` prints the seconds that it took, workers started included.
"""

from __future__ import annotations

import multiprocessing
import sys
import time


def square(number: int) -> int:
    """Do next to nothing."""
    return number * number


def main(count: int, workers: int) -> float:
    """Return the seconds."""
    started = time.perf_counter()
    with multiprocessing.get_context("fork").Pool(workers) as pool:
        assert len(pool.map(square, range(count), chunksize=1)) == count
    return time.perf_counter() - started


if __name__ == "__main__":
    print(main(int(sys.argv[1]), int(sys.argv[2])))
