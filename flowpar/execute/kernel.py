"""What the Linux kernel offers for keeping process trees together, without which we fall back on less.

    become_subreaper   orphaned descendants become children of this process instead of init's
    die_with_parent    the kernel kills this process when the thread that forked it ends
    wake_with_parent   the kernel lets this process, which may be stopped, go on when that thread ends
    name_process       what `ps` and `top` show

ctypes is loaded with this module, so that a process which forks has it before its children need it.
"""

from __future__ import annotations

import ctypes
import signal
import sys

_SIGKILL = int(signal.SIGKILL)
_SIGCONT = int(signal.SIGCONT)
_PR_SET_PDEATHSIG = 1
_PR_SET_NAME = 15
_PR_SET_CHILD_SUBREAPER = 36

IS_LINUX = sys.platform == "linux"
_PRCTL, _NAME = (ctypes.CDLL(None).prctl, ctypes.CDLL(None).prctl) if IS_LINUX else (None, None)
if _PRCTL is not None and _NAME is not None:
    _PRCTL.argtypes = [ctypes.c_int, *[ctypes.c_ulong] * 4]
    _NAME.argtypes = [ctypes.c_int, ctypes.c_char_p, *[ctypes.c_ulong] * 3]


def become_subreaper() -> bool:
    """Adopt orphaned descendants from now on; return whether the system can do that."""
    return _control(_PR_SET_CHILD_SUBREAPER, 1)


def die_with_parent() -> bool:
    """Be killed when the parent dies; whoever asks checks afterwards that it has not died before."""
    return _control(_PR_SET_PDEATHSIG, _SIGKILL)


def adopt_and_die_with_parent() -> None:
    """Do both, as each process of a task does: in one call, which in a fork of the launcher costs a third of two."""
    if _PRCTL is not None:
        _PRCTL(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
        _PRCTL(_PR_SET_PDEATHSIG, _SIGKILL, 0, 0, 0)


def wake_with_parent() -> bool:
    """Be sent SIGCONT when the parent dies, so that it is noticed even by one whom it had stopped."""
    return _control(_PR_SET_PDEATHSIG, _SIGCONT)


def name_process(name: str) -> None:
    """Show the first 15 bytes of `name` in listings of processes; called in the main thread."""
    if _NAME is not None:
        _NAME(_PR_SET_NAME, name.encode(errors="replace")[:15], 0, 0, 0)


def _control(option: int, value: int) -> bool:
    return _PRCTL is not None and bool(_PRCTL(option, value, 0, 0, 0) == 0)
