"""What a running attempt says on its way to the engine: progress at a bearable rate, and lines of `logging`.

context.progress ─► Announcer ─► post("progress")     at most ten a second, and always the last
logging.info ─────► LogHandler ─► post("log")
"""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING

from flowpar.core.errors import MachineError
from flowpar.plugin.logger import plain

if TYPE_CHECKING:
    from collections.abc import Callable

    from flowpar.core.mask import Masker

    Post = Callable[[str, Mapping[str, object]], None]

_PROGRESS_EVERY_S = 0.1
_MAX_CHARACTERS = 10_000
_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}


class Announcer:
    """Hands on what an attempt says; never fails it, and never more than the engine can take."""

    def __init__(self, post: Post, masker: Masker) -> None:
        """Hand on to `post`, without the secrets that `masker` knows."""
        self._post = post
        self._masker = masker
        self._last = float("-inf")
        self._held: Mapping[str, object] | None = None

    def __call__(self, kind: str, body: Mapping[str, object]) -> None:
        """Take a message."""
        if kind != "progress":
            self._send(kind, body)
            return
        now = time.monotonic()
        if now - self._last < _PROGRESS_EVERY_S:
            self._held = body
            return
        self._last, self._held = now, None
        self._send(kind, body)

    def finish(self) -> None:
        """Send the last progress where it was held back."""
        if self._held is not None:
            self._send("progress", self._held)
            self._held = None

    def _send(self, kind: str, body: Mapping[str, object]) -> None:
        # An item is a value, which was looked through when it was kept, and no text for people.
        shown = body if kind == "item" else self._masker.plain(body, cut_at=_MAX_CHARACTERS)
        try:
            self._post(kind, shown if isinstance(shown, Mapping) else {})
        except (MachineError, OSError, EOFError):  # a lost message must not cost the work of the task
            return


class LogHandler(logging.Handler):
    """Sends records of the standard `logging` to whatever attempt runs here."""

    def __init__(self, find_post: Callable[[], Post | None]) -> None:
        """Ask `find_post` at each record."""
        super().__init__()
        self.find_post = find_post

    def renew(self, find_post: Callable[[], Post | None]) -> None:
        """Ask somebody else, and be as if new: an attempt may have changed it."""
        self.find_post = find_post
        self.level, self.formatter = logging.NOTSET, None
        self.filters.clear()

    def emit(self, record: logging.LogRecord) -> None:
        """Send one record."""
        post = self.find_post()
        if post is None:
            return
        try:
            fields = {name: plain(value) for name, value in vars(record).items() if name not in _STANDARD}
            fields["logger"] = record.name
            message = record.getMessage()
            if record.exc_info:
                fields["exception"] = logging.Formatter().formatException(record.exc_info)[-_MAX_CHARACTERS:]
            post("log", {"level": record.levelname.lower(), "message": message[:_MAX_CHARACTERS], "fields": fields})
        except Exception:  # noqa: BLE001 - arguments of the user's classes; logging reports it in its own way
            self.handleError(record)


def listen_to_logging(find_post: Callable[[], Post | None]) -> None:
    """Send what the task logs from now on, from level info up unless it sets another."""
    root = logging.getLogger()
    for handler in root.handlers:
        if type(handler) is LogHandler:  # the launcher's, or of the attempt before: another one costs more than a word
            handler.renew(find_post)
            return
    root.addHandler(LogHandler(find_post))
    if root.level == logging.WARNING:
        root.setLevel(logging.INFO)
