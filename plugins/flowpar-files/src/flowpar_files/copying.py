"""The task type `copy_files`: from any storage to any other; a file is there whole or not at all."""

from __future__ import annotations

import os
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Literal

from flowpar.plugin import Finding, TaskContext, task_type
from fsspec.implementations.local import LocalFileSystem

from flowpar_files.storage import FoundFile, Place, check_urls, place

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_BLOCK_BYTES = 4 << 20


def check(arguments: Mapping[str, object]) -> Iterator[Finding]:
    """Look at what is written in the workflow; what the run will make is passed over."""
    yield from check_urls("source", arguments.get("source"))
    yield from check_urls("to", arguments.get("to"))
    source, to = arguments.get("source"), arguments.get("to")
    if isinstance(source, list) and len(source) > 1 and isinstance(to, str) and not to.endswith("/"):
        yield Finding("several files go into a folder", argument="to", hint=f'write "{to}/"')


@task_type(executor="thread", secrets=("credentials", "to_credentials"), preload=("fsspec",), check=check)
def copy_files(
    source: str | list[str],
    *,
    to: str,
    if_there: Literal["replace", "skip", "fail"] = "replace",
    storage: dict[str, Any] | None = None,
    credentials: dict[str, str] | None = None,
    to_storage: dict[str, Any] | None = None,
    to_credentials: dict[str, str] | None = None,
    context: TaskContext,
) -> list[FoundFile]:
    """Copy files, given by addresses or patterns, into a folder (`to` ends with `/`) or one to a name.

    Returns the copies. `storage` and `credentials` are for the source and, without `to_storage` and `to_credentials`,
    for the target too.
    """
    files = _sources([source] if isinstance(source, str) else source, storage, credentials)
    is_elsewhere = to_storage is not None or to_credentials is not None
    target = place(to, *((to_storage, to_credentials) if is_elsewhere else (storage, credentials)))
    names = _targets(files, target, is_folder=to.endswith("/"))
    total = sum(file.size_bytes for _, file in files)
    done, copies = 0, []
    for (where, file), path in zip(files, names, strict=True):
        is_there = target.system.exists(path)
        if is_there and if_there == "fail":
            raise FileExistsError(f'"{target.url(path)}" is there already')
        if not is_there or if_there == "replace":
            _copy(where.system, place(file.url, storage, credentials).path, target.system, path)
        done += file.size_bytes
        context.progress(done, total, file.name)
        copies.append(target.found(path, target.system.info(path)))
    context.logger.info("files.copied", files=len(copies), size_bytes=total)
    return copies


def _sources(
    urls: list[str], storage: Mapping[str, Any] | None, credentials: Mapping[str, str] | None
) -> list[tuple[Place, FoundFile]]:
    found: list[tuple[Place, FoundFile]] = []
    for url in urls:
        where = place(url, storage, credentials)
        files = where.files()
        if not files:
            raise FileNotFoundError(f'there is no file "{url}"')
        found.extend((where, file) for file in files)
    return found


def _targets(files: list[tuple[Place, FoundFile]], target: Place, *, is_folder: bool) -> list[str]:
    """Return the path of each copy; raises ValueError where two would be one."""
    if not is_folder:
        if len(files) > 1:
            raise ValueError(f'{len(files)} files can\'t all be copied to one name; write "{target.url(target.path)}/"')
        return [target.path]
    paths: dict[str, str] = {}
    for _, file in files:
        path = f"{target.path.rstrip('/')}/{file.name}"
        if path in paths:
            raise ValueError(f'"{paths[path]}" and "{file.url}" would both be copied to "{target.url(path)}"')
        paths[path] = file.url
    return list(paths)


def _copy(from_system: Any, source: str, to_system: Any, path: str) -> None:
    if from_system is to_system and not isinstance(to_system, LocalFileSystem):
        to_system.cp_file(source, path)  # the storage does it by itself
        return
    with from_system.open(source, "rb") as reader, _whole(to_system, path) as writer:
        while block := reader.read(_BLOCK_BYTES):
            writer.write(block)


@contextmanager
def _whole(system: Any, path: str) -> Iterator[IO[bytes]]:
    """Open a file that takes its place when it is whole, and leaves nothing where it is not to be."""
    if isinstance(system, LocalFileSystem):
        with _whole_here(Path(path)) as local:
            yield local
        return
    system.makedirs(path.rpartition("/")[0], exist_ok=True)
    writer = system.open(path, "wb", autocommit=False)
    try:
        yield writer
        writer.close()
    except BaseException:
        writer.discard()
        raise
    writer.commit()


@contextmanager
def _whole_here(path: Path) -> Iterator[IO[bytes]]:
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        with part.open("wb") as writer:
            yield writer
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
