"""A command with guard, launcher, engine, outputs and two tasks that won't go; told to die by the tests.

`scene.py run FOLDER START_METHOD` writes FOLDER/scene.json once everything is up, then serves until it
is interrupted (exit 130) or loses a part of itself (exit 3, with a message).
"""

from __future__ import annotations

import json
import os
import signal
import sys
from pathlib import Path

from flowpar.execute.guard import Tree, split


def main(tree: Tree | None) -> int:
    # Late, as the command does it: the processes part before anything heavy is imported.
    from flowpar.core.errors import MachineError
    from flowpar.data.address import new_address
    from flowpar.execute.base import Job
    from flowpar.execute.control import Setup
    from flowpar.execute.crew import Crew

    folder, start_method = Path(sys.argv[2]), sys.argv[3]
    heard: list[int] = []
    for stop in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(stop, lambda number, _: heard.append(number))
    setup = Setup(
        2,
        start_method,
        attempt="fake_attempt:make_attempt",
        outputs_address=new_address(),
        outputs_key="ab" * 32,
    )
    crew = Crew.open(tree=tree, workers=2, setup=setup)
    for number in range(2):
        pids = str(folder / f"pids-{number}").encode()
        crew.submit("process", Job(number, "t", None, 1, b"", b"hang_stubbornly", pids, f"{folder}/{number}.log", 5.0))
    try:
        crew.outputs.update({})
        while not all((folder / f"pids-{number}").exists() for number in range(2)):
            crew.wait(0.01)
        show(folder, tree)
        while not heard:
            crew.wait(0.05)
    except MachineError as error:
        sys.stderr.write(f"error: {error.message}\n")
        return int(error.exit_code)
    (folder / "heard").write_text(json.dumps(heard))
    crew.close()
    return 128 + heard[0]


def show(folder: Path, tree: Tree | None) -> None:
    scene = {
        "engine": os.getpid(),
        "guard": tree.guard if tree else None,
        "launcher": tree.launcher if tree else None,
        "tasks": [list(map(int, (folder / f"pids-{number}").read_text().split())) for number in range(2)],
    }
    (folder / "scene.tmp").write_text(json.dumps(scene))
    (folder / "scene.tmp").replace(folder / "scene.json")


if __name__ == "__main__":
    sys.exit(main(split(sys.argv)))
