"""What was made before is not made again, by real runs over one cache: what hits, and what does not."""

from __future__ import annotations

import os
from textwrap import dedent
from typing import TYPE_CHECKING

import pytest

from flowpar.core.events import RunNoted, TaskStarted
from flowpar.core.frozen import replace
from flowpar.data.cache import CacheFolder
from flowpar.record.cache_care import list_kept
from flowpar.testing.fixtures import run_workflow

if TYPE_CHECKING:
    from pathlib import Path

    from flowpar.testing.fixtures import RunWorkflow, WorkflowRun

__all__ = ["run_workflow"]
pytestmark = pytest.mark.timeout(180)
STEPS = """
from dataclasses import dataclass
import numpy as np
from helper import scaled


def double(n: int) -> int:
    return scaled(n)


def ramp(count: int):
    return np.arange(count, dtype=float)


def stream(count: int):
    for number in range(count):
        yield np.full(20000, float(number))


def total(values) -> float:
    return float(values.sum())


@dataclass
class Rate:
    percent: int

    def of(self, amount: int) -> int:
        return amount * self.percent // 100


def rate(percent: int) -> Rate:
    return Rate(percent)


def apply(rate, amount: int) -> int:
    return rate.of(amount)


def fail_once(name: str) -> str:
    import os
    if not os.path.exists(name):
        raise ValueError("not yet")
    return name
"""
HELPER = "from deep import FACTOR\n\n\ndef scaled(n):\n    found = n * FACTOR\n    return found\n"
DEEP = "# two\nFACTOR = 2\n"
DOUBLE = """
    flowpar: 1
    tasks:
      double:
        python: steps:double
        with: {n: 21}
        cache: true
    outputs: {all: "${{ tasks.double.output }}"}
"""


@pytest.fixture(autouse=True)
def project(tmp_path: Path) -> Path:
    """Return a folder with a function, a helper, and a constant that the helper uses."""
    for name, text in (("steps", STEPS), ("helper", HELPER), ("deep", DEEP)):
        (tmp_path / f"{name}.py").write_text(text)
    return tmp_path


def attempts(run: WorkflowRun) -> list[str]:
    """Return the tasks of which attempts began."""
    return [event.subject.task for event in run.events if isinstance(event, TaskStarted)]


def test_what_was_made_before_is_not_made_again(run_workflow: RunWorkflow) -> None:
    first, second = run_workflow(DOUBLE), run_workflow(DOUBLE)

    assert first.outputs == second.outputs == {"all": 42}
    assert (first.states, second.states) == ({"double": "succeeded"}, {"double": "cached"})
    assert (attempts(first), attempts(second)) == (["double"], [])


def test_code_counts_by_its_meaning(run_workflow: RunWorkflow, project: Path) -> None:
    edits = [
        ("deep.py", "# another comment\n\n\nFACTOR   =  2\n", True),
        ("helper.py", HELPER.replace("found", "product"), True),
        ("deep.py", "FACTOR = 3\n", False),
        ("steps.py", STEPS.replace("return scaled(n)", "return scaled(n) + 0"), False),
    ]
    run_workflow(DOUBLE)

    for file, text, is_same in edits:
        (project / file).write_text(text)
        assert attempts(run_workflow(DOUBLE)) == ([] if is_same else ["double"]), text


SCRIPT = """
    flowpar: 1
    tasks:
      price:
        python:
          script: |
            from deep import FACTOR
            output = n * FACTOR
        with: {n: 21}
        cache: true
      other:
        python: {script: "output = 1"}
        cache: true
    outputs: {all: "${{ tasks.price.output }}"}
"""


def test_a_script_counts_by_its_meaning(run_workflow: RunWorkflow, project: Path) -> None:
    run_workflow(SCRIPT)

    assert attempts(run_workflow(SCRIPT.replace("n * FACTOR", "(n *  FACTOR)  # a price"))) == []
    assert attempts(run_workflow(SCRIPT.replace("output = 1", "output = 2"))) == ["other"]
    assert run_workflow(SCRIPT.replace("n * FACTOR", "n + FACTOR")).outputs == {"all": 23}
    (project / "deep.py").write_text("FACTOR = 3\n")
    assert attempts(run_workflow(SCRIPT)) == ["price"]


