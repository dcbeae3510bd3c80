"""A document of very many tasks of all kinds is checked in a time that grows with it, and no faster."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from benchmarks.documents import mixed
from flowpar.lang.check import check
from flowpar.plugin.registry import Registry

if TYPE_CHECKING:
    from pathlib import Path


def test_it_is_sound_and_takes_a_few_milliseconds_a_task(tmp_path: Path) -> None:
    tasks = 2_000
    file = tmp_path / "many.yaml"
    file.write_text(mixed(tasks, tmp_path))
    began = time.process_time()

    checked = check(file, registry=Registry(allows_plugins=False))

    assert checked.diagnostics.found == []
    assert len(checked.tasks) == tasks
    assert (time.process_time() - began) / tasks < 0.005  # ten times what it takes
