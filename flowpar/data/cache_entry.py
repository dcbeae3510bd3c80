"""One entry of the cache: what an attempt came to, and what its key is made of, as bytes that show every damage.

    flowpar-cache 1 <checksum of the rest>
    {"key": …, "made_at": …, "parts": {…}, "value": {…}, "files": […]}

A small value is in the entry itself; a larger one, and every file, is a blob that the entry names.
"""

from __future__ import annotations

import json
from binascii import a2b_base64, b2a_base64
from typing import TYPE_CHECKING, Any

from flowpar.core.checksum import checksum, is_checksum_of
from flowpar.core.frozen import dataclass, field
from flowpar.core.outcome import ValueRef
from flowpar.core.packed import Packed

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_MAGIC = b"flowpar-cache 1 "
# A few small blobs are read and written in the time that it takes to let somebody else do so.
_FEW = 8
_SMALL_BYTES = 256 * 1024
_ODD = (KeyError, TypeError, ValueError, AttributeError, RecursionError)


class BadEntry(Exception):  # noqa: N818 - it says what the entry is
    """An entry is not as it was written; the message says in what way."""


class BlobGone(BadEntry):
    """A blob that an entry names is not there."""


@dataclass(frozen=True, slots=True)
class Keeping(Packed):
    """What a worker is told of an attempt that is to be kept: under which key, made of what, and with which files.

    `files` are globs of what it reads, and `stamps` those of the files that they matched when the key was made.
    `outputs` are globs below `folder`, which may not lead out of it. `note` says why nothing was taken that is
    there: it is "expired", or to be "refreshed"; or that nothing could be kept ("unkept"). `place` is a digest of the
    checkout at `root`: a value that names it is of no use in another one.
    """

    key: str
    parts: Mapping[str, object]
    cache_dir: str
    folder: str = ""
    root: str = ""
    place: str = ""
    outputs: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
    stamps: Mapping[str, str] = field(default_factory=dict)
    note: str = ""


@dataclass(frozen=True, slots=True)
class KeptFile:
    """A file that an attempt wrote: its path below the folder of the workflow, and the blob that holds it."""

    path: str
    blob: str
    size_bytes: int
    stamp: str
    is_executable: bool = False


@dataclass(frozen=True, slots=True)
class Entry:
    """What an attempt came to; the `file` of a value is the name of a blob.

    `made_by` are the run and the task, and `seconds` is how long it took. `values` are the parts of a list that
    is kept in parts, None for any other value. `is_last` is what the `until` of a round came to, or of a task that
    decides on further rounds.
    """

    key: str
    made_at: float
    made_by: tuple[str, str]
    seconds: float
    parts: Mapping[str, object]
    value: ValueRef
    values: tuple[ValueRef, ...] | None = None
    files: tuple[KeptFile, ...] = field(default=())
    is_last: bool = True

    @property
    def value_bytes(self) -> int:
        """How much the files of its value hold."""
        return sum(ref.size_bytes for ref in (self.value, *(self.values or ())) if ref.file is not None)

    @property
    def is_small(self) -> bool:
        """Whether to put back what it has takes no time worth speaking of."""
        sizes = [size_bytes for _, size_bytes in self.blobs()]
        return len(sizes) <= _FEW and sum(sizes) <= _SMALL_BYTES

    def blobs(self) -> Iterator[tuple[str, int]]:
        """Give the names and sizes of the blobs that it needs."""
        for ref in (self.value, *(self.values or ())):
            if ref.file is not None:
                yield ref.file, ref.size_bytes
        for kept in self.files:
            yield kept.blob, kept.size_bytes

    def pack(self) -> bytes:
        """Return it as a file holds it."""
        fields = {
            "key": self.key,
            "made_at": self.made_at,
            "made_by": self.made_by,
            "seconds": round(self.seconds, 6),
            "parts": self.parts,
            "value": _value_fields(self.value),
            "values": None if self.values is None else [_value_fields(each) for each in self.values],
            "files": [(kept.path, kept.blob, kept.size_bytes, kept.stamp, kept.is_executable) for kept in self.files],
            **({} if self.is_last else {"is_last": False}),
        }
        body = json.dumps(fields, separators=(",", ":")).encode()
        return b"%b%b\n%b\n" % (_MAGIC, checksum([body]).encode(), body)


def unpack(content: bytes, key: str) -> Entry:
    """Return the entry of a key from its file; raises BadEntry for what is cut short, altered or of another key."""
    head, _, rest = content.partition(b"\n")
    body = rest[:-1]
    if not head.startswith(_MAGIC):
        raise BadEntry("it is no entry of this version")
    if not rest.endswith(b"\n") or not is_checksum_of([body], head[len(_MAGIC) :].decode("ascii", "replace")):
        raise BadEntry("its checksum does not match")
    try:
        fields: dict[str, Any] = json.loads(body)
        values = fields["values"]
        entry = Entry(
            key=fields["key"],
            made_at=float(fields["made_at"]),
            made_by=(str(fields["made_by"][0]), str(fields["made_by"][1])),
            seconds=float(fields["seconds"]),
            parts=dict(fields["parts"]),
            value=_value(fields["value"]),
            values=None if values is None else tuple(map(_value, values)),
            files=tuple(KeptFile(*kept) for kept in fields["files"]),
            is_last=fields.get("is_last", True) is True,
        )
    except _ODD as error:
        raise BadEntry("it is not as flowpar writes it") from error
    if entry.key != key:
        raise BadEntry("it is that of another key")
    return entry


def _value_fields(ref: ValueRef) -> dict[str, object]:
    inline = None if ref.inline is None else b2a_base64(ref.inline, newline=False).decode("ascii")
    place: dict[str, object] = {"blob": ref.file, "stamp": ref.stamp} if inline is None else {"inline": inline}
    return {"size_bytes": ref.size_bytes, "checksum": ref.checksum, "is_plain": ref.is_plain, **place}


def _value(fields: dict[str, Any]) -> ValueRef:
    inline, blob = fields.get("inline"), fields.get("blob")
    return ValueRef(
        size_bytes=int(fields["size_bytes"]),
        checksum=str(fields["checksum"]),
        is_plain=fields["is_plain"] is True,
        inline=None if inline is None else a2b_base64(inline, strict_mode=True),
        file=None if blob is None else str(blob),
        stamp=str(fields.get("stamp", "")),
    )
