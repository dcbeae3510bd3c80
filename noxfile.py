"""The same checks over every supported Python that is found: `nox`, or `nox -s tests-3.13`."""

from __future__ import annotations

import nox

nox.options.default_venv_backend = "venv"
nox.options.error_on_missing_interpreters = False
nox.options.sessions = ["tests"]


@nox.session(python=["3.11", "3.12", "3.13", "3.14"])
def tests(session: nox.Session) -> None:
    """Run the suite."""
    session.install("--upgrade", "pip>=25.1")
    session.install("--editable", ".", "--group", "tests")
    session.run("python", "-m", "pytest", "-n", "auto", "-m", "not soak", *session.posargs)


@nox.session(python="3.11")
def lint(session: nox.Session) -> None:
    """Check style and types."""
    session.install("--upgrade", "pip>=25.1")
    session.install("--editable", ".", "--group", "dev")
    session.run("ruff", "check", ".")
    session.run("ruff", "format", "--check", ".")
    session.run("mypy")
