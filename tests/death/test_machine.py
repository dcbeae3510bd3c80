"""Commands, deaths, edits and damage in any order, held against a model that knows what must run and what must not.

The model looks at the lines of a journal and at value files by itself, without any code of flowpar's.
"""

from __future__ import annotations

import hashlib
import json
import sys
import tempfile
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, TypeVar

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test

sys.path.insert(0, str(Path(__file__).parent))
from trial import Ended, Trial

STEPS = """
import os


def work(name: str, version: int, of: list = []) -> list:
    number = os.open("ran", os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    os.write(number, f"{name}\\n".encode())
    os.close(number)
    made = f"{name}.{version}({' '.join(each[0] for each in of)})"
    return [made, "x" * 100_000]  # a value file of its own


def head(work: list) -> str:
    return work[0]
"""
WORKFLOW = """flowpar: 1
name: machine
tasks:
  a: {{python: "steps:work", with: {{name: a, version: {a}}}}}
  b:
    for_each: {{n: [0, 1, 2]}}
    python: steps:work
    with: {{name: "b[${{{{ each.n }}}}]", version: {b}, of: ["${{{{ tasks.a.output }}}}"]}}
  d: {{python: "steps:work", with: {{name: d, version: {d}}}}}
  c:
    python: steps:work
    needs: [d]
    with: {{name: c, version: {c}, of: "${{{{ tasks.b.output }}}}"}}
outputs: {{made: "${{{{ tasks.c.output[0] }}}}"}}
"""
FAN_OUT, ITEMS = "b", ("b[0]", "b[1]", "b[2]")
NEEDS = {"a": (), "d": (), **dict.fromkeys(ITEMS, ("a",)), "c": (*ITEMS, "d")}
DEATHS = st.one_of(
    st.integers(1, 90).map("engine:{}".format),
    st.integers(1, 40).map("launcher:{}".format),
    st.integers(1, 8).map("guard:{}".format),
    st.integers(1, 5).map("task:{}".format),
)
# What is picked by one depends on how far a run came; the draws themselves must not.
NUMBERS = st.integers(0, 1_000_000)
Versions = dict[str, int]
Thing = TypeVar("Thing")


@dataclass(slots=True)
class Line:
    """A line that says that a body succeeded, at these versions; `after` are the lines of what it needed."""

    key: str
    version: int
    value: dict[str, Any]
    after: dict[str, int]


@dataclass(slots=True)
class Model:
    """What one run must keep: by the good lines of its journal, oldest first, None for those that tell of no body."""

    folder: Path
    lines: list[Line | None] = field(default_factory=list, repr=False)

    def read(self) -> list[dict[str, Any]]:
        records = []
        for text in (self.folder / "events.jsonl").read_bytes().split(b"\n")[:-1]:
            try:
                records.append(json.loads(text))
            except ValueError:
                break
        return records

    def learn(self, versions: Versions) -> list[str]:
        """Take in the lines that are new; return the bodies that they tell of."""
        begun = len(self.lines)
        for record in self.read()[begun:]:
            name = record.get("task", "")
            key = f"{name}[{record['item']}]" if record.get("item") is not None else name
            is_told = record["event"] == "task.succeeded" and (key in NEEDS or key == FAN_OUT)
            needs = NEEDS.get(key, ())
            after = {need: found for need in needs if (found := self.last(need)) is not None} if is_told else {}
            self.lines.append(Line(key, versions[key[0]], record.get("value", {}), after) if is_told else None)
        return [line.key for line in self.lines[begun:] if line is not None and line.key in NEEDS]

    def last(self, key: str) -> int | None:
        found = [number for number, line in enumerate(self.lines) if line is not None and line.key == key]
        return found[-1] if found else None

    def todo(self, versions: Versions) -> set[str]:
        """Return the bodies that are to run; a value that is not there is wanted only where somebody will read it."""
        wanted = {"c", "d"}  # the outputs read the one, nobody the other
        while True:
            todo = {key for key in NEEDS if not self.stands(key, versions, wanted)}
            read = {"a", *ITEMS} if not self.is_concluded(todo) else set()
            read |= set(ITEMS) if "c" in todo else set()
            if read <= wanted:
                return todo
            wanted |= read

    def is_concluded(self, todo: set[str]) -> bool:
        """Whether the fan-out is over as a whole: the journal says so after all of its items."""
        over, items = self.last(FAN_OUT), [self.last(item) for item in ITEMS]
        return not todo & set(ITEMS) and over is not None and all(item is not None and item < over for item in items)

    def stands(self, key: str, versions: Versions, wanted: set[str]) -> bool:
        """Whether a body is not to run again: it is what it was, its value is whole, and all that it needs stands."""
        line = self.lines[number] if (number := self.last(key)) is not None else None
        return (
            line is not None
            and line.version == versions[key[0]]
            and self.is_whole(line.value, may_be_gone=key not in wanted)
            and all(
                self.stands(need, versions, wanted) and line.after.get(need) == self.last(need) for need in NEEDS[key]
            )
        )

    def is_whole(self, value: dict[str, Any], *, may_be_gone: bool) -> bool:
        file, checksum = self.folder / str(value["file"]), str(value["checksum"])
        if not file.exists():
            return may_be_gone
        return f"blake2b:{hashlib.blake2b(file.read_bytes(), digest_size=32).hexdigest()}" == checksum


