"""Outcomes cross unchanged, and what a task forges is refused."""

from __future__ import annotations

import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flowpar.core.outcome import Failure, FailureKind, Spent, Success, ValueRef
from flowpar.execute.report_pipe import (
    Report,
    ReportKind,
    ReportPipe,
    pack_late,
    pack_report,
    unpack_late,
    unpack_report,
)
from flowpar.execute.wire import BadFrame, Frame, FrameReader

texts = st.text(st.characters(codec=None), max_size=30)
refs = st.builds(
    ValueRef,
    st.integers(0, 2**40),
    texts,
    st.booleans(),
    st.none() | st.binary(max_size=50),
    st.none() | texts,
    texts,
)
outcomes = st.builds(Success, refs, st.booleans()) | st.builds(
    Failure, st.sampled_from(FailureKind), texts, texts, st.none() | st.integers(-255, 255), texts
)
reports = st.builds(Report, outcomes, st.lists(texts, max_size=3).map(tuple), st.booleans(), st.floats(0, 1e9))


@given(reports)
def test_a_report_crosses_unchanged(report: Report) -> None:
    assert unpack_report(Frame(ReportKind.OUTCOME, pack_report(report))) == report


@given(st.binary(max_size=60))
def test_a_forged_report_is_refused(body: bytes) -> None:
    with pytest.raises(BadFrame):
        unpack_report(Frame(ReportKind.OUTCOME, body))


@given(st.lists(texts, max_size=4).map(tuple))
def test_late_warnings_cross_unchanged(warnings: tuple[str, ...]) -> None:
    assert unpack_late(Frame(ReportKind.LATE, pack_late(warnings))) == warnings


@pytest.mark.parametrize("body", [b"", b"\xff", b"3", b"{"])
def test_forged_warnings_are_refused(body: bytes) -> None:
    with pytest.raises(BadFrame):
        unpack_late(Frame(ReportKind.LATE, body))


def test_the_pipe_carries_frames() -> None:
    reader, writer = os.pipe()

    is_sent = ReportPipe(writer).send(ReportKind.POSTED, b"x")

    assert is_sent
    assert FrameReader().feed(os.read(reader, 100)) == [Frame(ReportKind.POSTED, b"x")]
    os.close(reader)
    os.close(writer)


def test_a_pipe_that_the_task_closed_is_noticed() -> None:
    reader, writer = os.pipe()
    pipe = ReportPipe(writer)
    os.close(writer)

    assert not pipe.send(ReportKind.POSTED, b"")
    os.close(reader)


def test_a_file_in_the_place_of_the_pipe_is_spared() -> None:
    reader, writer = os.pipe()
    other_reader, other = os.pipe()
    pipe = ReportPipe(writer)
    os.dup2(other, writer)
    os.set_blocking(other_reader, False)

    assert not pipe.send(ReportKind.POSTED, b"")
    with pytest.raises(BlockingIOError):
        os.read(other_reader, 1)
    for number in (reader, writer, other, other_reader):
        os.close(number)


def test_what_an_attempt_spent_comes_along() -> None:
    success = Success(ValueRef(1, "none:", is_plain=True, inline=b"x"), is_last=False, spent=Spent(0.25, 1.5))

    found = unpack_report(Frame(ReportKind.OUTCOME, pack_report(Report(success)))).outcome

    assert isinstance(found, Success)
    assert (found, found.spent) == (success, Spent(0.25, 1.5))
