"""What a worker's death means when it left no outcome: the `Failure` of an attempt, in words."""

from __future__ import annotations

import signal

from flowpar.core.outcome import Failure, FailureKind

# How a worker ends when its task closed the pipe on which it reports.
PIPE_LOST = 217


def failure_of(code: int, *, max_rss_bytes: int | None, is_out_of_memory: bool, is_garbled: bool) -> Failure:
    """Say why there is no outcome; a negative `code` is the signal that ended the process.

    `is_garbled`: what stood on the result pipe was nothing of ours. `is_out_of_memory`: the
    kernel says that it has ended a process for lack of memory meanwhile.
    """
    if is_garbled:
        text = "wrote to the pipe that carries its result; nothing else may be written there"
        return Failure(FailureKind.DIED, "", text, code if code > 0 else None)
    if code < 0:
        name = signal_name(-code)
        return Failure(FailureKind.DIED, name, f"killed by {name}" + _memory(-code, max_rss_bytes, is_out_of_memory))
    if code == 0:
        return Failure(FailureKind.DIED, "", "exited without a result (exit code 0)")
    if code == PIPE_LOST:
        return Failure(FailureKind.DIED, "", "closed the pipe that carries its result")
    return Failure(FailureKind.EXIT, "", f"exited without a result (exit code {code})", code)


def signal_name(number: int) -> str:
    """Return "SIGSEGV" and the like, also for signals that have no name in Python."""
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


def _memory(number: int, max_rss_bytes: int | None, is_out_of_memory: bool) -> str:  # noqa: FBT001  # passed on
    if number != signal.SIGKILL:
        return ""
    peak = f"its peak memory was {max_rss_bytes / 2**20:.0f} MiB" if max_rss_bytes else ""
    parts = [part for part in ("probably out of memory" if is_out_of_memory else "", peak) if part]
    return ", " + "; ".join(parts) if parts else ""


def kernel_kill_count() -> int:
    """Return how often the kernel has ended a process of this machine for lack of memory; 0 where it won't say."""
    try:
        with open("/proc/vmstat", "rb") as counters:  # noqa: PTH123  # read at each death by KILL only
            for line in counters:
                if line.startswith(b"oom_kill "):
                    return int(line.split()[1])
    except (OSError, ValueError):
        pass
    return 0
