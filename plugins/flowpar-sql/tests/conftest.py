"""Databases for all tests of the plugin: a file of SQLite, and a server of PostgreSQL where one is installed."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

DEADLINE_S = 50


def programs() -> Path | None:
    """Return the folder of PostgreSQL's newest programs: Debian does not put them on the path."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    on_path = shutil.which("initdb")
    return found[-1].parent if found else Path(on_path).parent if on_path else None


@pytest.fixture(scope="session")
def postgresql() -> Iterator[str]:
    """Start a server of its own, with one user and a password, on a free port; return its address without both."""
    folder = programs()
    if folder is None:
        pytest.skip("PostgreSQL is not installed")
    # Not below pytest's own folder, which is closed to the user that a server has who may not be root.
    with tempfile.TemporaryDirectory() as home:
        yield from serve(folder, Path(home))


def serve(folder: Path, home: Path) -> Iterator[str]:
    """Run a server in a folder while its address is in use."""
    data, secret = home / "data", home / "password"
    secret.write_text("s3cret\n")
    user = "postgres" if os.geteuid() == 0 else None
    if user:
        shutil.chown(home, user)
        shutil.chown(secret, user)

    def run(name: str, *arguments: str) -> None:
        subprocess.run(
            [str(folder / name), *arguments],
            check=True,
            timeout=DEADLINE_S,
            user=user,
            group=pwd.getpwnam(user).pw_gid if user else None,
            cwd=home,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    run("initdb", "-D", str(data), "-U", "shop", "-A", "scram-sha-256", f"--pwfile={secret}", "--no-sync")
    options = f"-c listen_addresses='' -c unix_socket_directories='{home}' -c fsync=off"
    run("pg_ctl", "-D", str(data), "-o", options, "-l", str(home / "log"), "-w", "start")
    try:
        yield f"postgresql+psycopg://shop@/postgres?host={home}"
    finally:
        run("pg_ctl", "-D", str(data), "-m", "fast", "-w", "stop")


@pytest.fixture
def sqlite(tmp_path: Path) -> str:
    """Return the address of a new database in a file."""
    return f"sqlite:///{tmp_path / 'shop.db'}"
