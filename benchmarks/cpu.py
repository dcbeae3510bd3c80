"""P5, W4: tasks that compute, of very different lengths, against the best schedule on two cores.

64 tasks of 60 to 140 ms, every sixth of 400 ms, in layers of three, each task needs some of the layer before: who waits
for whole layers takes 28 % longer than who starts a task as soon as it can. The bound is the same work one task after
another in one process, by two; how near to it two bare processes at once come says what the machine's two cores are.
"""

from __future__ import annotations

import json
import random
import statistics
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from benchmarks.measure import Figure, fresh, own_seconds, python, run_seconds, versus

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

WORKERS = 2
_SEED = 280
_WIDTH = 3
STEPS = """\
def burn(rounds: int, values: list[int]) -> int:
    number = len(values)
    for _ in range(rounds):
        number = (number * 1103515245 + 12345) % 2147483648
    return number
"""
BARE = """\
import json, os, sys, time
from burning import burn
rounds, processes = sorted(json.load(open(sys.argv[1]))), int(sys.argv[2])
started = time.perf_counter()
children = []
for number in range(1, processes):
    pid = os.fork()
    if pid == 0:
        for each in rounds[number::processes]:
            burn(each, [])
        os._exit(0)
    children.append(pid)
for each in rounds[::processes]:
    burn(each, [])
for pid in children:
    os.waitpid(pid, 0)
print(time.perf_counter() - started)
"""


@dataclass(frozen=True, slots=True)
class Burning:
    """Tasks in an order in which needs come first: how long each takes, and the numbers of those it needs."""

    lengths_ms: tuple[int, ...]
    needs: tuple[tuple[int, ...], ...]

    @property
    def least_ms(self) -> float:
        """What no schedule on two cores can be shorter than."""
        return max(sum(self.lengths_ms) / WORKERS, *self._paths_ms())

    @property
    def by_need_ms(self) -> int:
        """What it takes to start the ready task with the longest path ahead whenever a core is free."""
        paths = self._paths_ms()
        cores, done, left = [0] * WORKERS, dict[int, int](), set(range(len(self.needs)))
        while left:
            now = min(cores)
            ready = [n for n in left if all(done.get(need, now + 1) <= now for need in self.needs[n])]
            if ready:
                task = max(ready, key=lambda n: (paths[n], -n))
                cores[cores.index(now)] = done[task] = now + self.lengths_ms[task]
                left.remove(task)
            else:
                cores[cores.index(now)] = min(end for end in done.values() if end > now)
        return max(done.values())

    @property
    def by_layer_ms(self) -> int:
        """What it takes where each layer waits for the whole of the one before."""
        total_ms = 0
        for start in range(0, len(self.needs), _WIDTH):
            cores = [0] * WORKERS
            for length_ms in sorted(self.lengths_ms[start : start + _WIDTH], reverse=True):
                cores[cores.index(min(cores))] += length_ms
            total_ms += max(cores)
        return total_ms

    def workflow(self, rounds: Sequence[int]) -> str:
        """Return the tasks as a workflow."""
        lines = ["flowpar: 1", "name: w4", "tasks:"]
        for number, (each, needs) in enumerate(zip(rounds, self.needs, strict=True)):
            values = ", ".join(f'"${{{{ tasks.burn{need}.output }}}}"' for need in needs)
            lines.append(f"  burn{number}: {{python: 'burning:burn', with: {{rounds: {each}, values: [{values}]}}}}")
        return "\n".join([*lines, ""])

    def _paths_ms(self) -> list[int]:
        paths = list(self.lengths_ms)
        for number in reversed(range(len(paths))):
            for need in self.needs[number]:
                paths[need] = max(paths[need], self.lengths_ms[need] + paths[number])
        return paths


def burning(count: int, *, seed: int = _SEED) -> Burning:
    """Return so many tasks, the same ones each time."""
    choose = random.Random(seed)
    lengths = tuple(400 if number % 6 == 5 else choose.randrange(60, 141) for number in range(count))
    needs: list[tuple[int, ...]] = []
    for number in range(count):
        layer = number // _WIDTH * _WIDTH
        before = range(max(0, layer - _WIDTH), layer)
        needs.append(tuple(sorted(choose.sample(before, min(len(before), choose.randrange(1, 3))))))
    return Burning(lengths, tuple(needs))


def figures(folder: Path, *, repeats: int, tiny: bool = False) -> list[Figure]:
    """Measure the run in processes and in the pool, and the bare work, in turn."""
    tasks = burning(6 if tiny else 64)
    (folder / "burning.py").write_text(STEPS)
    per_ms = 1 if tiny else _rounds_per_ms()
    rounds = [length_ms * per_ms for length_ms in tasks.lengths_ms]
    (folder / "rounds.json").write_text(json.dumps(rounds))
    (folder / "w4.yaml").write_text(tasks.workflow(rounds))
    times: dict[str, list[float]] = {"bare": [], "at once": [], "process": [], "pool": []}
    for _ in range(repeats):
        for way, processes in (("bare", 1), ("at once", WORKERS)):
            times[way].append(own_seconds(python("-c", BARE, "rounds.json", str(processes)), folder=folder))
        for executor in ("process", "pool"):
            command = fresh("run", "w4.yaml", "-q", "-w", str(WORKERS), "--executor", executor)
            times[executor].append(run_seconds(folder, command))
    scale = tasks.least_ms / sum(tasks.lengths_ms)
    return [_figure(tasks, executor, goal, times, scale) for executor, goal in (("process", 1.10), ("pool", 1.06))]


def _figure(tasks: Burning, executor: str, goal: float, times: dict[str, list[float]], scale: float) -> Figure:
    bounds = [bare_s * scale for bare_s in times["bare"]]
    ratios = versus(times[executor], bounds)
    by_need, by_layer = tasks.by_need_ms / tasks.least_ms, tasks.by_layer_ms / tasks.least_ms
    at_once = statistics.median(versus(times["at once"], bounds))
    detail = (
        f"{min(times[executor]):.2f} s against {min(bounds):.2f} s; {WORKERS} bare processes at once {at_once:.2f}; "
        f"the best order {by_need:.2f}, {by_layer:.2f} with a barrier after each layer"
    )
    return Figure(f"P5  W4, {executor} / the CPU bound of {WORKERS} cores", ratios, goal, detail)


def _rounds_per_ms() -> int:
    namespace: dict[str, object] = {}
    exec(STEPS, namespace)  # noqa: S102  # the very text that the tasks run
    burn = namespace["burn"]
    assert callable(burn)
    took = []
    for _ in range(5):
        started = time.perf_counter()
        burn(400_000, [])
        took.append(time.perf_counter() - started)
    return int(400_000 / min(took) / 1e3)
