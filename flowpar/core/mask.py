"""The one masker of a run: what is told, printed or kept has `***` where a secret stood.

    secrets ─► forms ─► Masker ─┬─ text, data     a whole text
                                ├─ plain          a text anywhere in plain data
                                ├─ stream         bytes as they come, a secret split between two pieces included
                                └─ holds          whether a secret is in an encoding

Every form is looked for by the search of the interpreter, 2 to 5 GB a second each, which one pattern of them all
would not come near. Without secrets a masker is false and returns what it is given.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, AnyStr, Final

from flowpar.core.forms import SHORTEST, data_of, forms_of, wide_forms_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from flowpar.core.outcome import Failure

MASK: Final = "***"
_MASK_DATA: Final = MASK.encode()
_WINDOW_BYTES = 4 << 20
_LARGE_BYTES = 64 << 20
_CUTS = ("…", "...", '"', "'")
_LONGEST_CUT = 1000

Span = tuple[int, int]


class Masker:
    """Knows the forms of all secrets of a run; immutable."""

    __slots__ = ("_data", "_kept_data", "_longest", "_plain_data", "_texts")

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        """Work the forms out, once."""
        known = tuple(secrets)
        texts = {form for secret in known for form in forms_of(secret)}
        self._texts = tuple(sorted(texts, key=lambda form: (-len(form), form)))
        self._data = tuple(map(data_of, self._texts))
        wide = [form for secret in known for form in sorted(wide_forms_of(secret))]
        self._plain_data = (*map(data_of, known), *wide)
        self._kept_data = (*self._data, *wide)
        self._longest = max(map(len, self._kept_data), default=0)

    def __bool__(self) -> bool:
        """Whether there is anything to hide."""
        return bool(self._texts)

    def text(self, text: str) -> str:
        """Return a text without secrets."""
        return _masked(text, self._texts, MASK)

    def data(self, data: bytes) -> bytes:
        """Return bytes without secrets."""
        return _masked(data, self._data, _MASK_DATA)

    def cut(self, text: str) -> str:
        """Return a text that was cut off: without secrets, nor parts of one at its ends."""
        ends = ((0, _open_start(text, self._texts)), (_open_end(text, self._texts), len(text)))
        spans = [*_spans(text, self._texts), *(span for span in ends if span[0] < span[1])]
        return _replaced(text, _merged(spans), MASK)

    def error(self, text: str) -> str:
        """Return the text of an error, which may show parts of values: without secrets, nor one that is cut off.

        The beginning of a secret is one where a mark of a cut, or the end of a quotation, follows.
        """
        spans = _spans(text, self._texts)
        for mark in _CUTS if self else ():
            place = text.find(mark)
            while place >= 0:
                before = text[max(0, place - _LONGEST_CUT) : place]
                length = len(before) - _open_end(before, self._texts)
                if length >= SHORTEST:
                    spans.append((place - length, place))
                place = text.find(mark, place + 1)
        return _replaced(text, _merged(spans), MASK) if spans else text

    def plain(self, value: object, *, cut_at: int | None = None) -> object:
        """Return plain data without secrets; texts of `cut_at` characters and more were cut off there."""
        if not self:
            return value
        if isinstance(value, str):
            return self.cut(value) if cut_at is not None and len(value) >= cut_at else self.text(value)
        if isinstance(value, Mapping):
            return {self.plain(key, cut_at=cut_at): self.plain(part, cut_at=cut_at) for key, part in value.items()}
        if isinstance(value, list | tuple):
            return [self.plain(part, cut_at=cut_at) for part in value]
        if isinstance(value, int | float) and not isinstance(value, bool):
            return value if self.text(written := repr(value)) == written else MASK
        return value

    def failure(self, failure: Failure) -> Failure:
        """Return a failure that tells no secret."""
        if not self:
            return failure
        return replace(failure, message=self.error(failure.message), traceback=self.error(failure.traceback))

    def holds(self, chunks: Iterable[bytes | bytearray | memoryview]) -> bool:
        """Whether a secret is in the pieces of an encoding; none is split between two of them.

        In a piece of over 64 MiB, an array most likely, it is looked for as it is, and not in its other forms.
        """
        return bool(self) and any(
            form in piece
            for chunk in chunks
            for piece in _pieces(chunk, self._longest)
            for form in (self._kept_data if len(chunk) <= _LARGE_BYTES else self._plain_data)
        )

    def stream(self) -> MaskedStream | None:
        """Return what masks bytes as they come; None where there is nothing to hide."""
        return MaskedStream(self._data) if self else None


class MaskedStream:
    """Holds back the end of what has come while it may be the beginning of a secret."""

    __slots__ = ("_forms", "_held", "_most_held")

    def __init__(self, forms: Sequence[bytes]) -> None:
        """Hold nothing yet."""
        self._forms = forms
        self._held = b""
        self._most_held = 2 * max(map(len, forms), default=0)

    def take(self, data: bytes) -> bytes:
        """Take what has come; return what can be told of it."""
        data = self._held + data
        spans = _merged(_spans(data, self._forms))
        end = _open_end(data, self._forms)
        straddling = next((span for span in spans if span[0] < end < span[1]), None)
        if straddling is not None and len(data) - straddling[0] <= self._most_held:
            end = straddling[0]
        self._held = data[end:]
        return _replaced(data[:end], [(start, min(stop, end)) for start, stop in spans if start < end], _MASK_DATA)

    def finish(self) -> bytes:
        """Return the rest, after which nothing comes."""
        rest, self._held = self._held, b""
        return _masked(rest, self._forms, _MASK_DATA)


def _masked(text: AnyStr, forms: Sequence[AnyStr], mask: AnyStr) -> AnyStr:
    spans = _spans(text, forms)
    return _replaced(text, _merged(spans), mask) if spans else text


def _spans(text: AnyStr, forms: Sequence[AnyStr]) -> list[Span]:
    """Return where the forms stand; those of two may overlap."""
    found = []
    for form in forms:
        start = text.find(form)
        while start >= 0:
            found.append((start, start + len(form)))
            start = text.find(form, start + len(form))
    return found


def _merged(spans: list[Span]) -> list[Span]:
    """Return spans in order, those that overlap as one."""
    merged: list[Span] = []
    for start, end in sorted(spans):
        if merged and start < merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return merged


def _replaced(text: AnyStr, spans: list[Span], mask: AnyStr) -> AnyStr:
    parts: list[AnyStr] = []
    place = 0
    for start, end in spans:
        parts += (text[place:start], mask)
        place = end
    parts.append(text[place:])
    return text[:0].join(parts)


def _open_end(text: AnyStr, forms: Sequence[AnyStr]) -> int:
    """Return where the earliest beginning of a form stands that the end of a text cuts off; its length if none does."""
    earliest = len(text)
    for form in forms:
        start = text.find(form[:1], max(0, len(text) - len(form) + 1))
        while 0 <= start < earliest:
            if form.startswith(text[start:]):
                earliest = start
                break
            start = text.find(form[:1], start + 1)
    return earliest


def _open_start(text: AnyStr, forms: Sequence[AnyStr]) -> int:
    """Return where the longest end of a form stops that the beginning of a text cuts off; 0 if there is none."""
    latest = 0
    for form in forms:
        end = text.rfind(form[-1:], 0, len(form) - 1) + 1
        while end > latest:
            if form.endswith(text[:end]):
                latest = end
                break
            end = text.rfind(form[-1:], 0, end - 1) + 1
    return latest


def _pieces(chunk: bytes | bytearray | memoryview, longest: int) -> Iterator[bytes | bytearray]:
    """Give a chunk as what can be searched: a view piece by piece, each with the end of the one before."""
    if not isinstance(chunk, memoryview):
        yield chunk
        return
    for start in range(0, len(chunk), _WINDOW_BYTES):
        yield bytes(chunk[max(0, start - longest) : start + _WINDOW_BYTES])
