"""Rows P: what a task returns is what the next one gets, large or odd, also after a resume."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.catalogue.conftest import Yard

pytestmark = pytest.mark.timeout(180)

STEPS = """
    import collections, dataclasses, datetime, decimal, enum, math, os, pathlib, re, typing

    class Colour(enum.Enum): RED = 1

    @dataclasses.dataclass
    class Point:
        x: int
        colour: Colour

    class Pair(typing.NamedTuple):
        x: int
        y: str

    def odd() -> list:
        return [
            math.nan, {1: "i", "1": "s", None: "n", 1.5: "f", (1, 2): "t"}, (1, (2,)), b"\\x00\\xff", "\\ud83d\\0é",
            Colour.RED, Point(1, Colour.RED), Pair(1, "y"), datetime.datetime(2020, 1, 1, tzinfo=datetime.timezone.utc),
            decimal.Decimal("1.10"), pathlib.Path("x/y"), {1, 2}, frozenset([3]), 10**100, -0.0, 1 + 2j, range(5),
            collections.Counter("aab"), collections.defaultdict(int, {1: 2}), collections.deque([1], maxlen=3),
        ]

    def is_same(value) -> bool:
        return repr(value) == repr(odd()) and [type(each) for each in value] == [type(each) for each in odd()]

    def gate() -> int:
        if not os.path.exists("open"): raise ValueError("closed")
        return 1

    def blob(size: int) -> bytearray: return bytearray(size)

    def change(value: bytearray, n: int) -> int:
        assert value[0] == 0, "another consumer's change"
        value[0] = 1
        return len(value)

    def peak_of_engine(run_dir: str, size: int) -> int:
        pid = re.search(r"\\d+", pathlib.Path(run_dir, "lock").read_text())[0]
        status = pathlib.Path(f"/proc/{pid}/status").read_text()
        return int(re.search(r"VmHWM:\\s+(\\d+) kB", status)[1]) // 1024

    def same(n: int) -> int: return n
    def total(ns: list[int]) -> int: return sum(ns)
"""


def peak(yard: Yard, size: int, *, within_s: float = 90) -> int:
    """Return the most memory in MiB that the engine had when it had handed on a value of a size."""
    yard.write(
        f"""
        tasks:
          blob: {{python: "steps:blob", with: {{size: {size}}}}}
          use: {{python: "steps:change", with: {{value: "${{{{ tasks.blob.output }}}}", n: 1}}}}
          peak:
            python: steps:peak_of_engine
            with: {{run_dir: "${{{{ run.dir }}}}", size: "${{{{ tasks.use.output }}}}"}}
        outputs: {{peak: "${{{{ tasks.peak.output }}}}"}}
        """,
        STEPS,
    )
    ended = yard.end_of(yard.start("run", "workflow.yaml", "--json"), within_s=within_s)
    assert ended.code == 0, ended.stderr
    found: int = json.loads(ended.stdout)["peak"]
    return found


def test_p01_the_engine_does_not_grow_with_the_values_it_passes_on(yard: Yard) -> None:
    assert peak(yard, 100 << 20) - peak(yard, 1) < 20


@pytest.mark.soak
@pytest.mark.timeout(1800)
def test_p01_nor_with_one_of_two_gibibytes(yard: Yard) -> None:
    assert peak(yard, 2 << 30, within_s=1500) - peak(yard, 1) < 20


def test_p02_p08_odd_values_come_back_exactly_also_after_a_resume(yard: Yard) -> None:
    yard.write(
        """
        tasks:
          odd: {python: "steps:odd"}
          now: {python: "steps:is_same", with: {value: "${{ tasks.odd.output }}"}}
          gate: {python: "steps:gate"}
          later: {python: "steps:is_same", with: {value: "${{ tasks.odd.output }}"}, needs: [gate]}
        outputs: {now: "${{ tasks.now.output }}", later: "${{ tasks.later.output }}"}
        """,
        STEPS,
    )
    assert yard.run().code == 1
    (yard.folder / "open").touch()

    ended = yard.command("resume", "--json")

    assert ended.code == 0, ended.stderr
    assert json.loads(ended.stdout) == {"now": True, "later": True}
    assert sum(record["event"] == "task.started" and record["task"] == "odd" for record in yard.records()) == 1


def test_p03_a_fan_in_of_a_thousand_gets_them_all_in_order(yard: Yard) -> None:
    yard.write(
        """
        tasks:
          many:
            {python: "steps:same", executor: inline, for_each: {n: "${{ range(1000) }}"}, with: {n: "${{ each.n }}"}}
          total: {python: "steps:total", with: {ns: "${{ tasks.many.output }}"}}
        outputs: {total: "${{ tasks.total.output }}", last: "${{ tasks.many.output[999] }}"}
        """,
        STEPS,
    )

    ended = yard.run("--json")

    assert ended.code == 0, ended.stderr
    assert json.loads(ended.stdout) == {"total": sum(range(1000)), "last": 999}


def test_p05_p07_many_consumers_of_one_file_each_have_their_own_copy(yard: Yard) -> None:
    yard.write(
        """
        tasks:
          blob: {python: "steps:blob", with: {size: 1000000}}
          use:
            python: steps:change
            for_each: {n: "${{ range(30) }}"}
            with: {value: "${{ tasks.blob.output }}", n: "${{ each.n }}"}
        outputs: {sizes: "${{ unique(tasks.use.output) }}"}
        """,
        STEPS,
    )

    ended = yard.run("--json")

    assert ended.code == 0, ended.stderr
    assert json.loads(ended.stdout) == {"sizes": [1_000_000]}
    assert len([file for file in (yard.run_dir / "values").iterdir() if file.stat().st_size > 900_000]) == 1


def test_p09_a_value_that_is_altered_during_the_run_is_a_named_error_and_made_again(yard: Yard) -> None:
    spoil = 'for f in "$D"/values/*.val; do printf X | dd of="$f" bs=1 seek=5000 conv=notrunc; touch -d @0 "$f"; done'
    yard.write(
        f"""
        tasks:
          blob: {{python: "steps:blob", with: {{size: 1000000}}}}
          spoil:
            shell: '{spoil}'
            env: {{D: "${{{{ run.dir }}}}"}}
            needs: [blob]
          use: {{python: "steps:change", with: {{value: "${{{{ tasks.blob.output }}}}", n: 1}}, needs: [spoil]}}
        outputs: {{size: "${{{{ tasks.use.output }}}}"}}
        """,
        STEPS,
    )
    failed = yard.run()
    (yard.folder / "workflow.yaml").write_text((yard.folder / "workflow.yaml").read_text().replace("printf X", "true"))

    ended = yard.command("resume", "--json")

    assert failed.code == 1
    assert "its checksum does not match" in failed.stderr
    assert ended.code == 0, ended.stderr
    assert "blob runs again" in ended.stderr
    assert json.loads(ended.stdout) == {"size": 1_000_000}
