from __future__ import annotations

import sys
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from flowpar.core.outcome import Failure, FailureKind, Success
from flowpar.execute.recipe import Bindings, FailureView, Judge, Render, TaskView
from flowpar.expr.template import Constant

sys.path.insert(0, str(Path(__file__).parent))
from attempts import Bench, everything_put_back, expression

if TYPE_CHECKING:
    from collections.abc import Iterator

STEPS = """
    from __future__ import annotations

    import logging, os, sys
    from typing import TYPE_CHECKING
    from pathlib import Path

    if TYPE_CHECKING:
        import datetime
        from flowpar import TaskContext

    def echo(value): return value
    def where(): return os.getcwd(), sys.path[:2], dict(os.environ)
    def about(context: TaskContext) -> dict:
        context.logger.bind(page=1).info("fetched", url="x")
        context.progress(1, 2)
        context.progress(2, 2, "done")
        logging.getLogger("lib").warning("odd %s", "thing")
        (context.scratch / "f").write_text("x")
        return dict(task=context.task, item=context.item, attempt=context.attempt, run=context.run_id,
                    key=context.idempotency_key, scratch=str(context.scratch), cwd=str(context.cwd),
                    env=context.env["FLOWPAR_TASK"], cancelled=context.cancelled())
    def only(a, /, b, *, c: Path = Path("z"), **more: float): return [a, b, c, more]
    def when(at: datetime.datetime, day: datetime.date): return [at, day]
    def stream(): yield 1
    async def later(): return 1
    async def stream_later(): yield 1
    class Row:
        def __init__(self, n: int): self.n = n
    def row(): return Row(5)
    def read(n): return n
    THING = 3
"""


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    made = Bench.at(tmp_path)
    made.module("steps", textwrap.dedent(STEPS))
    with everything_put_back():
        yield made


def test_a_function_is_called_with_evaluated_arguments(bench: Bench) -> None:
    assert bench.call("steps:echo", value=expression("[inputs.top + 1, run.id, workflow.name]")) == [
        4,
        "run-1",
        "words",
    ]


def test_a_task_runs_in_the_folder_of_its_workflow_which_comes_first_on_the_path(bench: Bench) -> None:
    bench.share(python_path=("/more",))

    folder, path, _ = bench.call("steps:where")

    assert folder == bench.shared.workflow_dir
    assert path == [bench.shared.workflow_dir, "/more"]


def test_a_folder_of_its_own_is_relative_to_the_workflow(bench: Bench) -> None:
    (bench.folder / "work/sub").mkdir()

    folder, _, _ = bench.call("steps:where", cwd="sub")

    assert folder == str(bench.folder / "work/sub")
    assert bench.failure("steps:where", cwd="nowhere").message == 'cwd "nowhere" is no folder'


def test_environments_are_layered_and_the_later_one_wins(bench: Bench) -> None:
    bench.share(
        env_file={"A": "file", "B": "file", "C": "file"},
        env={"B": Constant("top"), "C": expression("env.A + '+top'"), "FLAG": Constant(value=True)},
    )
    bench.item = 7

    _, _, environment = bench.call("steps:where", env={"C": expression("env.C + '+task'"), "N": Constant(5)})

    assert {name: environment[name] for name in ("A", "B", "C", "N", "FLAG")} == {
        "A": "file",
        "B": "top",
        "C": "file+top+task",
        "N": "5",
        "FLAG": "true",
    }
    assert environment["FLOWPAR_TASK"] == "count"
    assert environment["FLOWPAR_ITEM"] == "7"
    assert environment["FLOWPAR_ATTEMPT"] == "2"
    assert environment["FLOWPAR_RUN_ID"] == "run-1"
    assert environment["FLOWPAR_SCRATCH"].endswith("/scratch/0")


def test_a_variable_that_is_no_text_is_named(bench: Bench) -> None:
    failure = bench.failure("steps:where", env={"ROWS": expression("[1, 2]")})

    assert failure.kind is FailureKind.EXPRESSION
    assert failure.message.startswith('env "ROWS": a value of type list cannot stand inside a text')
    assert bench.failure("steps:where", env={"Z": Constant("a\0b")}).message == 'env "Z" holds a zero character'


def test_a_context_is_given_for_its_annotation_whatever_the_parameters_name(bench: Bench) -> None:
    bench.item = 3

    about = bench.call("steps:about")

    scratch = about.pop("scratch")
    assert about == {
        "task": "count",
        "item": 3,
        "attempt": 2,
        "run": "run-1",
        "key": "run-1/count/3",
        "cwd": bench.shared.workflow_dir,
        "env": "count",
        "cancelled": False,
    }
    assert not list(Path(scratch).iterdir())


def test_what_a_task_says_reaches_the_engine_the_last_progress_included(bench: Bench) -> None:
    bench.call("steps:about")

    logs = [body for kind, body in bench.said if kind == "log"]
    assert [(body["level"], body["message"]) for body in logs] == [("info", "fetched"), ("warning", "odd thing")]
    assert logs[0]["fields"] == {"page": 1, "url": "x"}
    assert logs[1]["fields"] == {"logger": "lib"}
    assert [body["done"] for kind, body in bench.said if kind == "progress"] == [1.0, 2.0]


