from __future__ import annotations

import sys
import threading
import traceback
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flowpar.core.outcome import TaskFailed
from flowpar.tasks.script import run_script

pytestmark = pytest.mark.timeout(180)


def run(text: str, first: int = 1, **variables: Any) -> Any:
    return run_script(text, ("flow.yaml", range(first, first + text.count("\n") + 1)), **variables)


@given(st.recursive(st.none() | st.integers() | st.text(), st.lists, max_leaves=5))
def test_what_it_is_given_is_its_variable_and_its_variable_output_is_what_it_gives(value: object) -> None:
    assert run("output = given", given=value) == value


def test_without_an_output_it_gives_none() -> None:
    assert run("x = 1") is None


def test_functions_see_the_variables_of_the_script() -> None:
    assert run("def f():\n    return n + m\nm = 2\noutput = f()", n=1) == 3


def test_it_is_the_main_module_while_it_runs_and_no_longer() -> None:
    before = sys.modules["__main__"]

    assert run("import sys\noutput = __name__ == '__main__' and sys.modules['__main__'].f is f", f=1) is True
    with pytest.raises(ZeroDivisionError):
        run("1 / 0")
    assert sys.modules["__main__"] is before


def test_in_a_thread_the_main_module_stays_what_it_is() -> None:
    found: list[object] = []
    before = sys.modules["__main__"]
    thread = threading.Thread(target=lambda: found.append(run("import sys\noutput = sys.modules['__main__']")))
    thread.start()
    thread.join(60)

    assert found == [before]


def test_processes_that_it_forks_find_its_functions() -> None:
    text = """
import multiprocessing

def square(x):
    return x * x

with multiprocessing.get_context("fork").Pool(1) as pool:
    output = pool.map(square, [1, 2, 3])
"""

    assert run(text) == [1, 4, 9]


def test_a_traceback_names_the_file_and_shows_the_line() -> None:
    with pytest.raises(ZeroDivisionError) as caught:
        run("def f(x):\n    return x / 0\n\nf(1)", first=40)

    told = "".join(traceback.format_exception(caught.value))
    assert 'File "flow.yaml", line 43, in <module>\n    f(1)\n' in told
    assert 'File "flow.yaml", line 41, in f\n    return x / 0\n' in told


@pytest.mark.parametrize(
    ("text", "kind"), [("output = (x for x in [1])", "generator"), ("async def f(): ...\noutput = f()", "coroutine")]
)
def test_a_promise_of_values_is_no_output(text: str, kind: str) -> None:
    with pytest.raises(TaskFailed, match=f'"output" of the script is a {kind}'):
        run(text)
