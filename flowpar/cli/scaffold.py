"""The files that `flowpar new plugin` writes: a distribution of one task type, whose tests pass as written."""

from __future__ import annotations

from string import Template
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

_PYPROJECT = """\
[build-system]
requires = ["hatchling>=1.24"]
build-backend = "hatchling.build"

[project]
name = "$distribution"
version = "0.1.0"
description = "The task type $kind for flowpar"
readme = "README.md"
requires-python = ">=3.11"
dependencies = ["flowpar>=0.1"]

[project.optional-dependencies]
tests = ["pytest>=8.2"]

[project.entry-points."flowpar.tasks"]
$kind = "$package.task:$kind"

[tool.hatch.build.targets.wheel]
packages = ["src/$package"]

[tool.pytest.ini_options]
testpaths = ["tests"]
filterwarnings = ["error"]
"""

_README = """\
# $distribution

The task type `$kind` for [flowpar](https://pypi.org/project/flowpar/). Say here what it is for.

```sh
pip install -e '.[tests]'
flowpar plugins
```

`workflow.yaml`:

```yaml
$workflow```

```sh
flowpar run workflow.yaml
pytest
```

| key | | default |
|---|---|---|
| `text` | what to repeat; the short form | required |
| `times` | how often | 2 |

`tasks.<id>.output` is the text.
"""

_WORKFLOW = """\
flowpar: 1
name: try-$kind
tasks:
  short:
    $kind: "ho "
  long:
    $kind: {text: "hey ", times: 3}
outputs:
  said: $${{ tasks.long.output }}
"""

_TASK = '''\
"""The task type `$kind`: replace what it does by what yours should do.

The name of the function is the key in YAML, its parameters are the keys below it, its first parameter is the
short form, its return annotation is the type of the output, its docstring is the help.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from flowpar.plugin import Finding, TaskContext, task_type

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


def check(arguments: Mapping[str, object]) -> Iterator[Finding]:
    """Look at what is written in the workflow, before anything runs; leave it out if there is nothing to find."""
    times = arguments.get("times")
    if isinstance(times, int) and times < 1:
        yield Finding("nothing is left of it", argument="times", hint="repeat it once or more")


@task_type(executor="thread", check=check)
def $kind(text: str, *, times: int = 2, context: TaskContext) -> str:
    """Return a text several times over."""
    context.logger.info("repeats", times=times)
    return text * times
'''

_TESTS = '''\
from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from flowpar.testing.contracts import TaskTypeContract
from flowpar.testing.fixtures import run_workflow
from flowpar.testing.task import run_task

from $package.task import check, $kind

if TYPE_CHECKING:
    from flowpar.testing.fixtures import RunWorkflow

__all__ = ["run_workflow"]  # a fixture


class TestContract(TaskTypeContract):
    """What each task type must do."""

    kind = "$kind"
    function = staticmethod($kind)

    @pytest.fixture
    def arguments(self) -> dict[str, object]:
        return {"text": "ho "}


def test_it_repeats_a_text() -> None:
    assert run_task($kind, text="ho ", times=3) == "ho ho ho "


def test_its_check_finds_what_leaves_nothing() -> None:
    assert [finding.argument for finding in check({"text": "ho", "times": 0})] == ["times"]
    assert list(check({"text": "ho"})) == []


def test_it_runs_in_a_workflow(run_workflow: RunWorkflow) -> None:
    text = """
        flowpar: 1
        name: one
        inputs: {text: {type: string}}
        tasks:
          twice: {$kind: "$${{ inputs.text }}"}
        outputs: {said: "$${{ tasks.twice.output }}"}
    """

    run = run_workflow(text, inputs={"text": "hey "})

    assert run.states == {"twice": "succeeded"}
    assert run.outputs == {"said": "hey hey "}
'''

_FILES: Final[Mapping[str, str]] = {
    "pyproject.toml": _PYPROJECT,
    "README.md": _README,
    "workflow.yaml": _WORKFLOW,
    "src/$package/__init__.py": '"""The task type `$kind` for flowpar."""\n',
    "src/$package/py.typed": "",
    "src/$package/task.py": _TASK,
    "tests/test_$kind.py": _TESTS,
}


def plugin_files(kind: str) -> Mapping[str, str]:
    """Return the texts of a plugin's files by name; `kind` is the key of its task type."""
    names = {"kind": kind, "package": f"flowpar_{kind}", "distribution": f"flowpar-{kind.replace('_', '-')}"}
    names["workflow"] = Template(_WORKFLOW).substitute(names)
    return {Template(name).substitute(names): Template(text).substitute(names) for name, text in _FILES.items()}
