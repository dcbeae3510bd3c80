"""What a WfFormat file says that a replay needs, as strict models, and what else it holds, which is lost.

Source: WfFormat 1.5 of WfCommons, https://github.com/wfcommons/WfFormat.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from flowpar.core.errors import DocumentError

if TYPE_CHECKING:
    from flowpar.core.source import Source

VERSION = "1.5"
_MOST_TOLD = 5
_Id = Annotated[str, StringConstraints(min_length=1)]
# Three centuries, and what flowpar takes for a priority.
_Seconds = Annotated[float, Field(ge=0, le=1e10)]
_Priority = Annotated[int, Field(ge=-(10**9), le=10**9)]


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore", strict=True)


class SpecifiedTask(_Model):
    """A task as it was declared: `parents` end before it begins."""

    id: _Id
    parents: list[_Id] = []
    children: list[_Id] = []
    input_files: list[Any] = Field([], alias="inputFiles")
    output_files: list[Any] = Field([], alias="outputFiles")


class ExecutedTask(_Model):
    """A task as it went, with its runtime in seconds."""

    id: _Id
    seconds: _Seconds = Field(alias="runtimeInSeconds")
    priority: _Priority | None = None
    command: dict[str, Any] | None = None
    cores: float | None = Field(None, alias="coreCount")
    memory_bytes: int | None = Field(None, alias="memoryInBytes")


class _Specification(_Model):
    tasks: list[SpecifiedTask] = Field(min_length=1)


class _Execution(_Model):
    tasks: list[ExecutedTask] = []


class _Workflow(_Model):
    specification: _Specification
    execution: _Execution = _Execution()


class _System(_Model):
    name: str = ""
    version: str = ""


class Recording(_Model):
    """A whole file."""

    name: str = ""
    version: str = Field(alias="schemaVersion")
    system: _System | None = Field(None, alias="runtimeSystem")
    workflow: _Workflow

    @property
    def specified(self) -> list[SpecifiedTask]:
        """The tasks as declared, in the order of the file."""
        return self.workflow.specification.tasks

    @property
    def executed(self) -> list[ExecutedTask]:
        """The tasks as they went."""
        return self.workflow.execution.tasks


def read(source: Source) -> Recording:
    """Read a file; raises DocumentError that names the places of what is wrong."""
    try:
        found = json.loads(source.text)
    except json.JSONDecodeError as error:
        place = f"{source.path}:{error.lineno}:{error.colno}"
        raise DocumentError(f"{place}: this is not JSON: {error.msg.lower()}") from None
    except RecursionError:
        raise DocumentError(f"{source.path}: it is nested too deeply") from None
    except ValueError:  # Python reads no integer of more than 4,300 digits
        raise DocumentError(f"{source.path}: a number in it has too many digits") from None
    version = found.get("schemaVersion") if isinstance(found, dict) else None
    if isinstance(version, str) and version.split(".")[:2] != VERSION.split("."):
        raise DocumentError(
            f'{source.path}: its schemaVersion is "{version}", which can\'t be read',
            hint=f"look for the recording in WfFormat {VERSION}, where most are kept today",
        )
    try:
        return Recording.model_validate(found)
    except ValidationError as error:
        raise DocumentError(f"{source.path}: {_told(error)}") from None


def lost_in(recording: Recording) -> tuple[str, ...]:
    """Say what of a recording its replay does not have, a line each."""
    executed = recording.executed
    known = {task.id for task in executed}
    files = sum(bool(task.input_files or task.output_files) for task in recording.specified)
    lost = (
        ("takes no time where none was recorded", sum(task.id not in known for task in recording.specified)),
        ("reads and writes no files", files),
        ("runs no command", sum(task.command is not None for task in executed)),
        ("asks for one core, not for as many as recorded", sum(task.cores not in (None, 1) for task in executed)),
        ("uses no memory to speak of", sum(task.memory_bytes is not None for task in executed)),
    )
    return tuple(f"a replayed task {what} ({count} of {len(recording.specified)})" for what, count in lost if count)


def _told(error: ValidationError) -> str:
    found = [
        f"{_place(one['loc'])}: {one['msg'][:1].lower()}{one['msg'][1:]}" for one in error.errors(include_url=False)
    ]
    more = f"; and {len(found) - _MOST_TOLD} more" if len(found) > _MOST_TOLD else ""
    return "; ".join(found[:_MOST_TOLD]) + more


def _place(loc: tuple[str | int, ...]) -> str:
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in loc)
    return text.removeprefix(".") or "the file"
