"""The kinds of tasks that a schema names: the installed ones, and those of a workflow's own files."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from flowpar.code.signature import Signature, Signatures
from flowpar.core.errors import UsageError
from flowpar.lang.check import check
from flowpar.plugin.local import read_local
from flowpar.plugin.registry import BUILT_IN

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from flowpar.plugin.registry import Registry


def kinds_for(file: str | None, registry: Registry) -> Iterator[tuple[str, Signature]]:
    """Give each kind that is not built in with what its function takes; `file` may add its own."""
    if file is None:
        return _signed(registry, sys.path)
    checked = check(file, registry=registry)
    unread = next((finding for finding in checked.diagnostics if finding.code == "FP101"), None)
    if unread is not None:
        raise UsageError(f"{file}: {unread.message}")
    if checked.workflow is None or checked.folder is None:
        return _signed(registry, sys.path)
    local = read_local(checked.workflow.plugins, workflow_dir=checked.folder, python_path=checked.python_path)
    return _signed(registry.with_local(local.sources), [*checked.python_path, *sys.path])


def _signed(registry: Registry, search_path: Iterable[str]) -> Iterator[tuple[str, Signature]]:
    usable = registry.usable()
    signatures = Signatures([*search_path, *(source.root for source in usable if source.root)])
    for source in usable:
        signature = signatures.of(source.target)
        if source.kind not in BUILT_IN and isinstance(signature, Signature):
            yield source.kind, signature
