"""Workflows of many tasks, to be checked."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

_STEPS = """\
from dataclasses import dataclass


@dataclass
class Row:
    n: int
    name: str


def make(n: int, label: str = "x") -> Row:
    return Row(n, label)


def total(rows: list[Row], scale: float = 1.0) -> float:
    return sum(row.n for row in rows) * scale
"""
_FIVE = """\
  made{n}:
    python: rows:make
    with:
      n: ${{{{ inputs.n + {n} }}}}
      label: item ${{{{ inputs.name }}}} {n}
  told{n}:
    shell: echo ${{{{ tasks.made{n}.output.name }}}} "twice ${{{{ tasks.made{n}.output.n * 2 }}}}" | wc -c
    env:
      NAME: ${{{{ inputs.name }}}}
  summed{n}:
    if: inputs.go and tasks.made{n}.output.n > {n}
    python: rows:total
    with:
      rows: ["${{{{ tasks.made{n}.output }}}}"]
  each{n}:
    for_each: ${{{{ range({n} % 7) }}}}
    python: rows:make
    with: {{n: "${{{{ each.item }}}}"}}
    retry: 2
  script{n}:
    python:
      script: |
        output = sum(row.n for row in rows) + {n}
    with:
      rows: ${{{{ tasks.each{n}.output }}}}
"""


def mixed(tasks: int, folder: Path) -> str:
    """Return a workflow of python, shell and script tasks with fan-outs and conditions; its module is put beside it."""
    (folder / "rows.py").write_text(_STEPS)
    head = "flowpar: 1\ninputs: {n: 3, name: world, go: true}\ntasks:\n"
    return head + "".join(_FIVE.format(n=n) for n in range(tasks // 5))
