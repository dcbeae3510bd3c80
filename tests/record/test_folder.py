from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flowpar.core.errors import ExitCode, MachineError, StateError
from flowpar.record.folder import RunFolder
from flowpar.record.history import find_run, run_ids
from flowpar.record.run_id import begun_order, is_run_id, run_id, slug

AT = 1_763_806_500.25


def modes_below(folder: Path) -> set[tuple[str, int]]:
    return {
        ("folder" if path.is_dir() else "file", stat.S_IMODE(path.lstat().st_mode))
        for path in [folder, *folder.rglob("*")]
    }


def test_a_run_id_says_when_and_what() -> None:
    assert run_id("Word Count!", AT) == "20251122-101500-word-count-900"


@given(st.floats(0, 4e9), st.floats(0, 4e9), st.text())
def test_run_ids_sort_by_time(one: float, other: float, name: str) -> None:
    earlier, later = sorted((one, other))

    assert run_id(name, earlier) <= run_id(name, later)


@given(st.lists(st.tuples(st.floats(0, 4e9), st.text(max_size=3)), max_size=8))
def test_an_id_comes_after_all_that_are_there_whatever_the_clock_and_the_names_say(
    runs: list[tuple[float, str]],
) -> None:
    ids: list[str] = []
    for now, name in runs:
        ids.append(run_id(name, now, others=ids))

    assert sorted(ids, key=begun_order) == ids
    assert all(map(is_run_id, ids))
    assert len(set(ids)) == len(ids)


@given(st.floats(0, 4e9), st.text(), st.text())
def test_two_workflows_of_one_second_are_in_the_order_of_their_beginning(at: float, one: str, other: str) -> None:
    step = 1 / 36**3

    assert begun_order(run_id(one, at)) < begun_order(run_id(other, at + 2 * step))


def test_an_id_after_one_that_says_no_time_goes_by_the_clock() -> None:
    assert run_id("w", AT, others=["99999999-999999-w-zzz", "notes"]) == "20251122-101500-w-900"


def test_an_id_after_the_last_step_of_a_second_is_of_the_next_one() -> None:
    assert run_id("b", AT, others=["20251122-101500-a-zzz"]) == "20251122-101501-b-000"


def test_a_run_that_begins_after_the_clock_was_set_back_is_the_newest(tmp_path: Path) -> None:
    RunFolder.create(tmp_path / "state", "before", now=AT)

    after = RunFolder.create(tmp_path / "state", "after", now=AT - 3600)

    assert run_ids(tmp_path / "state")[-1] == after.run_id == "20251122-101500-after-901"
    assert find_run(tmp_path / "state", "last") == after.path


@given(st.text())
def test_a_slug_is_safe_in_a_path(name: str) -> None:
    found = slug(name)

    assert 0 < len(found) <= 40
    assert set(found) <= set("abcdefghijklmnopqrstuvwxyz0123456789-")
    assert not found.startswith("-")


@pytest.mark.parametrize("mask", [0, 0o022, 0o077, 0o777])
def test_folders_and_files_are_private_under_any_umask(tmp_path: Path, mask: int) -> None:
    before = os.umask(mask)
    try:
        folder = RunFolder.create(tmp_path / "deep" / "state", "w", now=AT)
        folder.write("workflow.yaml", b"flowpar: 1\n")
    finally:
        os.umask(before)

    assert modes_below(tmp_path / "deep") == {("folder", 0o700), ("file", 0o600)}


def test_the_state_folder_ignores_itself(tmp_path: Path) -> None:
    RunFolder.create(tmp_path / ".flowpar", "w", now=AT)

    assert (tmp_path / ".flowpar" / ".gitignore").read_text() == "*\n"


def test_two_runs_of_the_same_moment_have_folders_of_their_own(tmp_path: Path) -> None:
    one = RunFolder.create(tmp_path, "w", now=AT)
    other = RunFolder.create(tmp_path, "w", now=AT)

    assert one.run_id < other.run_id
    assert sorted(path.name for path in (tmp_path / "runs").iterdir()) == [one.run_id, other.run_id]


