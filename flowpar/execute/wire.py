"""How the processes of a run talk: framed bytes with a checksum, and descriptors that travel along.

    frame    magic u16 | kind u8 | descriptors u8 | length u32 | crc32 u32 | body
    FrameReader  bytes of a pipe ──► frames
    Channel      a stream socket between two of our processes, frames and descriptors both ways

A pipe that a task can write to may carry anything; what is no frame raises `BadFrame`.
"""

from __future__ import annotations

import array
import os
import select
import socket
import struct
from binascii import crc32
from collections import deque
from typing import TYPE_CHECKING

from flowpar.core.frozen import dataclass

if TYPE_CHECKING:
    from collections.abc import Sequence

_MAGIC = 0xF7A2
_HEADER = struct.Struct("<HBBII")
_MAX_BODY_BYTES = 1 << 30
_CHUNK_BYTES = 1 << 18
_MAX_DESCRIPTORS = 32
_ANCILLARY_BYTES = socket.CMSG_SPACE(_MAX_DESCRIPTORS * 8)
# Python sets close-on-exec on every descriptor it opens, but not on those that recvmsg brings.
_RECEIVE_FLAGS = getattr(socket, "MSG_CMSG_CLOEXEC", 0)


class BadFrame(Exception):  # noqa: N818  # reads as what it is
    """The bytes are no frame of ours."""


@dataclass(frozen=True, slots=True)
class Frame:
    """One message; whoever receives `descriptors` owns them."""

    kind: int
    body: bytes
    descriptors: tuple[int, ...] = ()


def pack_frame(kind: int, body: bytes, *, descriptors: int = 0) -> bytes:
    """Return the bytes of a frame that announces a number of descriptors."""
    return _HEADER.pack(_MAGIC, kind, descriptors, len(body), crc32(body)) + body


class FrameReader:
    """Cuts what arrives on a stream into frames; descriptors are handed in in the order they came."""

    def __init__(self) -> None:
        """Start between two frames."""
        self._pending = b""
        self._wanted_bytes = _HEADER.size
        self._descriptors: deque[int] = deque()

    @property
    def is_between_frames(self) -> bool:
        """Whether no part of a frame is waiting for its rest."""
        return not self._pending

    def feed(self, data: bytes, descriptors: Sequence[int] = ()) -> list[Frame]:
        """Return the frames that `data` completes; raises `BadFrame`, after which nothing more can be read."""
        self._descriptors.extend(descriptors)
        pending = self._pending + data if self._pending else data
        frames: list[Frame] = []
        start = 0
        while len(pending) - start >= _HEADER.size:
            magic, kind, count, length, checksum = _HEADER.unpack_from(pending, start)
            if magic != _MAGIC or length > _MAX_BODY_BYTES or count > len(self._descriptors):
                raise BadFrame("these bytes are no frame")
            end = start + _HEADER.size + length
            if end > len(pending):
                break
            body = pending[start + _HEADER.size : end]
            if crc32(body) != checksum:
                raise BadFrame("the checksum of a frame does not match")
            came = tuple(self._descriptors.popleft() for _ in range(count)) if count else ()
            frames.append(Frame(kind, body, came))
            start = end
        self._pending = pending[start:] if start else pending
        return frames

    def close(self) -> None:
        """Close descriptors that came for a frame which never did."""
        while self._descriptors:
            os.close(self._descriptors.popleft())


class Channel:
    """One end of the control socket between engine and launcher."""

    def __init__(self, end: socket.socket) -> None:
        """Own the socket."""
        self._socket = end
        self._reader = FrameReader()
        self._poller: select.poll | None = None
        self._kept = b""
        self._unsent = bytearray()

    def fileno(self) -> int:
        """Return the descriptor to wait on."""
        return self._socket.fileno()

    def keep(self, kind: int, body: bytes) -> None:
        """Let a frame go out with the next one that is sent, or by `send_kept`."""
        self._kept += pack_frame(kind, body)

    def send_kept(self) -> None:
        """Send what is kept."""
        if self._kept:
            kept, self._kept = self._kept, b""
            self._socket.sendall(kept)

    def send(self, kind: int, body: bytes, descriptors: Sequence[int] = ()) -> None:
        """Send a frame and wait until the kernel has all of it; the descriptors stay the caller's, too."""
        kept, self._kept = self._kept, b""
        data = kept + pack_frame(kind, body, descriptors=len(descriptors))
        if not descriptors:
            self._socket.sendall(data)
            return
        rights = (socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", descriptors))
        sent = self._socket.sendmsg([data], [rights])
        if sent < len(data):
            self._socket.sendall(memoryview(data)[sent:])

    def is_readable(self, timeout_s: float) -> bool:
        """Wait until `receive` would not, or the time is over; say which."""
        if self._poller is None:
            self._poller = select.poll()
            self._poller.register(self.fileno(), select.POLLIN)
        return bool(self._poller.poll(timeout_s * 1000))

    def post(self, kind: int, body: bytes) -> None:
        """Send a frame without ever blocking; what does not fit waits for `flush`."""
        self._unsent += pack_frame(kind, body)
        self.flush()

    @property
    def has_unsent(self) -> bool:
        """Whether `flush` is to be called when the socket takes more."""
        return bool(self._unsent)

    def flush(self) -> None:
        """Send what `post` had to leave, as far as it goes without blocking."""
        while self._unsent:
            try:
                sent = self._socket.send(self._unsent, socket.MSG_DONTWAIT)
            except BlockingIOError:
                return
            del self._unsent[:sent]

    def receive(self) -> list[Frame]:
        """Read once, blocking when there is nothing; raises EOFError when the other end is gone."""
        try:
            data, rights, _, _ = self._socket.recvmsg(_CHUNK_BYTES, _ANCILLARY_BYTES, _RECEIVE_FLAGS)
        except ConnectionError as error:
            raise EOFError from error
        descriptors = array.array("i")
        for level, kind, content in rights:
            if level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS:
                descriptors.frombytes(content[: len(content) - len(content) % descriptors.itemsize])
        if not data:
            raise EOFError
        return self._reader.feed(data, descriptors)

    def close(self) -> None:
        """Give the socket and any orphaned descriptors back."""
        self._reader.close()
        self._socket.close()
