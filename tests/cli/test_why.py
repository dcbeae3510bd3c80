"""`flowpar why`, the reasons in `flowpar plan`, and what a changed source runs again."""

from __future__ import annotations

import json
import textwrap
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
from warm import run

from flowpar.cli.reported import reported
from flowpar.engine.why import explain, explain_all
from flowpar.record.journal import sealed

if TYPE_CHECKING:
    from pathlib import Path

FILES = {
    "w.yaml": """
        flowpar: 1
        inputs: {n: 1}
        defaults: {cache: true}
        tasks:
          price: {python: "steps:price", with: {n: "${{ inputs.n }}"}}
          plain: {python: "steps:plain", for_each: {n: [1, 2, "${{ inputs.n * 10 }}"]}, with: {n: "${{ each.n }}"}}
          never: {shell: "true", if: "inputs.n > 99"}
          always: {shell: "true", cache: false}
    """,
    "steps.py": """
        from lib.near import near

        def price(n):
            total = near() * n  # as agreed
            return total

        def plain(n): return n
    """,
    "lib/__init__.py": "",
    "lib/near.py": "import lib.far\n\ndef near(): return lib.far.rate()\n",
    "lib/far.py": "from lib.rates import RATE\n\ndef rate(): return RATE\n",
    "lib/rates.py": "UNUSED = 1\nRATE = 3\n",
}


@pytest.fixture
def project(tmp_path: Path) -> Path:
    for name, text in FILES.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(textwrap.dedent(text))
    return tmp_path


def flowpar(project: Path, *arguments: str) -> str:
    end = run(arguments, cwd=project, is_merged=True)
    assert end.returncode == 0, end.stdout
    return str(end.stdout)


def told(project: Path, *arguments: str) -> list[str]:
    """The lines of a command, with the runs as `run 1`, `run 2`, in their order."""
    text = flowpar(project, *arguments)
    for number, folder in enumerate(sorted((project / ".flowpar" / "runs").iterdir()), 1):
        text = text.replace(folder.name, str(number))
    return text.splitlines()


def verdicts(project: Path, task: str, item: str | None = None) -> list[tuple[str, str, list[str]]]:
    """Why a task of the last run ran, without a command: verdict, the number of the run before, reasons."""
    runs = sorted((project / ".flowpar" / "runs").iterdir())
    numbers = {path.name: str(number) for number, path in enumerate(runs, 1)}
    _, answers = explain(runs[-1], runs, task, item)
    return [
        (
            answer.verdict,
            "" if answer.against is None else numbers[answer.against[0]],
            [reason.text for reason in answer.reasons],
        )
        for answer in answers
    ]


def edit(project: Path, name: str, old: str, new: str) -> None:
    text = (project / name).read_text()
    assert old in text
    (project / name).write_text(text.replace(old, new))


def test_only_what_reaches_a_change_runs_again_and_why_names_it(project: Path) -> None:
    flowpar(project, "run", "w.yaml")

    assert told(project, "why", "last", "price") == ["price ran in run 1: no earlier run has it"]

    edit(project, "steps.py", "total", "sum_of_all")
    edit(project, "steps.py", "# as agreed", "# as said\n")
    edit(project, "lib/rates.py", "UNUSED = 1", '"""Rates."""\nUNUSED = 2')

    assert "2 cached" in flowpar(project, "run", "w.yaml")
    [cached] = told(project, "why", "last", "price")
    assert cached.startswith(
        "price did not run in run 2: it was made in run 1, and nothing that counts has changed since"
    )

    edit(project, "lib/rates.py", "RATE = 3", "RATE = 4")

    lines = told(project, "plan", "w.yaml")
    assert "  price: would run: constant RATE (lib/rates.py:3) changed since run 2" in lines
    assert "  plain: would not run: what run 1 made is kept" in lines

    flowpar(project, "run", "w.yaml", "-i", "n=2")

    assert told(project, "why", "last", "price") == [
        "price ran in run 3, because since run 2:",
        "  constant RATE (lib/rates.py:3) changed",
        '  argument "n" changed',
    ]
    assert verdicts(project, "plain", "2") == [("changed", "2", ['argument "n" changed'])]
    assert verdicts(project, "plain") == [("cached", "1", []), ("changed", "2", ['argument "n" changed'])]
    assert verdicts(project, "always") == [("no_cache", "", [])]
    assert verdicts(project, "never") == [("skipped", "", [])]
    found = json.loads(flowpar(project, "why", "last", "price", "--json"))
    assert [reason["name"] for reason in found["answers"][0]["reasons"]] == ["lib.rates:RATE", "n"]


