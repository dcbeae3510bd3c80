"""The files that `flowpar init` writes: a word count over three short texts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

_WORKFLOW = """\
# Counts the words of several texts at once. Run it with:  flowpar run workflow.yaml
flowpar: 1
name: word-count
description: Count the words of many texts, each in a process of its own.

inputs:
  folder: {type: path, default: texts, description: a folder of .txt files}
  top: 5                                   # try: flowpar run workflow.yaml -i top=3

tasks:
  find:
    python: steps:find_texts
    with:
      folder: ${{ inputs.folder }}

  count:
    for_each:
      text: ${{ tasks.find.output }}       # one process for each text
    python: steps:count_words
    with:
      text: ${{ each.text }}

  merge:
    python: steps:merge
    with:
      counts: ${{ tasks.count.output }}    # what the items returned, in order
      top: ${{ inputs.top }}

  report:
    shell: echo "the commonest word is $WORD"
    env:
      WORD: ${{ tasks.merge.output[0].word }}

outputs:
  words: ${{ tasks.merge.output }}
"""

_STEPS = '''\
"""The functions of workflow.yaml: plain Python, which knows nothing of flowpar."""

import re
from collections import Counter
from dataclasses import dataclass
from pathlib import Path


@dataclass
class WordCount:
    word: str
    count: int


def find_texts(folder: Path) -> list[Path]:
    """Return the texts of a folder, sorted by name."""
    return sorted(folder.glob("*.txt"))


def count_words(text: Path) -> Counter[str]:
    """Count the words of one text."""
    return Counter(re.findall(r"[a-z]+", text.read_text(encoding="utf-8").lower()))


def merge(counts: list[Counter[str]], top: int) -> list[WordCount]:
    """Add all counts up and return the commonest words."""
    total: Counter[str] = Counter()
    for count in counts:
        total += count
    return [WordCount(word, number) for word, number in total.most_common(top)]
'''

_RIVER = """\
The river ran past the mill and past the town, and the sea took the river in.
Nobody in the town had seen the sea, but all of them had heard the river.
"""
_ROAD = """\
The road went up the hill and down the hill. A cart went up the road at noon,
and at night the cart came down the road again.
"""
_RAIN = """\
Rain fell on the hill, rain fell on the road, and the river rose with the rain.
In the morning the sun came back and dried the road.
"""

FILES: Final[Mapping[str, str]] = {
    "workflow.yaml": _WORKFLOW,
    "steps.py": _STEPS,
    "texts/river.txt": _RIVER,
    "texts/road.txt": _ROAD,
    "texts/rain.txt": _RAIN,
}
