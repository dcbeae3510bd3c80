"""Where the outputs of a run are to be had, for those who never speak with them: see `managed`, which does.

This module is all that a run needs of them at its start; `managed` brings half of multiprocessing.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from flowpar.core.errors import MachineError

SOCKET_NAME = "outputs.sock"
_HAS_ABSTRACT_SOCKETS = sys.platform == "linux"
_NAME_BYTES, _KEY_BYTES = 12, 32


class OutputsLost(MachineError):  # noqa: N818 - it says what became of them
    """The process that holds the outputs is gone, or does not answer any more."""


def new_address() -> str:
    """Return an address for `managed.serve` that nobody uses yet.

    On Linux it is an abstract socket, which leaves no file behind; elsewhere a socket in a private
    folder, which `serve` removes.
    """
    if _HAS_ABSTRACT_SOCKETS:
        return f"\0flowpar-{os.urandom(_NAME_BYTES).hex()}"
    from tempfile import mkdtemp  # late: see above

    return str(Path(mkdtemp(prefix="flowpar-")) / SOCKET_NAME)


def new_key() -> str:
    """Return a key that nobody guesses, as `secrets` makes one, which would load OpenSSL."""
    return os.urandom(_KEY_BYTES).hex()
