"""Branch coverage of the code on which every promise rests: `python -m benchmarks.branches [TESTS]`.

It runs the tests that reach it with a witness in every process, those that are killed included, and
prints coverage.py's report of what they saw; it ends with 1 where a file is below the goal.
"""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
import tempfile
import threading
from pathlib import Path

from coverage import Coverage, CoverageData

GOAL = 0.95
END = b"end"
ROOT = Path(__file__).parents[1]
SOUGHT = [
    str(ROOT / "flowpar" / name)
    for name in ("schedule/frontier.py", "record/journal.py", "execute/guard.py", "execute/launcher.py")
]
ROOMS = ("schedule", "record", "engine", "contracts", "execute", "death", "catalogue")
TESTS = ["tests/cli/test_main.py", *(f"tests/{room}" for room in ROOMS)]
WITNESS = Path(__file__).with_name("branch_witness.py")
# Python runs such a line of its site folder at the start of each process, however that is started.
HOOK = Path(sysconfig.get_path("purelib"), "flowpar_branch_witness.pth")
LINE = (
    f"import os; 'BRANCHES_SEEN_IN' in os.environ and exec(open({str(WITNESS)!r}).read(), {{'__name__': 'witness'}})\n"
)


def main(tests: list[str]) -> int:
    """Run the tests, report, and return the exit code."""
    with tempfile.TemporaryDirectory() as folder:
        # A FIFO takes what is written where files take nothing: beyond a limit of size, on a full disk.
        fifo = Path(folder, "seen")
        os.mkfifo(fifo)
        seen: set[bytes] = set()
        reader = threading.Thread(target=listen, args=(os.open(fifo, os.O_RDWR), seen))
        reader.start()
        environment = {"BRANCHES_SEEN_IN": str(fifo), "BRANCHES_SOUGHT_IN": os.pathsep.join(SOUGHT)}
        command = [sys.executable, "-m", "pytest", "-p", "benchmarks.branch_witness", "-q", "-n", "auto"]
        command += ["-m", "not soak", "--timeout", "300"]
        HOOK.write_text(LINE)
        try:
            code = subprocess.run([*command, *tests], cwd=ROOT, env=os.environ | environment, check=False).returncode
        finally:
            HOOK.unlink()
            fifo.write_bytes(END + b"\n")
            reader.join()
        is_reached = report(seen, Path(folder, "coverage"))
    return code or int(not is_reached)


def listen(fifo: int, seen: set[bytes]) -> None:
    """Take in what processes see, until the end is told."""
    with os.fdopen(fifo, "rb") as lines:
        for line in lines:
            if line.strip() == END:
                return
            seen.add(line)


def report(seen: set[bytes], data_file: Path) -> bool:
    """Print the figure of each file, with what no test has reached; return whether the goal is."""
    data = CoverageData(str(data_file))
    data.add_arcs({name: arcs_of(seen, place) for place, name in enumerate(SOUGHT)})
    data.write()
    coverage = Coverage(str(data_file), branch=True, config_file=str(ROOT / "pyproject.toml"))
    coverage.load()
    coverage.report(show_missing=True, include=SOUGHT, precision=1)
    figures = [branches_of(coverage, name) for name in SOUGHT]
    print()
    for name, (taken, there) in zip(SOUGHT, figures, strict=True):
        verdict = "reached" if taken >= GOAL * there else "NOT reached"
        title = str(Path(name).relative_to(ROOT))
        print(f"{title:<32} {taken} of {there} branches, {taken / there:.1%}  goal {GOAL:.0%} {verdict}")
    return all(taken >= GOAL * there for taken, there in figures)


def branches_of(coverage: Coverage, name: str) -> tuple[int, int]:
    """Return how many branches of a file were taken, and how many there are."""
    taken_of_there = coverage.branch_stats(name).values()
    return sum(taken for _, taken in taken_of_there), sum(there for there, _ in taken_of_there)


def arcs_of(seen: set[bytes], place: int) -> list[tuple[int, int]]:
    """Return the branches of one file as coverage.py writes them."""
    return sorted({(int(last), int(now)) for where, last, now in map(bytes.split, seen) if int(where) == place})


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:] or TESTS))
