"""A forkserver that is killed, at each moment of a start: an attempt is lost with it at most, never the launcher."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import pytest

from flowpar.core.outcome import FailureKind, Success
from flowpar.execute import tree

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.execute.conftest import Rig

LOST = "the forkserver died while it started the process"


@pytest.fixture
def rig_at(make_rig: Callable[..., Rig], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Rig]:
    """Make a rig whose forkserver is killed, once, at a moment that `mortal_forkserver` knows."""

    def make(moment: str) -> Rig:
        monkeypatch.setenv("MORTAL_AT", moment)
        monkeypatch.setenv("MORTAL_IN", str(tmp_path))
        return make_rig(slots=1, start_method="forkserver", preload=("mortal_forkserver",))

    return make


def begun(folder: Path) -> list[int]:
    file = folder / "begun"
    return list(map(int, file.read_text().split())) if file.exists() else []


@pytest.mark.parametrize("moment", ["made", "connect", "connected"])
def test_a_start_that_a_killed_forkserver_has_not_seen_is_made_by_another(
    rig_at: Callable[[str], Rig], tmp_path: Path, moment: str
) -> None:
    rig = rig_at(moment)

    end = rig.run("begin", tmp_path / "begun")

    assert (tmp_path / "killed").exists()
    assert rig.value_of(end) is None
    assert len(begun(tmp_path)) == 1


@pytest.mark.parametrize("moment", ["made", "connect", "connected"])
def test_the_socket_of_each_forkserver_is_out_of_the_way_of_what_tasks_clear_away(
    rig_at: Callable[[str], Rig], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, moment: str
) -> None:
    with TemporaryDirectory() as temporary:  # a short name, as sockets need
        monkeypatch.setenv("TMPDIR", temporary)
        rig = rig_at(moment)

        ends = [rig.value_of(rig.run("echo", text)) for text in ("first", "second", "third")]

        assert ends == ["first", "second", "third"]
        assert (tmp_path / "killed").exists()
        assert list(Path(temporary).glob("pymp-*")) == []


def test_a_temporary_folder_whose_name_is_too_long_for_a_socket_is_left_to_the_tasks(
    make_rig: Callable[..., Rig], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    temporary = tmp_path / ("long" * 25)
    temporary.mkdir()
    monkeypatch.setenv("TMPDIR", str(temporary))
    rig = make_rig(slots=1, start_method="forkserver")

    assert rig.value_of(rig.run("temporary_folder")) == str(temporary)
    assert list(temporary.iterdir()) == []


@pytest.mark.parametrize("moment", ["sent", "fork", "forked", "begun"])
def test_a_start_that_a_killed_forkserver_may_have_made_fails_or_is_made_anew_and_never_begins_twice(
    rig_at: Callable[[str], Rig], tmp_path: Path, moment: str
) -> None:
    rig = rig_at(moment)

    end = rig.run("begin_and_hang" if moment == "begun" else "begin", tmp_path / "begun")

    assert (tmp_path / "killed").exists()
    assert len(begun(tmp_path)) <= 1
    assert not any(map(tree.is_alive, begun(tmp_path)))
    if not isinstance(end.outcome, Success):
        failure = rig.failure_of(end)
        assert (failure.kind, failure.message) == (FailureKind.DIED, LOST)
    assert rig.value_of(rig.run("echo", "after it")) == "after it"


def test_what_has_begun_when_its_forkserver_is_killed_is_dead_before_its_failure_is_told(
    rig_at: Callable[[str], Rig], tmp_path: Path
) -> None:
    rig = rig_at("begun")

    failure = rig.failure_of(rig.run("begin_and_hang", tmp_path / "begun"))

    (pid,) = begun(tmp_path)
    assert failure.message == LOST
    assert not tree.is_alive(pid)


def test_a_process_that_is_known_dies_with_its_forkserver(rig_at: Callable[[str], Rig], tmp_path: Path) -> None:
    rig = rig_at("told")

    failure = rig.failure_of(rig.run("begin_and_hang", tmp_path / "begun"))

    assert failure.message.startswith("killed by SIGKILL")
    assert not any(map(tree.is_alive, begun(tmp_path)))
    assert rig.value_of(rig.run("echo", "after it")) == "after it"
