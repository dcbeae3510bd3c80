"""Whatever an expression makes of a secret is secret, wherever it stands in it; only `env` and arguments take it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from flowpar.lang.check import check
from flowpar.plugin.registry import Registry

if TYPE_CHECKING:
    from pathlib import Path
    from typing import Any

LEAVES = st.sampled_from(["1", '"a"', "inputs.n", "inputs.text", "[1, 2]", "True"])
SECRET = st.sampled_from(["secrets.TOKEN", "secrets.key-1", "env.AUTH"])
# How an expression may have another one in it.
AROUND = (
    "str({})",
    "[{}]",
    "({}, 1)",
    '{{"a": {}}}',
    'str({}) == "a"',
    "not {}",
    "default({}, 1)",
    "default(inputs.text, {})",
    "1 if bool({}) else 2",
    "[x for x in [{}]]",
    "[1 for x in [1] if bool({})]",
    "json({})",
    "bool({}) and True",
    '[{}, "b"][1]',
    "len(str({}))",
    "max(len(str({})), 1)",
)
PLACES: dict[str, tuple[str, ...]] = {
    "outputs": ("outputs", "x"),
    "if": ("tasks", "other", "if"),
    "for_each": ("tasks", "other", "for_each"),
    "timeout": ("tasks", "other", "timeout"),
    "cwd": ("tasks", "other", "cwd"),
    "word": ("tasks", "other", "shell"),
}


@st.composite
def expressions(draw: st.DrawFn, core: st.SearchStrategy[str]) -> str:
    text = draw(core)
    for around in draw(st.lists(st.sampled_from(AROUND), max_size=3)):
        text = around.format(f"({text})" if " " in text else text)
    return text


def codes(folder: Path, expression: str, path: tuple[str, ...]) -> list[tuple[str, int]]:
    """Return the codes and lines of what is found with an expression at a path of a workflow."""
    value: Any = "${{ " + expression + " }}"
    if path[-1] == "shell":
        value = ["echo", value]
    elif path[-1] == "for_each":
        value = "${{ [" + expression + "] }}"
    document: dict[str, Any] = {
        "flowpar": 1,
        "inputs": {"n": 1, "text": "a"},
        "secrets": {"TOKEN": {"env": "FP_TOKEN"}, "key-1": {"file": "key"}},
        "env": {"AUTH": "Bearer ${{ secrets.TOKEN }}"},
        "tasks": {"other": {"shell": "true", "env": {"N": "${{ inputs.n }}${{ inputs.text }}"}}},
    }
    place = document
    for step in path[:-1]:
        place = place.setdefault(step, {})
    place[path[-1]] = value
    file = folder / "w.yaml"
    file.write_text(yaml.safe_dump(document, sort_keys=False, width=10_000))
    return [(found.code, found.span.line) for found in check(file, registry=Registry()).diagnostics.found]


HYPOTHESIS = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=60)


@HYPOTHESIS
@given(expression=expressions(SECRET), place=st.sampled_from(sorted(PLACES)))
def test_what_is_made_of_a_secret_goes_nowhere_else(tmp_path: Path, expression: str, place: str) -> None:
    found = codes(tmp_path, expression, PLACES[place])

    assert [code for code, _ in found] == ["FP802"], expression


@HYPOTHESIS
@given(expression=expressions(LEAVES), place=st.sampled_from(sorted(PLACES)))
def test_what_has_no_secret_in_it_is_not_taken_for_one(tmp_path: Path, expression: str, place: str) -> None:
    found = codes(tmp_path, expression, PLACES[place])

    assert "FP802" not in [code for code, _ in found], expression


@HYPOTHESIS
@given(expression=expressions(SECRET))
def test_env_takes_whatever_is_made_of_a_secret(tmp_path: Path, expression: str) -> None:
    found = codes(tmp_path, f"str({expression})", ("tasks", "other", "env", "SOME"))

    assert found == [], expression
