"""The folder of one run, private to the user, in a state folder that nobody else has a hand in.

    <state>/                 .flowpar of the current folder, unless the user says otherwise
      .gitignore             so that the state folder ignores itself
      runs/<run id>/
        events.jsonl  run.log.jsonl  values/  logs/  scratch/  workflow.yaml  outputs.json

Every step below the state folder goes through descriptors that were opened without following
links, so a link planted there is refused, never written through.
"""

from __future__ import annotations

import errno
import os
import stat
import time
from typing import TYPE_CHECKING

from flowpar.core.errors import MachineError, StateError
from flowpar.core.frozen import dataclass
from flowpar.core.point import point
from flowpar.data.spool import FOLDER as SPOOLS
from flowpar.record.run_id import run_id

if TYPE_CHECKING:
    from pathlib import Path

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_NEW_FILE = os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC | os.O_NOFOLLOW
_TURNS = 1000
_NO_ROOM = (errno.ENOSPC, errno.EDQUOT)


@dataclass(frozen=True, slots=True)
class RunFolder:
    """Where one run keeps what it writes; `path` is absolute."""

    path: Path
    run_id: str

    @classmethod
    def create(
        cls,
        state_dir: Path,
        name: str,
        *,
        run_dir: Path | None = None,
        now: float | None = None,
        trust_state: bool = False,
        is_synced: bool = True,
    ) -> RunFolder:
        """Make the folder of a new run of the workflow `name`, or raise `StateError`.

        `run_dir` is used instead of a folder below `state_dir`; it must be new or empty.
        """
        at = time.time() if now is None else now
        try:
            if run_dir is not None:
                return _adopt(run_dir, name, now=at, trust_state=trust_state)
            return _create_below(state_dir, name, now=at, trust_state=trust_state, is_synced=is_synced)
        except OSError as error:
            raise _refusal(run_dir or state_dir, error) from error

    @classmethod
    def find(cls, run_dir: Path, run_id: str, *, trust_state: bool = False) -> RunFolder:
        """Return the folder of a run that is there, or raise `StateError` where it is a stranger's."""
        try:
            found = run_dir.stat(follow_symlinks=trust_state)
            _refuse_stranger(os.fspath(run_dir), found, trust_state=trust_state)
        except OSError as error:
            raise _refusal(run_dir, error) from error
        return cls(run_dir.resolve(), run_id)

    def write(self, name: str, content: bytes) -> Path:
        """Write a file of the run in one move: it is there whole or not at all."""
        path, partial = self.path / name, self.path / f".{name}.partial"
        try:
            partial.unlink(missing_ok=True)
            point("file.create")
            _fill(os.open(partial, _NEW_FILE, 0o600), content)
            point("file.rename")
            partial.replace(path)
        except OSError as error:
            raise _refusal(path, error) from error
        return path

    def remove(self, name: str) -> None:
        """Remove a folder of the run; it is not there any more, or has empty folders in it, as a rule."""
        folder = self.path / name
        try:
            inner = os.listdir(folder)  # noqa: PTH208 - texts
        except FileNotFoundError:
            return
        except OSError:
            inner = []
        try:
            for each in inner:
                (folder / each).rmdir()
            folder.rmdir()
        except OSError:
            import shutil  # late: it brings libraries for archives

            shutil.rmtree(folder, ignore_errors=True)

    def clear_leftovers(self) -> None:
        """Remove what a part of the run that was cut off left half done, and the outputs of one that was not."""
        for name in ("scratch", SPOOLS):
            self.remove(name)
        try:
            for draft in (self.path / "values").glob("*.part"):
                draft.unlink(missing_ok=True)
            (self.path / "outputs.json").unlink(missing_ok=True)
        except OSError as error:
            raise _refusal(self.path, error) from error


def check_state(state_dir: Path, *, trust_state: bool = False) -> None:
    """Make sure that a state folder and the runs in it are where they seem to be, and the user's; or `StateError`."""
    for folder in (state_dir, state_dir / "runs"):
        try:
            _refuse_stranger(os.fspath(folder), folder.stat(follow_symlinks=trust_state), trust_state=trust_state)
        except FileNotFoundError:
            return
        except OSError as error:
            raise _refusal(folder, error) from error


def check_owner(folder: Path, *, trust_state: bool = False) -> None:
    """Make sure that the folder of a cache is where it seems to be, and the user's; or `StateError`. Raises OSError."""
    found, name = folder.stat(follow_symlinks=trust_state), os.fspath(folder)
    _refuse_stranger(name, found, trust_state=trust_state, what="cache", option="--cache-dir")


def open_inside(run_dir: Path, file: str) -> int:
    """Open a file for reading by its path in the run folder; raises OSError for what leads out of it.

    What a journal says is not trusted to stay inside: no link is followed and no `..` is taken.
    """
    *folders, name = file.split("/")
    if any(part in {"", ".", ".."} for part in (*folders, name)) or "\0" in file or not file.isprintable():
        raise OSError(errno.EINVAL, "not a path in the run folder")
    inner = os.open(run_dir, _FOLDER & ~os.O_NOFOLLOW)
    try:
        for part in folders:
            outer, inner = inner, os.open(part, _FOLDER, dir_fd=inner)
            os.close(outer)
        return _opened_file(name, inner)
    finally:
        os.close(inner)


