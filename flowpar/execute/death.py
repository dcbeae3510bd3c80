"""What a worker's death means when it left no outcome: the `Failure` of an attempt, in words."""

from __future__ import annotations

import errno
import signal

from flowpar.core.outcome import NO_THREAD, Failure, FailureKind

# How a worker ends when its task closed the pipe on which it reports.
PIPE_LOST = 217
# In the place of a signal's name: the kernel did not do this.
MEMORY_LIMIT = "MemoryLimit"


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


def over_limit(limit_bytes: int, peak_bytes: int) -> Failure:
    """Say that an attempt had more than its `resources.memory` and was ended for it."""
    peak = _mib(-(-peak_bytes // 2**20) * 2**20)  # up, or a little more than the limit would read as the limit
    needed = f"needed more than its memory of {_mib(limit_bytes)} (peak {peak}), and was killed"
    instead = "raise resources.memory, or let it work on less at once"
    return Failure(FailureKind.DIED, MEMORY_LIMIT, f"{needed}; {instead}")


def _mib(number: int) -> str:
    return f"{number / 2**20:.0f} MiB" if number % 2**30 or not number else f"{number // 2**30} GiB"


def signal_name(number: int) -> str:
    """Return "SIGSEGV" and the like, also for signals that have no name in Python."""
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


def no_process(error: OSError) -> str:
    """Say why a fork failed, and what to look at where a limit of the user's was reached."""
    hint = "; see ulimit -u" if error.errno == errno.EAGAIN else ""
    return f"no process could be started: {error.strerror or error}{hint}"


def end_of_service(code: int) -> str:
    """Say how a process ended that was to stay."""
    if code == NO_THREAD:
        return "could get no thread: the limit of processes is reached (see ulimit -u)"
    return f"was killed by {signal_name(-code)}" if code < 0 else f"exited with code {code}"


def _memory(number: int, max_rss_bytes: int | None, is_out_of_memory: bool) -> str:  # noqa: FBT001  # passed on
    if number != signal.SIGKILL:
        return ""
    peak = f"its peak memory was {_mib(max_rss_bytes)}" if max_rss_bytes else ""
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
