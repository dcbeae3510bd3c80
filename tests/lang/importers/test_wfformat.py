from __future__ import annotations

import json
import re
from hashlib import sha256
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from hypothesis import example, given
from hypothesis import strategies as st

from flowpar.core.errors import DocumentError, UsageError
from flowpar.core.source import Source
from flowpar.lang.importers.known import IMPORTERS, importer_for
from flowpar.lang.importers.wfformat import WfFormat

if TYPE_CHECKING:
    from pathlib import Path


def recording(tasks: list[dict[str, Any]], ran: list[dict[str, Any]] | None = None, **more: Any) -> Source:
    """Return a file of tasks that took a second each, unless `ran` says otherwise."""
    ran = [{"id": task["id"], "runtimeInSeconds": 1.0} for task in tasks] if ran is None else ran
    workflow = {"specification": {"tasks": tasks}, "execution": {"tasks": ran}}
    return Source("trace.json", json.dumps({"schemaVersion": "1.5", "name": "two", "workflow": workflow, **more}))


def translated(source: Source) -> Any:
    return yaml.safe_load(WfFormat().translate(source).files["workflow.yaml"])


TWO: list[dict[str, Any]] = [{"id": "a", "children": ["b"]}, {"id": "b", "parents": ["a"]}]


def test_a_recorded_task_becomes_one_that_takes_its_time_after_its_parents() -> None:
    ran = [{"id": "b", "runtimeInSeconds": 2.5, "priority": 30}, {"id": "a", "runtimeInSeconds": 1}]

    workflow = translated(recording(TWO, ran))

    assert list(workflow["tasks"]) == ["a", "b", "whole"]
    assert workflow["tasks"]["a"]["with"] | {"scale": 0, "spin": 0} == {
        "name": "a",
        "seconds": 1.0,
        "scale": 0,
        "spin": 0,
        "after": [],
    }
    assert workflow["tasks"]["b"]["with"]["seconds"] == 2.5
    assert workflow["tasks"]["b"]["with"]["after"] == ["${{ tasks.a.output }}"]
    assert (workflow["tasks"]["b"]["priority"], "priority" in workflow["tasks"]["a"]) == (30, False)
    assert workflow["tasks"]["whole"]["with"] == {"after": ["${{ tasks.b.output }}"]}


def test_an_edge_may_stand_at_either_end_or_at_both() -> None:
    parents: list[dict[str, Any]] = [{"id": "a"}, {"id": "b", "parents": ["a"]}]
    children: list[dict[str, Any]] = [{"id": "a", "children": ["b"]}, {"id": "b"}]

    for tasks in (TWO, parents, children):
        assert translated(recording(tasks))["tasks"]["b"]["with"]["after"] == ["${{ tasks.a.output }}"]


def test_what_is_lost_is_told_with_how_many_tasks_had_it_and_stands_in_the_file() -> None:
    tasks: list[dict[str, Any]] = [{"id": "a", "inputFiles": ["x"]}, {"id": "b", "outputFiles": ["y"]}, {"id": "c"}]
    ran = [
        {"id": "a", "runtimeInSeconds": 1, "command": {"program": "sort"}, "coreCount": 4},
        {"id": "b", "runtimeInSeconds": 1, "coreCount": 1, "memoryInBytes": 5},
    ]

    translation = WfFormat().translate(recording(tasks, ran, runtimeSystem={"name": "Pegasus", "version": "5.0"}))

    assert translation.notes == (
        "a replayed task takes no time where none was recorded (1 of 3)",
        "a replayed task reads and writes no files (2 of 3)",
        "a replayed task runs no command (1 of 3)",
        "a replayed task asks for one core, not for as many as recorded (1 of 3)",
        "a replayed task uses no memory to speak of (1 of 3)",
    )
    assert translation.told == "3 tasks and 0 edges, 2.0 s of recorded work"
    head = translation.files["workflow.yaml"].splitlines()[:6]
    assert head == [
        f"# {line}" for line in ("Replays a recording in WfFormat 1.5, made by Pegasus 5.0.", *translation.notes)
    ]


