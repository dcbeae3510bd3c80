"""An engine for the tests: a program that does here what Docker would do in a container, and writes down how."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

# It runs what stands behind the image, with the environment of its own variables only, as an engine would.
ENGINE = """#!{python}
import json, os, subprocess, sys
told = open({told!r}, "a")
told.write(json.dumps(sys.argv[1:]) + "\\n")
told.flush()
if sys.argv[1] == "run":
    place = next(n for n, word in enumerate(sys.argv[2:], 2) if not word.startswith("-"))
    names = [word.removeprefix("--env=") for word in sys.argv if word.startswith("--env=")]
    env = {{"PATH": os.environ["PATH"], **{{name: os.environ[name] for name in names}}}}
    sys.exit(subprocess.run(sys.argv[place + 1:], env=env).returncode)
"""


@pytest.fixture
def told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[], list[list[str]]]:
    """Put the engine on the path as `docker`; the function returns how it was called."""
    folder = tmp_path / "bin"
    folder.mkdir()
    file = tmp_path / "told"
    program = folder / "docker"
    program.write_text(ENGINE.format(python=sys.executable, told=str(file)))
    program.chmod(0o700)
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")
    return lambda: [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []
