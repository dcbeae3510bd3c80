"""The text of `python: {script: …}`: run as a module of its own, with the values of `with` as its variables.

    text ─ parsed, its lines those of the workflow file ─► run ─► its variable `output`

While it runs it is `__main__`, so what it defines is found by processes that it forks. Afterwards nobody can
find it: an instance of a class of the script's own is no output.
"""

from __future__ import annotations

import ast
import linecache
import sys
import threading
import types
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from flowpar.core.outcome import Failure, FailureKind, TaskFailed

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence


def run_script(__text: str, __place: Any, /, **variables: Any) -> Any:
    """Run a text and return its variable `output`; `__place` has the workflow file and the line of each line there."""
    file, lines = __place
    module = types.ModuleType("__main__")
    module.__dict__.update(variables)
    code = _compiled(__text, file, lines)
    with _as_main(module):
        try:
            exec(code, module.__dict__)  # noqa: S102 - it is what the user's task does
        except BaseException:
            _show_source(__text, file, lines)
            raise
    output = module.__dict__.get("output")
    if isinstance(output, types.GeneratorType | types.CoroutineType):
        message = (
            f'the variable "output" of the script is a {type(output).__name__}, a promise of values; make a list of it'
        )
        output.close()
        raise TaskFailed(Failure(FailureKind.OUTPUT, type(output).__name__, message))
    return output


def _compiled(text: str, file: str, lines: Sequence[int]) -> types.CodeType:
    tree = ast.parse(text, file)
    for node in ast.walk(tree):
        if isinstance(node, ast.expr | ast.stmt | ast.excepthandler | ast.pattern | ast.arg | ast.keyword | ast.alias):
            node.lineno = lines[node.lineno - 1]
            node.end_lineno = lines[(node.end_lineno or 1) - 1]
    return compile(tree, file, "exec", dont_inherit=True)


@contextmanager
def _as_main(module: types.ModuleType) -> Iterator[None]:
    """Let a module be `__main__`, unless other threads have that as well."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = sys.modules["__main__"]
    sys.modules["__main__"] = module
    try:
        yield
    finally:
        sys.modules["__main__"] = before


def _show_source(text: str, file: str, lines: Sequence[int]) -> None:
    """Let a traceback show the script, whatever has become of the file meanwhile."""
    known = linecache.cache.get(file)
    shown = list(known[2]) if known is not None and len(known) > 1 and known[1] is None else []
    shown += [""] * (max(lines, default=0) - len(shown))
    for line, content in zip(lines, text.split("\n"), strict=False):
        shown[line - 1] = f"{content}\n"
    linecache.cache[file] = (0, None, shown, file)
