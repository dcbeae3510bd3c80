"""A document becomes a workflow: short forms are written out, and whatever is wrong is found at its place."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flowpar.core.diagnostics import Severity
from flowpar.core.executors import EXECUTORS
from flowpar.core.source import Source
from flowpar.lang.binding import Bound, bind, plugins_of
from flowpar.lang.loader import parse
from flowpar.lang.model import DefaultsModel, InputModel, RetryModel, TaskModel
from flowpar.lang.shape import keys_of
from flowpar.lang.vocabulary import BUILT_IN_KINDS, FOREIGN_TASK_KEYS, FOREIGN_TOP_KEYS

if TYPE_CHECKING:
    from flowpar.core.diagnostics import Diagnostic
    from flowpar.lang.node import Document


def bound(text: str, *, kinds: frozenset[str] = BUILT_IN_KINDS) -> Bound:
    return bind(document_of(text), kinds=kinds)


def document_of(text: str) -> Document:
    loaded = parse(Source("w.yaml", text))
    assert loaded.document is not None, loaded.diagnostics
    return loaded.document


def task(text: str, *, kinds: frozenset[str] = BUILT_IN_KINDS) -> tuple[TaskModel, tuple[Diagnostic, ...]]:
    """Bind a workflow with the one task `t`, whose lines are given."""
    lines = "".join(f"    {line}\n" for line in text.splitlines())
    found = bound(f"flowpar: 1\ntasks:\n  t:\n{lines}", kinds=kinds)
    return found.workflow.tasks["t"], found.diagnostics


def right_task(text: str) -> TaskModel:
    model, diagnostics = task(text)
    assert diagnostics == ()
    return model


def finding_of(text: str) -> Diagnostic:
    _, diagnostics = task(text)
    assert len(diagnostics) == 1, diagnostics
    return diagnostics[0]


def test_the_smallest_workflow() -> None:
    found = bound("flowpar: 1\ntasks: {a: {shell: echo}}\n")

    assert found.diagnostics == ()
    assert found.workflow.tasks == {"a": TaskModel(kind="shell", body="echo")}


def test_a_whole_task() -> None:
    model = right_task(
        """\
python: steps.words:count
description: count words
needs: [a, b]
if: ${{ inputs.x }}
for_each: {book: "${{ tasks.list.output }}", weight: [1, 2]}
max_parallel: 4
on_item_error: collect
with: {book: "${{ each.book }}", n: 1, deep: {a: [true, null]}}
env: {A: 1.10, B: true, C: "${{ each.weight }}"}
cwd: data
executor: thread
retry: {attempts: 4, delay: 2s, backoff: 2, max_delay: 1m, jitter: true, on: [ConnectionError, exit 75, a.b.C, died]}
timeout: 1h30m
grace: 0
allow_failure: true"""
    )

    assert model == TaskModel(
        kind="python",
        body="steps.words:count",
        description="count words",
        needs=("a", "b"),
        condition="${{ inputs.x }}",
        for_each={"book": "${{ tasks.list.output }}", "weight": [1, 2]},
        max_parallel=4,
        on_item_error="collect",
        arguments={"book": "${{ each.book }}", "n": 1, "deep": {"a": [True, None]}},
        env={"A": "1.10", "B": "true", "C": "${{ each.weight }}"},
        cwd="data",
        executor="thread",
        retry=RetryModel(
            attempts=4,
            delay=2.0,
            backoff=2.0,
            max_delay=60.0,
            jitter=True,
            on=("ConnectionError", "exit 75", "a.b.C", "died"),
        ),
        timeout=5400.0,
        grace=0.0,
        allow_failure=True,
    )


def test_settings_may_be_expressions() -> None:
    model = right_task(
        'shell: x\ntimeout: ${{ inputs.t }}\nretry: ${{ inputs.n }}\nmax_parallel: "${{ inputs.m }}"\n'
        "allow_failure: ${{ inputs.b }}\ngrace: ${{ inputs.g }}s\non_item_error: ${{ inputs.e }}\n"
        "for_each: ${{ inputs.l }}"
    )

    assert model.timeout == "${{ inputs.t }}"
    assert model.retry == RetryModel(attempts="${{ inputs.n }}", counts_retries=True)
    assert model.max_parallel == "${{ inputs.m }}"
    assert model.allow_failure == "${{ inputs.b }}"
    assert model.grace == "${{ inputs.g }}s"
    assert model.on_item_error == "${{ inputs.e }}"


def test_retry_reads_as_it_says() -> None:
    assert right_task("shell: x\nretry: 3").retry == RetryModel(attempts=4)
    assert right_task("shell: x\nretry: 0").retry == RetryModel(attempts=1)


def test_words_of_a_command_stay_as_written() -> None:
    assert right_task("shell: [pip, install, 1.10, no, 010]").body == ["pip", "install", "1.10", "no", "010"]


def test_the_long_form_of_shell() -> None:
    assert right_task("shell: {run: ls, shell: bash}").body == {"run": "ls", "shell": "bash"}
    assert right_task("shell: {run: [sleep, 1.0]}").body == {"run": ["sleep", "1.0"]}


def test_a_kind_of_a_plugin() -> None:
    model, diagnostics = task("http: {url: x}", kinds=frozenset({"http"}) | BUILT_IN_KINDS)

    assert diagnostics == ()
    assert (model.kind, model.body) == ("http", {"url": "x"})


def test_a_kind_that_shares_a_foreign_word_wins() -> None:
    model, diagnostics = task("run: {url: x}", kinds=frozenset({"run"}) | BUILT_IN_KINDS)

    assert diagnostics == ()
    assert model.kind == "run"


def test_inputs_long_and_short() -> None:
    found = bound(
        """\
