"""A run in a job of GitHub Actions: failures in groups and as annotations, and a summary of the job.

    ::group::count[3] failed: ValueError: bad row
    ::stop-commands::<token>          what follows is shown and not obeyed
      File "steps.py", line 3, in count
      | what it printed
    ::<token>::
    ::endgroup::
    ::error file=steps.py,line=3,title=count[3] failed::ValueError: bad row

The runner obeys a line that begins with `::`, and `##[` anywhere in a line. So what tasks print, raise and name is
written between commands that stop this, with a token that they cannot know, or is made harmless.
"""

from __future__ import annotations

import os
import re
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from flowpar.core.outcome import Failure
from flowpar.core.states import TaskState
from flowpar.report.findings import as_github
from flowpar.report.summary import failure_text, state_of, verb_of
from flowpar.report.terminal import one_line, strip_controls
from flowpar.report.wording import duration, name_of, near, reason_of, tallied

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from flowpar.core.diagnostics import Diagnostic
    from flowpar.core.events import RunStarted, TaskEnded
    from flowpar.report.summary import SummarySink

_COMMAND = re.compile(r"^(\s*)::|##\[", re.MULTILINE)
_FRAME = re.compile(r'File "(?P<file>[^"\n]+)", line (?P<line>\d+)')
_MARKUP = re.compile(r"""[&<>"'\\`*_{}\[\]()#+!|~@$:.-]""")
_SHOWN_LINES, _SHOWN_BYTES = 1_000, 256 << 10
_KEPT_LINES, _KEPT_BYTES = 40, 16 << 10  # a summary has room for 1 MiB in all
_MESSAGE = 2_000


class Actions:
    """The job that a command runs in."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        """Know where its files are."""
        self._workspace = Path(environment.get("GITHUB_WORKSPACE") or os.curdir)
        self._summary = environment.get("GITHUB_STEP_SUMMARY", "")
        self._token = os.urandom(16).hex()

    @classmethod
    def around(cls, environment: Mapping[str, str]) -> Actions | None:
        """Return the job, None where there is none."""
        return cls(environment) if environment.get("GITHUB_ACTIONS") == "true" else None

    def told(self, summary: SummarySink) -> str:
        """Return how a run ended: each failure in a group with all of its output, and as an annotation."""
        run = summary.run
        if run is None or summary.finished is None:
            return ""
        parts = [self._failure(event, run) for event in summary.failures]
        if rest := summary.rest():
            parts.append(f"{harmless(rest)}; {harmless(near(run.run_dir))}/run.log.jsonl has them all\n")
        return "".join([*parts, harmless(summary.closing())])

    @staticmethod
    def annotations(diagnostics: Iterable[Diagnostic]) -> str:
        """Return what was found in the workflow, at its lines."""
        return as_github(diagnostics)

    @staticmethod
    def quiet(text: str) -> str:
        """Return a text of which the runner obeys nothing."""
        return harmless(text)

    def keep(self, summary: SummarySink) -> str:
        """Write the summary of the job; return why that cannot be, or nothing."""
        text = _markdown(summary)
        if not self._summary or not text:
            return ""
        try:
            with open(self._summary, "a", encoding="utf-8", errors="backslashreplace") as stream:  # noqa: PTH123 - as given
                stream.write(text)
        except OSError as error:
            return f"there is no summary of the job: {(error.strerror or str(error)).lower()}"
        return ""

    def _failure(self, event: TaskEnded, run: RunStarted) -> str:
        if not isinstance(event.outcome, Failure):
            return ""
        title = f"{name_of(event.subject)} {verb_of(event)}"
        text = failure_text(event, run.run_dir, near(run.run_dir), lines=_SHOWN_LINES, size_bytes=_SHOWN_BYTES)
        head, _, rest = text.partition("\n")
        file, line = self._place(event.outcome, run)
        properties = {"file": file, **({"line": line} if line else {}), "title": title}
        return "".join(
            [
                f"::group::{_data(head)}\n::stop-commands::{self._token}\n",
                rest if rest.endswith("\n") or not rest else f"{rest}\n",
                f"::{self._token}::\n::endgroup::\n",
                annotation("error", reason_of(event.outcome, limit=_MESSAGE), properties),
            ]
        )

    def _place(self, failure: Failure, run: RunStarted) -> tuple[str, str]:
        """Return the innermost frame of the user's that lies in the repository, or the workflow."""
        for frame in reversed(list(_FRAME.finditer(failure.traceback))):
            inside = self._inside(frame["file"])
            if inside is not None:
                return inside, frame["line"]
        return self._inside(run.file) or run.file, ""

    def _inside(self, file: str) -> str | None:
        with suppress(OSError, ValueError):
            path = Path(file).resolve()
            if path.is_file():
                return path.relative_to(self._workspace.resolve()).as_posix()
        return None


def harmless(text: str) -> str:
    """Return a text of which a runner obeys no line."""
    return _COMMAND.sub(lambda found: f"{found[1] or ''}: :" if found[1] is not None else "# #[", text)


def annotation(level: str, message: str, properties: Mapping[str, str]) -> str:
    """Return a workflow command that shows a message at a place."""
    shown = ",".join(f"{name}={_property(value)}" for name, value in properties.items() if value)
    return f"::{level} {shown}::{_data(message)}\n"


def _data(text: str) -> str:
    return strip_controls(text).replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A").replace("##[", "# #[")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")


def _markdown(summary: SummarySink) -> str:
    run, finished = summary.run, summary.finished
    if run is None or finished is None:
        return ""
    counts = _text(tallied(finished.counts)) or "no tasks"
    told = f"{counts} in {duration(finished.duration_s)}, run <code>{_text(run.run_id)}</code>"
    lines = [f"### {_text(run.workflow)}: {state_of(finished)}", "", told, ""]
    for event in summary.failures:
        lines += _details(event, run)
    if rest := summary.rest():
        lines += [_text(rest), ""]
    return "\n".join([*lines, ""])


def _details(event: TaskEnded, run: RunStarted) -> list[str]:
    if not isinstance(event.outcome, Failure):
        return []
    text = failure_text(event, run.run_dir, near(run.run_dir), lines=_KEPT_LINES, size_bytes=_KEPT_BYTES)
    head, _, rest = text.partition("\n")
    mark = "⏱" if event.state is TaskState.TIMED_OUT else "❌"
    # In HTML and not in a fence of backticks, which a text may have, too; blank lines would end the HTML.
    body = _text(rest.rstrip(), limit=_KEPT_BYTES).replace("\n", "<br>")
    return ["<details>", f"<summary>{mark} {_text(one_line(head))}</summary>", f"<pre>{body}</pre>", "</details>", ""]


def _text(text: str, *, limit: int = _MESSAGE) -> str:
    """Return a text that is neither HTML nor Markdown."""
    return _MARKUP.sub(lambda found: f"&#{ord(found[0])};", strip_controls(text)[:limit])
