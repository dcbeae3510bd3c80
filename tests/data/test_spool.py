"""Files of what workers have kept, on disks that take only a part of a line."""

from __future__ import annotations

import errno
import resource
from typing import TYPE_CHECKING

import pytest

from flowpar.core.outcome import ValueRef
from flowpar.data.spool import Spool, Ticket, read_all

if TYPE_CHECKING:
    from pathlib import Path


def test_a_line_that_the_disk_did_not_take_whole_is_not_kept(tmp_path: Path) -> None:
    spool = Spool(str(tmp_path))
    ticket = Ticket("t", 1, 1, 0, 1, None, "").pack()
    value = ValueRef(1, "", is_plain=True, inline=b"x")
    spool.keep(ticket, value, started_at=1.0, duration_s=1.0)
    (file,) = (tmp_path / "pool").iterdir()
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (file.stat().st_size + 10, hard))
    try:
        with pytest.raises(OSError) as caught:  # noqa: PT011 - its number is looked at below
            spool.keep(ticket, value, started_at=2.0, duration_s=1.0)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))

    assert caught.value.errno == errno.ENOSPC
    assert [kept.started_at for kept in read_all(str(tmp_path))] == [1.0]
