"""The functions by themselves, on a folder, in memory and against a real S3 server."""

from __future__ import annotations

import sys
import threading
from datetime import datetime
from typing import TYPE_CHECKING

import fsspec
import pytest
from flowpar.testing.task import Recorded, fake_context, run_task

from flowpar_files.copying import check as check_copy
from flowpar_files.copying import copy_files
from flowpar_files.find import check as check_find
from flowpar_files.find import find_files
from flowpar_files.waiting import check as check_wait
from flowpar_files.waiting import wait_for_files

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from conftest import Store
    from flowpar.plugin import Finding


def test_files_are_found_by_address_with_size_and_time(store: Store) -> None:
    store.write(b_txt=b"three", a_txt=b"one", deep__c_txt=b"", notes=b"x")

    found = run_task(find_files, pattern=f"{store.root}/*.txt", **store.options)

    assert [(file.name, file.size_bytes) for file in found] == [("a.txt", 3), ("b.txt", 5)]
    assert found[0].url == f"{store.root}/a.txt"
    assert all(file.modified and datetime.fromisoformat(file.modified).tzinfo for file in found)
    everywhere = run_task(find_files, pattern=f"{store.root}/**/*.txt", **store.options)
    assert "c.txt" in [file.name for file in everywhere]


def test_too_few_files_are_a_failure(store: Store) -> None:
    store.write(a_txt=b"one")

    with pytest.raises(FileNotFoundError, match=r"matches 1 files, and 2 are needed"):
        run_task(find_files, pattern=f"{store.root}/*.txt", at_least=2, **store.options)
    assert run_task(find_files, pattern=f"{store.root}/*.csv", **store.options) == []


def test_a_file_is_copied_to_a_name_and_several_into_a_folder(store: Store) -> None:
    store.write(a_txt=b"one", b_txt=b"three")

    (one,) = run_task(copy_files, source=f"{store.root}/a.txt", to=f"{store.root}/x/y.txt", **store.options)
    both = run_task(copy_files, source=[f"{store.root}/*.txt"], to=f"{store.root}/all/", **store.options)

    assert (one.url, one.size_bytes, store.read("x/y.txt")) == (f"{store.root}/x/y.txt", 3, b"one")
    assert [file.url for file in both] == [f"{store.root}/all/a.txt", f"{store.root}/all/b.txt"]
    assert store.read("all/b.txt") == b"three"


def test_files_go_from_here_to_a_cloud_and_back(s3: Store, local: Store, tmp_path: Path) -> None:
    local.write(big_txt=b"0123456789" * 1_000_000)
    there = {f"to_{name}": options for name, options in s3.options.items()}

    run_task(copy_files, source=f"{local.root}/big.txt", to=f"{s3.root}/kept/", **there)
    recorded = Recorded()
    context = fake_context(scratch=tmp_path, recorded=recorded)
    source = f"{s3.root}/kept/big.txt"
    run_task(copy_files, source=source, to=f"{local.root}/again.txt", to_storage={}, context=context, **s3.options)

    assert local.read("again.txt") == local.read("big.txt")
    assert recorded.progress[-1] == {"done": 1e7, "total": 1e7, "note": "big.txt"}


@pytest.mark.parametrize(("if_there", "content"), [("replace", b"new"), ("skip", b"old"), ("fail", b"old")])
def test_what_is_there_is_replaced_kept_or_a_failure(store: Store, if_there: str, content: bytes) -> None:
    store.write(a_txt=b"new", kept__a_txt=b"old")
    arguments = {"source": f"{store.root}/a.txt", "to": f"{store.root}/kept/", "if_there": if_there, **store.options}

    if if_there == "fail":
        with pytest.raises(FileExistsError, match=r"kept/a.txt\" is there already"):
            run_task(copy_files, **arguments)
    else:
        run_task(copy_files, **arguments)

    assert store.read("kept/a.txt") == content


@pytest.mark.parametrize("kind", ["local", "s3"])
def test_a_copy_that_breaks_off_leaves_what_was_there(
    kind: str, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    store: Store = request.getfixturevalue(kind)
    store.write(kept_txt=b"old")
    source = fsspec.filesystem("memory")
    source.pipe("/broken", b"half")
    monkeypatch.setattr(type(source.open("/broken")), "read", _broken)

    with pytest.raises(OSError, match="the line is cut"):
        run_task(copy_files, source="memory://broken", to=f"{store.root}/kept.txt", to_storage=store.fsspec_options())

    monkeypatch.undo()
    assert store.read("kept.txt") == b"old"
    names = [file.name for file in run_task(find_files, pattern=f"{store.root}/**", **store.options)]
    assert names == ["kept.txt"]


def _broken(stream: object, _size: int = -1) -> bytes:
    if getattr(stream, "was_read", False):
        raise OSError("the line is cut")
    stream.was_read = True  # type: ignore[attr-defined]
    return b"half"


def test_two_files_of_one_name_are_no_folder(store: Store) -> None:
    store.write(x__a_txt=b"1", y__a_txt=b"2")

    with pytest.raises(ValueError, match=r"would both be copied to"):
        run_task(copy_files, source=f"{store.root}/*/a.txt", to=f"{store.root}/z/", **store.options)
    with pytest.raises(ValueError, match=r"2 files can't all be copied to one name"):
        run_task(copy_files, source=f"{store.root}/*/a.txt", to=f"{store.root}/z", **store.options)
    with pytest.raises(FileNotFoundError, match="there is no file"):
        run_task(copy_files, source=f"{store.root}/none.txt", to=f"{store.root}/z", **store.options)


def test_waiting_ends_when_all_files_are_there(store: Store) -> None:
    store.write(a_txt=b"one")
    late = threading.Timer(0.3, store.write, kwargs={"b_txt": b"three"})
    late.start()

    urls = [f"{store.root}/a.txt", f"{store.root}/b*.txt"]
    found = run_task(wait_for_files, urls=urls, every_s=0.05, **store.options)

    late.join()
    assert [(file.name, file.size_bytes) for file in found] == [("a.txt", 3), ("b.txt", 5)]


def test_waiting_goes_on_while_a_file_grows(store: Store) -> None:
    store.write(a_txt=b"o")
    late = threading.Timer(0.2, store.write, kwargs={"a_txt": b"one"})
    late.start()

    (found,) = run_task(wait_for_files, urls=f"{store.root}/a.txt", every_s=0.05, unchanged_s=1.0, **store.options)

    late.join()
    assert found.size_bytes == 3


@pytest.mark.parametrize(
    ("check", "arguments", "argument", "message"),
    [
        (check_find, {"pattern": "nosuch://x/*"}, "pattern", '"nosuch://" is no protocol of fsspec'),
        (check_copy, {"source": ["a", "b"], "to": "folder"}, "to", "several files go into a folder"),
        (check_copy, {"source": "a", "to": "nosuch://b"}, "to", '"nosuch://" is no protocol of fsspec'),
        (check_wait, {"urls": ["a"], "every_s": 0}, "every_s", "every_s must be more than 0, and is 0"),
    ],
)
def test_what_is_wrong_is_found_before_the_run(
    check: Callable[[Mapping[str, object]], Iterator[Finding]],
    arguments: dict[str, object],
    argument: str,
    message: str,
) -> None:
    (finding,) = check(arguments)

    assert (finding.argument, finding.message) == (argument, message)


def test_a_protocol_whose_package_is_missing_says_which(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "paramiko", None)
    monkeypatch.delitem(sys.modules, "fsspec.implementations.sftp", raising=False)

    (finding,) = check_find({"pattern": "sftp://host/*"})

    assert "paramiko" in finding.message