def test_parameters_of_every_kind_get_their_arguments_and_texts_become_what_they_are_annotated_with(
    bench: Bench,
) -> None:
    assert bench.call("steps:only", a=1, b=2, c="x/y", d=4) == [1, 2, Path("x/y"), {"d": 4.0}]
    assert bench.call("math:sqrt", x=9) == 3.0

    at, day = bench.call("steps:when", at="2024-05-01T12:30:00Z", day="2024-05-01")
    assert (at.isoformat(), day.isoformat()) == ("2024-05-01T12:30:00+00:00", "2024-05-01")


def test_a_text_that_is_no_date_fails_by_the_name_of_its_argument(bench: Bench) -> None:
    failure = bench.failure("steps:when", at="soon", day="2024-05-01")

    assert failure.message == (
        'argument "at" of "steps:when" wants datetime.datetime, and this is "soon", which is not a date and time '
        "in ISO form, such as 2024-05-01T12:30:00Z; it comes from the workflow file"
    )


def test_an_argument_of_another_type_fails_its_own_task_and_says_where_it_comes_from(bench: Bench) -> None:
    bench.module("typed", "def f(numbers: list[int], top: int = None): return numbers\n")
    made = bench.outcome(Bench.recipe("steps:echo", {"value": [1, 2, "three"]}))
    assert isinstance(made, Success)
    bench.bindings = Bindings(tasks={"make": TaskView("succeeded", made.value)})

    failure = bench.failure("typed:f", numbers=expression("tasks.make.output"), top=None)

    assert (failure.kind, failure.type) == (FailureKind.EXPRESSION, "TypeError")
    assert failure.message == (
        'argument "numbers" of "typed:f" wants list[int], and this is the text "three" at [2], not int; '
        "it comes from ${{ tasks.make.output }}"
    )


def test_an_item_that_contradicts_its_annotation_fails_the_task_that_yields_it(bench: Bench) -> None:
    bench.module("typed", "from typing import Iterator\ndef f(x) -> Iterator[int]:\n    yield 1\n    yield x\n")

    failure = bench.failure("typed:f", x="two")

    message = 'item 1 that "typed:f" yields is the text "two", and the annotation is "-> collections.abc.Iterator[int]"'
    assert (failure.kind, failure.type) == (FailureKind.OUTPUT, "TypeError")
    assert failure.message.replace("typing.", "").replace("collections.abc.", "") == message.replace(
        "collections.abc.", ""
    )
    assert bench.call("typed:f", x=2) == [1, 2]


def test_an_output_that_contradicts_its_annotation_fails_its_own_task(bench: Bench) -> None:
    bench.module("typed", "from pathlib import Path\ndef f() -> list[Path]: return [Path('a'), 'b']\n")

    failure = bench.failure("typed:f")

    assert (failure.kind, failure.type) == (FailureKind.OUTPUT, "TypeError")
    assert failure.message == (
        f'"typed:f" returned the text "b" at [1], not Path, and the annotation is "-> {list[Path]!r}"'
    )


@pytest.mark.parametrize(
    ("target", "message"),
    [
        ("steps:later", '"steps:later" is async; let a plain function return asyncio.run(…) of it'),
        (
            "steps:stream_later",
            '"steps:stream_later" is an async generator; let a plain function yield, or return a list',
        ),
    ],
)
def test_what_is_no_value_yet_is_refused(bench: Bench, target: str, message: str) -> None:
    failure = bench.failure(target)

    assert (failure.kind, failure.message) == (FailureKind.OUTPUT, message)


def test_an_output_that_cannot_be_passed_on_fails_its_task(bench: Bench) -> None:
    bench.module("bad", "import threading\ndef f(): return {'model': [threading.Lock()]}\n")

    failure = bench.failure("bad:f")

    assert failure.kind is FailureKind.OUTPUT
    assert failure.message.startswith('output["model"][0] is a lock')


def test_an_output_of_a_users_class_is_read_by_the_next_task(bench: Bench) -> None:
    made = bench.outcome(Bench.recipe("steps:row", {}))
    assert isinstance(made, Success)
    bench.bindings = Bindings(tasks={"make": TaskView("succeeded", made.value)})

    assert bench.call("steps:read", n=expression("tasks.make.output.n")) == 5


def test_a_missing_output_names_the_argument_and_the_expression(bench: Bench) -> None:
    error = FailureView("exception", "ValueError", "no", 1, None, "")
    bench.bindings = Bindings(tasks={"make": TaskView("failed", error=error)})

    failure = bench.failure("steps:echo", value=expression("tasks.make.output"))

    assert failure.kind is FailureKind.EXPRESSION
    assert failure.message == 'argument "value": task "make" has no output: it is failed, in ${{ tasks.make.output }}'
    assert bench.call("steps:echo", value=expression("default(tasks.make.output, 5)")) == 5
    assert bench.call("steps:echo", value=expression("tasks.make.error.message")) == "no"


