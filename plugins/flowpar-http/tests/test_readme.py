"""The README's workflow checks and runs as it is written."""

from __future__ import annotations

import http.server
import json
import shlex
import subprocess
import sys
import threading
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from flowpar.testing.page import blocks, commands

if TYPE_CHECKING:
    from collections.abc import Iterator

README = Path(__file__).parents[1] / "README.md"
SHOWN_ADDRESS = "http://127.0.0.1:8000"


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base's name
        """Say nothing."""


@pytest.fixture
def site(tmp_path: Path) -> Iterator[str]:
    """Serve the folder that the README makes, on any free port."""
    folder = tmp_path / "site"
    folder.mkdir()
    for name, text in {"a.txt": "one\n", "b.txt": "three\n", "index.json": '["a.txt", "b.txt"]\n'}.items():
        (folder / name).write_text(text)
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder)))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    thread.join(10)
    server.server_close()


def test_the_workflow_runs_as_it_is_written(site: str, tmp_path: Path) -> None:
    found = list(blocks(README.read_text()))
    (workflow,) = [block for block in found if block.name == "pages.yaml"]
    (console,) = [block for block in found if block.language == "console"]
    (tmp_path / "pages.yaml").write_text(workflow.text)
    outputs: list[str] = []

    for command in commands(console):
        words = shlex.split(command.text.replace(SHOWN_ADDRESS, site))
        done = subprocess.run(
            [sys.executable, "-m", *words, *(["--json"] if "run" in words else [])],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=50,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        outputs.append(done.stdout)

    assert json.loads(outputs[-1]) == {"sizes": [4, 6]}
