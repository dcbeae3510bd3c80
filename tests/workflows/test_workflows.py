"""Each example workflow runs as the README says, and its numbers are right."""

from __future__ import annotations

import csv
import json
import math
import os
import struct
import subprocess
import sys
import sysconfig
import zlib
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parents[1]))
import warm

from flowpar.cli.main import main

WORKFLOWS = Path(__file__).parents[2] / "workflows"


def run(name: str, folder: Path, *arguments: str) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Run an example from `folder` and return its outputs and its structured log."""
    environment = {key: value for key, value in os.environ.items() if not key.startswith("FLOWPAR_")}
    run_dir = folder / "run"

    command = ["run", str(WORKFLOWS / name), "--json", *arguments, "--run-dir", str(run_dir)]
    done = warm.run(command, cwd=folder, env=environment)

    assert done.returncode == 0, done.stderr
    log = [json.loads(line) for line in (run_dir / "run.log.jsonl").read_text().splitlines()]
    return json.loads(done.stdout), log


Ran = tuple[dict[str, Any], list[dict[str, Any]]]


@pytest.fixture(scope="module")
def quickstart(tmp_path_factory: pytest.TempPathFactory) -> Ran:
    return run("quickstart.yaml", tmp_path_factory.mktemp("quickstart"), "-i", "top=3", "-w", "2")


@pytest.fixture(scope="module")
def kmeans(tmp_path_factory: pytest.TempPathFactory) -> Ran:
    return run("kmeans.yaml", tmp_path_factory.mktemp("kmeans"))


def test_quickstart_measures_the_standard_library(quickstart: Ran) -> None:
    outputs, _ = quickstart

    library = Path(sysconfig.get_path("stdlib"))
    json_package = list((library / "json").glob("*.py"))
    assert len(outputs["packages"]) == 3
    lines = [package["lines"] for package in outputs["packages"]]
    assert lines == sorted(lines, reverse=True)
    assert outputs["total"]["packages"] > 20
    assert outputs["total"]["lines"] > sum(lines) > sum(p.read_bytes().count(b"\n") for p in json_package)


def test_quickstart_logs_pid_times_and_layer_of_each_task(quickstart: Ran) -> None:
    _, log = quickstart

    ended = [line for line in log if line["event"] == "task.succeeded" and line["pid"]]
    items = [line for line in ended if line["task"] == "measure"]
    assert len({line["pid"] for line in ended}) == len(ended)
    assert all(line["duration_s"] >= 0 and line["started_at"] <= line["ended_at"] for line in ended)
    assert {line["task"]: line["layer"] for line in ended} == {"packages": 0, "measure": 1, "total": 2, "rank": 2}
    assert any(
        first["started_at"] < second["ended_at"] and second["started_at"] < first["ended_at"]
        for number, first in enumerate(items)
        for second in items[number + 1 :]
    )


def test_gil_counts_the_same_in_each_way(tmp_path: Path) -> None:
    outputs, log = run("gil.yaml", tmp_path, "-i", "limit=30000")

    ways = {way["way"]: way for way in outputs["comparison"]}
    assert [way["primes"] for way in ways.values()] == [3245] * 3  # pi(30000)
    pids = {
        kind: {line["pid"] for line in log if line["event"] == "task.started" and line["task"] == kind}
        for kind in ("threads", "processes")
    }
    assert len(pids["threads"]) == 1
    assert len(pids["processes"]) == 4


def test_pi_is_within_five_standard_errors(tmp_path: Path) -> None:
    outputs, _ = run("pi.yaml", tmp_path, "-i", "darts=20000")

    assert abs(outputs["pi"] - math.pi) < 5 * outputs["standard_error"]
    assert outputs["standard_error"] < 0.02


def test_pi_depends_on_its_seed_alone(tmp_path: Path) -> None:
    results = []
    for number, seed in enumerate((7, 7, 8)):
        folder = tmp_path / str(number)
        folder.mkdir()
        results.append(run("pi.yaml", folder, "-i", "darts=5000", "-i", f"seed={seed}")[0]["pi"])

    assert results[0] == results[1] != results[2]


def test_mandelbrot_writes_a_picture_of_the_set(tmp_path: Path) -> None:
    picture = tmp_path / "set.png"

    outputs, _ = run("mandelbrot.yaml", tmp_path, "-i", "width=90", "-i", "height=60", "-i", f"picture={picture}")

    rows = png_rows(picture)
    assert (len(rows), len(rows[0])) == (60, 90)
    assert outputs == {"picture": str(picture), "inside": sum(row.count(0) for row in rows), "pixels": 5400}
    assert rows[30][66] == 0  # the origin lies inside the set, the corners outside
    assert 0 not in (rows[0][0], rows[0][-1], rows[-1][0], rows[-1][-1])


def png_rows(path: Path) -> list[bytes]:
    """Decode a greyscale PNG without filters, checking each chunk's checksum."""
    data, position, pixels, width = path.read_bytes(), 8, b"", 0
    assert data[:8] == b"\x89PNG\r\n\x1a\n"
    while position < len(data):
        (length,) = struct.unpack(">I", data[position : position + 4])
        kind, body = data[position + 4 : position + 8], data[position + 8 : position + 8 + length]
        assert struct.unpack(">I", data[position + 8 + length : position + 12 + length]) == (zlib.crc32(kind + body),)
        width = struct.unpack(">I", body[:4])[0] if kind == b"IHDR" else width
        pixels += body if kind == b"IDAT" else b""
        position += 12 + length
    raw = zlib.decompress(pixels)
    return [raw[start + 1 : start + 1 + width] for start in range(0, len(raw), width + 1)]


