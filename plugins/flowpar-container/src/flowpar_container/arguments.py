"""From the keys of a task to the arguments of `docker run` or `podman run`; pure, so that all of it can be tested.

Values of variables are never among the arguments, where every user of the machine could read them: only
their names are, and the engine takes the values from its own environment.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from flowpar.plugin import Finding

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

_UNFIT = re.compile(r"[^a-zA-Z0-9_.-]+")
_MODES = {"ro", "rw"}
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


@dataclass(frozen=True, slots=True)
class Container:
    """What is to run: `command` as a list, `mounts` from paths here to `path[:ro|:rw]` there."""

    image: str
    name: str
    command: Sequence[str] = ()
    mounts: Mapping[str, str] = field(default_factory=dict)
    variables: Sequence[str] = ()
    workdir: str | None = None
    user: str | None = None
    network: str | None = None
    pull: str = "missing"
    cpus: float | None = None
    memory: str | None = None
    options: Sequence[str] = ()

    def run_arguments(self, engine: str, *, folder: Path) -> list[str]:
        """Return the command line that runs it; paths here are relative to `folder`."""
        flags = {
            "--name": self.name,
            "--pull": self.pull,
            "--workdir": self.workdir,
            "--user": self.user,
            "--network": self.network,
            "--cpus": None if self.cpus is None else f"{self.cpus:g}",
            "--memory": self.memory,
        }
        given = [f"{flag}={value}" for flag, value in flags.items() if value is not None]
        mounts = [f"--mount={mount_of(here, there, folder)}" for here, there in self.mounts.items()]
        variables = [f"--env={name}" for name in self.variables]
        return [engine, "run", "--rm", "--init", *given, *mounts, *variables, *self.options, self.image, *self.command]


def mount_of(here: str, there: str, folder: Path) -> str:
    """Return a bind mount; `there` may end with `:ro` (the default) or `:rw`."""
    path, _, mode = there.rpartition(":")
    if mode not in _MODES:
        path, mode = there, "ro"
    source = os.path.normpath(folder / here)
    quoted = [f'"{part}"' if "," in part else part for part in (f"source={source}", f"target={path}")]
    return ",".join(["type=bind", *quoted, *(["readonly"] if mode == "ro" else [])])


def command_of(command: str | Sequence[str] | None) -> list[str]:
    """Return the words of a command: a text is for `sh` in the container, a list stands for itself."""
    if command is None:
        return []
    return ["sh", "-euc", command] if isinstance(command, str) else list(command)


def name_of(run_id: str, task: str, item: object, attempt: int) -> str:
    """Return the container's name, which says whose it is and is the only one of this attempt."""
    parts = ["flowpar", run_id, task, *([] if item is None else [str(item)]), str(attempt)]
    return "-".join(_UNFIT.sub("_", part) for part in parts)


def check(arguments: Mapping[str, object]) -> Iterator[Finding]:
    """Look at what is written in the workflow; what the run will make is passed over."""
    image, mounts, env = arguments.get("image"), arguments.get("mounts"), arguments.get("env")
    if isinstance(image, str):
        if not image.strip() or any(map(str.isspace, image)) or image.startswith("-"):
            yield Finding(f'"{image}" is no name of an image', argument="image", hint="such as python:3.13-slim")
        elif "@sha256:" not in image and ":" not in image.rpartition("/")[2]:
            hint = f'write "{image}:…" with the version that you mean'
            yield Finding("an image without a tag may change any day", argument="image", hint=hint, severity="warning")
    for here, there in mounts.items() if isinstance(mounts, dict) else ():
        if isinstance(there, str) and not there.startswith("/"):
            yield Finding(
                f'"{there}" is no absolute path in the container', argument="mounts", hint=f'"{here}: /{there}"'
            )
    for name in env if isinstance(env, dict) else ():
        if not _NAME.fullmatch(str(name)):
            yield Finding(f'"{name}" is no name of a variable', argument="env")