def test_a_report_says_why_each_task_ran(project: Path) -> None:
    flowpar(project, "run", "w.yaml")
    edit(project, "lib/rates.py", "RATE = 3", "RATE = 4")
    flowpar(project, "run", "w.yaml", "-i", "n=2")
    runs = sorted((project / ".flowpar" / "runs").iterdir())

    page, _, _ = reported(runs[1], datetime.now(UTC), runs)

    said = {task.name: [each.replace(runs[0].name, "1") for each in task.because] for task in page.tasks}
    assert said == {
        "price": ['ran because: constant RATE (lib/rates.py:2) changed; argument "n" changed, against run 1'],
        "plain": [
            said["plain"][0],
            '1 item ran because: argument "n" changed, against run 1',
        ],
        "never": [],
        "always": [],
    }
    assert said["plain"][0].startswith("2 items from the cache of run 1, which took ")


def test_10_000_items_are_told_in_a_few_lines(tmp_path: Path) -> None:
    def line(run: int, item: int) -> dict[str, object]:
        parts = {"code": "c", "arguments": {"n": f"{item}"}, "python": f"{run if item % 2 else 1}"}
        record = {"event": "task.succeeded", "task": "t", "item": item, "cache_key": f"{run}-{item}"}
        return {**record, "seq": item + 2, "cache_parts": parts}

    runs = [tmp_path / name for name in ("1", "2")]
    for number, folder in enumerate(runs, 1):
        folder.mkdir()
        first = {"event": "run.started", "seq": 1, "journal": 1, "run_id": folder.name, "file": "w.yaml"}
        lines = [first, *(line(number, item) for item in range(10_000))]
        (folder / "events.jsonl").write_bytes(b"".join(sealed(json.dumps(each).encode()) for each in lines))

    found = explain_all(runs[1], runs)

    assert [(answer.verdict, answer.count) for answer in found["t"]] == [("same", 5_000), ("changed", 5_000)]


OPEN = """
    flowpar: 1
    inputs: {n: 1}
    defaults: {cache: true}
    tasks:
      price: {python: "steps:price", with: {n: "${{ inputs.n }}"}}
      plain: {python: "steps:plain", for_each: [1, 2, "${{ inputs.n * 10 }}"], with: {n: "${{ each.item }}"}}
      total: {python: "steps:plain", with: {n: "${{ tasks.price.output }}"}}
      conf: {shell: "cat conf.ini", cache: {files: conf.ini, env: [FLOWPAR_TEST_MODE], version: "${{ inputs.n }}"}}
      always: {shell: "true", cache: false}
      after: {python: "steps:plain", with: {n: "${{ tasks.always.output.exit_code }}"}}
"""


def test_plan_says_all_that_is_known_before_the_run(project: Path) -> None:
    (project / "open.yaml").write_text(textwrap.dedent(OPEN))
    (project / "conf.ini").write_text("a")
    flowpar(project, "run", "open.yaml", "-q")
    assert told(project, "plan", "open.yaml")[-5:] == [
        "  price: would not run: what run 1 made is kept",
        "  plain: would not run: what run 1 made is kept",
        "  conf: would not run: what run 1 made is kept",
        "  total: would not run: what run 1 made is kept",
        "  after: would run if always gives something else than in run 1",
    ]

    (project / "conf.ini").write_text("b")
    flowpar(project, "cache", "rm", "price")

    assert told(project, "plan", "open.yaml", "-i", "n=2")[-5:] == [
        '  price: would run: argument "n" changed since run 1',
        '  plain: 1 of 3 items would run: argument "n" changed since run 1',
        "  conf: would run: file conf.ini changed; the version of its cache changed since run 1",
        "  total: would run if price gives something else than in run 1",
        "  after: would run if always gives something else than in run 1",
    ]
    gone = "  price: would run, though nothing has changed since run 1: what that made is not kept any more"
    assert gone in told(project, "plan", "open.yaml")

    short = textwrap.dedent(OPEN).replace("cache: true", "cache: {ttl: 1ms}")
    (project / "open.yaml").write_text(short)
    flowpar(project, "run", "open.yaml", "-q")
    old = "  price: would run, though nothing has changed since run 2: what that made is older than its ttl"
    assert old in told(project, "plan", "open.yaml")


