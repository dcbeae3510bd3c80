"""What attempts print one after another into one pipe is told apart, however it is cut when it is read."""

from __future__ import annotations

import itertools

from hypothesis import given
from hypothesis import strategies as st

from flowpar.execute.shared_output import SharedOutput

MARK = b"abcabd"
# Texts that hold beginnings of the mark, but no mark.
TEXTS = st.lists(st.sampled_from([b"a", b"ab", b"abc", b"abcab", b"x", b"\n"]), max_size=6).map(b"".join)


def cut(data: bytes, places: list[int]) -> list[bytes]:
    ends = [0, *sorted(place % (len(data) + 1) for place in places), len(data)]
    return [data[start:end] for start, end in itertools.pairwise(ends)]


@given(st.lists(TEXTS, min_size=1, max_size=5), st.lists(st.integers(0), max_size=8))
def test_each_job_gets_its_own_bytes(texts: list[bytes], places: list[int]) -> None:
    shared, found = SharedOutput(MARK), dict.fromkeys(range(len(texts)), b"")
    for number in found:
        shared.add(number)

    for piece in cut(MARK.join(texts), places):
        for number, part in shared.take(piece):
            found[number] += part
    for number in found:
        found[number] += shared.finish(number)

    assert list(found.values()) == texts


def test_what_a_job_prints_is_told_before_it_ends() -> None:
    shared = SharedOutput(MARK)
    shared.add(1)

    assert list(shared.take(b"half a line")) == [(1, b"half a line")]
    assert list(shared.take(b"abc")) == []
    assert list(shared.take(b"ash")) == [(1, b"abcash")]


def test_a_job_that_was_had_back_gets_nothing() -> None:
    shared = SharedOutput(MARK)
    for number in (1, 2, 3):
        shared.add(number)

    assert [shared.drop_last(), shared.drop_last()] == [3, 2]

    assert list(shared.take(b"one" + MARK)) == [(1, b"one")]
    assert shared.finish(1) == b""
    shared.add(4)
    assert list(shared.take(b"four")) == [(4, b"four")]


def test_a_job_without_a_mark_ends_by_its_word() -> None:
    shared = SharedOutput(MARK)
    shared.add(1)
    assert list(shared.take(b"x" + MARK[:2])) == [(1, b"x")]

    assert shared.finish(1) == MARK[:2]

    shared.add(2)
    assert list(shared.take(b"cabd")) == [(2, b"cabd")]