def test_a_lost_value_file_names_the_task_it_came_from(bench: Bench) -> None:
    ref = bench.store.put(bytes(100_000), "lost")
    (Path(bench.shared.run_dir) / "values/lost.val").unlink()
    bench.bindings = Bindings(tasks={"make": TaskView("succeeded", ref)})

    failure = bench.failure("steps:echo", value=expression("tasks.make.output"))

    assert 'the output of task "make" cannot be read' in failure.message
    assert '"values/lost.val"' in failure.message


def test_a_large_output_is_a_file_named_after_the_job(bench: Bench) -> None:
    outcome = bench.outcome(Bench.recipe("steps:echo", {"value": bytes(200_000)}))

    assert isinstance(outcome, Success)
    assert outcome.value.file == "values/1.val"


def test_an_output_that_cannot_be_written_is_a_failure_with_the_reason(bench: Bench) -> None:
    (Path(bench.shared.run_dir) / "values").write_text("in the way")

    failure = bench.failure("steps:echo", value=bytes(200_000))

    assert failure.kind is FailureKind.OUTPUT
    assert failure.message.startswith("output cannot be written to the run folder: ")


@pytest.mark.parametrize(
    ("target", "type_name", "message"),
    [
        ("step:echo", "ModuleNotFoundError", 'there is no module "step" in'),
        ("steps.words:echo", "ModuleNotFoundError", 'there is no module "steps.words" in'),
        ("steps:eco", "AttributeError", 'has no function "eco"; did you mean "echo"?'),
        ("steps:THING", "TypeError", '"steps:THING" is no function'),
    ],
)
def test_a_target_that_is_not_there_is_named(bench: Bench, target: str, type_name: str, message: str) -> None:
    failure = bench.failure(target)

    assert failure.type == type_name
    assert message in failure.message


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("1/0", 'module "broken" cannot be imported: division by zero'),
        (
            "import nothing_like_it",
            'module "broken" cannot be imported: No module named \'nothing_',
        ),
        ("def f(:", 'module "broken" cannot be imported: invalid syntax'),
        ("import sys; sys.exit(4)", 'module "broken" cannot be imported: called sys.exit(4)'),
        ("from broken import f", 'module "broken" cannot be imported: cannot import name'),
    ],
)
def test_a_module_that_cannot_be_imported_is_named_with_the_reason(bench: Bench, text: str, message: str) -> None:
    bench.module("broken", text)

    failure = bench.failure("broken:f")

    assert failure.message.startswith(message)
    assert "flowpar/" not in failure.traceback
    assert "importlib" not in failure.traceback


def test_a_module_that_an_earlier_task_wrote_is_found(bench: Bench) -> None:
    assert bench.failure("fresh:f").type == "ModuleNotFoundError"

    bench.module("fresh", "def f(): return 'found'\n")

    assert bench.call("fresh:f") == "found"


def test_a_condition_is_judged_and_must_be_a_bool(bench: Bench) -> None:
    def judged(text: str) -> object:
        outcome = bench.outcome(Judge(expression(text)))
        return bench.store.get(outcome.value) if isinstance(outcome, Success) else outcome

    assert judged("inputs.top > 2") is True
    assert judged("inputs.top > 3") is False
    failure = judged("inputs.top")
    assert isinstance(failure, Failure)
    assert failure.message == "if: it must be true or false, not int"


def test_the_workflows_outputs_become_json_text(bench: Bench) -> None:
    outcome = bench.outcome(Render({"top": expression("inputs.top"), "raw": Constant(b"x")}))

    assert isinstance(outcome, Success)
    text = bench.store.get(outcome.value)
    assert text == '{"top": 3, "raw": {"$type": "bytes", "$value": "values/1-1.val"}}'


def test_a_thread_leaves_the_process_as_it_is_but_for_what_all_attempts_share(bench: Bench) -> None:
    bench.is_isolated = False
    bench.share(env={"COMMON": Constant("yes")})

    _, _, environment = bench.call("steps:where")
    about = bench.call("steps:about")

    assert environment["COMMON"] == "yes"
    assert "FLOWPAR_TASK" not in environment
    assert about["env"] == "count"


def test_a_module_that_fails_is_run_once(bench: Bench) -> None:
    counting = "from pathlib import Path; Path('ran').write_text('twice' if Path('ran').exists() else 'once')"
    bench.module("half", f"{counting}; import nothing_like_it")

    failure = bench.failure("half:f")

    assert (bench.folder / "work/ran").read_text() == "once"
    assert "During handling" not in failure.traceback


def test_what_import_and_call_took_is_told_of_functions_of_the_user_alone(bench: Bench) -> None:
    bench.module("slow", "import time\ntime.sleep(0.02)\ndef f(): time.sleep(0.04)\n")

    called = bench.outcome(bench.recipe("slow:f", {}))
    commanded = bench.outcome(bench.recipe("flowpar.tasks.shell:shell", {"run": "true"}))

    assert isinstance(called, Success)
    assert called.spent is not None
    assert called.spent.import_s >= 0.02
    assert called.spent.call_s >= 0.04
    assert isinstance(commanded, Success)
    assert commanded.spent is None
