from __future__ import annotations

import sys
import threading
from contextlib import contextmanager
from importlib import import_module
from typing import TYPE_CHECKING

import pytest

from flowpar.core.left_out import in_place_of, left_out, no_entry_points

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

NAME = "pack_with_ballast"


@pytest.fixture(autouse=True)
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Make a package that imports all of its parts."""
    parts = tmp_path / NAME
    (parts / "ballast").mkdir(parents=True)
    (parts / "__init__.py").write_text(
        f"from {NAME}.ballast import *\nfrom {NAME} import ballast\nfrom {NAME}.light import used\nwhole = True\n"
    )
    (parts / "light.py").write_text("def used(): return __import__('sys')\n")
    (parts / "ballast" / "__init__.py").write_text("weighs = True\nfrom . import inner\n")
    (parts / "ballast" / "inner.py").write_text("found = True\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    # Other tests of this process may have threads that go on, such as the browser's.
    count, others = threading.active_count, threading.active_count() - 1
    monkeypatch.setattr(threading, "active_count", lambda: count() - others)
    yield
    for name in [name for name in sys.modules if name.partition(".")[0] == NAME]:
        del sys.modules[name]


def test_a_part_that_is_left_out_is_empty_and_its_modules_are_there() -> None:
    with left_out(f"{NAME}.ballast"):
        lean = import_module(NAME)
        inner = import_module(f"{NAME}.ballast.inner")

    assert lean.whole
    assert not hasattr(lean, "weighs")
    assert lean.used() is sys
    assert inner.found


def test_of_a_package_that_is_left_out_a_module_can_be_had() -> None:
    with left_out(NAME):
        light = import_module(f"{NAME}.light")

    assert light.used() is sys


@pytest.mark.parametrize("left", [NAME, f"{NAME}.ballast"])
def test_who_imports_it_next_gets_it_whole(left: str) -> None:
    with left_out(left):
        import_module(f"{NAME}.light")

    assert not [name for name in sys.modules if name.startswith(NAME)]
    assert import_module(NAME).weighs
    assert import_module(f"{NAME}.ballast").inner.found


def test_an_import_that_fails_leaves_nothing_behind() -> None:
    with pytest.raises(ImportError), left_out(NAME):
        import_module(f"{NAME}.gone")

    assert import_module(NAME).weighs


def test_what_is_there_stays_as_it_is() -> None:
    whole = import_module(NAME)

    with left_out(f"{NAME}.ballast"):
        assert import_module(f"{NAME}.ballast").weighs

    assert import_module(NAME) is whole


def test_nothing_is_left_out_where_another_thread_might_import_it() -> None:
    with another_thread(), left_out(f"{NAME}.ballast"):
        assert import_module(NAME).weighs

    assert import_module(NAME).weighs


@contextmanager
def another_thread() -> Iterator[None]:
    over = threading.Event()
    thread = threading.Thread(target=over.wait)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def test_what_is_not_installed_is_not_found() -> None:
    with pytest.raises(ModuleNotFoundError), left_out("no_such_pack.part"):
        import_module("no_such_pack")


def test_what_stands_in_a_modules_place_is_found_while_it_does() -> None:
    with in_place_of(f"{NAME}.light", entry_points=no_entry_points):
        lean = import_module(f"{NAME}.light")
        assert lean.entry_points(group="any") == ()
        assert not hasattr(lean, "used")

    assert import_module(f"{NAME}.light").used() is sys


def test_nothing_stands_in_the_place_of_what_is_there() -> None:
    import_module(NAME)

    with in_place_of(f"{NAME}.light", entry_points=no_entry_points):
        assert import_module(f"{NAME}.light").used() is sys

    assert import_module(f"{NAME}.light").used() is sys


def test_nothing_stands_in_a_modules_place_where_another_thread_might_import_it() -> None:
    with another_thread(), in_place_of(f"{NAME}.light", entry_points=no_entry_points):
        assert import_module(f"{NAME}.light").used() is sys
