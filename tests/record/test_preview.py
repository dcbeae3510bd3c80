from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from uuid import UUID

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from flowpar.core.outcome import ValueRef
from flowpar.data.codec import encode
from flowpar.data.outline import outline
from flowpar.data.parts import encode_parts
from flowpar.data.store import ValueStore
from flowpar.record.preview import Previews, preview_of
from flowpar.record.written import written
from flowpar.report.preview import Missing, Pictures, Table, Text

PNG = b"\x89PNG\r\n\x1a\n" + bytes(40)
JPEG = b"\xff\xd8\xff\xe0" + bytes(40)


@dataclass
class Point:
    x: int
    y: object


@dataclass(slots=True)
class Slotted:
    x: int


class Colour(Enum):
    RED = 1


def seen(value: object) -> object:
    return outline(encode(value).join())


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (Point(1, [2]), "Point(x=1, y=[2])"),
        (Slotted(3), "Slotted(x=3)"),
        (Colour.RED, "Colour(1)"),
        (OrderedDict(a=1), "OrderedDict(('a', 1))"),
        (np.zeros((1000, 5)), "array of float64, 1000 by 5"),
        (np.float64(1.5), "1.5"),
        (Path("/x/y"), "/x/y"),
        (Path("/x/\x1b[31m"), r"'/x/\x1b[31m'"),
        (UUID(int=5), "00000000-0000-0000-0000-000000000005"),
        ({1, 2}, "{1, 2}"),
        (set(), "set()"),
        ((1,), "(1,)"),
        (b"ab", "b'ab'"),
        (print, "print"),
        (None, "None"),
    ],
)
def test_values_are_written_about_as_python_would(value: object, text: str) -> None:
    assert written(seen(value)) == (text, False)


def test_a_list_of_mappings_is_a_table_with_numbers_to_the_right() -> None:
    found = preview_of([{"word": "and", "times": 2}, {"word": "so", "times": None}, {"word": "if"}])

    assert found == Table(("word", "times"), (("and", "2"), ("so", ""), ("if", "")), frozenset())


def test_a_mapping_of_plain_values_is_a_table_of_two_columns() -> None:
    found = preview_of(seen({"accuracy": np.float64(0.5), "model": Path("m.bin")}))

    assert isinstance(found, Table)
    assert found.rows == (("accuracy", "0.5"), ("model", "m.bin"))


def test_long_values_are_cut_and_say_so() -> None:
    text = preview_of("x" * 5000)
    table = preview_of([{"n": n} for n in range(100)])
    tree = preview_of([[n] for n in range(5000)])

    assert isinstance(text, Text)
    assert (len(text.text), text.note) == (4000, "cut after 4000 of 5000 characters")
    assert isinstance(table, Table)
    assert (len(table.rows), table.note) == (50, "the first 50 of 100 rows are shown")
    assert isinstance(tree, Text)
    assert tree.note == "shortened"


def test_small_pictures_are_shown_alone_in_lists_and_by_name(tmp_path: Path) -> None:
    previews = Previews(tmp_path)

    for value, captions in [(PNG, [""]), ([PNG, JPEG], ["0", "1"]), ({"a": JPEG}, ["a"])]:
        found = previews.of_value(value)
        assert isinstance(found, Pictures)
        assert [picture.caption for picture in found.pictures] == captions


def test_pictures_stay_within_their_bound(tmp_path: Path) -> None:
    found = Previews(tmp_path, picture_bytes=len(PNG)).of_value([PNG, PNG])

    assert isinstance(found, Pictures)
    assert len(found.pictures) == 1
    assert found.note == "1 picture more, too many or too large to be shown"


def test_what_only_claims_to_be_a_picture_is_written(tmp_path: Path) -> None:
    assert isinstance(Previews(tmp_path).of_value(b"<svg onload=alert(1)>"), Text)


def test_a_value_in_a_file_and_one_in_parts_are_read(tmp_path: Path) -> None:
    store = ValueStore(tmp_path)
    (tmp_path / "values").mkdir()
    file = store.put({"n": 1}, "1-a", as_file=True)
    parts = store.put_encoded(encode_parts([store.put(n, f"2-{n}") for n in range(3)]), "3-b")

    assert Previews(tmp_path).of(file) == Table(("key", "value"), (("n", "1"),))
    assert Previews(tmp_path).of(parts) == Text("[0, 1, 2]")


def test_a_file_that_is_gone_was_changed_leads_out_or_is_large_is_said(tmp_path: Path) -> None:
    (tmp_path / "run" / "values").mkdir(parents=True)
    store = ValueStore(tmp_path / "run")
    changed = store.put("text", "1-a", as_file=True)
    (tmp_path / "run" / "values" / "1-a.val").write_bytes(bytes(changed.size_bytes))
    (tmp_path / "out.val").write_bytes(b"x")
    refs = {
        "changed": changed,
        "not there": ValueRef(9, "sha256:00", is_plain=True, file="values/9.val"),
        "not a path": ValueRef(1, "sha256:00", is_plain=True, file="../out.val"),
        "too large": ValueRef(1 << 30, "sha256:00", is_plain=True, file="values/9.val"),
        "damaged": ValueRef(3, "sha256:00", is_plain=True, inline=b"abc"),
    }

    for reason, ref in refs.items():
        found = Previews(tmp_path / "run").of(ref)
        assert isinstance(found, Missing)
        assert reason in found.reason, found.reason


@given(st.recursive(st.integers() | st.text() | st.binary(), lambda inner: st.lists(inner) | st.tuples(inner, inner)))
def test_whatever_a_value_is_its_text_is_bounded(value: object) -> None:
    assert len(written([value] * 1000)[0]) < 40_000


def test_a_list_that_is_in_itself_many_times_over_is_bounded() -> None:
    value: list[object] = [1, 2]
    for _ in range(60):
        value = [value, value]

    assert len(written(seen(value))[0]) < 40_000


def test_no_more_is_read_of_files_than_a_person_looks_at(tmp_path: Path) -> None:
    store = ValueStore(tmp_path)
    (tmp_path / "values").mkdir()
    refs = [store.put("x" * 1000, f"{n}-a", as_file=True) for n in range(3)]
    previews = Previews(tmp_path, read_bytes=refs[0].size_bytes * 2)

    shown = [isinstance(previews.of(ref), Text) for ref in refs]

    assert shown == [True, True, False]