def _opened_file(name: str, folder: int) -> int:
    number = os.open(name, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=folder)
    if not stat.S_ISREG(os.fstat(number).st_mode):
        os.close(number)
        raise OSError(errno.EINVAL, "not a file")
    return number


def _create_below(state_dir: Path, name: str, *, now: float, trust_state: bool, is_synced: bool) -> RunFolder:
    _make_parents(state_dir)
    state = _enter(None, str(state_dir), trust_state=trust_state)
    try:
        _ignore_itself(state)
        runs = _enter(state, "runs", trust_state=trust_state)
        try:
            chosen = _take_id(runs, name, now)
            _furnish(os.open(chosen, _FOLDER, dir_fd=runs))
            if is_synced:
                point("runs.sync")
                os.fsync(runs)
        finally:
            os.close(runs)
    finally:
        os.close(state)
    return RunFolder(state_dir.resolve() / "runs" / chosen, chosen)


def _adopt(run_dir: Path, name: str, *, now: float, trust_state: bool) -> RunFolder:
    _make_parents(run_dir)
    folder = _enter(None, str(run_dir), trust_state=trust_state)
    if os.listdir(folder):  # noqa: PTH208 - of the descriptor that was checked, not of a path
        os.close(folder)
        raise StateError(f'run folder "{run_dir}" is not empty', hint="give a new one: a run never writes over another")
    _furnish(folder)
    return RunFolder(run_dir.resolve(), run_id(name, now))


def _make_parents(folder: Path) -> None:
    # mkdir(parents=True) would leave the mode of parents to the umask.
    missing = [parent for parent in folder.absolute().parents if not parent.exists()]
    for parent in reversed(missing):
        parent.mkdir(mode=0o700, exist_ok=True)
        parent.chmod(0o700)  # a umask may take the owner's own rights


def _enter(parent: int | None, name: str, *, trust_state: bool) -> int:
    """Open a folder, made if need be, after a look at whose it is."""
    try:
        point("folder.create")
        os.mkdir(name, 0o700, dir_fd=parent)
        _allow_owner(name, parent)
    except FileExistsError:
        _refuse_stranger(name, os.stat(name, dir_fd=parent, follow_symlinks=trust_state), trust_state=trust_state)
    flags = _FOLDER & ~os.O_NOFOLLOW if trust_state else _FOLDER
    return os.open(name, flags, dir_fd=parent)


def _allow_owner(name: str, parent: int | None) -> None:
    # A umask of 077 or 0 leaves 0700; only one that takes the owner's own rights needs this.
    if os.stat(name, dir_fd=parent, follow_symlinks=False).st_mode & 0o700 != 0o700:  # noqa: PLR2004
        os.chmod(name, 0o700, dir_fd=parent)


def _refuse_stranger(
    name: str, found: os.stat_result, *, trust_state: bool, what: str = "state folder", option: str = "--state-dir"
) -> None:
    if stat.S_ISLNK(found.st_mode):
        raise StateError(
            f'{what} "{name}" is a symbolic link',
            hint=f"give the folder it leads to with {option}, or pass --trust-state if the link is yours",
        )
    if not stat.S_ISDIR(found.st_mode):
        raise StateError(f'{what} "{name}" is a file, not a folder', hint=f"choose another one with {option}")
    if found.st_uid != os.geteuid() and not trust_state:
        raise StateError(
            f'{what} "{name}" belongs to another user ({_user(found.st_uid)})',
            hint=f"choose another one with {option}, or pass --trust-state if you trust its owner",
        )


def _user(uid: int) -> str:
    import pwd  # only for this message

    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"uid {uid}"


def _ignore_itself(state: int) -> None:
    try:
        _fill(os.open(".gitignore", _NEW_FILE, 0o600, dir_fd=state), b"*\n")
    except FileExistsError:
        return


def _take_id(runs: int, name: str, now: float) -> str:
    others = os.listdir(runs)
    for turn in range(_TURNS):
        chosen = run_id(name, now, turn=turn, others=others)
        try:
            point("run.create")
            os.mkdir(chosen, 0o700, dir_fd=runs)
        except FileExistsError:
            continue
        _allow_owner(chosen, runs)
        return chosen
    raise StateError(f'no free run id for "{name}" at this moment', hint="try again")


def _furnish(folder: int) -> None:
    try:
        for name in ("values", "logs", "scratch"):
            point("inner.create")
            os.mkdir(name, 0o700, dir_fd=folder)
            _allow_owner(name, folder)
    finally:
        os.close(folder)


def _fill(fd: int, content: bytes) -> None:
    with os.fdopen(fd, "wb") as stream:
        os.fchmod(fd, 0o600)
        stream.write(content)


def _refusal(path: Path, error: OSError) -> MachineError:
    reason = (error.strerror or str(error)).lower()
    if error.errno in _NO_ROOM:
        return MachineError(
            f'cannot write "{path}": {reason}', hint="free some space or choose another --state-dir or --run-dir"
        )
    return StateError(
        f'cannot use "{path}" for state: {reason}', hint="choose another folder with --state-dir or --run-dir"
    )
