"""The checks that task types bring themselves, run before the run in a process that soon ends.

    CheckRequest* ── pickle on stdin ──► check_process ── imports the plugin, calls check(arguments)
    Finding**     ◄── JSON on stdout ───┘

So a plugin's check can neither slow down, change nor end the engine.
"""

from __future__ import annotations

import json
import pickle
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from flowpar.core.errors import PluginError
from flowpar.core.frozen import dataclass
from flowpar.plugin.spec import Finding

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from flowpar.plugin.registry import TaskTypeSource

DEADLINE_S: Final = 20.0
_OWN_ROOT: Final = str(Path(__file__).parents[2])
_BOOT: Final = (
    "import sys; sys.path[:0] = sys.argv[2:]; sys.path.append(sys.argv[1]); "
    "from flowpar.plugin.check_process import main; main()"
)


@dataclass(frozen=True, slots=True)
class CheckRequest:
    """The arguments of one task, for the check of its task type.

    `arguments` is plain data; `UNKNOWN` stands for a value that only the run will make.
    """

    source: TaskTypeSource
    arguments: Mapping[str, object]


def run_checks(
    requests: Sequence[CheckRequest], *, python_path: Sequence[str] = (), deadline_s: float = DEADLINE_S
) -> tuple[tuple[Finding, ...], ...]:
    """Return for each request what its task type's own check finds, `()` for one that brings none.

    `python_path` leads to local files. Raises `PluginError` where a check itself fails.
    """
    asked = [(index, request) for index, request in enumerate(requests) if request.source.options.check]
    found: list[tuple[Finding, ...]] = [()] * len(requests)
    if asked:
        answers = _ask([request for _, request in asked], python_path, deadline_s)
        for (index, request), answer in zip(asked, answers, strict=True):
            found[index] = _read(answer, request.source)
    return tuple(found)


def _ask(
    requests: Sequence[CheckRequest], python_path: Sequence[str], deadline_s: float
) -> Sequence[Mapping[str, Any]]:
    body = pickle.dumps([(request.source.options.check, dict(request.arguments)) for request in requests])
    names = ", ".join(sorted({_name(request.source) for request in requests}))
    command = [sys.executable, "-P", "-c", _BOOT, _OWN_ROOT, *python_path]
    try:
        done = subprocess.run(command, input=body, capture_output=True, timeout=deadline_s, check=False)
    except subprocess.TimeoutExpired:
        raise PluginError(
            f"the check of {names} took longer than {deadline_s:g} s",
            hint="a check looks at its arguments only; it waits for nothing",
        ) from None
    except OSError as error:
        raise PluginError(f"the check of {names} could not be started: {error.strerror}") from error
    if done.returncode != 0:
        last = done.stderr.decode(errors="replace").strip().rpartition("\n")[2]
        raise PluginError(f"the check of {names} ended with exit code {done.returncode}: {last}")
    answers: Sequence[Mapping[str, Any]] = json.loads(done.stdout)
    return answers


def _read(answer: Mapping[str, Any], source: TaskTypeSource) -> tuple[Finding, ...]:
    if "error" in answer:
        raise PluginError(f"the check of {_name(source)} failed: {answer['error']}")
    return tuple(Finding(**finding) for finding in answer["findings"])


def _name(source: TaskTypeSource) -> str:
    return f'task type "{source.kind}" of {source.origin}'