def test_what_else_counts(run_workflow: RunWorkflow) -> None:
    changes = [
        ("cache: true", "cache: {ttl: 1h}", True),
        ("cache: true", "retry: 3\n        timeout: 1m\n        cache: true", True),
        ("with: {n: 21}", "with: {n: '${{ 20 + 1 }}'}", True),
        ("n: 21", "n: 20", False),
        ("cache: true", "cache: {version: 2}", False),
        ("with: {n: 21}", "with: {n: 21}\n        env: {A: b}", False),
    ]
    run_workflow(DOUBLE)

    for before, after, is_same in changes:
        # The name of the task never counts.
        text = DOUBLE.replace(before, after).replace("double:\n", "twice:\n").replace("tasks.double", "tasks.twice")
        assert bool(attempts(run_workflow(text))) is not is_same, after


ITEMS = """
    flowpar: 1
    tasks:
      double:
        python: steps:double
        for_each: [1, 2, 3]
        with: {n: "${{ each.item }}"}
        cache: true
    outputs: {all: "${{ tasks.double.output }}"}
"""


def test_items_are_known_by_themselves(run_workflow: RunWorkflow) -> None:
    run_workflow(ITEMS)

    same, more = run_workflow(ITEMS), run_workflow(ITEMS.replace("[1, 2, 3]", "[3, 4, 1]"))

    assert (same.outputs, same.states) == ({"all": [2, 4, 6]}, {"double": "cached"})
    assert (more.outputs, more.states) == ({"all": [6, 8, 2]}, {"double": "succeeded"})
    assert len(attempts(more)) == 1


LARGE = """
    flowpar: 1
    tasks:
      ramp:
        python: steps:ramp
        with: {count: 20000}
        cache: true
      total:
        python: steps:total
        with: {values: "${{ tasks.ramp.output }}"}
        cache: true
    outputs: {all: "${{ tasks.total.output }}", ramp: "${{ len(tasks.ramp.output) }}"}
"""


def test_a_large_value_is_the_file_of_the_cache(run_workflow: RunWorkflow, project: Path) -> None:
    run_workflow(LARGE)

    again = run_workflow(LARGE)

    (blob,) = (project / ".flowpar" / "cache" / "blobs").glob("*/*")
    (value,) = (again.run_dir / "values").iterdir()
    assert (again.outputs, attempts(again)) == ({"all": 199990000.0, "ramp": 20000}, [])
    assert value.samefile(blob)


CLASS = """
    flowpar: 1
    tasks:
      rate:
        python: steps:rate
        with: {percent: 50}
      apply:
        python: money:apply
        with: {rate: "${{ tasks.rate.output }}", amount: 10}
        cache: true
    outputs: {all: "${{ tasks.apply.output }}"}
"""


def test_the_code_of_a_class_counts_that_an_argument_is_of(run_workflow: RunWorkflow, project: Path) -> None:
    (project / "money.py").write_text("def apply(rate, amount: int) -> int:\n    return rate.of(amount)\n")
    run_workflow(CLASS)
    assert attempts(run_workflow(CLASS)) == ["rate"]
    (project / "steps.py").write_text(STEPS.replace("// 100", "// 100 + 1"))

    again = run_workflow(CLASS)

    assert (again.outputs, attempts(again)) == ({"all": 6}, ["rate", "apply"])


FORMS = """
    flowpar: 1
    defaults: {cache: true}
    tasks:
      stream:
        python: steps:stream
        with: {count: 4}
      each:
        python: steps:total
        for_each: ${{ tasks.stream.output }}
        with: {values: "${{ each.item }}"}
      batched:
        python: steps:double
        for_each: {n: "${{ tasks.each.output }}"}
        with: {n: "${{ int(each.n) }}"}
        batch: 2
      grid:
        python: steps:double
        matrix: {n: [1, 2], m: [3, 4]}
        if: ${{ matrix.n * matrix.m != 8 }}
        with: {n: "${{ matrix.n * matrix.m }}"}
        executor: thread
      keyed:
        python: steps:double
        for_each: [5, 6]
        key: each.item
        with: {n: "${{ each.item }}"}
        executor: inline
      pooled:
        python: {script: "output = len(values)"}
        with: {values: "${{ tasks.stream.output }}"}
        executor: pool
      part:
        workflow: part.yaml
        with: {n: "${{ tasks.pooled.output }}"}
    finally:
      tidy: {shell: echo over}
    outputs: {all: "${{ [tasks.batched.output, tasks.grid.output, tasks.keyed.output, tasks.part.output.y] }}"}
"""


def test_every_form_of_a_task_is_known_again(run_workflow: RunWorkflow, project: Path) -> None:
    part = DOUBLE.replace("tasks:", "inputs: {n: {type: integer}}\n    tasks:").replace("all:", "y:")
    part = part.replace("{n: 21}", "{n: '${{ inputs.n }}'}")
    (project / "part.yaml").write_text(dedent(part))
    first, second = run_workflow(FORMS), run_workflow(FORMS)

    assert first.outputs == second.outputs == {"all": [[0, 40000, 80000, 120000], [6, 8, 12, None], [10, 12], 8]}
    # What tidies up is done each time.
    assert set(attempts(second)) == {"tidy"}


