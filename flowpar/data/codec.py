"""Values as bytes and back: pickle 5, with large buffers kept out of the pickle so that a reader need not copy them.

    plain encoding   a pickle
    with buffers     magic | count u32 | pickle length u64 | (start u64, length u64)* | pickle | padding | buffer …

The top bit of a buffer's length says that it is read-only. Buffers start on a page where they fill
one, so that a mapped file gives them as they are; all starts count from the first byte of the
encoding.
"""

from __future__ import annotations

import io
import pickle
import struct
import sys
from typing import TYPE_CHECKING, Any, NoReturn, cast

from flowpar.core.errors import NeedsWorker
from flowpar.core.frozen import dataclass, replace

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

PROTOCOL = 5
_MAGIC = b"\x93fpv"
_HEADER = struct.Struct("<4sIQ")
_PLACE = struct.Struct("<QQ")
_READ_ONLY = 1 << 63
_PAGE_BYTES = 4096
_LINE_BYTES = 64
# A buffer below this costs less as a part of the pickle than as a page of its own.
_SMALLEST_BUFFER_BYTES = 2048
# More than this is not decoded once more where it was made: the time would show.
_LARGEST_PROVED_BYTES = 1 << 20
_DEEPEST = 10_000
# Of the memoryviews that can be made again: plain numbers in the machine's own form.
_VIEW_FORMATS = frozenset("bBhHiIlLqQnNfd?c")
_NUMBERS = frozenset({bool, int, float, type(None)})


class NotEncodable(Exception):  # noqa: N818 - it says what the value is
    """A value cannot be passed on; the message names the place inside it and what to return instead."""

    def __init__(self, message: str) -> None:
        """Keep the one-line message."""
        super().__init__(message)
        self.message = message


class NotPlain(NeedsWorker):
    """An encoding holds more than plain data, so only a worker may decode it."""


class Damaged(Exception):  # noqa: N818 - it says what the encoding is
    """An encoding can't be decoded: its bytes are not what was written."""


@dataclass(frozen=True, slots=True)
class Encoded:
    """An encoding as the pieces to write one after another."""

    chunks: tuple[bytes | bytearray | memoryview, ...]
    size_bytes: int
    is_plain: bool

    def join(self) -> bytes:
        """Return all of it as one piece."""
        return bytes(self.chunks[0]) if len(self.chunks) == 1 else b"".join(self.chunks)


class _Sink:
    """Where a pickle goes: a list of chunks, so that large bytes are handed on and never copied."""

    __slots__ = ("buffers", "chunks", "write")

    def __init__(self) -> None:
        self.chunks: list[Any] = []
        self.buffers: list[memoryview] = []
        self.write = self.chunks.append

    def keep_out(self, buffer: pickle.PickleBuffer) -> bool:
        """Take a buffer; a false answer means that it is no part of the pickle."""
        view = buffer.raw()
        if view.nbytes < _SMALLEST_BUFFER_BYTES:
            return True
        self.buffers.append(view)
        return False


class _Writer(pickle.Pickler):
    is_plain = True

    def reducer_override(self, value: object) -> Any:
        """Note that a class was met: numbers, text, lists, mappings and the like never come here."""
        self.is_plain = False
        if type(value) is memoryview and value.format in _VIEW_FORMATS:
            whole = value if value.c_contiguous and value.nbytes else value.tobytes()
            return _view_of, (pickle.PickleBuffer(whole), value.format, value.shape)
        return NotImplemented


def _view_of(buffer: Any, form: Any, shape: tuple[int, ...]) -> memoryview:
    """Return a memoryview as it was, of what a file holds: no copy."""
    flat = memoryview(buffer).cast("B")
    return flat.cast(form, shape) if flat.nbytes else flat.cast(form)


def _pickle(value: object) -> Encoded:
    kind = type(value)
    if kind in _NUMBERS or (kind is str and len(cast("str", value)) < _SMALLEST_BUFFER_BYTES):
        # The same as below, at a quarter of the price: most items and many outputs are no more than that.
        data = pickle.dumps(value, PROTOCOL)
        return Encoded((data,), len(data), is_plain=True)
    sink = _Sink()
    writer = _Writer(sink, PROTOCOL, buffer_callback=sink.keep_out)
    limit = sys.getrecursionlimit()
    if limit <= _DEEPEST:
        writer.dump(value)
    else:
        # Whoever raised the limit meant Python's frames: pickle's own would overflow the stack of C.
        sys.setrecursionlimit(_DEEPEST)
        try:
            writer.dump(value)
        finally:
            sys.setrecursionlimit(limit)
    return _assemble(sink, is_plain=writer.is_plain)


