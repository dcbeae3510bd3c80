"""The `cache` of a task: what it declares, and whether its attempts can be known again at all.

FP740  a task that repeats waits for what is not among its arguments
FP741  the code of the function can't be read, so nobody can say whether it changed
FP742  an argument is another one in each run
FP743  all items of a fan-out have the same outputs, and nobody knows whose files they are
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from flowpar.code.module import is_installed
from flowpar.code.problem import ProblemKind
from flowpar.code.reached import Reached
from flowpar.code.signature import Signature
from flowpar.core.digest import digest
from flowpar.expr.references import mentions
from flowpar.lang.checked import CheckedCache
from flowpar.lang.node import ScalarNode
from flowpar.lang.vocabulary import BUILT_IN_KINDS

if TYPE_CHECKING:
    from collections.abc import Iterable

    from flowpar.expr.template import Template
    from flowpar.lang.checked import CheckedCall, Mention
    from flowpar.lang.model import CacheModel, DefaultsModel, TaskModel
    from flowpar.lang.rules.findings import Findings, Path
    from flowpar.lang.rules.reading import Reading
    from flowpar.lang.rules.scope import View
    from flowpar.lang.rules.target import Targets
    from flowpar.plugin.registry import TaskTypeSource

_NOTHING = Reached("")
_WAY_OUT = 'write "cache: false"'


def read_caching(
    reading: Reading,
    targets: Targets,
    path: Path,
    model: TaskModel,
    *,
    call: CheckedCall,
    defaults: DefaultsModel,
    view: View,
) -> CheckedCache | None:
    """Read the `cache` of a task, its own or that of `defaults`; None where it has none, or can't have one."""
    # What tidies up is to be done each time, unless it says otherwise itself.
    inherited = None if model.in_finally else defaults.cache
    own, home = (model.cache, path) if model.cache is not None else (inherited, ("defaults",))
    if own is None or own.is_on is False or model.kind in {"workflow", ""}:
        return None
    if model.repeat is not None and not own.files and not _reads_previous(call):
        if model.cache is not None:
            message = 'a "cache" would give back what this "repeat" once waited for: no round is given "previous"'
            hint = 'declare the "files" that it looks at, or leave the cache out'
            reading.findings.key_error("FP740", (*path, "cache"), message, hint=hint)
        return None
    code, reached = _code(reading.findings, targets, path, model, version=own.version)
    declared = _declared(reading, own, (*home, "cache"), view)
    _refuse_shared_outputs(reading.findings, declared, model, (*home, "cache", "outputs"))
    source = targets.sources.get(model.kind)
    named_by = () if source is None else source.options.files
    return replace(declared, code=code, reached=reached, named_by=named_by)


def _refuse_shared_outputs(findings: Findings, declared: CheckedCache, model: TaskModel, path: Path) -> None:
    """Find outputs that are the same for all items: each item would keep what others write at the same time."""
    name = "each" if model.for_each is not None else "matrix"
    if declared.outputs is None or (model.for_each is None and model.matrix is None):
        return
    if not mentions(declared.outputs, name):
        message = '"outputs" are the same for all items, so nobody can tell which item wrote which file'
        names = model.for_each if name == "each" else model.matrix
        example = f"{name}.{next(iter(names), 'item') if isinstance(names, dict) else 'item'}"
        findings.key_error("FP743", path, message, hint=f'name each item\'s own, as in "out/${{{{ {example} }}}}.csv"')


def _reads_previous(call: CheckedCall) -> bool:
    templates = (*call.arguments.values(), *call.env.values(), *([] if call.cwd is None else [call.cwd]))
    return any(mentions(template, "previous") for template in templates)


def _declared(reading: Reading, model: CacheModel, path: Path, view: View) -> CheckedCache:
    def read(key: str, value: object) -> Template | None:
        if isinstance(value, tuple):
            is_text = isinstance(reading.findings.document.node((*path, key)), ScalarNode)
            value = value[0] if is_text else list(value)
        return reading.value(value, (*path, key), view).template

    return CheckedCache(
        files=read("files", model.files) if model.files else None,
        outputs=read("outputs", model.outputs) if model.outputs else None,
        env=model.env,
        version=None if model.version is None else read("version", model.version),
    )


def _code(
    findings: Findings, targets: Targets, path: Path, model: TaskModel, *, version: object
) -> tuple[str, Reached]:
    """Return the digest of what a task runs, and what that reaches."""
    source = targets.sources.get(model.kind)
    if model.kind != "python" and (source is None or not source.is_local):
        # Built-in ones are known by their arguments; others by who brings them.
        if source is None or model.kind in BUILT_IN_KINDS:
            return "", _NOTHING
        return _of_plugin(targets, source)
    if model.kind == "python" and isinstance(model.body, dict):
        found, name = targets.reaches.of_text(model.body["script"]), "script"
    else:
        name = targets.target(model)
        if not name or not isinstance(targets.find(model), Signature):
            return "", _NOTHING  # it has a finding
        found = targets.reaches.of(name)
    if isinstance(found, Reached):
        return digest((name, found.digest)), found
    if found.kind is ProblemKind.NO_SOURCE and version is None:
        message = f"{found.message}: nobody would know when it changes"
        findings.error("FP741", (*path, model.kind), message, hint=found.hint)
    return digest(name), _NOTHING


def _of_plugin(targets: Targets, source: TaskTypeSource) -> tuple[str, Reached]:
    """Return what is known of an installed task type: its version and those of all that it requires.

    One that is being worked on, whose source is in no environment, is known by its code, too.
    """
    found = targets.reaches.of_distribution(source.distribution)
    name = (source.target, source.distribution, source.version)
    if source.file is None or is_installed(source.file):
        return digest(name), found
    own = targets.reaches.of(source.target)
    if not isinstance(own, Reached):
        return digest(name), found
    packages = tuple(sorted({*found.distributions, *own.distributions}))
    return digest((*name, own.digest)), replace(own, distributions=packages)


def warn_of_passing_values(findings: Findings, mentions: Iterable[Mention]) -> None:
    """Find arguments of a cached task that are others in each run."""
    for mention in mentions:
        reference = mention.reference
        if reference.context == "run" and reference.name in {"id", "dir"}:
            message = f"run.{reference.name} is another one in each run, so the task is never found in the cache"
            hint = f"leave it out, or {_WAY_OUT}"
            findings.text_warning("FP742", mention.place(), message, hint=hint)