FILES = """
    flowpar: 1
    tasks:
      copy:
        shell: mkdir -p out && cat in.txt > out/copy.txt
        cache: {files: in.txt, outputs: [out], env: [WANTED]}
"""


def test_files_are_read_and_put_back(run_workflow: RunWorkflow, project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (project / "in.txt").write_text("one")
    run_workflow(FILES)
    copy = project / "out" / "copy.txt"
    copy.unlink()

    assert (attempts(run_workflow(FILES)), copy.read_text()) == ([], "one")
    copy.write_text("scribbled over")
    assert (attempts(run_workflow(FILES)), copy.read_text()) == ([], "one")
    (project / "in.txt").write_text("two")
    assert (attempts(run_workflow(FILES)), copy.read_text()) == (["copy"], "two")
    monkeypatch.setenv("WANTED", "yes")
    assert attempts(run_workflow(FILES)) == ["copy"]
    monkeypatch.delenv("WANTED")
    (project / "in.txt").write_text("one")
    assert (attempts(run_workflow(FILES)), copy.read_text()) == ([], "one")


MEANWHILE = """
    flowpar: 1
    tasks:
      change:
        shell: "cat in.txt; mkdir -p out; echo new > out/new.txt; COMMAND"
        cache: {files: "*.txt", outputs: "out/*.txt"}
"""


@pytest.mark.parametrize(
    ("command", "why"),
    [
        ("echo more >> in.txt", '"in.txt", which it declares to read, was changed meanwhile'),
        ("touch in.txt", '"in.txt", which it declares to read, was changed meanwhile'),
        ("rm in.txt", '"in.txt", which it declares to read, was changed meanwhile'),
        ("echo two > two.txt", '"two.txt", which it declares to read, was not there before'),
        ("true", '"out/old.txt", which is among its outputs, was there before, and it did not write to it'),
        ("rm out/old.txt", ""),
        ("echo old > out/old.txt", ""),
    ],
)
def test_what_is_changed_meanwhile_is_not_kept(
    run_workflow: RunWorkflow, project: Path, command: str, why: str
) -> None:
    (project / "in.txt").write_text("one")
    (project / "out").mkdir()
    (project / "out" / "old.txt").write_text("old")
    text = MEANWHILE.replace("COMMAND", command)

    run = run_workflow(text)

    assert run.states == {"change": "succeeded"}
    assert notes(run) == ([f"an attempt at change was not kept in the cache: {why}"] if why else [])
    assert bool(list((project / ".flowpar" / "cache" / "entries").glob("*/*"))) is not bool(why)


EDITING = """
    flowpar: 1
    tasks:
      edit:
        python: editing:edit
        cache: true
      alone:
        python: steps:double
        with: {n: 1}
        needs: [edit]
        cache: true
"""


def test_code_that_is_changed_meanwhile_is_not_kept(run_workflow: RunWorkflow, project: Path) -> None:
    text = (
        "from pathlib import Path\nimport notes\ndef edit() -> int:\n    return Path('notes.py').write_text('B = 1')\n"
    )
    (project / "editing.py").write_text(text)
    (project / "notes.py").write_text("A = 1")

    run = run_workflow(EDITING)

    assert run.states == {"edit": "succeeded", "alone": "succeeded"}
    assert notes(run) == ['an attempt at edit was not kept in the cache: its code was changed meanwhile, in "notes.py"']
    assert attempts(run_workflow(EDITING)) == ["edit"]


ASKING = """
    flowpar: 1
    tasks:
      place:
        shell: {run: 'echo $FLOWPAR_ITEM', capture: json}
        for_each: [7, 7, 8]
        cache: true
      asked:
        python: asking:where
        for_each: [5, 5]
        with: {n: "${{ each.item }}"}
        cache: true
      double: {python: steps:double, for_each: [4, 4], with: {n: "${{ each.item }}"}, cache: true}
    outputs: {all: "${{ [tasks.place.output, tasks.asked.output, tasks.double.output] }}"}
"""


def test_an_item_that_asks_for_its_place_is_known_by_it(run_workflow: RunWorkflow, project: Path) -> None:
    asking = "from flowpar import TaskContext\n\n\ndef where(context: TaskContext, n: int):\n    return context.item\n"
    (project / "asking.py").write_text(asking)

    first, second, other = run_workflow(ASKING), run_workflow(ASKING), run_workflow(ASKING.replace("[7, 7, 8]", "[8]"))

    assert first.outputs == second.outputs == {"all": [[0, 1, 2], [0, 1], [8, 8]]}
    assert attempts(second) == []
    assert other.outputs == {"all": [[0], [0, 1], [8, 8]]}


def test_files_behind_a_link_count_and_outputs_that_are_links_are_not_kept(
    run_workflow: RunWorkflow, project: Path
) -> None:
    for name in ("data", "other"):
        (project / name).mkdir()
    (project / "other" / "a.txt").write_text("one")
    (project / "data" / "link").symlink_to(project / "other")
    (project / "data" / "loop").symlink_to(project / "data")
    text = """
        flowpar: 1
        tasks:
          read:
            shell: cat data/link/a.txt
            cache: {files: data}
          write:
            shell: mkdir -p made && echo x > made/real && ln -sf real made/link
            cache: {outputs: "made/*"}
    """
    run_workflow(text)
    again = run_workflow(text)
    (project / "other" / "a.txt").write_text("two")

    assert attempts(again) == ["write"]
    assert '"made/link", which is among its outputs, is a link or behind one' in notes(again)[0]
    assert sorted(attempts(run_workflow(text))) == ["read", "write"]


def notes(run: WorkflowRun) -> list[str]:
    return [event.message for event in run.events if isinstance(event, RunNoted)]


def test_an_entry_of_a_time_to_come_is_made_again(run_workflow: RunWorkflow, project: Path) -> None:
    text = DOUBLE.replace("cache: true", "cache: {ttl: 1h}")
    run_workflow(text)
    cache = CacheFolder(str(project / ".flowpar" / "cache"))
    for kept in list_kept(cache):
        cache.keep(replace(kept.entry, made_at=kept.entry.made_at + 86_400), "")

    assert attempts(run_workflow(text)) == ["double"]
    assert attempts(run_workflow(text)) == []


def test_of_items_that_are_not_kept_one_is_told(run_workflow: RunWorkflow) -> None:
    text = ITEMS.replace("cache: true", 'cache: {outputs: "${{ each.item }}.txt"}')

    run = run_workflow(text)

    (told,) = notes(run)
    assert told.startswith("an attempt at double was not kept in the cache: no file in the folder of the workflow")


def test_a_secret_that_was_harmed_is_made_anew_and_said(run_workflow: RunWorkflow, project: Path) -> None:
    run_workflow(DOUBLE)
    secret = project / ".flowpar" / "cache" / "key"
    content = secret.read_bytes()
    secret.write_bytes(bytes([content[0] ^ 1]) + content[1:])

    harmed, after = run_workflow(DOUBLE), run_workflow(DOUBLE)

    (told,) = notes(harmed)
    assert told.endswith("was cut short or altered and is made anew, so nothing is found that was kept before")
    assert (attempts(harmed), attempts(after), notes(after)) == (["double"], [], [])


def test_an_entry_that_was_harmed_is_made_again(run_workflow: RunWorkflow, project: Path) -> None:
    run_workflow(ITEMS)
    # Those of three items, and that of the workflow's outputs.
    one, two, three, four = (project / ".flowpar" / "cache" / "entries").glob("*/*")
    one.write_bytes(one.read_bytes()[:-20])
    four.write_bytes(four.read_bytes()[20:])
    two.write_bytes(two.read_bytes().replace(b"seconds", b"minutes"))
    three.write_bytes(b"")

    again, healed = run_workflow(ITEMS), run_workflow(ITEMS)

    assert (again.outputs, len(attempts(again)), len(notes(again))) == ({"all": [2, 4, 6]}, 3, 1)
    assert (healed.outputs, attempts(healed), notes(healed)) == ({"all": [2, 4, 6]}, [], [])


@pytest.mark.parametrize("is_cut", [True, False])
def test_a_blob_that_was_harmed_is_made_again(run_workflow: RunWorkflow, project: Path, *, is_cut: bool) -> None:
    run_workflow(LARGE)
    (blob,) = (project / ".flowpar" / "cache" / "blobs").glob("*/*")
    content = bytearray(blob.read_bytes())
    content[5000] ^= 1
    blob.unlink()
    blob.write_bytes(content[:-1] if is_cut else content)

    again, healed = run_workflow(LARGE), run_workflow(LARGE)

    assert (again.outputs, attempts(again)) == ({"all": 199990000.0, "ramp": 20000}, ["ramp"])
    assert attempts(healed) == []


def test_a_value_that_names_the_checkout_is_found_there_alone(run_workflow: RunWorkflow, project: Path) -> None:
    text = """
        flowpar: 1
        tasks:
          where:
            shell: {run: pwd, capture: text}
            cache: true
        outputs: {all: "${{ strip(tasks.where.output) }}"}
    """
    run_workflow(text)

    assert attempts(run_workflow(text)) == []
    entries = list((project / ".flowpar" / "cache" / "entries").glob("*/*"))
    assert entries
    assert all("-" in entry.name for entry in entries)


def test_a_value_that_names_a_folder_is_found_in_no_other_one(run_workflow: RunWorkflow, project: Path) -> None:
    text = """
        flowpar: 1
        tasks: {where: {shell: {run: 'echo "$PWD"', capture: text}, cache: true}}
        outputs: {all: "${{ strip(tasks.where.output) }}"}
    """
    (project / ".git").mkdir()
    for name in ("one", "two"):
        (project / name).mkdir()
        (project / name / "w.yaml").write_text(dedent(text))

    told = [run_workflow(project / name / "w.yaml").outputs for name in ("one", "two", "one")]

    assert told == [{"all": str(project / name)} for name in ("one", "two", "one")]


def test_a_cache_that_cannot_be_used_is_told_once(run_workflow: RunWorkflow, project: Path) -> None:
    (project / ".flowpar").mkdir()
    (project / ".flowpar" / "cache").write_text("no folder")

    run = run_workflow(ITEMS)

    assert (run.outputs, len(notes(run))) == ({"all": [2, 4, 6]}, 1)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may give a folder away")
def test_the_cache_of_another_user_is_left_alone_and_told_once(run_workflow: RunWorkflow, project: Path) -> None:
    cache = project / ".flowpar" / "cache"
    cache.mkdir(parents=True)
    os.chown(cache, 4711, -1)

    run = run_workflow(ITEMS)

    assert run.outputs == {"all": [2, 4, 6]}
    (note,) = notes(run)
    assert "belongs to another user (uid 4711); choose another one with --cache-dir, or pass --trust-state" in note
    assert list(cache.iterdir()) == []


def test_what_is_written_into_files_of_a_run_never_comes_out_of_the_cache(
    run_workflow: RunWorkflow, project: Path
) -> None:
    (project / "in.txt").write_text("one")
    run_workflow(FILES)
    copy = project / "out" / "copy.txt"
    copy.unlink()
    run_workflow(FILES)
    with copy.open("r+") as file:  # in place, as a task may do
        file.write("two")
    copy.rename(project / "moved.txt")
    assert (attempts(run_workflow(FILES)), copy.read_text()) == ([], "one")

    run_workflow(LARGE)
    (value,) = (run_workflow(LARGE).run_dir / "values").iterdir()
    with value.open("r+b") as large:  # a link to what the cache holds
        large.seek(5000)
        large.write(b"harm")

    again = run_workflow(LARGE)
    assert (again.outputs, attempts(again)) == ({"all": 199990000.0, "ramp": 20000}, ["ramp"])


def test_a_variable_that_is_not_set_is_part_of_a_key_beside_an_object(run_workflow: RunWorkflow) -> None:
    text = """
        flowpar: 1
        tasks:
          ramp: {python: steps:ramp, with: {count: 5}, cache: true}
          chosen:
            python: {script: "output = float(values[int(mode)])"}
            with:
              values: ${{ [tasks.ramp.output, default(env.FLOWPAR_TEST_MODE, '2')][0] }}
              mode: ${{ default(env.FLOWPAR_TEST_MODE, '2') }}
            cache: true
        outputs: {all: "${{ tasks.chosen.output }}"}
    """

    first, second = run_workflow(text), run_workflow(text)

    assert (first.outputs, second.outputs) == ({"all": 2.0}, {"all": 2.0})
    assert second.states == {"ramp": "cached", "chosen": "cached"}


PLUGIN = """
from pathlib import Path
from flowpar.plugin import task_type


@task_type(files=("path",))
def read_it(path: Path, *, times: int = 1) -> str:
    return path.read_text() * times
"""
READING = """
    flowpar: 1
    plugins: [./plugin.py]
    tasks:
      read:
        read_it: {path: in.txt, times: 2}
        cache: true
    outputs: {all: "${{ tasks.read.output }}"}
"""


def test_a_file_that_a_key_of_a_plugin_names_counts(run_workflow: RunWorkflow, project: Path) -> None:
    (project / "plugin.py").write_text(PLUGIN)
    (project / "in.txt").write_text("one")
    run_workflow(READING)

    assert attempts(run_workflow(READING)) == []
    (project / "in.txt").write_text("two")
    again = run_workflow(READING)
    assert (again.outputs, attempts(again)) == ({"all": "twotwo"}, ["read"])
