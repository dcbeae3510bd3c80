"""The secrets of a run: read once, before any task starts, from the variables and files that the workflow names.

    SecretSource ─► resolve ─┬─► values, for workers by their sockets alone, and the masker that knows them
                             └─► findings at the declarations, of all that are wrong

A plan holds the sources, never a value. A variable is looked for in the environment, then in the env files.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from flowpar.core.diagnostics import Diagnostic
from flowpar.core.forms import SHORTEST
from flowpar.core.frozen import dataclass, field, replace
from flowpar.core.mask import Masker
from flowpar.execute.recipe import secret_key

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from flowpar.core.source import Span
    from flowpar.lang.checked import Checked

LARGEST_BYTES = 64 << 10


@dataclass(frozen=True, slots=True)
class SecretSource:
    """Where a secret is read from: the variable or file `where`, which is relative to `folder`.

    `file` and `span` are where the workflow says so; `owner` is the sub-workflow that declares it, "" for none.
    """

    name: str
    kind: Literal["env", "file"]
    where: str
    folder: str
    file: str
    span: Span
    owner: str = ""

    @property
    def key(self) -> str:
        """Its name among the secrets of a run, of which every file has its own."""
        return secret_key(self.owner, self.name)


@dataclass(frozen=True, slots=True)
class Secrets:
    """The secrets of a run by name, in memory only; or why there are none. `masker` hides all that could be read."""

    values: Mapping[str, str] = field(default_factory=dict, repr=False)
    masker: Masker = field(default_factory=Masker)
    diagnostics: tuple[Diagnostic, ...] = ()


class _Unfit(Exception):  # noqa: N818 - it says what is wrong
    """A secret cannot be had; the text goes on after its name and source."""

    def __init__(self, code: str, message: str, hint: str | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.hint = hint


def sources_of(checked: Checked) -> tuple[SecretSource, ...]:
    """Return the sources of the secrets of a workflow, in file order, and then of its sub-workflows."""
    found: dict[str, tuple[SecretSource, ...]] = {"": _sources_in(checked, "")}
    pending = [checked]
    while pending:
        subs = {task.sub.path: task.sub for task in pending.pop().tasks.values() if task.sub is not None}
        for path, sub in subs.items():
            if path not in found:
                found[path] = _sources_in(sub, path)
                pending.append(sub)
    return tuple(source for sources in found.values() for source in sources)


def _sources_in(checked: Checked, owner: str) -> tuple[SecretSource, ...]:
    if checked.workflow is None or checked.document is None:
        return ()
    found = []
    folder, file = str(checked.folder), checked.document.source.path
    for name, model in checked.workflow.secrets.items():
        span = checked.document.span(("secrets", name), of_key=True)
        if model.env is not None:
            found.append(SecretSource(name, "env", model.env, folder, file, span, owner))
        elif model.file is not None:
            found.append(SecretSource(name, "file", model.file, folder, file, span, owner))
    return tuple(found)


def hidden_by(sources: Sequence[SecretSource]) -> tuple[str, ...]:
    """Return the variables that tasks do not inherit, for secrets are read from them."""
    return tuple(dict.fromkeys(source.where for source in sources if source.kind == "env"))


def resolve(
    sources: Sequence[SecretSource],
    *,
    env_file: Mapping[str, str],
    inputs: Mapping[str, object],
    are_needed: bool = True,
) -> Secrets:
    """Read all secrets, or find what is wrong with each; what is an input, too, is none: inputs are written down.

    Unless they `are_needed`, one that can't be had is none either, and no finding.
    """
    values: dict[str, str] = {}
    found: list[Diagnostic] = []
    for source in sources:
        try:
            values[source.key] = value = _read(source, {**env_file, **os.environ})
            _refuse_input(value, inputs)
        except _Unfit as unfit:
            if not are_needed and source.key not in values:
                continue
            message = f'secret "{source.name}" {unfit.message}'
            found.append(Diagnostic(unfit.code, message, source.file, source.span, hint=unfit.hint))
    masker = Masker(values.values())
    return Secrets(masker=masker, diagnostics=tuple(found)) if found else Secrets(values, masker)


def masked(found: Iterable[Diagnostic], masker: Masker) -> Iterable[Diagnostic]:
    """Return findings that may show a value without the secrets in it."""
    for each in found:
        hint = None if each.hint is None else masker.error(each.hint)
        yield replace(each, message=masker.error(each.message), hint=hint)


def _read(source: SecretSource, environment: Mapping[str, str]) -> str:
    what = f'is read from the {"variable" if source.kind == "env" else "file"} "{source.where}", which'
    if source.kind == "env":
        value = _of_variable(what, source.where, environment)
    else:
        value = _of_file(what, Path(source.folder, source.where))
    if len(value) < SHORTEST:
        hint = f"so short a text stands everywhere, and hiding it would blot out the rest; take {SHORTEST} or more"
        raise _Unfit("FP806", f"{what} has fewer than {SHORTEST} characters", hint)
    return value


def _of_variable(what: str, name: str, environment: Mapping[str, str]) -> str:
    value = environment.get(name)
    if value is None:
        raise _Unfit("FP804", f"{what} is not set", f"set it before the run: export {name}=…")
    if not value.strip():
        raise _Unfit("FP804", f"{what} is empty", f"set it before the run: export {name}=…")
    try:
        value.encode()
    except UnicodeEncodeError:
        raise _Unfit("FP804", f"{what} is not UTF-8 text") from None
    return value


def _of_file(what: str, path: Path) -> str:
    try:
        if not path.exists():
            raise _Unfit("FP805", f"{what} does not exist", "a relative path begins at the workflow's folder")
        if not path.is_file():  # a pipe would be waited for
            raise _Unfit("FP805", f"{what} is {'a folder' if path.is_dir() else 'not a file'}")
        with path.open("rb") as stream:
            content = stream.read(LARGEST_BYTES + 1)
        text = content.decode()
    except OSError as error:
        raise _Unfit("FP805", f"{what} cannot be read: {(error.strerror or str(error)).lower()}") from None
    except UnicodeDecodeError:
        raise _Unfit("FP805", f"{what} is not UTF-8 text", "write it in base64, and decode it in the task") from None
    if len(content) > LARGEST_BYTES:
        raise _Unfit("FP805", f"{what} is larger than {LARGEST_BYTES >> 10} KiB", "give tasks the file's path instead")
    if "\0" in text:
        raise _Unfit("FP805", f"{what} holds a zero character", "write it in base64, and decode it in the task")
    if not text.strip():
        raise _Unfit("FP805", f"{what} is empty")
    return text.removesuffix("\n").removesuffix("\r")


def _refuse_input(value: str, inputs: Mapping[str, object]) -> None:
    masker = Masker([value]) if inputs else Masker()
    for name, given in inputs.items() if masker else ():
        if masker.text(written := str(given)) != written:
            hint = "take the input out, and read the secret where it is needed"
            raise _Unfit("FP807", f'stands in input "{name}", too, and inputs are written down', hint)
