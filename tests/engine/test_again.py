"""An attempt that is put together again from the journal is given what it was given in the run."""

from __future__ import annotations

import os
import pickle
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from flowpar.core.errors import UsageError
from flowpar.core.states import TaskState
from flowpar.data.codec import decode
from flowpar.data.store import ValueStore
from flowpar.engine.again import again, find_place
from flowpar.execute.replay import Harmless, Replay
from flowpar.planning.recall import recall
from flowpar.record.resume import read_settled

sys.path.insert(0, str(Path(__file__).parents[1] / "execute"))
sys.path.insert(0, str(Path(__file__).parents[1]))
import warm
from attempts import everything_put_back

if TYPE_CHECKING:
    from flowpar.planning.model import Plan
    from flowpar.record.settled import Settled

STEPS = """
import os
from flowpar import TaskContext

def numbers(n: int) -> list:
    return list(range(n))

def big(n: int) -> bytes:
    return bytes(n)

class Box:
    def __init__(self, n): self.n = n

def boxes(n: int) -> list:
    return [Box(i) for i in range(n)]

def told(context: TaskContext, **given):
    names = ("OWN", "MINE", "FROM_FILE", "FLOWPAR_RUN_ID", "FLOWPAR_TASK", "FLOWPAR_ITEM", "FLOWPAR_ATTEMPT",
             "FLOWPAR_ROUND", "SECRET_SOURCE")
    given = {name: len(value) if isinstance(value, bytes) else getattr(value, "n", value)
             for name, value in given.items()}
    return {"given": given, "env": {name: os.environ.get(name) for name in names}, "folder": os.getcwd(),
            "key": context.idempotency_key, "item": context.item}

def bad(item: int = 0):
    if item < 2:
        return item
    raise ValueError(f"bad {item}")
"""
WORKFLOW = """flowpar: 1
name: composed
inputs: {top: 3}
env: {OWN: "top ${{ inputs.top }}"}
env_file: own.env
secrets: {TOKEN: {env: SECRET_SOURCE}}
tasks:
  load: {python: steps:numbers, with: {n: "${{ inputs.top }}"}}
  large: {python: steps:big, with: {n: 100000}}
  boxes: {python: steps:boxes, with: {n: 2}}
  plain:
    python: steps:told
    with:
      all: ${{ tasks.load.output }}
      large: ${{ tasks.large.output }}
      dir: ${{ run.dir }}
      token: ${{ len(secrets.TOKEN) }}
    env: {MINE: "mine ${{ tasks.load.output[1] }}"}
    cwd: inner
  each:
    python: steps:told
    for_each: ${{ tasks.load.output }}
    with: {n: "${{ each.item }}", at: "${{ each.index }}"}
  box: {python: steps:told, for_each: "${{ tasks.boxes.output }}", with: {box: "${{ each.item }}"}}
  keyed:
    python: steps:told
    for_each: {who: [emma, moby]}
    key: each.who
    with: {who: "${{ each.who }}", key: "${{ each.key }}", before: "${{ tasks.each.output[0].given }}"}
  mixed:
    python: steps:told
    matrix: {row: [1, 2], depth: [3, 4], exclude: [{row: 1, depth: 4}]}
    with: {row: "${{ matrix.row }}", depth: "${{ matrix.depth }}"}
  fed: {python: steps:told, for_each: "${{ tasks.each.output }}", with: {one: "${{ each.item.given }}"}}
  rounds:
    python: steps:told
    with: {n: "${{ default(previous.given.n, 0) + 1 }}"}
    repeat: {until: output.given.n >= 3, max: 5}
  bad: {python: steps:bad, for_each: [0, 1, 2, 3], with: {item: "${{ each.item }}"}}
  part: {workflow: part.yaml, for_each: {x: [5, 6]}, with: {x: "${{ each.x }}"}}
  doubtful: {python: steps:bad, for_each: "${{ tasks.load.output }}", with: {item: "${{ each.item }}"}}
  after_doubt: {python: steps:told, for_each: "${{ tasks.doubtful.output }}", with: {n: "${{ each.item }}"}}
  after:
    python: steps:told
    run_if: all_done
    with: {why: "${{ default(tasks.bad.error.message, '') }}", states: "${{ [i.status for i in tasks.bad.items] }}"}
finally:
  tidy: {python: steps:told, with: {status: "${{ run.status }}", failed: "${{ run.failed }}"}}
"""
PART = """flowpar: 1
inputs: {x: {type: integer}}
tasks:
  first: {python: steps:told, with: {x: "${{ inputs.x }}"}}
  second: {python: steps:told, with: {before: "${{ tasks.first.output.given }}"}}
outputs: {x: "${{ tasks.second.output.given.before.x }}"}
"""
SECRET = "correct-horse"  # noqa: S105 - it is none


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("again")
    for name, text in (("steps.py", STEPS), ("workflow.yaml", WORKFLOW), ("part.yaml", PART)):
        (folder / name).write_text(text)
    (folder / "own.env").write_text("FROM_FILE=filed\n")
    (folder / "inner").mkdir()
    plain = {name: value for name, value in os.environ.items() if not name.startswith("FLOWPAR")}
    done = warm.run(
        ["run", "workflow.yaml", "--run-dir", "run", "-q"], cwd=folder, env={**plain, "SECRET_SOURCE": SECRET}
    )
    assert done.returncode == 1, done.stderr
    return (folder / "run").resolve()


