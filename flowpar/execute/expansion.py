"""What a fan-out is bound to: how many items there are, and the encoded values of each.

    Expand ─► Expansion ─ encode ─► ValueRef ─ read ─► Expansion ─ item(i) ─► Bindings.each

The engine reads it without decoding a single item. An item too large to travel along with its job
goes as a pointer: into the file of the expansion, or to a value with a file of its own.
"""

from __future__ import annotations

import pickle
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, cast

from flowpar.core.digest import digest
from flowpar.core.errors import NeedsWorker
from flowpar.core.frozen import dataclass
from flowpar.core.outcome import ValueRef
from flowpar.data.codec import Damaged, decode_plain, encode_plain
from flowpar.data.items import PackedItems, pack_items

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from flowpar.data.codec import Encoded
    from flowpar.data.store import ValueStore

_POINTER = b"\x93fpp"
_TRAVELS_BYTES = 64 * 1024
_NONE = pickle.dumps(None, 5)
_NO_MARKS: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Expansion:
    """The items of one fan-out; `verdicts` says for each whether its `if` holds, where it has one.

    `keys` are their names, where they have some. `source` is where it was read from, so that pointers can lead there.
    """

    count: int
    columns: Mapping[str, PackedItems]
    verdicts: Sequence[bool] | None = None
    source: ValueRef | None = None
    keys: Sequence[str | float] | None = None

    @classmethod
    def of(cls, names: Mapping[str, Sequence[object]], *, verdicts: Sequence[bool] | None = None) -> Expansion:
        """Pack values by name, all of one length; raises NotEncodable where one can't be passed on."""
        columns = {name: pack_items(values) for name, values in names.items()}
        return cls(max(map(len, columns.values()), default=0), columns, verdicts)

    @classmethod
    def read(cls, store: ValueStore, ref: ValueRef) -> Expansion:
        """Return the expansion that a worker encoded."""
        return cls.opened(store.get_plain(ref), ref)

    @classmethod
    def opened(cls, value: object, source: ValueRef | None = None) -> Expansion:
        """Return the expansion in what `encode` wrote and the codec decoded."""
        parts = cast("dict[str, Any]", value)
        columns = {
            name: PackedItems.open(parts[f"places{number}"], parts[f"body{number}"])
            for number, name in enumerate(parts["names"])
        }
        verdicts = parts["verdicts"]
        return cls(
            parts["count"], columns, None if verdicts is None else list(map(bool, verdicts)), source, parts["keys"]
        )

    def encode(self) -> Encoded:
        """Encode it as plain data."""
        parts: dict[str, Any] = {
            "count": self.count,
            "names": list(self.columns),
            "verdicts": None if self.verdicts is None else bytes(map(bool, self.verdicts)),
            "keys": self.keys,
        }
        apart = set()
        for number, column in enumerate(self.columns.values()):
            parts |= {f"places{number}": column.places, f"body{number}": column.body}
            apart |= {f"places{number}", f"body{number}"}
        return encode_plain(parts, apart=apart)

    def item(self, index: int) -> dict[str, bytes]:
        """Return for each name the bytes that `load_item` opens."""
        return {name: self._portable(name, index) for name in self.columns}

    def digest(self, index: int) -> str:
        """Return a digest of what an item is bound to."""
        return digest_of(self.item(index))

    def _portable(self, name: str, index: int) -> bytes:
        view, source = self.columns[name].view(index), self.source
        if view.nbytes < _TRAVELS_BYTES or source is None or source.file is None:
            return bytes(view)
        return _pointer(source, name, index)


def portable(value: ValueRef | None) -> bytes:
    """Return a value with a place of its own as the bytes that `load_item` opens; None where there is none."""
    if value is None:
        return _NONE
    return _pointer(value, None, 0) if value.inline is None else value.inline


def _pointer(source: ValueRef, name: str | None, index: int) -> bytes:
    place = (source.size_bytes, source.checksum, source.is_plain, None, source.file, source.stamp)
    return _POINTER + pickle.dumps((place, name, index))


def pointed_to(data: bytes) -> ValueRef | None:
    """Return where the value of an item is found, None where `data` is the value itself."""
    if data[: len(_POINTER)] != _POINTER:
        return None
    place, _, _ = cast("tuple[Any, str | None, int]", decode_plain(data[len(_POINTER) :]))
    return ValueRef(*place)


def load_item(data: bytes, load: Callable[[ValueRef], object]) -> object:
    """Return the value of an item; `load` opens a reference and decides what may be decoded."""
    if data[: len(_POINTER)] != _POINTER:
        return load(_reference(data))
    place, name, index = cast("tuple[Any, str | None, int]", decode_plain(data[len(_POINTER) :]))
    if name is None:
        return load(ValueRef(*place))
    return load(_reference(Expansion.opened(load(ValueRef(*place))).columns[name].view(index)))


def digest_of(each: Mapping[str, bytes], marks: Mapping[str, str] = _NO_MARKS) -> str:
    """Return a digest of what an item is bound to, empty where that is not plain data of a moderate size.

    An encoding may differ where the value does not, so it is the value that counts; but of the names in
    `marks`, that mark.
    """
    if not each:
        return ""
    try:
        return digest({name: marks[name] if name in marks else _plain(data) for name, data in each.items()})
    except (NeedsWorker, Damaged, RecursionError):
        return ""


def _plain(data: bytes) -> object:
    if data[: len(_POINTER)] == _POINTER:
        raise NeedsWorker("a large item is not digested")
    return decode_plain(data)


def _reference(data: bytes | memoryview) -> ValueRef:
    # A view of a mapped file stays one, so that large buffers in it are not copied.
    return ValueRef(len(data), "", is_plain=False, inline=cast("bytes", data))
