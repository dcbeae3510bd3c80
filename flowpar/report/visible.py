"""Text as a page shows it: what steers a terminal or reorders letters is seen, and obeyed by nobody."""

from __future__ import annotations

import re
from html import escape
from typing import TYPE_CHECKING

from flowpar.core.outcome import FailureKind

if TYPE_CHECKING:
    from flowpar.core.outcome import Failure

_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff\ud800-\udfff]")
_SHORT = 0x100


def visible(text: str) -> str:
    r"""Return `text` with escapes for control characters and others that are not seen; any font has these signs.

    >>> visible("a\x1b[31mb\u202e")
    'a\\x1b[31mb\\u202e'
    """
    return text if text.isascii() and text.isprintable() else _CONTROL.sub(_sign, text)


def html(text: str) -> str:
    """Return `text` as it stands in HTML, also within quotes.

    >>> html('<b title="x">')
    '&lt;b title=&quot;x&quot;&gt;'
    """
    return escape(visible(text))


def reason(failure: Failure, *, limit: int) -> str:
    """Return why an attempt failed, all of its signs to be seen."""
    message = failure.message[:limit] + ("…" if len(failure.message) > limit else "")
    if failure.kind is not FailureKind.EXCEPTION:
        return visible(message)
    return visible(f"{failure.type}: {message}" if message else failure.type)


def _sign(found: re.Match[str]) -> str:
    code = ord(found[0])
    return f"\\x{code:02x}" if code < _SHORT else f"\\u{code:04x}"
