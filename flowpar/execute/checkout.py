"""Whether a value, or a file that a task wrote, may name the checkout in which it was made, and is of use there alone.

Looked for are the bytes of the folder's name, in the encodings that texts have in pickles, arrays, tables, JSON and
addresses. Within what is compressed or encrypted nobody sees it.
"""

from __future__ import annotations

import json
import os
from functools import lru_cache
from typing import TYPE_CHECKING
from urllib.parse import quote

from flowpar.data.parts import PARTS, parts_in

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from flowpar.core.outcome import ValueRef
    from flowpar.data.cache_entry import Keeping

_PIECE_BYTES = 1 << 22
_ENCODINGS = ("utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be")


def names_folder(value: ValueRef, run_dir: str, folder: str) -> bool:
    """Whether a value may hold a path of a folder."""
    forms = _forms_of(folder)
    return not forms or _is_in(forms, _pieces(value, run_dir, max(map(len, forms))))


def file_names_folder(path: str, folder: str) -> bool:
    """Whether a file may hold a path of a folder; raises OSError."""
    forms = _forms_of(folder)
    return not forms or _is_in(forms, _pieces_of_file(path, max(map(len, forms))))


@lru_cache(maxsize=8)
def _forms_of(folder: str) -> tuple[bytes, ...]:
    """Return how the name of a folder may be written; nothing for the root of all."""
    name = os.path.basename(folder)  # noqa: PTH119 - a text
    if not name:
        return ()
    texts = {name, json.dumps(name)[1:-1], quote(name, errors="surrogateescape")}
    wide = (name.encode(encoding, "surrogatepass") for encoding in _ENCODINGS)
    return tuple(sorted({*map(os.fsencode, texts), *wide}))


def _is_in(forms: Iterable[bytes], pieces: Iterable[bytes]) -> bool:
    return any(form in piece for piece in pieces for form in forms)


def _pieces(value: ValueRef, run_dir: str, overlap: int) -> Iterator[bytes]:
    """Give the bytes of a value, those of its parts included, each piece with the end of the one before."""
    if value.inline is not None:
        yield value.inline
        if value.inline.startswith(PARTS):
            for part in parts_in(value.inline):
                yield from _pieces(part, run_dir, overlap)
        return
    path = os.path.join(run_dir, value.file or "")  # noqa: PTH118 - texts
    with open(path, "rb", buffering=0) as stream:  # noqa: PTH123 - a text
        first = stream.read(len(PARTS))
        if first == PARTS:
            for part in parts_in(first + stream.read()):
                yield from _pieces(part, run_dir, overlap)
            return
    yield from _pieces_of_file(path, overlap)


def _pieces_of_file(path: str, overlap: int) -> Iterator[bytes]:
    with open(path, "rb", buffering=0) as stream:  # noqa: PTH123 - a text
        last = b""
        while piece := stream.read(_PIECE_BYTES):
            yield last + piece
            last = piece[-overlap:]


def roots_of(keeping: Keeping) -> tuple[str, ...]:
    """Return the checkout by the names that a path may have: its own, and that of a link by which it was come to."""
    if not keeping.place:
        return ()
    roots = {keeping.root: None}
    for folder in (keeping.folder, os.environ.get("PWD", keeping.root)):
        below = os.path.relpath(os.path.realpath(folder), keeping.root)
        if not below.startswith(".."):
            roots[folder.rstrip("/") if below == "." else folder.rstrip("/").removesuffix(f"/{below}")] = None
    return tuple(roots)