flowpar: 1
inputs:
  top: 10
  rate: 0.5
  name: x
  on: true
  list: [1]
  books: {type: path, default: data/books, description: texts}
  must: {type: integer, minimum: 1, maximum: 3.5, enum: [1, 2]}
  word: {type: string, pattern: a+, min_length: 1, max_length: 3}
  many: {type: list, items: number, default: []}
  guess: {default: 3}
  maybe: {type: any, default: null}
tasks: {a: {shell: echo}}
"""
    )

    assert found.diagnostics == ()
    assert found.workflow.inputs == {
        "top": InputModel(type="integer", default=10, has_default=True),
        "rate": InputModel(type="number", default=0.5, has_default=True),
        "name": InputModel(type="string", default="x", has_default=True),
        "on": InputModel(type="boolean", default=True, has_default=True),
        "list": InputModel(type="list", default=[1], has_default=True),
        "books": InputModel(type="path", default="data/books", description="texts", has_default=True),
        "must": InputModel(type="integer", minimum=1, maximum=3.5, enum=[1, 2]),
        "word": InputModel(type="string", pattern="a+", min_length=1, max_length=3),
        "many": InputModel(type="list", items="number", default=[], has_default=True),
        "guess": InputModel(type="integer", default=3, has_default=True),
        "maybe": InputModel(type="any", default=None, has_default=True),
    }


def test_the_other_top_level_keys() -> None:
    found = bound(
        """\
x-note: {anything: [goes, no]}
flowpar: 1
name: word count
description: >
  counts
