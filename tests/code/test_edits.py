"""Edits of programs: those that change what a program does change its hash, those that keep it keep the hash.

Each program of `edits.txt`, and of `projects.txt` which has several modules, has a function `run`, and an edit that
changes what it returns or raises; each one of `kept.txt` has an edit that does not.
"""

from __future__ import annotations

import importlib
import re
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import pytest
from edit_kinds import KEEPING, add_spare, mutate
from hypothesis import given, settings
from hypothesis import strategies as st
from random_modules import DEFINITIONS, NAMES, edited, made, text_of

from flowpar.code.library import Library
from flowpar.code.reach import Reached, Reaches

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    Keeping = Callable[[str, Random], str]

Program = dict[str, str]


@dataclass(frozen=True)
class Edit:
    title: str
    before: Program
    after: Program


def read_edits(file: str) -> Iterator[Edit]:
    text = Path(__file__).with_name(file).read_text(encoding="utf-8")
    for case in re.split(r"^### ", text, flags=re.MULTILINE)[1:]:
        title, _, rest = case.strip("\n").partition("\n")
        program, _, edit = rest.partition("\n@@ ")
        old, new = re.split(r"(?: |\n)@@ ", edit, maxsplit=1)
        assert old in program, title
        yield Edit(title, files_of(program), files_of(program.replace(old, new, 1)))


def files_of(program: str) -> Program:
    first, *others = re.split(r"^## ", program, flags=re.MULTILINE)
    named = (other.partition("\n") for other in others)
    return {"steps.py": f"{first.rstrip()}\n"} | {name: f"{text.rstrip()}\n" for name, _, text in named}


EDITS = [*read_edits("edits.txt"), *read_edits("projects.txt")]
KEPT = list(read_edits("kept.txt"))


def written(folder: Path, program: Mapping[str, str]) -> Path:
    for name, text in program.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    return folder


def hash_of(folder: Path, target: str = "steps:run") -> str:
    reached = Reaches(Library([folder])).of(target)
    assert isinstance(reached, Reached), reached
    return reached.digest


def outcome_of(folder: Path) -> str:
    """What a program does, in a thread of its own: in this one a browser's loop may run, beside which no other may."""
    with ThreadPoolExecutor(1) as lane:
        return lane.submit(_outcome_of, folder).result()


def _outcome_of(folder: Path) -> str:
    """It is imported anew, with nothing of the last one left."""
    before, path = set(sys.modules), list(sys.path)
    sys.path.insert(0, str(folder))
    importlib.invalidate_caches()
    try:
        return repr(importlib.import_module("steps").run())
    except Exception as error:  # noqa: BLE001 - that is what it does, then
        return type(error).__name__
    finally:
        sys.path[:] = path
        for name in set(sys.modules) - before:
            file = getattr(sys.modules[name], "__file__", None)
            if file is None or str(folder) in file:
                del sys.modules[name]


def test_there_are_enough_edits() -> None:
    assert len(EDITS) >= 100
    assert len({edit.title for edit in [*EDITS, *KEPT]}) == len(EDITS) + len(KEPT)


@pytest.mark.parametrize("edit", EDITS, ids=lambda edit: edit.title)
def test_an_edit_that_changes_what_a_program_does_changes_its_hash(edit: Edit, tmp_path: Path) -> None:
    before = written(tmp_path / "before", edit.before)
    after = written(tmp_path / "after", edit.after)

    assert outcome_of(before) != outcome_of(after), "the edit changes nothing"
    assert hash_of(before) != hash_of(after)


@pytest.mark.parametrize("edit", KEPT, ids=lambda edit: edit.title)
def test_an_edit_of_everyday_that_changes_nothing_keeps_the_hash(edit: Edit, tmp_path: Path) -> None:
    before = written(tmp_path / "before", edit.before)
    after = written(tmp_path / "after", edit.after)

    assert outcome_of(before) == outcome_of(after), "the edit changes something"
    assert hash_of(before) == hash_of(after)


# Here what the source says beside what it does counts, or the annotations of another function.
PROGRAMS = [program for edit in EDITS for program in (edit.before, edit.after)]
LOOKS = re.compile(
    r"__doc__|get_type_hints|signature|singledispatch|pydantic|getsource|= locals$|import eval|@app|^run =|import cmd|"
    r"__annotations__|from_callable|getmembers|__code__|f_locals|= dataclass|dataclass\(cls|partialmethod|setattr|"
    # What is given to a method of an object that nobody knows may be looked at.
    r"pool\.map|\.sub\(",
    re.MULTILINE,
)


def changed(program: Program, how: Callable[[str, Random], str], chance: Random) -> Program:
    return {name: how(text, chance) for name, text in program.items()}


@settings(max_examples=60, deadline=None)
@given(st.integers(0, len(PROGRAMS) - 1), st.lists(st.sampled_from(KEEPING), min_size=1, max_size=4), st.integers())
def test_edits_that_keep_the_meaning_keep_the_hash(number: int, kinds: list[Keeping], seed: int) -> None:
    program = PROGRAMS[number]
    if any(LOOKS.search(text) for text in program.values()):
        return
    with TemporaryDirectory() as one, TemporaryDirectory() as other:
        before = written(Path(one), program)
        reached = Reaches(Library([before])).of("steps:run")
        assert isinstance(reached, Reached)
        edited = program
        for kind in kinds:
            edited = edited if reached.notes and kind is add_spare else changed(edited, kind, Random(seed))  # noqa: S311 - no secret
        after = written(Path(other), edited)

        assert outcome_of(before) == outcome_of(after)
        assert reached.digest == hash_of(after), edited


@settings(max_examples=60, deadline=None)
@given(st.integers(0, len(PROGRAMS) - 1), st.integers())
def test_programs_with_the_same_hash_do_the_same(number: int, seed: int) -> None:
    program = PROGRAMS[number]
    edited = changed(program, mutate, Random(seed))  # noqa: S311 - no secret
    with TemporaryDirectory() as one, TemporaryDirectory() as other:
        before, after = written(Path(one), program), written(Path(other), edited)
        reached = Reaches(Library([after])).of("steps:run")

        if isinstance(reached, Reached) and reached.digest == hash_of(before):
            assert outcome_of(before) == outcome_of(after), edited


def runnable(statements: Iterable[str]) -> list[str]:
    """Leave out the statements that can't be done after those before them."""
    names: dict[str, object] = {"__name__": "steps"}
    exec(DEFINITIONS, names)  # noqa: S102 - it is ours
    kept = []
    for statement in statements:
        with suppress(Exception):
            exec(statement, names)  # noqa: S102 - the same
            kept.append(statement)
    return kept


def shown_by(text: str) -> str:
    names: dict[str, Any] = {"__name__": "steps"}
    try:
        exec(text, names)  # noqa: S102 - the same
        return re.sub("0x[0-9a-f]+", "0x", repr(names["run"]()))  # where an object is says nothing
    except Exception as error:  # noqa: BLE001 - that is what it does, then
        return type(error).__name__


@settings(max_examples=40, deadline=None)
@given(st.integers())
def test_modules_whose_objects_have_several_names_have_the_same_hash_only_if_they_do_the_same(seed: int) -> None:
    chance = Random(seed)  # noqa: S311 - no secret
    statements = runnable(made(chance))
    shown = chance.choice(NAMES)
    before = text_of(statements, shown)
    after = text_of(runnable(edited(statements, chance)), shown)
    if shown_by(before) != shown_by(after):
        with TemporaryDirectory() as folder:
            first = hash_of(written(Path(folder), {"steps.py": before}))
            assert first != hash_of(written(Path(folder), {"steps.py": after})), after
