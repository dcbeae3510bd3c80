"""All rules over one workflow, each value read once."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from flowpar.core.frozen import dataclass, field
from flowpar.core.types import STR, widen
from flowpar.lang.rules.availability import check_outputs, check_readers
from flowpar.lang.rules.declared_input import check_input
from flowpar.lang.rules.environment import read_env
from flowpar.lang.rules.final import find_too_early, is_final
from flowpar.lang.rules.findings import Findings
from flowpar.lang.rules.lint import warn_of_unused_inputs, warn_of_variables
from flowpar.lang.rules.outlook import Outlook
from flowpar.lang.rules.reading import Reading
from flowpar.lang.rules.run_if import warn_of_run_ifs
from flowpar.lang.rules.scope import AnyText, Surroundings, TaskTypes, type_of_input
from flowpar.lang.rules.script import warn_of_unset_outputs
from flowpar.lang.rules.secret import SecretFlow
from flowpar.lang.rules.setting import Settings
from flowpar.lang.rules.task import TaskRules
from flowpar.lang.rules.unknown import warn_of_unknown

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from flowpar.core.diagnostics import Diagnostic
    from flowpar.core.types import Type
    from flowpar.expr.template import Template
    from flowpar.lang.checked import CheckedTask, Mention
    from flowpar.lang.model import Workflow
    from flowpar.lang.node import Document
    from flowpar.lang.rules.target import Targets


@dataclass(frozen=True, slots=True)
class Ruled:
    """What the rules made of a workflow, and what they found."""

    tasks: Mapping[str, CheckedTask]
    outputs: Mapping[str, Template]
    output_types: Mapping[str, Type]
    env: Mapping[str, Template]
    diagnostics: tuple[Diagnostic, ...]


@dataclass(slots=True)
class _Uses:
    """What expressions mention, as far as a rule asks for it later."""

    inputs: set[str] = field(default_factory=set)
    variables: list[Mention] = field(default_factory=list)
    readers: dict[str, list[Mention]] = field(default_factory=dict)

    def outputs_read(self) -> Iterator[str]:
        """Give the tasks whose outputs are read."""
        mentions = (mention.reference for mentions in self.readers.values() for mention in mentions)
        return (found.name for found in mentions if found.name is not None and found.field == "output")

    def add(self, task: str, mentions: Iterable[Mention]) -> None:
        """Sort the mentions of one task, or of the workflow itself under an empty id."""
        for mention in mentions:
            reference = mention.reference
            if reference.context == "inputs" and reference.name is not None:
                self.inputs.add(reference.name)
            elif reference.context == "env":
                self.variables.append(mention)
            elif reference.context == "tasks":
                self.readers.setdefault(task, []).append(mention)


def check_workflow(workflow: Workflow, document: Document, targets: Targets) -> Ruled:
    """Check a bound workflow; what has a finding is left out of what is returned."""
    findings = Findings(document, targets.pools)
    reading = Reading(findings, flow=SecretFlow(findings, workflow) if workflow.secrets else None)
    surroundings = _surroundings(workflow, targets)
    uses = _Uses()
    for name, model in workflow.inputs.items():
        check_input(findings, name, model)
    env = read_env(reading, ("env",), workflow.env, surroundings.top_env())
    settings = Settings(reading, surroundings, workflow.defaults, workflow.limits)
    rules = TaskRules(workflow, reading, surroundings, targets, settings)
    uses.add("", reading.take_mentions())
    tasks: dict[str, CheckedTask] = {}
    for index, task in enumerate(workflow.tasks):
        tasks[task], mentions = rules.check(task, index)
        uses.add(task, mentions)
    outputs, output_types = _outputs(reading, workflow, surroundings)
    of_outputs = reading.take_mentions()
    uses.add("", of_outputs)
    for mention in of_outputs:
        if is_final(workflow, mention):
            find_too_early(findings, '"outputs"', mention)
    outlook = Outlook.of(tasks)
    for reader, mentions in uses.readers.items():
        if reader:
            check_readers(findings, tasks[reader], mentions, outlook)
    check_outputs(findings, of_outputs, outlook)
    warn_of_run_ifs(findings, workflow, outlook)
    warn_of_unused_inputs(findings, workflow, uses.inputs)
    warn_of_unset_outputs(findings, workflow, uses.readers)
    if not workflow.env_file:  # what is in the files is only known when they are read
        warn_of_variables(findings, uses.variables, frozenset(workflow.env), os.environ)
    if targets.calls is not None:
        warn_of_unknown(findings, targets.calls, uses.outputs_read())
    return Ruled(tasks, outputs, output_types, env, tuple(findings.found))


def _surroundings(workflow: Workflow, targets: Targets) -> Surroundings:
    inputs = {name: type_of_input(model) for name, model in workflow.inputs.items()}
    tasks = TaskTypes(
        workflow,
        lambda task: targets.output_of(workflow.tasks[task]),
        lambda task: targets.spot_of(workflow.tasks[task]),
    )
    return Surroundings(inputs, tasks, AnyText(workflow.env), dict.fromkeys(workflow.secrets, STR))


def _outputs(
    reading: Reading, workflow: Workflow, surroundings: Surroundings
) -> tuple[dict[str, Template], dict[str, Type]]:
    view = surroundings.running()
    found = {name: reading.value(value, ("outputs", name), view) for name, value in workflow.outputs.items()}
    templates = {name: read.template for name, read in found.items() if read.template is not None}
    return templates, {name: widen(read.type) for name, read in found.items()}
