"""Three kinds of storage for all tests: a folder, fsspec's memory, and a bucket of a real S3 server on this machine."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import fsspec
import pytest
from moto.server import ThreadedMotoServer

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@dataclass(frozen=True)
class Store:
    """A place for files; `options` are the arguments of the task types that lead there."""

    root: str
    options: dict[str, Any] = field(default_factory=dict)

    def write(self, **files: bytes) -> None:
        """Write files by name; `__` stands for `/`, `_txt` for the ending."""
        for name, content in files.items():
            path = name.replace("__", "/").replace("_txt", ".txt")
            with fsspec.open(f"{self.root}/{path}", "wb", **self.fsspec_options()) as stream:
                stream.write(content)

    def read(self, name: str) -> bytes:
        """Return what is in a file."""
        with fsspec.open(f"{self.root}/{name}", "rb", **self.fsspec_options()) as stream:
            content: bytes = stream.read()
            return content

    def fsspec_options(self) -> dict[str, Any]:
        """Return what fsspec needs to come there."""
        local = {"auto_mkdir": True} if "://" not in self.root else {}
        return {**local, **self.options.get("storage", {}), **self.options.get("credentials", {})}


@pytest.fixture(scope="session")
def s3_address() -> Iterator[str]:
    """Start a server that speaks S3, on any free port."""
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def s3(s3_address: str, request: pytest.FixtureRequest) -> Store:
    """Make a bucket for one test."""
    name = f"bucket-{abs(hash(request.node.nodeid))}"
    store = Store(
        f"s3://{name}",
        {"storage": {"endpoint_url": s3_address}, "credentials": {"key": "somebody", "secret": "very secret"}},
    )
    fsspec.filesystem("s3", **store.fsspec_options()).mkdir(name)
    return store


@pytest.fixture
def local(tmp_path: Path) -> Store:
    """Return a folder."""
    return Store(str(tmp_path / "store"))


@pytest.fixture
def memory(request: pytest.FixtureRequest) -> Store:
    """Return a corner of this process's memory."""
    return Store(f"memory://{abs(hash(request.node.nodeid))}")


@pytest.fixture(params=["local", "memory", "s3"])
def store(request: pytest.FixtureRequest) -> Store:
    """Return each kind of storage in turn."""
    found: Store = request.getfixturevalue(request.param)
    return found
