"""Who waits for dask hears of a signal, from the first moment on."""

from __future__ import annotations

import os
import signal
import threading
from typing import TYPE_CHECKING

import pytest

from flowpar_dask.patience import Interrupted, within

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def heard() -> Iterator[list[int]]:
    """Give what the handler of whoever waits has heard of."""
    found: list[int] = []
    before = signal.signal(signal.SIGTERM, lambda number, _: found.append(number))
    yield found
    signal.signal(signal.SIGTERM, before)


def test_a_signal_that_comes_as_the_asking_begins_ends_the_wait(heard: list[int]) -> None:
    over = threading.Event()

    def ask() -> None:
        os.kill(os.getpid(), signal.SIGTERM)
        over.wait(60)

    with pytest.raises(Interrupted):
        within(ask, 60.0, "nobody answers")

    over.set()
    assert heard == [signal.SIGTERM]
