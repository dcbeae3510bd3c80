"""Tables of a profile, from what the profilers write."""

from __future__ import annotations

from benchmarks.profiles import imports, samples, table

ENGINE = "process 1:python;process 2:python;main (/x/flowpar/cli/main.py:9)"
LAUNCHER = "process 1:python;process 3:python;_launch (/x/flowpar/execute/guard.py:1)"
LINES = [
    f"{ENGINE};commit (/x/flowpar/record/journal.py:142) 30",
    f"{ENGINE};_load (<frozen importlib._bootstrap>:6);e (d.py:4) 10",
    f"{LAUNCHER};send (/x/flowpar/execute/wire.py:2);s (z.py:3) 8",
    f"{LAUNCHER};process 4:python;run (/x/flowpar/execute/launcher.py:1);_make (/x/flowpar/execute/worker.py:2) 2",
    f"{LAUNCHER};attempt (/x/flowpar/execute/attempt.py:1);_Server.serve_forever (/x/flowpar/data/managed.py:2) 3",
    "process 1:python;process 5:python;_bootstrap (/y/threading.py:1) 1",
]


def test_a_sample_counts_for_its_process_and_for_the_innermost_function_of_ours() -> None:
    assert [(each.role, each.function, each.count) for each in samples(LINES)] == [
        ("engine", "record/journal.py commit", 30),
        ("engine", "imports", 10),
        ("launcher", "execute/wire.py send", 8),
        ("task process", "execute/worker.py _make", 2),
        ("manager of outputs", "data/managed.py _Server.serve_forever", 3),
        ("guard and start-up", "outside flowpar", 1),
    ]


def test_a_table_has_the_costliest_process_and_function_first() -> None:
    lines = list(table(list(samples(LINES)), tasks=100))

    assert [line.split() for line in lines[:3]] == [
        ["engine", "2.000", "ms", "a", "task"],
        ["record/journal.py", "commit", "1.500", "75%"],
        ["imports", "0.500", "25%"],
    ]


def test_imports_are_summed_by_package() -> None:
    report = "import time: self [us] | cumulative | imported package\n"
    report += "import time:      1500 |       1500 |   yaml.loader\nimport time:       500 |       2000 | yaml\n"

    assert [line.split() for line in imports(report)] == [
        ["yaml", "2.0", "ms", "2", "modules"],
        ["all", "2.0", "ms", "2", "modules"],
    ]