CHAIN = """
    flowpar: 1
    inputs: {list: [1, 2, 3]}
    defaults: {cache: true}
    tasks:
      first: {python: "steps:plain", for_each: {n: "${{ inputs.list }}"}, with: {n: "${{ each.n }}"}}
      each:
        python: steps:plain
        for_each: {n: "${{ tasks.first.output }}"}
        with: {n: "${{ each.n + 1 }}"}
        cache: {version: 2}
      last: {python: "steps:plain", with: {n: "${{ sum(tasks.each.output) }}"}}
      home: {python: "steps:plain", with: {n: "${{ sum(tasks.first.output) + len(env.FLOWPAR_TEST_MODE) }}"}}
"""


def test_plan_knows_what_follows_from_tasks_that_come_to_the_same(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FLOWPAR_TEST_MODE", "x")
    (project / "chain.yaml").write_text(textwrap.dedent(CHAIN))
    flowpar(project, "run", "chain.yaml", "-q")
    flowpar(project, "run", "chain.yaml", "-q")
    kept, unknown = "would not run: what run 1 made is kept", "nothing that is known before the run has changed"

    def planned(*options: str) -> dict[str, str]:
        lines = (line.split(": ", 1) for line in told(project, "plan", "chain.yaml", *options)[-4:])
        return {name.strip(): text.partition(" since")[0] for name, text in lines}

    assert planned() == {"first": kept, "each": kept, "last": kept, "home": unknown}
    # Each item that is left is as it was; what is made of their list is not.
    assert planned("-i", "list=[1, 2]") == {"first": kept, "each": unknown, "last": unknown, "home": unknown}
    edit(project, "chain.yaml", "each.n + 1", "each.n + 2")
    assert planned() == {"first": kept, "each": unknown, "last": unknown, "home": unknown}
    edit(project, "chain.yaml", "each.n + 2", "each.n + 1")
    flowpar(project, "cache", "rm", "each[1]")
    gone = "would run, though nothing has changed"
    assert (planned()["each"], planned()["last"]) == (gone, "would run if each gives something else than in run 2")


def test_why_knows_what_was_there_and_was_not_taken(project: Path) -> None:
    flowpar(project, "run", "w.yaml", "--only", "price")
    flowpar(project, "run", "w.yaml", "--only", "price", "--refresh", "price")
    edit(project, "w.yaml", "{cache: true}", "{cache: {ttl: 1ms}}")
    flowpar(project, "run", "w.yaml", "--only", "price")
    runs = sorted((project / ".flowpar" / "runs").iterdir())

    found = [explain(run, runs, "price", None)[1][0] for run in runs[1:]]

    assert [(answer.verdict, answer.note) for answer in found] == [("same", "refreshed"), ("same", "expired")]


def test_what_failed_before_runs_again_though_nothing_changed(project: Path) -> None:
    edit(project, "steps.py", "return n", "return 1 / 0")
    for _ in range(2):
        assert run(["run", "w.yaml", "--only", "plain"], cwd=project).returncode == 1

    assert verdicts(project, "plain", "1") == [("not_kept", "1", [])]


def test_a_task_that_is_not_there_is_told_with_the_nearest_name(project: Path) -> None:
    flowpar(project, "run", "w.yaml", "--only", "plain")

    end = run(["why", "last", "plan"], cwd=project)

    assert end.returncode == 2
    assert end.stderr.endswith('did you mean "plain"?\n')


def test_why_knows_what_could_not_be_kept(project: Path) -> None:
    (project / "w.yaml").write_text('flowpar: 1\ntasks: {t: {shell: "true", cache: {outputs: "*.none"}}}\n')
    for _ in range(2):
        flowpar(project, "run", "w.yaml", "-q")

    (line,) = told(project, "why", "last", "t")
    assert line.endswith("nothing that counts has changed since run 1: nothing was kept there, and that run said why")
