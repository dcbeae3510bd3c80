"""The Mandelbrot set, strip by strip, written as PNG with the standard library alone.

PNG: ISO/IEC 15948; greyscale, eight bits, no filter.
"""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass
from pathlib import Path

LEFT, RIGHT, TOP, BOTTOM = -2.2, 0.8, 1.0, -1.0


@dataclass(frozen=True)
class Picture:
    """Where the picture was written, its size and how many of its points are inside the set."""

    picture: Path
    width: int
    height: int
    inside: int


def tile(number: int, tiles: int, width: int, height: int, depth: int) -> bytes:
    """Return the rows of strip `number` of `tiles`, one byte a point: 0 inside, brighter the sooner it leaves."""
    first, last = height * number // tiles, height * (number + 1) // tiles
    points = bytearray()
    for row in range(first, last):
        imaginary = TOP + (BOTTOM - TOP) * row / (height - 1)
        for column in range(width):
            real = LEFT + (RIGHT - LEFT) * column / (width - 1)
            points.append(shade(complex(real, imaginary), depth))
    return bytes(points)


def shade(point: complex, depth: int) -> int:
    """Return 0 when `point` stays bounded for `depth` rounds, else a grey from 55 to 255."""
    z = 0j
    for turn in range(depth):
        z = z * z + point
        if z.real * z.real + z.imag * z.imag > 4.0:
            return 255 - 200 * turn // depth
    return 0


def join(tiles: list[bytes], width: int, picture: Path) -> Picture:
    """Write the strips below each other as one PNG file."""
    points = b"".join(tiles)
    rows = [points[start : start + width] for start in range(0, len(points), width)]
    picture.write_bytes(png(rows, width))
    return Picture(picture.resolve(), width, len(rows), points.count(0))


def png(rows: list[bytes], width: int) -> bytes:
    """Return `rows` of grey bytes as a PNG file."""
    header = struct.pack(">IIBBBBB", width, len(rows), 8, 0, 0, 0, 0)
    pixels = zlib.compress(b"".join(b"\0" + row for row in rows), 9)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")


def chunk(kind: bytes, body: bytes) -> bytes:
    """Return one chunk of a PNG file."""
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
