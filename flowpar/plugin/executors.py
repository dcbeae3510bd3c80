"""Which executors plugins bring: entry points of the group `flowpar.executors`, each imported where a run uses it.

name ─ find ─► Claim ─ load ─► the function or class that makes one: make(terms) -> Executor
"""

from __future__ import annotations

import importlib
import sys
from typing import TYPE_CHECKING, Any, Final

from flowpar import __version__
from flowpar.core.errors import PluginError
from flowpar.core.executors import EXECUTORS, how_to_install
from flowpar.core.suggest import nearest
from flowpar.plugin.claim import scan
from flowpar.plugin.spec import API_VERSION

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from flowpar.plugin.claim import Claim

GROUP: Final = "flowpar.executors"


class InstalledExecutors:
    """Knows them by name; scans once, and only when asked for one."""

    def __init__(self, *, search_path: Sequence[str] | None = None, allows_plugins: bool = True) -> None:
        """Look for distributions on `search_path`, by default `sys.path`; for none without `allows_plugins`."""
        self._search_path = tuple(sys.path if search_path is None else search_path)
        self._allows_plugins = allows_plugins
        self._scanned: Mapping[str, tuple[Claim, ...]] | None = None

    @property
    def names(self) -> tuple[str, ...]:
        """All names that something claims, sorted; ours are not among them."""
        return tuple(self.claims)

    @property
    def claims(self) -> Mapping[str, tuple[Claim, ...]]:
        """Who claims which name."""
        if self._scanned is None:
            found = scan(self._search_path, GROUP) if self._allows_plugins else {}
            self._scanned = {name: claims for name, claims in found.items() if name not in EXECUTORS}
        return self._scanned

    def find(self, name: str) -> Claim:
        """Return who brings an executor; raises `PluginError` where nobody or more than one does."""
        claims = self.claims.get(name, ())
        if not claims:
            here = ", ".join((*EXECUTORS, *self.names))
            near = nearest(name, (*EXECUTORS, *self.names))
            meant = how_to_install(name) or (f'did you mean "{near}"?' if near else None)
            hint = meant if self._allows_plugins else "leave out --no-plugins"
            raise PluginError(f'there is no executor "{name}"; there are: {here}', hint=hint)
        if len(claims) > 1:
            origins = " and by ".join(claim.origin for claim in claims)
            raise PluginError(f'the executor "{name}" is claimed by {origins}', hint="uninstall one of them")
        return claims[0]

    def problem(self, name: str) -> str | None:
        """Return why an executor can't be used as far as that is known without importing it."""
        try:
            self.find(name)
        except PluginError as error:
            return error.message
        return None

    def load(self, name: str) -> tuple[Claim, Callable[..., Any]]:
        """Import what makes an executor; raises `PluginError` where it can't be, or needs a newer flowpar."""
        claim = self.find(name)
        what = f'the executor "{name}" of {claim.origin}'
        module, _, attribute = claim.target.partition(":")
        try:
            made_by = getattr(importlib.import_module(module), attribute)
        except Exception as error:  # foreign code runs
            reason = f"{type(error).__name__}: {error}"
            hint = f"reinstall {claim.distribution}"
            raise PluginError(f"{what} can't be imported: {reason}", hint=hint) from error
        needed = getattr(made_by, "api", 1)
        if needed > API_VERSION:
            message = f"{what} needs plugin API {needed}, but flowpar {__version__} has {API_VERSION}"
            raise PluginError(message, hint="upgrade flowpar")
        make: Callable[..., Any] = made_by
        return claim, make
