"""The kind `container`, with an engine that stands in for Docker, and with a real one where there is one."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from flowpar.testing.contracts import TaskTypeContract
from flowpar.testing.fixtures import run_workflow
from flowpar.testing.page import blocks
from flowpar.testing.task import run_task

from flowpar_container.container import ContainerFailed, container

if TYPE_CHECKING:
    from collections.abc import Callable

    from flowpar.testing.fixtures import RunWorkflow

    Told = Callable[[], list[list[str]]]

__all__ = ["run_workflow"]

README = Path(__file__).parents[1] / "README.md"

ENDED_BY_TERM = """
from flowpar.testing.task import run_task
from flowpar_container.container import container
run_task(container, image="a:1", command="echo $$ > pid; exec sleep 60")
"""


class TestContract(TaskTypeContract):
    """What each task type must do."""

    kind = "container"
    function = staticmethod(container)

    @pytest.fixture
    def arguments(self, told: Told) -> dict[str, object]:
        """A command."""
        del told
        return {"image": "alpine:3", "command": "echo hello"}


def test_what_it_prints_is_the_output(told: Told) -> None:
    found = run_task(container, image="alpine:3", command='echo "{\\"a\\": 1}"; echo aside >&2', capture="json")

    assert found == {"stdout": '{"a": 1}\n', "exit_code": 0, "json": {"a": 1}}
    assert told()[0][:2] == ["run", "--rm"]


def test_a_value_of_a_variable_travels_beside_the_arguments(told: Told) -> None:
    found = run_task(container, image="alpine:3", command="echo $TOKEN", env={"TOKEN": "hush"})

    assert found["stdout"] == "hush\n"
    assert "hush" not in str(told())


def test_a_code_other_than_0_is_a_failure_with_what_was_printed_last(told: Told) -> None:
    with pytest.raises(ContainerFailed, match=r'"alpine:3" ended with code 7; it printed last:\nalmost$'):
        run_task(container, image="alpine:3", command="echo almost; exit 7")
    assert len(told()) == 1


def test_without_an_engine_it_says_so(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))

    with pytest.raises(FileNotFoundError, match="docker or podman is not installed here"):
        run_task(container, image="alpine:3")
    with pytest.raises(FileNotFoundError, match="podman is not installed here"):
        run_task(container, image="alpine:3", engine="podman")


def test_a_task_that_is_ended_takes_its_container_along(told: Told, tmp_path: Path) -> None:
    process = subprocess.Popen([sys.executable, "-c", ENDED_BY_TERM], cwd=tmp_path, env=os.environ)
    pid, deadline = tmp_path / "pid", time.monotonic() + 40
    while not (pid.exists() and pid.read_text().endswith("\n")):
        assert time.monotonic() < deadline
        assert process.poll() is None
        time.sleep(0.02)

    process.send_signal(signal.SIGTERM)

    assert process.wait(40) == 143
    assert told()[-1][:2] == ["rm", "--force"]
    assert told()[-1][2] == told()[0][3].removeprefix("--name=")
    os.kill(int(pid.read_text()), signal.SIGKILL)


def test_secrets_reach_it_in_a_workflow(
    run_workflow: RunWorkflow, told: Told, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("SOME_TOKEN", "very secret")
    text = """
        flowpar: 1
        name: box
        secrets: {TOKEN: {env: SOME_TOKEN}}
        tasks:
          count:
            for_each: {word: [one, three]}
            container:
              image: alpine:3
              command: test "${#TOKEN}" = 11; printf %s "$WORD" | wc -c
              env: {TOKEN: "${{ secrets.TOKEN }}", WORD: "${{ each.word }}"}
              mounts: {".": "/work"}
              capture: json
        outputs: {sizes: "${{ [one.json for one in tasks.count.output] }}"}
    """

    run = run_workflow(text)

    assert run.outputs == {"sizes": [3, 5]}
    assert all(f"--mount=type=bind,source={tmp_path},target=/work,readonly" in call for call in told())
    assert "very secret" not in str(told())
    assert len({word for call in told() for word in call if word.startswith("--name=")}) == 2


def test_an_engine_that_fails_is_told_from_a_command_that_does(told: Told) -> None:
    with pytest.raises(ContainerFailed, match=r'docker could not start "alpine:3"; what it says is in the log'):
        run_task(container, image="alpine:3", command="exit 125")
    assert len(told()) == 1


def test_the_readme_is_true(run_workflow: RunWorkflow, told: Told, tmp_path: Path) -> None:
    (workflow,) = [block.text for block in blocks(README.read_text()) if block.name == "lines.yaml"]
    here = workflow.replace("/books/", f"{tmp_path}/books/")  # this engine mounts nothing
    (tmp_path / "books").mkdir()
    (tmp_path / "books" / "emma.txt").write_text("one\ntwo\n")
    (tmp_path / "books" / "moby.txt").write_text("one\n")

    run = run_workflow(here)

    assert run.outputs == {"lines": [2, 1]}
    assert all("--env=FILE" in call for call in told())


def engine_works() -> bool:
    """Whether an engine is installed and lets this user in."""
    program = shutil.which("docker") or shutil.which("podman")
    return program is not None and subprocess.run([program, "info"], capture_output=True, check=False).returncode == 0


@pytest.mark.skipif(not engine_works(), reason="needs an engine")
def test_a_real_engine_runs_it() -> None:
    found = run_task(container, image="alpine:3", command="cat /etc/os-release")

    assert "Alpine" in found["stdout"]
