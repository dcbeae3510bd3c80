"""Make the pictures of reports beside this file: two runs, shown by Chromium on a desktop, a phone and in the dark.

    python docs/images/make_report.py

It needs playwright (in the group `tests`) and a Chromium; all else happens in a folder that is removed.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from playwright.sync_api import sync_playwright

if TYPE_CHECKING:
    from collections.abc import Iterator

HERE = Path(__file__).parent
STEPS = '''
import random
import struct
import time
import zlib
from dataclasses import dataclass
from pathlib import Path


@dataclass
class Model:
    folds: int
    loss: float


def load(rows: int) -> list[int]:
    time.sleep(0.3)
    return list(range(rows))


def clean(rows: list[int]) -> list[int]:
    time.sleep(0.25)
    return rows


def stats(rows: list[int]) -> dict[str, float]:
    time.sleep(0.6)
    return {"rows": len(rows), "mean": sum(rows) / len(rows), "missing": 0}


def train(fold: int, *, bad: int) -> dict[str, float]:
    draw = random.Random(fold)
    time.sleep(0.2 + draw.random())
    tried = Path(f".tried-{fold}")
    if fold % 5 == 2 and not tried.exists():
        tried.touch()
        raise ConnectionError("the feature store closed the connection")
    print(f"fold {fold}: 8000 rows")
    print("epoch 1: loss 0.412")
    if fold == bad:
        print("epoch 2: loss nan")
        raise ValueError(f"the loss of fold {fold} is not a number; its learning rate may be too high")
    return {"fold": fold, "loss": round(0.3 + draw.random() / 10, 4), "epochs": draw.randint(8, 30)}


def best(found: list[dict[str, float]]) -> Model:
    time.sleep(0.4)
    return Model(len(found), min(each["loss"] for each in found))


def table(found: list[dict[str, float]]) -> list[dict[str, float]]:
    time.sleep(0.15)
    return sorted(found, key=lambda each: each["loss"])[:5]


def curve(found: list[dict[str, float]]) -> bytes:
    """Draw the losses as a PNG, with nothing but the standard library."""
    width, height = 360, 140
    rows = []
    for y in range(height):
        row = bytearray(b"\\xff" * 3 * width)
        for place, each in enumerate(found):
            left = 12 + place * (width - 24) // len(found)
            if y > height - (each["loss"] - 0.28) * 1100:
                row[3 * left : 3 * (left + 14)] = bytes((59, 130, 181)) * 14
        rows.append(b"\\0" + bytes(row))
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    parts = [(b"IHDR", head), (b"IDAT", zlib.compress(b"".join(rows))), (b"IEND", b"")]
    made = [struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
            for kind, data in parts]
    return b"\\x89PNG\\r\\n\\x1a\\n" + b"".join(made)


def draw(settings: int) -> list[int]:
    return list(range(settings))


def simulate(setting: int) -> dict[str, int]:
    time.sleep(0.0005 + setting * 7919 % 13 / 5000)
    if setting % 2500 == 1234:
        raise ValueError(f"setting {setting} does not converge")
    return {"setting": setting, "score": setting * 7919 % 1000}


def rank(found: list[dict[str, int] | None]) -> list[dict[str, int]]:
    return sorted(filter(None, found), key=lambda each: -each["score"])[:5]
'''
FOLDS = """
flowpar: 1
name: churn-model
description: Trains a model on each fold of the data, keeps the best one and publishes it.
inputs:
  folds: {type: integer, default: 16}
  bad: {type: integer, default: -1}
tasks:
  load: {python: "steps:load", with: {rows: "${{ inputs.folds }}"}}
  clean: {python: "steps:clean", with: {rows: "${{ tasks.load.output }}"}}
  stats: {python: "steps:stats", with: {rows: "${{ tasks.load.output }}"}}
  train:
    for_each: {fold: "${{ tasks.clean.output }}"}
    python: steps:train
    with: {fold: "${{ each.fold }}", bad: "${{ inputs.bad }}"}
    retry: {attempts: 2, delay: 100ms, on: [ConnectionError]}
  table: {python: "steps:table", with: {found: "${{ tasks.train.output }}"}}
  curve: {python: "steps:curve", with: {found: "${{ tasks.train.output }}"}}
  best: {python: "steps:best", with: {found: "${{ tasks.train.output }}"}}
  publish: {shell: "sleep 0.2; echo published", needs: [best, table, curve, stats]}
finally:
  tidy: {shell: "sleep 0.1; rm -f .tried-*"}
outputs:
  best_folds: ${{ tasks.table.output }}
  folds: ${{ inputs.folds }}
"""
SWEEP = """
flowpar: 1
name: sweep
description: Simulates ten thousand settings of a model, and ranks them.
tasks:
  draw: {python: "steps:draw", with: {settings: 10000}}
  simulate:
    for_each: {setting: "${{ tasks.draw.output }}"}
    executor: pool
    python: steps:simulate
    with: {setting: "${{ each.setting }}"}
    on_item_error: collect
  rank: {python: "steps:rank", with: {found: "${{ tasks.simulate.output }}"}}
outputs: {ranking: "${{ tasks.rank.output }}"}
"""


def reports(folder: Path) -> Iterator[tuple[str, Path]]:
    """Run the workflows in a folder, and give the report of each run by the name of its pictures."""
    (folder / "steps.py").write_text(STEPS)
    runs = {"report": (FOLDS, ()), "report-failed": (FOLDS, ("-i", "bad=11")), "report-10000": (SWEEP, ("-w", "8"))}
    for name, (workflow, options) in runs.items():
        (folder / "workflow.yaml").write_text(workflow)
        flowpar = (sys.executable, "-m", "flowpar")
        subprocess.run([*flowpar, "run", "workflow.yaml", "-q", "-w", "4", *options], cwd=folder, check=False)
        subprocess.run([*flowpar, "report", "last", "-o", f"{name}.html"], cwd=folder, check=True)
        yield name, folder / f"{name}.html"


def main() -> None:
    """Make all pictures."""
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    with tempfile.TemporaryDirectory() as scratch, sync_playwright() as playwright:
        browser: Any = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        for name, path in reports(Path(scratch)):
            shoot(browser, path, HERE / f"{name}.png")
            if name == "report":
                shoot(browser, path, HERE / "report-dark.png", scheme="dark")
                shoot(browser, path, HERE / "report-phone.png", width=375, ratio=2)
        browser.close()


def shoot(browser: Any, path: Path, target: Path, *, width: int = 1280, scheme: str = "light", ratio: int = 1) -> None:
    """Show a report and take a picture of its beginning."""
    viewport = {"width": width, "height": 1500}
    context = browser.new_context(viewport=viewport, color_scheme=scheme, device_scale_factor=ratio)
    page = context.new_page()
    page.goto(path.as_uri())
    page.wait_for_selector("html[data-ready]", state="attached")
    page.screenshot(path=target)
    context.close()


if __name__ == "__main__":
    main()
