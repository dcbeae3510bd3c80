"""A document of very many tasks of all kinds: were a check to take time that grows faster, a minute would not do."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmarks.documents import mixed
from flowpar.lang.check import check
from flowpar.plugin.registry import Registry

if TYPE_CHECKING:
    from pathlib import Path


def test_it_is_sound_within_the_deadline_of_a_test(tmp_path: Path) -> None:
    tasks = 2_000
    file = tmp_path / "many.yaml"
    file.write_text(mixed(tasks, tmp_path))

    checked = check(file, registry=Registry(allows_plugins=False))

    assert checked.diagnostics.found == []
    assert len(checked.tasks) == tasks
