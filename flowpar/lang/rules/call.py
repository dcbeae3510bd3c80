"""The call of a task: its target, and its arguments from `with` or from below the kind key."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flowpar.code.signature import Signature
from flowpar.lang.checked import NO_TEMPLATES, CheckedCall
from flowpar.lang.rules.argument import Call, check_call
from flowpar.lang.rules.environment import read_cwd, read_env
from flowpar.lang.rules.script import read_script
from flowpar.lang.rules.secret import warn_of_written
from flowpar.lang.rules.shell import read_shell
from flowpar.lang.rules.sub_call import read_sub
from flowpar.lang.rules.target import check_target, refuse_async
from flowpar.lang.vocabulary import BUILT_IN_KINDS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from flowpar.expr.template import Template
    from flowpar.lang.model import DefaultsModel, TaskModel
    from flowpar.lang.rules.findings import Path
    from flowpar.lang.rules.reading import Read, Reading
    from flowpar.lang.rules.scope import View
    from flowpar.lang.rules.target import Targets


def read_call(reading: Reading, targets: Targets, path: Path, model: TaskModel, *, view: View) -> CheckedCall:
    """Read and check what a task calls, with the variables that its own text makes necessary.

    Its `env` and `cwd` are read by `environment_of`.
    """
    if model.kind == "python":
        return _python(reading, targets, path, model, view=view)
    if model.kind == "workflow":
        return read_sub(reading, targets, path, model, view=view)
    if model.kind in targets.sources and model.body is not None:
        return _typed(reading, targets, path, model, view=view)
    return CheckedCall(targets.target(model))


def _python(reading: Reading, targets: Targets, path: Path, model: TaskModel, *, view: View) -> CheckedCall:
    target = targets.target(model)
    home = (*path, "with")
    arguments = {name: reading.value(v, (*home, name), view) for name, v in (model.arguments or {}).items()}
    if isinstance(model.body, dict):
        return read_script(reading.findings, path, model.body["script"], arguments)
    found = targets.find(model)
    if found is not None:
        check_target(reading.findings, (*path, "python"), found)
    signature = found if isinstance(found, Signature) else None
    if signature is not None:
        blamed = home if model.arguments is not None else (*path, "python")
        call = Call(signature, f'"{target}"', arguments, home, blamed)
        check_call(reading.findings, call)
        if targets.calls is not None:
            targets.calls[str(path[-1])] = call
    return CheckedCall(target, _templates(arguments), signature=signature)


def _typed(reading: Reading, targets: Targets, path: Path, model: TaskModel, *, view: View) -> CheckedCall:
    """Read a call of a task type, whose short form gives its first parameter."""
    home = (*path, model.kind)
    signature = targets.of_kind(model.kind)
    values = NO_TEMPLATES
    if model.kind == "shell":
        read = read_shell(reading, home, model.body, view)
        arguments, values = read.arguments, read.values
    else:
        arguments = _below(reading, home, model, view, signature=signature)
    refuse_async(reading.findings, home, signature)
    warn_of_written(reading.findings, home, arguments, targets.sources[model.kind].options.secrets)
    check_call(
        reading.findings,
        Call(
            signature,
            f'"{model.kind}"',
            arguments,
            home,
            home,
            is_short=not isinstance(model.body, dict),
            is_ours=model.kind in BUILT_IN_KINDS,
        ),
    )
    return CheckedCall(targets.target(model), _templates(arguments), values, signature=signature)


def _below(reading: Reading, home: Path, model: TaskModel, view: View, *, signature: Signature) -> Mapping[str, Read]:
    """Read what stands below a kind key, by the names of the parameters."""
    if not isinstance(model.body, dict):
        first = signature.named[0].name if signature.named else "value"
        return {first: reading.value(model.body, home, view)}
    return {name: reading.value(value, (*home, name), view) for name, value in model.body.items()}


def _templates(arguments: Mapping[str, Read]) -> Mapping[str, Template]:
    if not arguments:
        return NO_TEMPLATES
    return {name: read.template for name, read in arguments.items() if read.template is not None}


def environment_of(
    reading: Reading, path: Path, model: TaskModel, defaults: DefaultsModel, *, view: View
) -> tuple[Mapping[str, Template], Template | None]:
    """Read the `env` and the `cwd` of a task, its own or those of `defaults`."""
    env_path, env = (path, model.env) if model.env is not None else (("defaults",), defaults.env)
    cwd_path, cwd = (path, model.cwd) if model.cwd is not None else (("defaults",), defaults.cwd)
    return (
        NO_TEMPLATES if env is None else read_env(reading, (*env_path, "env"), env, view),
        None if cwd is None else read_cwd(reading, (*cwd_path, "cwd"), cwd, view),
    )
