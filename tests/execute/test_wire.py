"""Frames: what is sent arrives whole, in whatever pieces, and what is no frame is refused."""

from __future__ import annotations

import os
import socket
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flowpar.execute.wire import BadFrame, Channel, Frame, FrameReader, pack_frame

if TYPE_CHECKING:
    from collections.abc import Iterator

messages = st.lists(st.tuples(st.integers(0, 255), st.binary(max_size=300)), max_size=8)


@given(messages, st.lists(st.integers(0, 2000)))
def test_frames_arrive_whole_in_whatever_pieces(sent: list[tuple[int, bytes]], cuts: list[int]) -> None:
    stream = b"".join(pack_frame(kind, body) for kind, body in sent)
    edges = [0, *sorted(min(cut, len(stream)) for cut in cuts), len(stream)]
    reader = FrameReader()

    arrived = [frame for low, high in pairwise(edges) for frame in reader.feed(stream[low:high])]

    assert [(frame.kind, frame.body) for frame in arrived] == sent
    assert reader.is_between_frames


@given(st.binary(min_size=1, max_size=100), st.integers(min_value=0), st.integers(1, 255))
def test_a_frame_with_a_flipped_byte_never_passes(body: bytes, place: int, flip: int) -> None:
    good = bytearray(pack_frame(7, body))
    # The kind is not covered by the checksum, and a greater length only waits for more.
    places = [index for index in range(len(good)) if index not in {2, 4, 5, 6, 7}]
    good[places[place % len(places)]] ^= flip

    with pytest.raises(BadFrame):
        FrameReader().feed(bytes(good))


@given(st.binary(min_size=12, max_size=200))
def test_garbage_is_refused(garbage: bytes) -> None:
    if garbage.startswith(pack_frame(0, b"")[:2]):
        return

    with pytest.raises(BadFrame):
        FrameReader().feed(garbage)


@pytest.fixture
def ends() -> Iterator[tuple[Channel, Channel]]:
    left, right = socket.socketpair()
    channels = Channel(left), Channel(right)
    yield channels
    for channel in channels:
        channel.close()


def test_descriptors_arrive_with_their_frame(ends: tuple[Channel, Channel]) -> None:
    ours, theirs = ends
    reader, writer = os.pipe()
    ours.send(1, b"none")
    ours.send(2, b"one", [writer])
    os.close(writer)
    ours.send(3, b"none again")

    frames: list[Frame] = []
    while len(frames) < 3:
        frames += theirs.receive()

    assert [len(frame.descriptors) for frame in frames] == [0, 1, 0]
    (arrived,) = frames[1].descriptors
    assert not os.get_inheritable(arrived)
    os.write(arrived, b"through")
    os.close(arrived)
    assert os.read(reader, 100) == b"through"
    os.close(reader)


def test_a_frame_larger_than_the_socket_takes_is_posted_in_parts(ends: tuple[Channel, Channel]) -> None:
    ours, theirs = ends
    body = os.urandom(4 << 20)

    ours.post(1, body)
    assert ours.has_unsent
    frames: list[Frame] = []
    while not frames:
        frames += theirs.receive()
        ours.flush()

    assert frames[0].body == body
    assert not ours.has_unsent


def test_what_is_kept_goes_out_before_the_next_frame(ends: tuple[Channel, Channel]) -> None:
    ours, theirs = ends
    ours.keep(1, b"kept")
    ours.keep(2, b"kept as well")
    assert not theirs.is_readable(0.0)

    ours.send(3, b"sent")
    together = theirs.receive()
    ours.keep(4, b"last")
    ours.send_kept()
    assert theirs.is_readable(1.0)
    alone = theirs.receive()
    ours.send_kept()

    assert [(frame.kind, frame.body) for frame in together] == [(1, b"kept"), (2, b"kept as well"), (3, b"sent")]
    assert [(frame.kind, frame.body) for frame in alone] == [(4, b"last")]
    assert not theirs.is_readable(0.0)


def test_the_end_of_the_other_side_is_told(ends: tuple[Channel, Channel]) -> None:
    ours, theirs = ends
    ours.close()

    with pytest.raises(EOFError):
        theirs.receive()
