"""Secrets are read once, from where the workflow says; whatever is wrong with one is said at its declaration."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from flowpar.core.source import Span
from flowpar.lang.inputs import GivenInputs
from flowpar.planning.planner import prepare
from flowpar.planning.ready import keep, ready, ready_again
from flowpar.planning.secret import LARGEST_BYTES, Secrets, SecretSource, hidden_by, resolve
from flowpar.plugin.registry import Registry
from flowpar.record.folder import RunFolder

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from flowpar.planning.prepared import Prepared

WORKFLOW = """flowpar: 1
secrets:
  TOKEN: {env: FP_TOKEN}
inputs: {top: {type: string, default: ten}}
tasks:
  show:
    shell: echo "$T $TOP"
    env: {T: "${{ secrets.TOKEN }}", TOP: "${{ inputs.top }}"}
"""
VALUE = "hunter2-hunter2"


def read(folder: Path, *sources: tuple[str, str], **context: Mapping[str, object]) -> Secrets:
    found = [
        SecretSource(
            f"s{number}", "env" if kind == "env" else "file", where, str(folder), "w.yaml", Span.at(number + 3, 3)
        )
        for number, (kind, where) in enumerate(sources)
    ]
    env_file = {name: str(value) for name, value in context.get("env_file", {}).items()}
    return resolve(found, env_file=env_file, inputs=context.get("inputs", {}))


def complaint(folder: Path, kind: str, where: str) -> str:
    (found,) = read(folder, (kind, where)).diagnostics
    return f"{found.code} {found.message}".replace('secret "s0" is read from the ', "").replace(f'"{where}", ', "")


def test_a_secret_is_what_stands_in_its_variable_or_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FP_A", " from the environment ")
    (tmp_path / "key.pem").write_bytes(b"line one\nline two\r\n")

    found = read(tmp_path, ("env", "FP_A"), ("file", "key.pem"), ("file", str(tmp_path / "key.pem")))

    assert dict(found.values) == {
        "s0": " from the environment ",
        "s1": "line one\nline two",
        "s2": "line one\nline two",
    }
    assert found.masker.text("line two") == "***"


def test_the_environment_comes_before_env_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FP_A", "of the environment")

    found = read(tmp_path, ("env", "FP_A"), ("env", "FP_B"), env_file={"FP_A": "of a file", "FP_B": "of a file, too"})

    assert list(found.values.values()) == ["of the environment", "of a file, too"]


def test_all_that_is_wrong_is_said_at_once(tmp_path: Path) -> None:
    found = read(tmp_path, ("env", "FP_NONE"), ("file", "none"), ("env", "FP_NONE_EITHER"))

    assert [(finding.code, finding.span.line) for finding in found.diagnostics] == [
        ("FP804", 3),
        ("FP805", 4),
        ("FP804", 5),
    ]
    assert not found.values
    assert not found.masker


@pytest.mark.parametrize(
    ("value", "told"),
    [
        ("", "FP804 variable which is empty"),
        (" \t", "FP804 variable which is empty"),
        ("abc", "FP806 variable which has fewer than 4 characters"),
        ("\udce9\udce9\udce9\udce9", "FP804 variable which is not UTF-8 text"),
    ],
)
def test_a_variable_that_is_no_secret(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, value: str, told: str) -> None:
    monkeypatch.setenv("FP_A", value)

    assert complaint(tmp_path, "env", "FP_A") == told


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "FP805 file which is empty"),
        (b"\n", "FP805 file which is empty"),
        (b"abc\n", "FP806 file which has fewer than 4 characters"),
        (b"\xff\xfe\xff\xfe", "FP805 file which is not UTF-8 text"),
        (b"abc\0def", "FP805 file which holds a zero character"),
        (b"x" * (LARGEST_BYTES + 1), "FP805 file which is larger than 64 KiB"),
    ],
    ids=["empty", "a line end", "short", "not text", "a zero", "large"],
)
def test_a_file_that_is_no_secret(tmp_path: Path, content: bytes, told: str) -> None:
    (tmp_path / "key").write_bytes(content)

    assert complaint(tmp_path, "file", "key") == told


def test_what_is_no_file_is_refused_and_never_waited_for(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "pipe")

    assert complaint(tmp_path, "file", "none") == "FP805 file which does not exist"
    assert complaint(tmp_path, "file", "folder") == "FP805 file which is a folder"
    assert complaint(tmp_path, "file", "pipe") == "FP805 file which is not a file"
    assert complaint(tmp_path, "file", "x" * 300) == "FP805 file which cannot be read: file name too long"


@pytest.mark.parametrize("given", [VALUE, f"https://example.org/?t={VALUE}", [1, {"a": VALUE}]])
def test_what_is_an_input_is_no_secret(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, given: object) -> None:
    monkeypatch.setenv("FP_A", VALUE)

    (found,) = read(tmp_path, ("env", "FP_A"), inputs={"other": 1, "url": given}).diagnostics

    assert found.code == "FP807"
    assert VALUE not in found.message + (found.hint or "")


def test_tasks_do_not_inherit_the_variables_of_secrets() -> None:
    place = ("/w", "w.yaml", Span.at(1, 1))
    sources = [SecretSource("a", "env", "A", *place), SecretSource("b", "file", "B", *place)]

    assert hidden_by([*sources, SecretSource("c", "env", "A", *place)]) == ("A",)


def test_no_secret_is_shown_by_accident(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FP_A", VALUE)

    assert VALUE not in repr(read(tmp_path, ("env", "FP_A")))


@dataclass(frozen=True)
class Desk:
    """A workflow with a secret, and the state of its runs."""

    folder: Path

    def ready(self, **texts: str) -> Prepared:
        given = GivenInputs(texts=texts, environment=os.environ, folder=self.folder)
        return ready(str(self.folder / "w.yaml"), registry=Registry(), given=given, state_dir=self.folder / "state")

    def run(self) -> RunFolder:
        folder = RunFolder.create(self.folder / "state", "w")
        keep(self.ready(), folder)
        return folder


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    monkeypatch.setenv("FP_TOKEN", VALUE)
    (tmp_path / "w.yaml").write_text(WORKFLOW)
    return Desk(tmp_path)


def test_a_plan_that_was_kept_reads_its_secrets_anew(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    desk.run()
    monkeypatch.setenv("FP_TOKEN", f"not-{VALUE}")

    again = desk.ready()

    assert again.is_kept
    assert dict(again.secrets.values) == {"TOKEN": f"not-{VALUE}"}
    assert not [path for path in desk.folder.rglob("*") if path.is_file() and VALUE.encode() in path.read_bytes()]


def test_a_missing_secret_is_the_same_finding_with_a_plan_that_was_kept(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("FP_TOKEN")
    new = desk.ready()
    monkeypatch.setenv("FP_TOKEN", VALUE)
    run = desk.run()
    monkeypatch.delenv("FP_TOKEN")

    kept = desk.ready()
    again = GivenInputs(folder=desk.folder, recorded={"top": "ten"})
    resumed = ready_again(str(desk.folder / "w.yaml"), run.path, registry=Registry(), given=again)

    for prepared in (new, kept, resumed):
        (finding,) = prepared.diagnostics.found
        assert prepared.plan is None
        assert (finding.code, finding.span.line, finding.span.column) == ("FP804", 3, 3)


def test_an_input_that_is_wrong_is_told_without_the_secret_in_it(desk: Desk) -> None:
    (desk.folder / "w.yaml").write_text(WORKFLOW.replace("type: string, default: ten", "type: integer"))

    (finding,) = desk.ready(top=f"{VALUE}!").diagnostics.found

    assert (finding.code, finding.message) == (
        "FP506",
        'input "top", given by -i, must be a whole number, not "***!"',
    )


def test_a_secret_that_has_changed_makes_no_other_task(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    before = desk.ready().plan
    monkeypatch.setenv("FP_TOKEN", f"not-{VALUE}")

    after = desk.ready().plan

    assert before is not None
    assert after is not None
    assert [task.fingerprint for task in before.tasks] == [task.fingerprint for task in after.tasks]


def test_who_only_looks_at_a_plan_needs_no_secret(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("FP_TOKEN")
    path, given = str(desk.folder / "w.yaml"), GivenInputs(folder=desk.folder)

    assert prepare(path, registry=Registry(), given=None).plan is not None
    assert prepare(path, registry=Registry(), given=given, needs_secrets=False).plan is not None
    assert prepare(path, registry=Registry(), given=given).plan is None


@pytest.mark.parametrize(("kind", "code"), [("string", "FP807"), ("integer", "FP506")])
def test_who_only_looks_at_a_plan_is_not_shown_a_secret_that_was_given_as_an_input(
    kind: str, code: str, desk: Desk
) -> None:
    path = desk.folder / "w.yaml"
    path.write_text(WORKFLOW.replace("type: string, default: ten", f"type: {kind}"))
    given = GivenInputs({"top": VALUE}, folder=desk.folder)

    prepared = prepare(str(path), registry=Registry(), given=given, needs_secrets=False)

    assert prepared.plan is None
    assert [finding.code for finding in prepared.diagnostics.found] == [code]
    assert VALUE not in repr(prepared.diagnostics.found)