def made(versions: Versions) -> str:
    """Return what an untouched run comes to."""
    items = " ".join(f"{item}.{versions['b']}(a.{versions['a']}())" for item in ITEMS)
    return f"c.{versions['c']}({items})"


class Machine(RuleBasedStateMachine):
    """One folder with one workflow, and whatever happens to its runs; `commands` counts those of all machines."""

    commands: ClassVar[int] = 0

    def __init__(self) -> None:
        super().__init__()
        self._home = tempfile.TemporaryDirectory(prefix="flowpar-machine-")
        self.versions = dict.fromkeys("abcd", 1)
        self.trial = Trial(Path(self._home.name), steps=STEPS, workflow=WORKFLOW.format(**self.versions))
        self.runs: list[Model] = []
        self.known: set[Path] = set()

    def teardown(self) -> None:
        self.trial.clear()
        self._home.cleanup()

    # What is done.

    @initialize()
    def begin(self) -> None:
        self.run(death="")

    @rule(death=st.one_of(st.just(""), DEATHS))
    def run(self, death: str) -> None:
        before = self.trial.ran()
        ended = self.command("run", "workflow.yaml", death=death)
        fresh = self.folders() - self.known
        self.known |= fresh
        begun = [Model(folder) for folder in fresh if (folder / "events.jsonl").exists() and Model(folder).read()]
        assert len(fresh) <= 1
        if not begun:
            assert death  # it was cut off before it began, and nothing ran
            assert self.trial.ran() == before
            return
        self.runs += begun
        self.compare(self.runs[-1], set(NEEDS), ended, before)

    @rule(pick=NUMBERS, death=st.one_of(st.just(""), DEATHS))
    def resume(self, pick: int, death: str) -> None:
        self.go_on(of(self.runs, pick), death=death)

    @rule(task=st.sampled_from("abcd"))
    def edit(self, task: str) -> None:
        self.versions[task] += 1
        (self.trial.folder / "workflow.yaml").write_text(WORKFLOW.format(**self.versions))

    @rule(pick=NUMBERS, file=NUMBERS, place=NUMBERS, is_removed=st.booleans())
    def spoil_a_value(self, pick: int, file: int, place: int, *, is_removed: bool) -> None:
        files = sorted((of(self.runs, pick).folder / "values").glob("*.val"))
        if not files:
            return
        if is_removed:
            of(files, file).unlink()
        else:
            flip(of(files, file), place % of(files, file).stat().st_size)

    @rule(pick=NUMBERS, place=NUMBERS, is_cut=st.booleans())
    def tear_the_tail(self, pick: int, place: int, *, is_cut: bool) -> None:
        """Cut off a part of the journal's last line, or leave a part of another one."""
        run = of(self.runs, pick)
        journal = run.folder / "events.jsonl"
        content = journal.read_bytes()
        good = b"".join(line + b"\n" for line in content.split(b"\n")[: len(run.lines)])
        last = good.splitlines(keepends=True)[-1]
        if len(run.lines) > 1 and is_cut:
            journal.write_bytes(good[: -(1 + place % len(last))])
            run.lines.pop()
        else:
            journal.write_bytes(good + last[: 1 + place % (len(last) - 1)])

    @rule(pick=NUMBERS, line=NUMBERS, place=NUMBERS)
    def damage_and_salvage(self, pick: int, line: int, place: int) -> None:
        """What is damaged in the middle is refused, until it is asked to keep the good part."""
        long = [run for run in self.runs if len(run.lines) > 3]
        if not long:
            return
        run = of(long, pick)
        journal, before = run.folder / "events.jsonl", self.trial.ran()
        number = 2 + line % (len(run.lines) - 2)
        lines = journal.read_bytes().split(b"\n")
        start = sum(len(each) + 1 for each in lines[: number - 1])
        flip(journal, start + place % len(lines[number - 1]))

        refused = self.command("resume", run.folder.name, death="")

        assert refused.code == 3, refused
        assert f"corrupt at record {number}" in refused.stderr
        assert self.trial.ran() == before
        del run.lines[number - 1 :]
        self.go_on(run, "--salvage", death="")

    # What must hold.

    def go_on(self, run: Model, *options: str, death: str) -> None:
        todo = run.todo(self.versions)
        before = self.trial.ran()
        ended = self.command("resume", run.folder.name, *options, death=death)
        self.compare(run, todo, ended, before)

    def compare(self, run: Model, todo: set[str], ended: Ended, before: Counter[str]) -> None:
        ran = self.trial.ran() - before
        done = run.learn(self.versions)
        assert set(ran) <= todo, f"{set(ran) - todo} ran again, {ended}"
        assert set(done) <= set(ran), "recorded, but did not run"
        assert max(ran.values(), default=1) == 1
        assert max(Counter(done).values(), default=1) == 1
        if ended.code == 0:
            assert set(done) == todo, f"{todo ^ set(done)}, {ended}"
            assert json.loads(ended.stdout) == {"made": made(self.versions)}

    def command(self, *arguments: str, death: str) -> Ended:
        Machine.commands += 1
        crash = {"FLOWPAR_CRASH_AT": death} if death else {}
        ended = self.trial.command(*arguments, "-w", "2", "--json", **crash)
        left = self.trial.survivors()
        assert left == {}, f"still alive after 3 s: {left}"
        assert "Traceback" not in ended.stderr, ended
        assert death or ended.code in {0, 3}, ended
        return ended

    def folders(self) -> set[Path]:
        return {path for path in (self.trial.folder / ".flowpar" / "runs").glob("*") if path.is_dir()}


def of(things: list[Thing], pick: int) -> Thing:
    return things[pick % len(things)]


def flip(file: Path, place: int) -> None:
    content = bytearray(file.read_bytes())
    content[place] ^= 1
    file.write_bytes(content)


def walk(*, examples: int, steps: int, is_same_each_time: bool) -> int:
    """Take walks and return how many commands were run in them; each was held against the model."""
    before = Machine.commands
    run_state_machine_as_test(
        Machine,
        settings=settings(
            max_examples=examples,
            stateful_step_count=steps,
            derandomize=is_same_each_time,
            database=None,
            deadline=None,
            phases=[Phase.generate],  # each step is a process: what fails is told as it is, at once
            suppress_health_check=list(HealthCheck),
        ),
    )
    return Machine.commands - before


@pytest.mark.timeout(300)
def test_a_few_walks_end_as_the_model_says() -> None:
    assert walk(examples=5, steps=14, is_same_each_time=True) >= 16


@pytest.mark.soak
@pytest.mark.timeout(7200)
def test_many_walks_end_as_the_model_says() -> None:
    assert walk(examples=60, steps=14, is_same_each_time=False) >= 120
