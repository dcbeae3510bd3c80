"""Text that cannot steer a terminal: what tasks print and name reaches the screen as mere letters."""

from __future__ import annotations

import re

# Escape sequences go as a whole, so that no `[31m` is left behind: strings (OSC, DCS, …) up to their
# end, then CSI, then two-letter escapes, then every other control but tab and line end. C1 controls
# are commands to some terminals, and bidirectional overrides reorder what is around them.
_CONTROL = re.compile(
    r"\x1b[\]PX^_][^\x07\x1b]*(?:\x07|\x1b\\)?"
    r"|(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]?"
    r"|\x1b[ -/]*[0-~]?"
    r"|[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]"
)
_LINE_ENDS = re.compile(r"\r\n?|\n|[\x0b\x0c\x85\u2028\u2029]")


def strip_controls(text: str) -> str:
    """Return `text` without escape sequences and control characters; tabs and line ends stay."""
    if text.isprintable():
        return text
    return _CONTROL.sub("", text.replace("\r\n", "\n"))


def one_line(text: str, *, limit: int = 200) -> str:
    """Return `text` as a single harmless line of at most `limit` characters."""
    if len(text) > 4 * limit:
        text = text[: 4 * limit]
    line = " ".join(strip_controls(_LINE_ENDS.sub(" ", text)).split())
    return line if len(line) <= limit else line[: limit - 1] + "…"