def encode(value: object) -> Encoded:
    """Encode a value; raises NotEncodable where it, or something in it, can't be passed to another process."""
    try:
        encoded = _pickle(value)
        if not encoded.is_plain and encoded.size_bytes <= _LARGEST_PROVED_BYTES:
            _prove(encoded.join())
    except MemoryError:
        raise
    except Exception as error:  # pickling and unpickling run code of the user's classes
        from flowpar.data.culprit import explain  # late: only a value that can't be passed on pays for it

        raise NotEncodable(explain(value, error, refuses)) from error
    return encoded


def refuses(value: object) -> Exception | None:
    """Return what keeps a value from being passed on, or None where nothing does."""
    try:
        encoded = _pickle(value)
        if not encoded.is_plain:
            _prove(encoded.join())
    except Exception as error:  # noqa: BLE001 - the user's classes may raise anything
        return error
    return None


def encoding_of(value: object) -> Encoded | None:
    """Return the encoding of a part of a value that was encoded as a whole; None where it has none by itself."""
    try:
        return _pickle(value)
    except Exception:  # noqa: BLE001 - the user's classes may raise anything
        return None


class NotDecodable(Exception):  # noqa: N818 - it says what the value is
    """A value can be pickled, but not be made again from its pickle."""


def _prove(data: bytes) -> None:
    # What can't be decoded is the fault of the task that made it, not of the one that reads it.
    try:
        decode(data)
    except Exception as error:
        raise NotDecodable(f"{type(error).__name__}: {error}") from error


def _assemble(sink: _Sink, *, is_plain: bool) -> Encoded:
    pickle_bytes = sum(map(len, sink.chunks))
    if not sink.buffers:
        return Encoded(tuple(sink.chunks), pickle_bytes, is_plain)
    end = _HEADER.size + _PLACE.size * len(sink.buffers) + pickle_bytes
    head = [_HEADER.pack(_MAGIC, len(sink.buffers), pickle_bytes)]
    body: list[Any] = list(sink.chunks)
    for view in sink.buffers:
        padding = -end % (_PAGE_BYTES if view.nbytes >= _PAGE_BYTES else _LINE_BYTES)
        head.append(_PLACE.pack(end + padding, view.nbytes | (_READ_ONLY if view.readonly else 0)))
        body += (bytes(padding), view)
        end += padding + view.nbytes
    return Encoded((b"".join(head), *body), end, is_plain=False)


def decode(data: bytes | memoryview) -> object:
    """Decode a value; buffers are views into `data` where that is a writable memoryview, else they are copied.

    Runs code of the classes in it: for workers only.
    """
    pickled, buffers = take_apart(data)
    return pickle.loads(pickled, buffers=buffers)


class _PlainReader(pickle.Unpickler):
    def find_class(self, module: str, name: str, /) -> NoReturn:
        raise NotPlain(f"it holds a {module}.{name}")

    def persistent_load(self, _: object) -> NoReturn:
        raise NotPlain("it holds a reference to something else")


def decode_plain(data: bytes | memoryview) -> object:
    """Decode a value without running any code of a class; raises NotPlain where there is one in it."""
    pickled, buffers = take_apart(data)
    try:
        return _PlainReader(io.BytesIO(pickled), buffers=buffers).load()
    except (NotPlain, MemoryError):
        raise
    except Exception as error:
        raise Damaged(f"the encoding of a value is damaged: {error}") from error


def take_apart(data: bytes | memoryview) -> tuple[bytes | memoryview, Iterator[Any] | None]:
    """Return the pickle of an encoding, and the buffers beside it; raises `Damaged` where it is cut off."""
    if data[:4] != _MAGIC:
        return data, None
    view = memoryview(data)
    try:
        _, count, pickle_bytes = _HEADER.unpack_from(view)
        places = list(_PLACE.iter_unpack(view[_HEADER.size : _HEADER.size + _PLACE.size * count]))
    except struct.error as error:
        raise Damaged("the encoding of a value is cut off") from error
    start = _HEADER.size + _PLACE.size * count
    if any(begin + (length & ~_READ_ONLY) > view.nbytes for begin, length in places):
        raise Damaged("the encoding of a value is cut off")
    return view[start : start + pickle_bytes], (_buffer(view, *place) for place in places)


def _buffer(view: memoryview, start: int, length: int) -> memoryview | bytearray:
    part = view[start : start + (length & ~_READ_ONLY)]
    if length & _READ_ONLY:
        return part.toreadonly()
    return bytearray(part) if part.readonly else part


def encode_plain(value: Mapping[str, object], *, apart: Collection[str]) -> Encoded:
    """Encode plain data of ours; the bytes under the keys in `apart` come back from `decode_plain` as views."""
    wrapped = {key: pickle.PickleBuffer(part) if key in apart else part for key, part in value.items()}  # type: ignore[arg-type]
    return replace(_pickle(wrapped), is_plain=True)