def test_shell_etl_sums_up_the_time_zones(tmp_path: Path) -> None:
    outputs, log = run("shell_etl.yaml", tmp_path)

    with (WORKFLOWS / "data" / "zones.csv").open(encoding="utf-8", newline="") as file:
        areas = Counter(row["zone"].split("/")[0] for row in csv.DictReader(file))
    kept = {area: count for area, count in areas.items() if area not in {"Atlantic", "Indian"}}
    assert outputs["rows"] == sum(areas.values()) == 312
    assert {area["area"]: area["zones"] for area in outputs["areas"]} == kept
    assert outputs["warning"] == "11 zones lie south of -50 degrees, the first is Antarctica/Vostok"
    assert any(line["event"] == "task.succeeded" and line["task"] == "warn" for line in log)


def test_shell_etl_skips_the_warning_when_there_is_nothing_to_say(tmp_path: Path) -> None:
    outputs, log = run("shell_etl.yaml", tmp_path, "-i", "south_of=-89.5")

    assert outputs["warning"] == "none"
    assert any(line["event"] == "task.skipped" and line["task"] == "warn" for line in log)


@pytest.mark.parametrize("path", sorted(WORKFLOWS.glob("*.yaml")), ids=lambda path: path.stem)
def test_check_finds_nothing_in_the_examples(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code = main(["check", "--strict", str(path)])

    told = capsys.readouterr()
    assert (code, told.out.count("error")) == (0, 0), told.err + told.out


def test_kmeans_fits_two_numbers_of_groups_by_one_sub_workflow(kmeans: Ran) -> None:
    outputs, log = kmeans

    with (WORKFLOWS / "data" / "zones.csv").open(newline="") as rows:
        count = len(list(csv.DictReader(rows)))
    assert sum(outputs["few"]) == sum(outputs["many"]) == count
    assert [len(outputs["few"]), len(outputs["many"])] == [3, 6]
    assert 0 < outputs["ratio"] < 1
    rounds = [line for line in log if line["event"] == "task.repeating" and line["task"] == "few/refine"]
    assert [line["round"] for line in rounds] == list(range(1, len(rounds) + 1))
    assert len({line["pid"] for line in rounds}) == len(rounds) > 2


def test_a_part_of_kmeans_runs_by_itself_and_comes_to_the_same(kmeans: Ran, tmp_path: Path) -> None:
    part, _ = run("kmeans_fit.yaml", tmp_path, "-i", "count=3")

    assert part["sizes"] == kmeans[0]["few"]


def test_digits_chooses_a_model_and_imports_scikit_learn_in_one_process(tmp_path: Path) -> None:
    outputs, log = run("digits.yaml", tmp_path, "-i", "folds=2", "-w", "2")

    assert outputs["accuracy"] > 0.97
    assert (outputs["gamma"], outputs["penalty"]) in {(g, p) for g in (0.0003, 0.001) for p in (1.0, 3.0, 10.0)}
    scores = [line for line in log if line["event"] == "task.succeeded" and line["task"] == "score" and line["pid"]]
    assert len(scores) == 32
    assert sorted(line["cpu_s"] for line in scores)[16] < importing_s("sklearn.svm, sklearn.model_selection")


def importing_s(modules: str) -> float:
    """Return the processor seconds of a fresh process that imports modules and does nothing else."""
    text = f"import {modules}, time; print(time.process_time())"
    return float(subprocess.run([sys.executable, "-c", text], capture_output=True, timeout=60, check=True).stdout)


@pytest.mark.soak
@pytest.mark.parametrize("executor", ["pool", "thread", "inline"])
@pytest.mark.parametrize("name", ["quickstart", "shell_etl", "pi", "kmeans", "mandelbrot", "digits"])
def test_an_example_gives_the_same_outputs_on_each_executor(name: str, executor: str, tmp_path: Path) -> None:
    smaller = {"digits": ("-i", "folds=2")}.get(name, ())
    outputs = []
    for kind in ("process", executor):
        (tmp_path / kind).mkdir()
        found, _ = run(f"{name}.yaml", tmp_path / kind, "--executor", kind, *smaller)
        outputs.append(json.dumps(found).replace(str(tmp_path / kind), ""))

    assert outputs[0] == outputs[1]
