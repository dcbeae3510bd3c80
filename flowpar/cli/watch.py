"""Who is told what a run does, beside its journal: the log file, the terminal, the summary."""

from __future__ import annotations

import os
from contextlib import contextmanager
from enum import StrEnum
from typing import TYPE_CHECKING

from flowpar.core.clock import SystemClock
from flowpar.core.errors import FlowparError
from flowpar.report.logs import LogSink
from flowpar.report.progress import PlainSink, Verbosity
from flowpar.report.summary import SummarySink

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from flowpar.core.events import EventSink
    from flowpar.engine.earlier import EarlierRun
    from flowpar.engine.resumption import Resumption
    from flowpar.execute.guard import Tree
    from flowpar.planning.cost import Costs
    from flowpar.planning.model import Plan
    from flowpar.planning.prepared import Prepared
    from flowpar.record.folder import RunFolder
    from flowpar.report.estimate import Expected
    from flowpar.report.github import Actions
    from flowpar.report.screen import Screen

_STDERR = 2


class LogFormat(StrEnum):
    """What stderr shows of a run: a live view or plain lines, log lines for people, log lines as JSON."""

    AUTO = "auto"
    CONSOLE = "console"
    JSON = "json"


class Watch:
    """Makes the sinks of one run and has the last word on it."""

    def __init__(
        self,
        screen: Screen,
        log_format: LogFormat,
        verbosity: Verbosity,
        *,
        tree: Tree | None,
        is_resumed: bool = False,
    ) -> None:
        """Watch on `screen`; the guard of `tree` has the last word should this process be killed."""
        self._is_resumed = is_resumed
        self._is_guarded = tree is not None
        self._screen = screen
        self._format = log_format
        self._verbosity = verbosity
        self._expected: Expected | None = None
        self._actions = _actions() if log_format is LogFormat.AUTO else None
        self._others: Sequence[EventSink] = ()
        state_dir = os.environ.get("FLOWPAR_STATE_DIR") or ".flowpar"
        self._summary = SummarySink(state_dir, leave_word=None if tree is None else tree.last_word.leave)

    def tell_findings(self, prepared: Prepared) -> None:
        """Say what was found in the document; mere warnings only where there is room for them."""
        is_silent = self._format is LogFormat.JSON or self._verbosity is Verbosity.QUIET
        if prepared.diagnostics and (prepared.plan is None or not is_silent):
            # Late: most documents are sound.
            from flowpar.report.excerpt import render

            text = render(prepared.diagnostics, prepared.sources, is_coloured=self._screen.has_colors)
            self._say(text)
            if self._actions is not None:
                self._screen.tell(self._actions.annotations(prepared.diagnostics))

    def tell_resumption(self, earlier: EarlierRun, resumption: Resumption) -> None:
        """Say what of the earlier run is not taken as it was recorded, and why; unless stderr is for programs."""
        if self._format is LogFormat.JSON:
            return
        from flowpar.cli.resumed import resumption_lines  # late: a run that begins has none

        for line in resumption_lines(earlier.end, resumption):
            self._screen.tell(f"flowpar: {line}", "warning")

    def tell_also(self, sinks: Sequence[str], plan: Plan | None, *, allows_plugins: bool) -> None:
        """Tell others, too, after those who are told here; raises FlowparError for one that cannot be had."""
        if sinks and plan is not None:
            from flowpar.cli.sinks import open_sinks  # late: few runs have others

            def tell(text: str) -> None:
                self._screen.tell(f"flowpar: {text}", "warning")

            self._others = open_sinks(sinks, plan, allows_plugins=allows_plugins, tell=tell)

    @property
    def draws(self) -> bool:
        """Whether the run is drawn on a terminal."""
        is_told = self._format is LogFormat.AUTO and self._verbosity is not Verbosity.QUIET
        return is_told and self._screen.is_terminal

    def expect(self, costs: Costs, *, path_s: float) -> None:
        """Take what earlier runs say of how long tasks take, to say when this one may end."""
        from flowpar.cli.took import expected_by  # late: where something is known

        self._expected = expected_by(costs, path_s=path_s)

    def sinks(self, folder: RunFolder) -> list[EventSink]:
        """Return who is told, for the run in `folder`."""
        sinks: list[EventSink] = []
        try:
            open_log = LogSink.onto_file if self._is_resumed else LogSink.to_file
            sinks.append(open_log(folder.path / "run.log.jsonl"))
        except OSError as error:  # the journal is what counts; a run goes on without its log
            self._screen.tell(f"flowpar: there will be no run.log.jsonl: {error}", "warning")
        return [*sinks, self._face(), self._summary, *self._others]

    def tell_end(self, *, is_good: bool, has_hints: bool = False) -> None:
        """Say on stderr how the run ended, unless it speaks JSON or a good end was not to be told."""
        if self._actions is not None:
            self._screen.tell(self._actions.keep(self._summary), "warning")
        if self._format is LogFormat.JSON or (is_good and self._verbosity is Verbosity.QUIET):
            return
        told = None if self._actions is None else self._actions.told(self._summary)
        self._screen.tell(self._summary.text(self._screen.painted) if told is None else told)
        if has_hints and self._format is LogFormat.AUTO:
            self._screen.tell(self._summary.hint())

    @contextmanager
    def way_on(self) -> Iterator[None]:
        """Say how to go on with a run that an error cuts off."""
        try:
            yield
        except FlowparError as error:
            error.message = self._screen.masked(error.message)
            if self._format is not LogFormat.JSON:
                error.way_on = self._screen.masked(self._summary.way_on())
            raise

    def _say(self, text: str) -> None:
        """Say what may hold foreign text, of which a runner of GitHub must obey nothing."""
        self._screen.tell(text if self._actions is None else self._actions.quiet(text))

    def _face(self) -> EventSink:
        if self._format is not LogFormat.AUTO:
            is_json = self._format is LogFormat.JSON
            return LogSink.to_stream(_STDERR, is_json=is_json, has_colors=self._screen.has_colors)
        terminal = None if self._verbosity is Verbosity.QUIET else self._screen.terminal(is_guarded=self._is_guarded)
        if terminal is None:
            return PlainSink(self._say, verbosity=self._verbosity)
        from flowpar.report.live import LiveSink, PulsingSink  # what only a drawing pays

        sink = LiveSink(
            terminal,
            SystemClock(),
            verbosity=self._verbosity,
            expected=self._expected,
            has_colors=self._screen.has_colors,
            has_unicode=self._screen.tells_unicode,
        )
        return PulsingSink(sink)


def _actions() -> Actions | None:
    """Return the job of GitHub Actions that this is a step of."""
    if os.environ.get("GITHUB_ACTIONS") != "true":
        return None
    from flowpar.report.github import Actions  # what only a job needs

    return Actions.around(os.environ)
