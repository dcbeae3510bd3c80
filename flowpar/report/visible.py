"""Text as a page shows it: what steers a terminal or reorders letters is seen, and obeyed by nobody."""

from __future__ import annotations

import re
from html import escape

_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff\ud800-\udfff]")
_PICTURES = 0x2400
_DELETE = 0x7F


def visible(text: str) -> str:
    r"""Return `text` with control characters as signs for them, and other ones that are not seen as escapes.

    >>> visible("a\x1b[31mb\u202e")
    'a␛[31mb\\u202e'
    """
    return text if text.isascii() and text.isprintable() else _CONTROL.sub(_sign, text)


def html(text: str) -> str:
    """Return `text` as it stands in HTML, also within quotes.

    >>> html('<b title="x">')
    '&lt;b title=&quot;x&quot;&gt;'
    """
    return escape(visible(text))


def _sign(found: re.Match[str]) -> str:
    code = ord(found[0])
    if code < 0x20:  # noqa: PLR2004 - the signs of Unicode for the first controls stand in their order
        return chr(_PICTURES + code)
    return "\u2421" if code == _DELETE else f"\\u{code:04x}"
