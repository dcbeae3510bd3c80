"""What an attempt's share of the machine means to the libraries it calls, in the variables that they read.

threads   how many BLAS and OpenMP start; as many processes run at once as there are cpus, so one each
devices   the ids of its `gpu`
"""

from __future__ import annotations

import os
from typing import Final

_OF_THREADS: Final = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "BLIS_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
    "NUMEXPR_NUM_THREADS",
)
_OF_DEVICES: Final = "CUDA_VISIBLE_DEVICES"


def threads(count: int) -> dict[str, str]:
    """Return the variables for so many threads, nothing for 0."""
    return dict.fromkeys(_OF_THREADS, str(count)) if count else {}


def devices(ids: tuple[str, ...] | None) -> dict[str, str]:
    """Return the variable that shows an attempt its devices; nothing where it did not ask."""
    return {} if ids is None else {_OF_DEVICES: ",".join(ids)}


def one_thread_each() -> None:
    """Let all processes to come have one thread, but where the user has said otherwise."""
    for name, value in threads(1).items():
        os.environ.setdefault(name, value)
