"""What this machine has to share out: memory, as far as we may use it, and devices for `gpu`."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

_CGROUPS = ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes")
_NVIDIA = Path("/proc/driver/nvidia/gpus")
_VISIBLE = "CUDA_VISIBLE_DEVICES"
_PATIENCE_S = 10.0


def memory_bytes() -> int | None:
    """Return how much memory there is for all tasks, or its container's share of it; None where nobody says."""
    found = []
    with suppress(ValueError, OSError, AttributeError):
        found.append(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"))
    for path in _CGROUPS:
        with suppress(OSError, ValueError):  # "max" is no number
            found.append(int(Path(path).read_text(encoding="ascii")))
    return min(found, default=None)


def gpu_devices() -> tuple[str, ...]:
    """Return the ids of the devices that this process may use."""
    visible = os.environ.get(_VISIBLE)
    if visible is not None:
        # As CUDA reads it: what comes after an id that is none does not count.
        ids = [part.strip() for part in visible.split(",")]
        ends = [place for place, part in enumerate(ids) if not part or part.startswith("-")]
        return tuple(ids[: ends[0]] if ends else ids)
    with suppress(OSError):
        return tuple(str(number) for number, _ in enumerate(sorted(_NVIDIA.iterdir())))
    return _told_by_driver()


def _told_by_driver() -> tuple[str, ...]:
    # Late: few runs ask for devices.
    import shutil
    import subprocess

    program = shutil.which("nvidia-smi")
    if program is None:
        return ()
    command = [program, "--query-gpu=index", "--format=csv,noheader"]
    try:
        said = subprocess.run(command, capture_output=True, text=True, timeout=_PATIENCE_S, check=True).stdout
    except (OSError, subprocess.SubprocessError):
        return ()
    return tuple(line.strip() for line in said.splitlines() if line.strip().isdecimal())
