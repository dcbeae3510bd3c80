"""Where graphs recorded or published by others lie: a folder that is named, since none of it is part of this project.

taskbench/*.json   Task Bench: `graphs`, each with `pattern`, `width`, `tasks` as [id, step, point, [need, …]] and the
                   `expected_checksum`
wfformat/*.json    executions in WfFormat, and MANIFEST.json with `dag_digest` and `lower_bound_2cpu_s` of each `file`
"""

from __future__ import annotations

import os
from pathlib import Path

from benchmarks.measure import LeftOut

VARIABLE = "BENCHMARK_WORKLOADS"


def workloads(kind: str) -> Path:
    """Return the folder of one kind.

    Raises:
        LeftOut: no folder is named, or it has none of that kind.

    """
    if not (named := os.environ.get(VARIABLE)):
        raise LeftOut(f"name the folder that has {kind}/ with --workloads or in ${VARIABLE}")
    folder = Path(named) / kind
    if not folder.is_dir():
        raise LeftOut(f'there is no folder "{folder}"')
    return folder
