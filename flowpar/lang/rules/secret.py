"""Where secrets may go: into `env` and into arguments, nowhere else.

    secrets.X ──► env, with, the keys of a plugin's kind ──► a task
        └───────► outputs, if, for_each, a shell text, …     a finding

What an expression makes of a secret is secret as a whole, whatever it does with it, and so is the variable of the
top-level `env` that it is given to: reading that is reading the secret.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from flowpar.core.diagnostics import Label
from flowpar.core.frozen import dataclass, field
from flowpar.expr.template import Constant
from flowpar.lang.model import TaskModel
from flowpar.lang.shape import keys_of
from flowpar.lang.vocabulary import BUILT_IN_KINDS
from flowpar.lang.wording import name_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from flowpar.lang.checked import Mention
    from flowpar.lang.model import Workflow
    from flowpar.lang.rules.findings import Findings, Path
    from flowpar.lang.rules.reading import Read

_OPEN = frozenset({"env", "with"})
_CLOSED = (keys_of(TaskModel) | BUILT_IN_KINDS | {"workflow"}) - _OPEN
_DECIDING = frozenset({"if", "run_if", "repeat", "key"})
_SPREADING = frozenset({"for_each", "matrix"})
_ELSEWHERE = 'a secret goes into "env" or into an argument only'


@dataclass(slots=True)
class SecretFlow:
    """Follows the secrets of one workflow; `holders` are the variables of the top-level `env` that have one."""

    findings: Findings
    workflow: Workflow
    holders: dict[str, str] = field(default_factory=dict)

    def refuses(self, mentions: Iterable[Mention]) -> bool:
        """Find what reads a secret where none may go; returns whether there is anything of the kind."""
        is_refused = False
        for mention in mentions:
            reference = mention.reference
            if reference.context == "env" and reference.name is not None:
                is_refused |= self._refuses_variable(mention, reference.name)
            elif reference.context == "secrets" and reference.name in self.workflow.secrets:
                is_refused |= self._refuses(mention, reference.name, f'secret "{reference.name}"')
        return is_refused

    def _refuses_variable(self, mention: Mention, name: str) -> bool:
        holder = self.holders.get(name)
        if holder is not None and mention.path[0] != "env":
            return self._refuses(mention, holder, f'"env.{name}" holds secret "{holder}", which', variable=name)
        sources = {model.env: secret for secret, model in self.workflow.secrets.items()}
        secret = sources.get(name)
        if secret is None or (name in self.workflow.env and mention.path[0] != "env"):
            return False
        message = f'the variable "{name}" is where secret "{secret}" is read from, and tasks do not inherit it'
        self.findings.text_error(
            "FP803", mention.place(), message, hint=f"write secrets.{secret}", labels=self._labels(secret)
        )
        return True

    def _refuses(self, mention: Mention, secret: str, subject: str, *, variable: str | None = None) -> bool:
        path = mention.path
        if path[0] == "env" and len(path) > 1:
            self.holders[str(path[1])] = secret
        if self._is_open(path):
            return False
        self.findings.text_error(
            "FP802",
            mention.place(),
            f"{subject} can't go into {name_of(path)}",
            hint=_hint(path, mention, variable or secret),
            labels=self._labels(secret, variable),
        )
        return True

    def _is_open(self, path: Path) -> bool:
        match path:
            case ("env", _) | ("defaults", "env", _):
                return True
            case ("tasks" | "finally", _, "with", *_):
                # What a workflow is given are its inputs, and inputs are written down.
                return self.findings.document.key((*path[:2], "workflow")) is None
            case ("tasks" | "finally", _, str() as key, *_):
                return key not in _CLOSED
            case _:
                return False

    def _labels(self, secret: str, variable: str | None = None) -> Iterator[Label]:
        document = self.findings.document
        if variable is not None:
            span = document.span(("env", variable), of_key=True)
            yield Label(document.source.path, span, f'"{variable}" is made from it here')
        span = document.span(("secrets", secret), of_key=True)
        yield Label(document.source.path, span, f'secret "{secret}" is declared here')


def _hint(path: Path, mention: Mention, name: str) -> str:
    key = str(path[2]) if path[0] in {"tasks", "finally"} else str(path[0])
    variable = name.upper().replace("-", "_")
    as_env = f'env: {{{variable}: "${{{{ {" ".join(mention.expression.text.split())} }}}}"}}'
    match key:
        case "outputs":
            return f"outputs are shown and written down; {_ELSEWHERE}"
        case "shell":
            return f'every process can read a command; add {as_env}, which a shell text reads as "${variable}"'
        case "python":
            return f'add {as_env}, and read os.environ["{variable}"]'
        case "with":
            return "what a workflow is given is written down; declare the secret in that workflow, too"
        case _ if key in _SPREADING:
            return 'items are written down; each of them may have the secret by "env" or "with"'
        case _ if key in _DECIDING:
            return f"what is decided is written down; decide on an input, or in the task: {_ELSEWHERE}"
        case _:
            return _ELSEWHERE


def warn_of_written(findings: Findings, home: Path, arguments: Mapping[str, Read], meant: Iterable[str]) -> None:
    """Find texts of the workflow in parameters that a task type has for secrets; `home` is its kind key."""
    for name in meant:
        read = arguments.get(name)
        if read is None or not isinstance(read.template, Constant) or not isinstance(read.template.value, str):
            continue
        message = f'"{name}" of "{home[-1]}" is meant for a secret, and this one stands in the workflow'
        variable = name.upper()
        hint = f'declare it, secrets: {{{variable}: {{env: {variable}}}}}, and write "${{{{ secrets.{variable} }}}}"'
        findings.warning("FP808", (*home, name), message, hint=hint)
