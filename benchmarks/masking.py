"""What it costs to take secrets out of 64 MiB of output: as it comes, as one text, and in a value.

python -m benchmarks.masking
"""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING

from flowpar.core.mask import Masker

if TYPE_CHECKING:
    from collections.abc import Callable

CHUNK_BYTES, SIZE_BYTES = 1 << 16, 64 << 20
ROUNDS = 5
KEY = "\n".join(
    ["-----BEGIN KEY-----", *(f"{line:02}" + "MIIEvQ/BADANBgkqhkiG9w+BAQEFAASCBKcwggSj" for line in range(26))]
)
SECRETS = {"3 secrets": ["hunter2-hunter2", "AKIAIOSFODNN7EXAMPLE", "p4ss/word+"], "and a key of 27 lines": [KEY]}
LINE = b"2026-11-28 12:00:00.123 INFO an ordinary line of an ordinary log, with numbers like 1234567 in it\n"


def main() -> int:
    """Print the seconds for each, minimum and maximum."""
    data = (LINE * (SIZE_BYTES // len(LINE) + 1))[:SIZE_BYTES]
    text, known = data.decode(), list[str]()
    for name, secrets in SECRETS.items():
        known += secrets
        masker = Masker(known)
        for what, act in _acts(masker, data, text).items():
            spent = [_seconds(act) for _ in range(ROUNDS)]
            sys.stdout.write(f"{name}, {what}: {min(spent):.2f} s to {max(spent):.2f} s\n")
    return 0


def _acts(masker: Masker, data: bytes, text: str) -> dict[str, Callable[[], object]]:
    return {
        "as it comes": lambda: _stream(masker, data),
        "as one text": lambda: masker.text(text),
        "in a buffer of a value": lambda: masker.holds([memoryview(data)]),
    }


def _stream(masker: Masker, data: bytes) -> None:
    stream = masker.stream()
    for start in range(0, len(data), CHUNK_BYTES):
        if stream is not None:
            stream.take(data[start : start + CHUNK_BYTES])


def _seconds(act: Callable[[], object]) -> float:
    began = time.process_time()
    act()
    return time.process_time() - began


if __name__ == "__main__":
    sys.exit(main())
