from __future__ import annotations

import pickle
import subprocess
import sys
import textwrap
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flowpar.data.codec import Damaged, encode
from flowpar.data.outline import Placeholder, outline

if TYPE_CHECKING:
    from pathlib import Path

PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text() | st.binary(max_size=50) | st.floats(allow_nan=False),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4) | st.tuples(inner),
    max_leaves=12,
)


@dataclass
class Point:
    x: int
    label: str = "here"


class Evil:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return exec, ("raise SystemExit('it ran')",)


@given(PLAIN)
def test_plain_data_is_its_own_outline(value: object) -> None:
    assert outline(encode(value).join()) == value


def test_times_and_decimals_are_what_they_were() -> None:
    value = [datetime(2026, 1, 2, tzinfo=UTC), timedelta(seconds=3), Decimal("1.50")]

    assert outline(encode(value).join()) == value


def test_an_object_is_a_placeholder_that_knows_its_class_and_its_state() -> None:
    found = outline(encode([Point(1)]).join())

    assert isinstance(found, list)
    assert isinstance(found[0], Placeholder)
    assert type(found[0]).named.endswith("Point")
    assert found[0].state == {"x": 1, "label": "here"}


def test_nothing_that_a_pickle_asks_for_is_called() -> None:
    found = outline(pickle.dumps({"a": Evil()}))

    assert isinstance(found, dict)
    assert found["a"].named == "builtins.exec"
    assert found["a"].arguments == ("raise SystemExit('it ran')",)


def test_a_value_of_a_class_that_is_gone_has_an_outline(tmp_path: Path) -> None:
    (tmp_path / "gone.py").write_text("class Kept:\n    def __init__(self):\n        self.rows = [1, 2]\n")
    made = "import gone, pickle, sys; sys.stdout.buffer.write(pickle.dumps(gone.Kept()))"
    data = subprocess.run([sys.executable, "-c", made], cwd=tmp_path, capture_output=True, check=True).stdout

    found = outline(data)

    assert isinstance(found, Placeholder)
    assert (found.named, found.state) == ("gone.Kept", {"rows": [1, 2]})


def test_arrays_are_told_from_their_parts_without_numpy() -> None:
    source = textwrap.dedent(
        """
        import sys
        from flowpar.data.outline import outline
        found = outline(sys.stdin.buffer.read())
        assert found.arguments[2] == (1000, 5), found.arguments
        assert "numpy" not in sys.modules
        """
    )
    import numpy as np

    data = encode(np.zeros((1000, 5))).join()

    subprocess.run([sys.executable, "-c", source], input=data, check=True)


@pytest.mark.parametrize("data", [b"", b"\x80\x05", b"\x93fpv", b"garbage", b"\x80\x05]\x94(K\x01", b"\x80\x05N0."])
def test_what_is_no_encoding_is_damaged(data: bytes) -> None:
    with pytest.raises(Damaged):
        outline(data)


@given(st.data())
def test_any_change_of_an_encoding_is_an_outline_or_damaged(data: st.DataObject) -> None:
    whole = bytearray(encode([Point(1), {"a": (1, 2)}, "text"]).join())
    whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))

    try:
        outline(bytes(whole))
    except Damaged:
        return
