"""pdb for one function of a user's: it stops at the function's first line, and never in a line of ours.

function ─► stop_at ─► trace ─► (pdb) at its first line
exception ─► users_frames ─► post_mortem ─► (pdb) in the user's innermost frame
"""

from __future__ import annotations

import bdb
import inspect
import os
import pdb  # noqa: T100  # it is what is asked for
import sys
import sysconfig
from types import CodeType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType, TracebackType

_OURS = "flowpar.*"
_OUR_FOLDER = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "")  # noqa: PTH100, PTH118, PTH120
_FOREIGN = tuple({sysconfig.get_path(name) for name in ("stdlib", "platstdlib", "purelib", "platlib")})


class Waiting:
    """What a pdb is besides: it lets pass what comes before the code that it waits for, and all code of ours."""

    wanted: Callable[[CodeType], bool] | None = None

    def user_line(self, frame: FrameType) -> None:
        """Stop, unless it is too early."""
        if self.wanted is not None and not self.wanted(frame.f_code):
            return
        self.wanted = None
        super().user_line(frame)  # type: ignore[misc]  # of the pdb that this is mixed with

    def user_call(self, frame: FrameType, argument_list: Any) -> None:
        """Stop at a call, likewise; at that of the code itself its first line is the place to stop."""
        if self.wanted is None:
            super().user_call(frame, argument_list)  # type: ignore[misc]  # the same

    def user_return(self, frame: FrameType, return_value: Any) -> None:
        """Stop at a return, likewise."""
        if self.wanted is None:
            super().user_return(frame, return_value)  # type: ignore[misc]  # the same

    def user_exception(self, frame: FrameType, exc_info: Any) -> None:
        """Stop at an exception, likewise."""
        if self.wanted is None:
            super().user_exception(frame, exc_info)  # type: ignore[misc]  # the same

    def get_stack(self, frame: FrameType | None, traceback: TracebackType | None) -> tuple[list[Any], int]:
        """Return the stack from the user's first frame on."""
        stack, place = super().get_stack(frame, traceback)  # type: ignore[misc]  # the same
        ours = next((n for n, (each, _) in enumerate(stack) if not is_ours(each.f_code.co_filename)), 0)
        return stack[ours:], place - ours

    def setup(self, frame: FrameType | None, traceback: TracebackType | None) -> None:
        """Begin a post-mortem in the innermost frame that is the user's own, not a library's."""
        super().setup(frame, traceback)  # type: ignore[misc]  # the same
        place: Any = self
        if frame is None and traceback is not None:
            own = [number for number, (each, _) in enumerate(place.stack) if is_own(each.f_code.co_filename)]
            place.curindex = own[-1] if own else place.curindex
            place.curframe = place.stack[place.curindex][0]
            place.curframe_locals = place.curframe.f_locals


def debugger_of(name: str) -> Any:
    """Return a new debugger, "pdb" or "ipdb"; raises ImportError where that is not installed."""
    base: Any = pdb.Pdb
    if name == "ipdb":
        # Late: only who asks for it pays for it, or needs it.
        from IPython.terminal.debugger import TerminalPdb

        base = TerminalPdb
    return type("Debugger", (Waiting, base), {})(skip=[_OURS])


def stop_at(debugger: Any, wanted: Callable[[CodeType], bool] | None) -> None:
    """Trace what is called from now on, and stop at the first line of code that is wanted."""
    debugger.reset()
    debugger.wanted = wanted
    sys.settrace(debugger.trace_dispatch)


def code_wanted(function: Callable[..., object]) -> Callable[[CodeType], bool] | None:
    """Return what tells the code of a function, below its decorators; None where it has none of its own."""
    bare: Any = inspect.unwrap(function)
    bare = getattr(bare, "func", bare)  # of a partial
    code = getattr(bare, "__code__", None) or getattr(vars(type(bare)).get("__call__"), "__code__", None)
    return (lambda found: found is code) if isinstance(code, CodeType) else None


def post_mortem(debugger: Any, traceback: TracebackType) -> None:
    """Look at what is left after an exception."""
    debugger.reset()
    debugger.wanted = None
    try:
        debugger.interaction(None, traceback)
    except (bdb.BdbQuit, BrokenPipeError):  # the person has left, or whoever read it
        return


def users_frames(traceback: TracebackType | None) -> TracebackType | None:
    """Return a traceback without the frames, ours and pdb's, above the first that is the user's."""
    while traceback is not None and is_ours(traceback.tb_frame.f_code.co_filename):
        traceback = traceback.tb_next
    return traceback


def is_ours(file: str) -> bool:
    """Whether a file is a part of flowpar, or of the debugger."""
    return file.startswith((_OUR_FOLDER, bdb.__file__, pdb.__file__))


def is_own(file: str) -> bool:
    """Whether a file is the user's own, neither Python's nor that of something installed."""
    return not file.startswith((_OUR_FOLDER, *_FOREIGN, "<frozen "))
