"""The ways in which a secret is written: plain, encoded and escaped, whole and line by line.

    hunter2 ─► hunter2   aHVudGVyMg==   68756e74657232   …    each a text that is looked for as it is

Within a longer text base64 begins at one of three places; what is looked for is the part that no
neighbour has a share in, so a character at each end may be left.
"""

from __future__ import annotations

import json
from base64 import b64encode
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

SHORTEST: Final = 4
"""Shorter texts are everywhere: hiding them would blot out the rest."""

_BITS_OF_BYTE, _BITS_OF_CHARACTER = 8, 6
_URL_SAFE = str.maketrans("+/", "-_")
# As base64 of the command line, of MIME and of PEM is wrapped.
_WRAPS = (76, 64)
_UNRESERVED = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.-~")
_BRACKETS = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}
_MARKUPS = tuple(
    str.maketrans(signs)
    for signs in (
        _BRACKETS,
        {**_BRACKETS, '"': "&quot;"},
        {**_BRACKETS, '"': "&quot;", "'": "&#x27;"},
        {**_BRACKETS, '"': "&#34;", "'": "&#39;"},
    )
)
# More forms of each line would make a long key slow to look for; whole, it has them all.
_MOST_LINES = 8


def forms_of(secret: str) -> frozenset[str]:
    """Return every form of a secret that is looked for, none shorter than SHORTEST."""
    found = set(_of_text(secret))
    lines = [stripped for line in secret.splitlines() if len(stripped := line.strip()) >= SHORTEST]
    of_line = _of_text if len(lines) <= _MOST_LINES else _of_one_of_many
    for line in lines if lines != [secret] else ():
        found.update(of_line(line))
    return frozenset(form for form in found if len(form) >= SHORTEST)


def wide_forms_of(secret: str) -> frozenset[bytes]:
    """Return a secret as arrays of wide characters hold it."""
    return frozenset(secret.encode(encoding, "surrogatepass") for encoding in ("utf-16-le", "utf-32-le"))


def data_of(text: str) -> bytes:
    """Return a text as bytes, whatever is in it."""
    return text.encode("utf-8", "surrogatepass")


def _of_text(text: str) -> Iterator[str]:
    data = text.encode("utf-8", "surrogateescape")
    yield text
    yield data.hex()
    yield data.hex().upper()
    yield from _escaped(text)
    yield from _url_encoded(text)
    for form in _base64(data):
        yield form
        yield form.translate(_URL_SAFE)


def _of_one_of_many(line: str) -> tuple[str, ...]:
    return line, next(_escaped(line)), next(_url_encoded(line))


def _escaped(text: str) -> Iterator[str]:
    """Give a text as JSON, Python, shells and markup write it."""
    for quoted in (json.dumps(text), json.dumps(text, ensure_ascii=False)):
        yield quoted[1:-1]
        yield quoted[1:-1].replace("/", "\\/")
    yield repr(text)[1:-1]
    yield ascii(text)[1:-1]
    yield repr(text.encode("utf-8", "surrogateescape"))[2:-1]
    yield text.replace("\\", "\\\\").replace("'", "\\'")
    yield text.replace("'", "'\"'\"'")
    yield text.replace("'", "'\\''")
    for markup in _MARKUPS:
        yield text.translate(markup)


def _url_encoded(text: str) -> Iterator[str]:
    data = text.encode("utf-8", "surrogateescape")
    for kept in (_UNRESERVED, _UNRESERVED | {ord("/")}):
        for form in ("%{:02X}", "%{:02x}"):
            quoted = "".join(chr(byte) if byte in kept else form.format(byte) for byte in data)
            yield quoted
            yield quoted.replace("%20", "+")


def _base64(data: bytes) -> Iterator[str]:
    yield b64encode(data).decode()
    for before in range(3):
        encoded = b64encode(bytes(before) + data).decode()
        first = -(-before * _BITS_OF_BYTE // _BITS_OF_CHARACTER)
        end = (before + len(data)) * _BITS_OF_BYTE // _BITS_OF_CHARACTER
        yield encoded[first:end]
    whole = b64encode(data).decode()
    for width in _WRAPS:
        if len(whole) > width:
            yield from (whole[start : start + width] for start in range(0, len(whole), width))