def test_ids_that_cannot_stand_are_replaced_and_told() -> None:
    tasks: list[dict[str, Any]] = [
        {"id": "sort.1"},
        {"id": "sort 1", "parents": ["sort.1"]},
        {"id": "2nd"},
        {"id": "whole"},
    ]

    translation = WfFormat().translate(recording(tasks))
    workflow = yaml.safe_load(translation.files["workflow.yaml"])

    assert list(workflow["tasks"]) == ["sort_1", "sort_1_2", "_2nd", "whole_2", "whole"]
    assert workflow["tasks"]["sort_1_2"]["with"]["after"] == ["${{ tasks.sort_1.output }}"]
    assert translation.notes[0].startswith('task "sort.1" is called sort_1: ')
    assert len(translation.notes) == 4


@example(["Null", "yes"], "")
@given(st.lists(st.text(min_size=1, max_size=200), min_size=1, max_size=8, unique=True), st.text(max_size=120))
def test_any_names_come_out_as_yaml_with_ids_of_flowpar(names: list[str], title: str) -> None:
    tasks = [{"id": name, "parents": names[:number]} for number, name in enumerate(names)]

    workflow = translated(recording(tasks, name=title))

    assert len(workflow["tasks"]) == len(names) + 1
    assert all(re.fullmatch(r"[A-Za-z_][A-Za-z0-9_-]{0,127}", task) for task in workflow["tasks"])
    given_names = [task["with"]["name"] for task in list(workflow["tasks"].values())[:-1]]
    assert given_names == [name.replace("${{", "$${{") for name in names]


def test_each_task_of_a_replay_digests_what_came_before(tmp_path: Path) -> None:
    scope: dict[str, Any] = {}
    exec(WfFormat().translate(recording(TWO)).files["replay.py"], scope)  # noqa: S102 - the file that is written

    def digest(*lines: str) -> str:
        return sha256("\n".join(lines).encode()).hexdigest()[:16]

    first = scope["replay"]("a", 1.0, 0.0, spin=False, after=[])
    second = scope["replay"]("b", 1e-4, 1.0, spin=True, after=["z", first])
    assert first == digest("a")
    assert second == digest("b", *sorted(["z", first]))
    assert scope["whole"]([second]) == digest(second)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "trace.json:1:2: this is not JSON: expecting property name enclosed in double quotes"),
        ("[" * 100_000, "trace.json: it is nested too deeply"),
        ('{"schemaVersion": "1.4"}', 'trace.json: its schemaVersion is "1.4", which can\'t be read'),
        ('{"schemaVersion": "1.5"}', "trace.json: workflow: field required"),
        ("[]", "trace.json: the file: input should be"),
        (
            recording([{"id": "a"}], [{"id": "a", "runtimeInSeconds": -1}]).text,
            "trace.json: workflow.execution.tasks[0].runtimeInSeconds: input should be greater than or equal to 0",
        ),
        (recording([]).text, "trace.json: workflow.specification.tasks: list should have at least 1 item"),
        (recording([{"id": ""}] * 9, []).text, "; and 4 more"),
        (recording([{"id": "a"}, {"id": "a"}], []).text, 'specification.tasks: the id "a" stands there twice'),
        (recording([{"id": "a"}], [{"id": "b", "runtimeInSeconds": 1}]).text, '"b" ran, but is not specified'),
        (recording([{"id": "a", "parents": ["z"]}]).text, 'task "a" names "z", which is not a task of this file'),
        (
            recording([{"id": "a", "parents": ["b"]}, {"id": "b", "parents": ["a"]}]).text,
            'trace.json: its tasks wait for each other: "',
        ),
    ],
)
def test_a_file_that_is_wrong_says_where(text: str, message: str) -> None:
    with pytest.raises(DocumentError, match=re.escape(message)):
        WfFormat().translate(Source("trace.json", text))


def test_the_importer_is_found_by_what_the_file_looks_like() -> None:
    assert importer_for(recording(TWO)) is IMPORTERS["wfformat"]
    with pytest.raises(UsageError, match=r'"notes.txt" is no file of a system that is known here'):
        importer_for(Source("notes.txt", "remember the milk"))
