"""Documents that were broken at random, as a whole: a plan or findings with a place, no exception, and soon.

Seeds are golden documents and the workflows that ship; what breaks them are bytes, words of the language, and
pieces of other documents.
"""

from __future__ import annotations

import os
import random
import resource
import sys
import time
from contextlib import suppress
from pathlib import Path

import pytest

from flowpar.core.errors import PluginError
from flowpar.core.source import NOWHERE
from flowpar.planning.planner import prepare
from flowpar.plugin.registry import Registry
from flowpar.report.excerpt import render
from flowpar.report.findings import as_json

ROOT = Path(__file__).parents[2]
SEEDS = [*sorted((ROOT / "tests" / "golden" / "check").glob("*.yaml")), *sorted((ROOT / "workflows").glob("*.yaml"))]
DOCUMENTS, SOAKED_DOCUMENTS = 400, 100_000
LONGEST_S = 20.0
MOST_MEMORY_BYTES = 200 << 20
MOST_BYTES = 3_000
# Of this process's own time: the machine may be busy with other things.
clock = time.process_time
PIECES = [
    *"\t\n\r:-[]{}'\"#|>&*!%@,?~\\\x00\x85",
    "  ", "\n  ", ": ", "- ", "---\n", "<<: *a", "&a ", "*a", "|\n", ">-\n", "\u2028", "\ufeff", "🙂", "\uff41", "é",
    "${{", "}}", "${{ tasks.a.output }}", "${{ 9**9**9 }}", "${{ 'x' * 10**9 }}", "${{ [x for x in y] }}", "${{ (",
    "no", "on", "1:30", "0o17", "0x1f", ".nan", "-.inf", "1e999", "9" * 400, "null", "[]", "{}", "!!python/object:x",
    "tasks", "needs", "with", "python", "shell", "if", "for_each", "matrix", "retry", "timeout", "inputs", "outputs",
    "flowpar", "defaults", "env", "executor", "each", "x-y", "limits", "plugins", "default", "type", "[[[[", "{a: {a: ",
]  # fmt: skip


def mutant(draw: random.Random) -> bytes:
    """Return a document that was broken in some places."""
    content = bytearray(draw.choice(SEEDS).read_bytes()[:MOST_BYTES])
    for _ in range(draw.randint(1, 8)):
        start = draw.randint(0, len(content))
        end = min(len(content), start + draw.choice([0, 0, 0, 1, 2, 8, 40, 200]))
        match draw.randint(0, 9):
            case 0:
                piece = draw.choice(SEEDS).read_bytes()[draw.randint(0, 500) :][: draw.randint(1, 300)]
            case 1:
                piece = draw.randbytes(draw.randint(1, 4))
            case 2:
                piece = bytes(content[start:end]) * draw.randint(2, 30)
            case _:
                piece = draw.choice(PIECES).encode()
        content[start:end] = piece
    return bytes(content)


def examine(content: bytes, path: Path) -> float:
    """Check a document as `flowpar check` does; return how long that took, in seconds of the processor."""
    path.write_bytes(content)
    began = clock()
    with suppress(PluginError):  # an answer, too: exit code 3 and a message
        prepared = prepare(path, registry=Registry(), given=None)
        found = prepared.diagnostics
        text = render(found, prepared.sources)
        assert all(line.isprintable() for line in text.splitlines())
        assert as_json(found)
        assert prepared.plan is not None or found.has_errors
        for finding in found:
            assert finding.span != NOWHERE
            assert finding.span.line >= 1
            assert finding.span.column >= 1
    return clock() - began


def peak_bytes() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def fuzz(folder: Path, *, seed: int, count: int) -> tuple[float, int]:
    """Break and check so many documents; return the longest seconds, and by what this process's peak grew, in bytes."""
    path = folder / "workflow.yaml"
    longest_s, before_bytes = 0.0, peak_bytes()
    (folder / "steps.py").write_bytes((ROOT / "tests" / "golden" / "check" / "steps" / "words.py").read_bytes())
    for number in range(count):
        content = mutant(random.Random(f"{seed}:{number}"))  # noqa: S311 - the same each time, and no secret
        try:
            seconds = examine(content, path)
        except Exception as error:
            raise AssertionError(f"document {seed}:{number}: {error!r}\n{content!r}") from error
        assert seconds < LONGEST_S, f"document {seed}:{number} took {seconds:.2f} s: {content!r}"
        longest_s = max(longest_s, seconds)
        grown_bytes = peak_bytes() - before_bytes
        assert grown_bytes < MOST_MEMORY_BYTES, f"document {seed}:{number} took the peak to {grown_bytes} bytes more"
    return longest_s, peak_bytes() - before_bytes


@pytest.mark.timeout(180)
def test_no_document_breaks_the_check(tmp_path: Path) -> None:
    longest_s, _ = fuzz(tmp_path, seed=1, count=DOCUMENTS)

    assert longest_s > 0


@pytest.mark.soak
@pytest.mark.timeout(3600)
def test_no_document_of_very_many_breaks_the_check(tmp_path: Path) -> None:
    seed = int(os.environ.get("FLOWPAR_SOAK_SEED", "2"))

    longest_s, grown_bytes = fuzz(tmp_path, seed=seed, count=SOAKED_DOCUMENTS)

    worst = f"the slowest {longest_s:.2f} s of the processor, {grown_bytes / (1 << 20):.0f} MB"
    sys.stderr.write(f"seed {seed}: {SOAKED_DOCUMENTS} documents, none broke it, {worst}\n")
    assert longest_s > 0