env: {A: 1, B: "${{ inputs.x }}"}
env_file: .env
limits: {api: 2, disk: 0.5}
defaults: {timeout: 10m, retry: 2, env: {C: 3}}
python_path: [lib, src]
plugins: [./tasks.py]
tasks: {a: {shell: echo}}
outputs: {words: "${{ tasks.a.output }}", fixed: [1, {a: b}]}
"""
    )
    workflow = found.workflow

    assert found.diagnostics == ()
    assert (workflow.name, workflow.description) == ("word count", "counts\n")
    assert workflow.env == {"A": "1", "B": "${{ inputs.x }}"}
    assert (workflow.env_file, workflow.python_path, workflow.plugins) == ((".env",), ("lib", "src"), ("./tasks.py",))
    assert workflow.limits == {"api": 2, "disk": 0.5}
    assert workflow.defaults == DefaultsModel(timeout=600.0, retry=RetryModel(attempts=3), env={"C": "3"})
    assert workflow.outputs == {"words": "${{ tasks.a.output }}", "fixed": [1, {"a": "b"}]}
    assert plugins_of(found.document) == ("./tasks.py",)


@pytest.mark.parametrize("key", sorted(FOREIGN_TOP_KEYS))
def test_top_level_keys_of_other_tools_get_a_hint(key: str) -> None:
    (finding,) = bound(f'flowpar: 1\ntasks: {{a: {{shell: echo}}}}\n"{key}": {{}}\n').diagnostics

    assert (finding.code, finding.hint) == ("FP121", FOREIGN_TOP_KEYS[key])


@pytest.mark.parametrize("key", sorted(FOREIGN_TASK_KEYS))
def test_task_keys_of_other_tools_get_a_hint(key: str) -> None:
    finding = finding_of(f'shell: x\n"{key}": 1')

    assert (finding.code, finding.hint) == ("FP121", FOREIGN_TASK_KEYS[key])


@pytest.mark.parametrize("key", ["script", "run", "cmd", "bash", "uses"])
def test_a_kind_of_another_tool_is_one_finding(key: str) -> None:
    assert finding_of(f"{key}: echo").code == "FP121"


def test_no_word_of_ours_is_foreign() -> None:
    assert not FOREIGN_TASK_KEYS.keys() & (keys_of(TaskModel) | BUILT_IN_KINDS)


@given(st.sampled_from(sorted(keys_of(TaskModel))), st.data())
def test_a_typing_mistake_gets_the_right_key(key: str, data: st.DataObject) -> None:
    place = data.draw(st.integers(0, max(0, len(key) - 2)))
    typo = data.draw(
        st.sampled_from(
            [key[:place] + key[place + 1 :], key[:place] + key[place + 1] + key[place] + key[place + 2 :], f"{key}s"]
        )
    )
    known = keys_of(TaskModel) | FOREIGN_TASK_KEYS.keys() | BUILT_IN_KINDS
    if typo in known or len(key) < 4:
        return

    finding = finding_of(f"shell: x\n{typo}: 1")

    assert finding.hint is not None
    assert f'did you mean "{key}"?' in finding.hint


@pytest.mark.parametrize(
    ("text", "code", "message"),
    [
        ("shell: x\nneeds: {a: b}", "FP124", '"needs" of task "t" wants a list of task ids, found a mapping'),
        ("shell: x\nneeds: a", "FP124", '"needs" of task "t" wants a list of task ids, found "a"'),
        ("shell: x\nneeds:", "FP124", '"needs" of task "t" wants a list of task ids, found nothing'),
        ("shell: x\ntimeout: -1", "FP124", "found the number -1"),
        ("shell: x\ntimeout: .nan", "FP124", "found the number .nan"),
        ("shell: x\ntimeout: 1e999", "FP124", "found the number 1e999"),
        ("shell: x\ntimeout: 0", "FP124", "wants a duration longer than zero, found the number 0"),
        ("shell: x\nmax_parallel: 0", "FP124", "wants a whole number from 1 on, found the number 0"),
        ("shell: x\nmax_parallel: true", "FP124", "wants a whole number from 1 on, found true"),
        ("shell: x\nif:", "FP124", '"if" of task "t" wants an expression, found nothing'),
        ("shell: x\nif: [a]", "FP124", '"if" of task "t" wants an expression, found a list'),
        ("shell: x\nretry: true", "FP124", "wants a number of tries after the first, or a mapping, found true"),
        ("shell: x\nretry: -1", "FP124", "wants a number of tries after the first, or a mapping, found the number -1"),
        ("shell: x\nretry: {backoff: 0.5}", "FP124", '"retry.backoff" of task "t" wants a number from 1 on'),
        ("shell: x\nretry: {max_delay: }", "FP124", '"retry.max_delay" of task "t" wants a duration'),
        ("shell: x\nretry: {on: [exit]}", "", ""),
        ("shell: x\nretry: {on: [exit code 3]}", "FP124", '"retry.on[0]" of task "t" wants the name of an exception'),
        ("shell: x\nretry: {counts_retries: true}", "FP121", 'has the unknown key "counts_retries"'),
        ("shell: x\nexecutor: dask", "FP124", 'wants one of process, pool, thread, inline, found "dask"'),
        ("shell: x\nexecutor: thred", "FP124", 'wants one of process, pool, thread, inline, found "thred"'),
        ("shell: x\non_item_error: stop", "FP124", "wants one of finish, fail_fast, collect"),
        ("shell: x\nallow_failure: yes", "FP124", '"allow_failure" of task "t" wants true or false, found "yes"'),
        ("shell: x\nenv: [A]", "FP124", '"env" of task "t" wants a mapping, found a list'),
        ("shell: x\nenv: {A: }", "FP124", '"env.A" of task "t" wants text, found nothing'),
        ("shell: x\nenv: {A: [1]}", "FP124", '"env.A" of task "t" wants text, found a list'),
        ("shell: x\ncwd: 3", "FP124", '"cwd" of task "t" wants text, found the number 3'),
        ("python: a:b\nwith: [1]", "FP124", '"with" of task "t" wants a mapping, found a list'),
        ("shell: x\nfor_each: tasks.a.output", "FP124", "wants a list, an expression, or a mapping of names to lists"),
        (
            "shell: x\nfor_each: {}",
            "FP124",
            "wants a list, an expression, or a mapping of names to lists, found an empty mapping",
        ),
        ("shell: x\nfor_each: {a b: [1]}", "FP128", '"a b" is no name'),
        ("shell: x\nmatrix: [1]", "FP124", '"matrix" of task "t" wants a mapping of names to lists, found a list'),
        ("shell: x\nmatrix: {exclude: [{a: 1}]}", "FP124", '"matrix" of task "t" wants a mapping of names to lists'),
        ("shell: x\nmatrix: {a: [1], exclude: 3}", "FP124", '"matrix.exclude" of task "t" wants a list of mappings'),
        ("shell: x\nmatrix: {a: [1]}\nfor_each: [1]", "FP129", 'task "t" has both "for_each" and "matrix"'),
        (
            "shell: x\nwith: {a: 1}",
            "FP129",
            '"with" belongs to the kinds python and workflow, task "t" has the kind "shell"',
        ),
        ("shell:", "FP124", '"shell" of task "t" wants a command, found nothing'),
        ("shell: []", "FP124", '"shell" of task "t" wants a command, found an empty list'),
        ("shell: [a, [b]]", "FP124", '"shell[1]" of task "t" wants a text, found a list'),
        ("shell: 3", "FP124", '"shell" of task "t" wants a command as text, or a list of words, found the number 3'),
        ("python:", "FP124", '"python" of task "t" wants "module:function", found nothing'),
        ("python: [a]", "FP124", '"python" of task "t" wants "module:function", found a list'),
        (
            "python: {target: a}",
            "FP124",
            '"python" of task "t" wants "module:function", or {script: …}, found a mapping',
        ),
        ("shell: x\npython: a:b", "FP126", 'task "t" has two kinds, "shell" and "python"'),
        ("needs: [a]", "FP126", 'task "t" has no kind key'),
        ("pyhton: a:b", "FP127", 'task "t" has the unknown kind "pyhton"'),
        ("http: {url: x}", "FP127", 'task "t" has the unknown kind "http"'),
        ("shell: x\nkind: y", "FP121", 'task "t" has the unknown key "kind"'),
        ("shell: x\nbody: y", "FP121", 'task "t" has the unknown key "body"'),
        ("shell: x\ncondition: y", "FP121", 'task "t" has the unknown key "condition"'),
    ],
)
def test_what_is_wrong_in_a_task(text: str, code: str, message: str) -> None:
    _, diagnostics = task(text)

    assert [finding.code for finding in diagnostics] == ([code] if code else [])
    assert all(message in finding.message for finding in diagnostics)


@pytest.mark.parametrize(
    ("text", "code", "message", "line"),
    [
        ("tasks: {a: {shell: x}}\n", "FP125", "the version of the language is missing", 1),
        ("flowpar: 2\ntasks: {a: {shell: x}}\n", "FP125", "found the number 2", 1),
        ("flowpar: '1'\ntasks: {a: {shell: x}}\n", "FP125", 'found "1"', 1),
        ("flowpar: 1.0\ntasks: {a: {shell: x}}\n", "FP125", "found the number 1.0", 1),
        ("flowpar: 1\n", "FP120", "the workflow has no tasks: the key tasks is missing", 1),
        ("flowpar: 1\ntasks: {}\n", "FP120", "the workflow has no tasks", 2),
        ("flowpar: 1\ntasks:\n", "FP120", "the workflow has no tasks", 2),
        ("flowpar: 1\ntasks: null\n", "FP120", '"tasks" wants a mapping of task ids to tasks, found nothing', 2),
        ("flowpar: 1\ntasks:\n  - a\n", "FP120", '"tasks" wants a mapping of task ids to tasks, found a list', 3),
        ("flowpar: 1\ntasks: {a: 3}\n", "FP124", 'task "a" wants a mapping, found the number 3', 2),
        ("flowpar: 1\ntasks: {'': {shell: x}}\n", "FP128", "this task has an empty id", 2),
        ("flowpar: 1\ntasks: {../../evil: {shell: x}}\n", "FP128", '"../../evil" is no task id', 2),
        ("flowpar: 1\ntasks: {1a: {shell: x}}\n", "FP128", '"1a" is no task id', 2),
        ("flowpar: 1\ntasks: {а: {shell: x}}\n", "FP128", '"а" is no task id', 2),  # noqa: RUF001 -- Cyrillic
        (f"flowpar: 1\ntasks: {{{'a' * 129}: {{shell: x}}}}\n", "FP128", "is no task id", 2),
        ("flowpar: 1\nname: ''\ntasks: {a: {shell: x}}\n", "FP124", '"name" wants a text', 2),
        (f"flowpar: 1\nname: {'a' * 101}\ntasks: {{a: {{shell: x}}}}\n", "FP124", "at most 100 printable", 2),
        ('flowpar: 1\nname: "a\\tb"\ntasks: {a: {shell: x}}\n', "FP124", "at most 100 printable characters", 2),
        ("flowpar: 1\nname: 3\ntasks: {a: {shell: x}}\n", "FP124", '"name" wants a text, found the number 3', 2),
        ("flowpar: 1\ndescription:\ntasks: {a: {shell: x}}\n", "FP124", '"description" wants text, found nothing', 2),
        ("flowpar: 1\nenv:\ntasks: {a: {shell: x}}\n", "FP124", '"env" wants a mapping, found nothing', 2),
        ("flowpar: 1\nenv: {A: [1]}\ntasks: {a: {shell: x}}\n", "FP124", '"env.A" wants text, found a list', 2),
        (
            "flowpar: 1\nplugins: {a: b}\ntasks: {a: {shell: x}}\n",
            "FP124",
            '"plugins" wants a text or a list of texts',
            2,
        ),
        (
            "flowpar: 1\nlimits: [a]\ntasks: {a: {shell: x}}\n",
            "FP124",
            '"limits" wants a mapping of names to numbers',
            2,
        ),
        ("flowpar: 1\nlimits: {a: 0}\ntasks: {a: {shell: x}}\n", "FP124", '"limits.a" wants a number above 0', 2),
        ("flowpar: 1\nlimits: {cpu: 1}\ntasks: {a: {shell: x}}\n", "FP129", 'the limit "cpu" is built in', 2),
        ("flowpar: 1\nlimits: {a b: 1}\ntasks: {a: {shell: x}}\n", "FP128", '"a b" is no limit id', 2),
        ("flowpar: 1\noutputs: [a]\ntasks: {a: {shell: x}}\n", "FP124", '"outputs" wants a mapping, found a list', 2),
        ("flowpar: 1\ndefaults: [a]\ntasks: {a: {shell: x}}\n", "FP124", '"defaults" wants a mapping of task keys', 2),
        ("flowpar: 1\ndefaults: {needs: [b]}\ntasks: {a: {shell: x}}\n", "FP129", '"needs" belongs to one task', 2),
        ("flowpar: 1\ndefaults: {shell: x}\ntasks: {a: {shell: x}}\n", "FP129", '"shell" belongs to one task', 2),
        (
            "flowpar: 1\ndefaults: {cache: 1}\ntasks: {a: {shell: x}}\n",
            "FP124",
            '"defaults.cache" wants true, false, or a mapping such as {files: [data/*.csv]}',
            2,
        ),
        (
            "flowpar: 1\ndefaults: {timout: 1}\ntasks: {a: {shell: x}}\n",
            "FP121",
            '"defaults" has the unknown key "timout"',
            2,
        ),
        (
            "flowpar: 1\ndefaults: {timeout: x}\ntasks: {a: {shell: x}}\n",
            "FP124",
            '"defaults.timeout" wants a duration',
            2,
        ),
        (
            "flowpar: 1\ninputs: [a]\ntasks: {a: {shell: x}}\n",
            "FP124",
            '"inputs" wants a mapping of names to inputs',
            2,
        ),
        (
            "flowpar: 1\ninputs: {a: }\ntasks: {a: {shell: x}}\n",
            "FP124",
            'input "a" wants a default value or a mapping',
            2,
        ),
        ("flowpar: 1\ninputs: {a: {}}\ntasks: {a: {shell: x}}\n", "FP123", 'input "a" has no type', 2),
        (
            "flowpar: 1\ninputs: {a: {type: int}}\ntasks: {a: {shell: x}}\n",
            "FP124",
            '"type" of input "a" wants one of',
            2,
        ),
        (
            "flowpar: 1\ninputs: {a: {type: string, min: 1}}\ntasks: {a: {shell: x}}\n",
            "FP121",
            'has the unknown key "min"',
            2,
        ),
        (
            "flowpar: 1\ninputs: {a: {type: string, enum: []}}\ntasks: {a: {shell: x}}\n",
            "FP124",
            '"enum" of input "a"',
            2,
        ),
        (
            "flowpar: 1\ninputs: {a: {type: string, items: }}\ntasks: {a: {shell: x}}\n",
            "FP124",
            '"items" of input "a"',
            2,
        ),
        ("flowpar: 1\ninputs: {a b: 1}\ntasks: {a: {shell: x}}\n", "FP128", '"a b" is no input name', 2),
        ("flowpar: 1\nfoo: 1\ntasks: {a: {shell: x}}\n", "FP121", 'this workflow has the unknown key "foo"', 2),
        ("flowpar: 1\ntask: 1\ntasks: {a: {shell: x}}\n", "FP121", 'this workflow has the unknown key "task"', 2),
    ],
)
def test_what_is_wrong_in_a_document(text: str, code: str, message: str, line: int) -> None:
    (finding,) = bound(text).diagnostics

    assert finding.code == code
    assert message in finding.message
    assert finding.span.line == line


def test_an_ambiguous_value_is_a_warning_and_a_key_is_not() -> None:
    _, diagnostics = task("python: a:b\nwith: {no: no, x: 010, y: 'no', z: !!str on}")

    assert [(d.code, d.severity, d.span.column) for d in diagnostics] == [
        ("FP113", Severity.WARNING, 16),
        ("FP113", Severity.WARNING, 23),
    ]


def test_a_warning_is_left_out_where_there_is_an_error() -> None:
    _, diagnostics = task("shell: x\ntimeout: 1:30")

    assert [d.code for d in diagnostics] == ["FP124"]


def test_text_by_nature_is_not_ambiguous() -> None:
    _, diagnostics = task("shell: [sleep, 010]\nenv: {DEBUG: on}")

    assert diagnostics == ()


def test_tags_convert() -> None:
    _, diagnostics = task("python: a:b\nwith: {a: !!int 'x', b: !!float 1, c: !!int '3', d: !!bool true, e: !!null ''}")

    assert [(d.code, d.message) for d in diagnostics] == [("FP106", 'the tag "!!int" does not fit this value')]


def test_a_number_without_end_is_refused() -> None:
    _, diagnostics = task(f"python: a:b\nwith: {{a: {'9' * 5000}}}")

    assert [d.code for d in diagnostics] == ["FP124"]


def test_all_findings_come_at_once_and_the_rest_stays() -> None:
    found = bound(
        "flowpar: 1\ntasks:\n  a: {shell: x, timeout: soon, needs: [b], cwd: 3}\n  b: {python: 3}\n  c: {shel: x}\n"
    )

    assert [d.code for d in found.diagnostics] == ["FP124", "FP124", "FP124", "FP127"]
    assert found.workflow.tasks["a"] == TaskModel(kind="shell", body="x", needs=("b",))
    assert found.workflow.tasks["b"] == TaskModel(kind="python")
    assert found.workflow.tasks["c"] == TaskModel()


def test_values_that_an_alias_repeats_are_read_once() -> None:
    found = bound("x-l: &l [1, 2]\nflowpar: 1\ntasks:\n  a: {shell: x, for_each: *l}\n  b: {shell: x, for_each: *l}\n")

    assert found.workflow.tasks["a"].for_each is found.workflow.tasks["b"].for_each


def test_a_merged_task_overrides() -> None:
    found = bound(
        "x-base: &base {timeout: 1m, executor: thread}\nflowpar: 1\ntasks:\n  a: {<<: *base, shell: x, timeout: 2m}\n"
    )

    assert found.diagnostics == ()
    assert found.workflow.tasks["a"] == TaskModel(kind="shell", body="x", timeout=120.0, executor="thread")


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("dask", "pip install flowpar-dask"),
        ("thred", 'did you mean "thread"?'),
        ("far=there", "write far alone; its address stands in --executor or in FLOWPAR_EXECUTOR_FAR"),
    ],
)
def test_an_executor_that_is_not_there_has_a_hint(name: str, hint: str) -> None:
    document = document_of(f"flowpar: 1\ntasks: {{a: {{shell: x, executor: {name}}}}}\n")

    (finding,) = bind(document, executors=(*EXECUTORS, "far")).diagnostics

    assert (finding.code, finding.hint) == ("FP124", hint)


def test_an_executor_of_a_plugin_is_as_good_as_ours() -> None:
    document = document_of("flowpar: 1\ndefaults: {executor: far}\ntasks: {a: {shell: x, executor: far}}\n")

    bound = bind(document, executors=(*EXECUTORS, "far"))

    assert not bound.diagnostics
    assert bound.workflow.tasks["a"].executor == bound.workflow.defaults.executor == "far"