def test_the_path_is_absolute_though_the_state_folder_is_not(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)

    folder = RunFolder.create((tmp_path / "s").relative_to(tmp_path), "w", now=AT)

    assert folder.path == tmp_path / "s" / "runs" / folder.run_id


def test_a_state_folder_that_is_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "state").write_text("")

    with pytest.raises(StateError, match="is a file, not a folder") as caught:
        RunFolder.create(tmp_path / "state", "w")

    assert caught.value.exit_code == ExitCode.ENVIRONMENT


def test_a_state_folder_below_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    with pytest.raises(StateError, match="not a directory"):
        RunFolder.create(tmp_path / "file" / "state", "w")


@pytest.mark.parametrize("planted", ["state", "state/runs"])
def test_a_planted_link_is_refused_and_nothing_is_written_through_it(tmp_path: Path, planted: str) -> None:
    (tmp_path / "target").mkdir()
    (tmp_path / planted).parent.mkdir(exist_ok=True)
    (tmp_path / planted).symlink_to(tmp_path / "target")

    with pytest.raises(StateError, match="symbolic link"):
        RunFolder.create(tmp_path / "state", "w")

    assert list((tmp_path / "target").iterdir()) == []


def test_a_link_that_is_trusted_is_followed(tmp_path: Path) -> None:
    (tmp_path / "target").mkdir()
    (tmp_path / "state").symlink_to(tmp_path / "target")

    folder = RunFolder.create(tmp_path / "state", "w", trust_state=True)

    assert folder.path.parent == tmp_path / "target" / "runs"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may give a folder away")
def test_a_state_folder_of_another_user_is_refused_unless_trusted(tmp_path: Path) -> None:
    (tmp_path / "state").mkdir()
    os.chown(tmp_path / "state", 4711, 4711)

    with pytest.raises(StateError, match=r"belongs to another user \(uid 4711\)"):
        RunFolder.create(tmp_path / "state", "w")
    folder = RunFolder.create(tmp_path / "state", "w", trust_state=True)

    assert folder.path.is_dir()


def test_a_place_that_takes_no_folders_is_refused() -> None:
    with pytest.raises(MachineError, match='cannot use "/proc/state" for state') as caught:
        RunFolder.create(Path("/proc/state"), "w")

    assert caught.value.exit_code == ExitCode.ENVIRONMENT


def test_a_given_run_folder_is_used_as_it_is(tmp_path: Path) -> None:
    folder = RunFolder.create(tmp_path / "state", "w", run_dir=tmp_path / "here", now=AT)

    assert folder.path == tmp_path / "here"
    assert folder.run_id == "20251122-101500-w-900"
    assert not (tmp_path / "state").exists()


def test_a_given_run_folder_that_is_in_use_is_refused(tmp_path: Path) -> None:
    (tmp_path / "here").mkdir()
    (tmp_path / "here" / "thesis.txt").write_text("")

    with pytest.raises(StateError, match="is not empty"):
        RunFolder.create(tmp_path / "state", "w", run_dir=tmp_path / "here")


def test_a_file_of_the_run_replaces_an_older_one_whole(tmp_path: Path) -> None:
    folder = RunFolder.create(tmp_path, "w")

    folder.write("outputs.json", b"{}")
    folder.write("outputs.json", b'{"a": 1}')

    assert (folder.path / "outputs.json").read_bytes() == b'{"a": 1}'
    assert sorted(path.name for path in folder.path.iterdir()) == ["logs", "outputs.json", "scratch", "values"]


def test_no_descriptor_is_left_open(tmp_path: Path) -> None:
    RunFolder.create(tmp_path, "w")

    links = [link for link in Path("/proc/self/fd").iterdir() if link.is_symlink()]
    assert not [link for link in links if link.readlink().is_relative_to(tmp_path)]