def looked_at(run: Path) -> tuple[Plan, Settled]:
    recalled = recall(run)
    assert recalled is not None
    plan, problems = recalled.with_env_files()
    assert problems == ()
    return plan, read_settled(run)[0]


def made_again(run: Path, task: str, item: int | None) -> Any:
    plan, settled = looked_at(run)
    place = find_place(plan, settled, task, None if item is None else str(item))
    found = again(plan, settled, run, place, secrets={"TOKEN": SECRET})
    replay = Replay(found.job, place.name, "run", expand=found.expand, fed=found.fed)
    with everything_put_back():
        attempt = Harmless(replay.bound(lambda *_: None), lambda *_: None, scratch=str(run))
        attempt.follow()
        return decode(attempt.kept)


def test_every_attempt_that_succeeded_is_given_and_returns_the_same_again(run: Path) -> None:
    before = sorted(path for path in run.rglob("*") if path.is_file())
    _, settled = looked_at(run)
    store, compared = ValueStore(run), 0
    for name, task in settled.tasks.items():
        places = [(None, task.standing), *task.items.items()] if not task.items else [*task.items.items()]
        for item, standing in places:
            if standing.value is None or name == "boxes" or (name.startswith("part") and "/" not in name):
                continue
            if "(" in name or standing.state is not TaskState.SUCCEEDED:
                continue
            with everything_put_back():
                expected = store.get(standing.value)

            assert made_again(run, name, item) == expected, f"{name}[{item}]"
            compared += 1

    assert compared > 25
    assert sorted(path for path in run.rglob("*") if path.is_file()) == before


def test_an_item_that_failed_is_given_what_it_was_given(run: Path) -> None:
    with pytest.raises(ValueError, match="bad 3"):
        made_again(run, "bad", 3)


@pytest.mark.parametrize(
    ("task", "item", "told"),
    [
        ("each", None, "\"each\" has items; say which: 'each[0]', 'each[1]', 'each[2]'"),
        ("bad", None, "\"bad\" has items; say which: 'bad[2]', 'bad[3]'"),
        ("each", "7", '"each" has 3 items, counted from 0, and no item 7'),
        ("plain", "1", '"plain" has no items; name it without [1]'),
        ("plian", None, '"plian" is not a task of this run; did you mean "plain"?'),
        ("part/first", None, '"part/first" stands for 2 tasks; say which: part[0]/first, part[1]/first'),
        ("part", None, '"part" is a sub-workflow'),
        ("keyed", "ahab", '"keyed[ahab]" names no item; no item of "keyed" has that key in this run'),
    ],
)
def test_who_names_no_attempt_is_told_which_there_are(run: Path, task: str, item: str | None, told: str) -> None:
    plan, settled = looked_at(run)

    with pytest.raises(UsageError) as caught:
        find_place(plan, settled, task, item)

    error = caught.value
    assert (f"{error.message}; {error.hint}" if error.hint else error.message).startswith(told)


def test_an_item_is_found_by_its_key(run: Path) -> None:
    assert find_place(*looked_at(run), "keyed", "moby").name == "keyed[1]"


def test_a_value_that_is_not_kept_any_more_is_named(run: Path) -> None:
    plan, settled = looked_at(run)
    place = find_place(plan, settled, "plain", None)
    value = settled.tasks["large"].standing.value
    assert value is not None
    assert value.file is not None
    aside = run / f"{value.file}.aside"
    (run / value.file).rename(aside)
    try:
        assert again(plan, settled, run, place, secrets={}).gone == {"large": value.file}
    finally:
        aside.rename(run / value.file)


def test_a_replay_arrives_as_it_was_sent(run: Path) -> None:
    plan, settled = looked_at(run)
    found = again(plan, settled, run, find_place(plan, settled, "plain", None), secrets={"TOKEN": SECRET})
    sent = Replay(found.job, "plain", "run", ways={"debugger": "pdb"})

    assert Replay.receive(sent.send()) == sent
    assert pickle.loads(sent.job.shared).secrets == {"TOKEN": SECRET}
