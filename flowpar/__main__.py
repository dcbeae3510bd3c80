"""Where `flowpar` and `python -m flowpar` begin and end: split into processes first, import the rest after."""

from __future__ import annotations

import atexit
import os
import sys
from typing import NoReturn


def main() -> NoReturn:
    """Run the command line and end the process with its exit code."""
    leave(_run())


def _run() -> int:
    try:
        tree = None
        # Both late: the guard and the launcher must fork off before anything heavy is imported.
        if hasattr(os, "fork"):
            from flowpar.execute.guard import split

            tree = split(sys.argv)
        from flowpar.core.collector import collector_paused

        with collector_paused():
            from flowpar.cli.main import main as run_command

        return run_command(sys.argv[1:], tree=tree)
    except KeyboardInterrupt:  # before there was a command that could say it better
        return 130
    except OSError as error:  # likewise: no room for the pipes of the tree, or for an import
        sys.stderr.write(f"flowpar: cannot begin: {(error.strerror or str(error)).lower()}; see ulimit -a\n")
        return 3


def leave(code: int) -> NoReturn:
    """End as Python does, but for taking modules and objects apart one by one, which the kernel does at once.

    Threads are awaited, what is registered for the end runs, and streams are flushed. Taking apart would be 2 % of a
    short run, and of one of 10,000 tasks 0.45 s of 4.1.
    """
    if sys.gettrace() is not None or sys.getprofile() is not None:
        sys.exit(code)  # whoever watches, such as a profiler, writes down what was seen after this
    if (threading := sys.modules.get("threading")) is not None:
        threading._shutdown()  # noqa: SLF001 - what Python calls, and then the next
    atexit._run_exitfuncs()  # noqa: SLF001
    for stream in (sys.stdout, sys.stderr):
        try:
            if stream is not None:
                stream.flush()
        except (OSError, ValueError):
            code = code or 120  # as Python has it
    os._exit(code)


if __name__ == "__main__":
    main()
