"""A kernel that talks over sockets of the file system: nothing listens on a network address."""

from __future__ import annotations

import shutil
import tempfile
import weakref
from pathlib import Path
from typing import Any

from jupyter_client.manager import AsyncKernelManager


class LocalKernelManager(AsyncKernelManager):
    """Starts kernels as Jupyter does, but for their sockets, which are in a folder that only this user may enter."""

    def __init__(self, **traits: Any) -> None:
        """Make the folder; it goes with the manager, or at the latest with the process."""
        folder = tempfile.mkdtemp(prefix="kernel-")
        super().__init__(**{**traits, "transport": "ipc", "ip": str(Path(folder, "socket"))})
        weakref.finalize(self, shutil.rmtree, folder, ignore_errors=True)
