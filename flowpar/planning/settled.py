"""What is known before a run: values of inputs, variables of env files, the workflow's name and folder.

    given inputs ─► all of it, or findings
    none given   ─► the inputs that have a default, for looking at a plan

An expression is evaluated before the run only where all that it reads is settled.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from flowpar.core.frozen import dataclass, field
from flowpar.expr.references import references
from flowpar.lang.inputs import GivenInputs, resolve_inputs
from flowpar.planning.dotenv import read_env_files
from flowpar.planning.secret import Secrets, hidden_by, masked, resolve, sources_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from flowpar.core.diagnostics import Diagnostics
    from flowpar.expr.template import Template
    from flowpar.lang.checked import Checked


@dataclass(frozen=True, slots=True)
class Settled:
    """Contexts of expressions that are evaluated before the run; without `env` nobody asked for a run."""

    inputs: Mapping[str, object]
    workflow: Mapping[str, object]
    env: Mapping[str, str] | None = None
    env_file: Mapping[str, str] = field(default_factory=dict)
    secrets: Secrets = field(default_factory=Secrets)

    @property
    def contexts(self) -> Mapping[str, object]:
        """The contexts as `evaluate` takes them."""
        return {"inputs": self.inputs, "workflow": self.workflow, "env": self.env or {}}

    def covers(self, template: Template) -> bool:
        """Whether all that a template reads is settled."""
        for reference in references(template):
            if reference.context == "inputs" and reference.name in self.inputs:
                continue
            if reference.context != "workflow" and not (reference.context == "env" and self.env is not None):
                return False
        return True


def settle(
    checked: Checked, given: GivenInputs | None, diagnostics: Diagnostics, *, needs_secrets: bool = True
) -> Settled:
    """Return what is known of a sound workflow; what is wrong with it goes to `diagnostics`."""
    workflow = {"name": name_of(checked), "dir": str(checked.folder)}
    if given is None:
        return Settled(resolve_inputs(checked, GivenInputs()).values, workflow)
    resolved, files = resolve_inputs(checked, given), read_env_files(checked)
    sources = sources_of(checked)
    secrets = resolve(sources, env_file=files.variables, inputs=resolved.values, are_needed=needs_secrets)
    diagnostics.extend(masked([*resolved.diagnostics, *files.diagnostics], secrets.masker))
    diagnostics.extend(secrets.diagnostics)
    hidden = hidden_by(sources)
    env = {name: value for name, value in {**os.environ, **files.variables}.items() if name not in hidden}
    return Settled(resolved.values, workflow, env, files.variables, secrets)


def name_of(checked: Checked) -> str:
    """Return the workflow's name, which is its file's where it has none."""
    return (checked.workflow and checked.workflow.name) or Path(checked.path).stem
