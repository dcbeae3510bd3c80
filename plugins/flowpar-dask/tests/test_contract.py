"""The executor `dask` keeps the contract of all executors."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from flowpar.execute.base import ExecutorTerms
from flowpar.testing.contracts import ExecutorContract

from flowpar_dask.executor import DaskExecutor

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from flowpar.execute.base import Executor


class TestContract(ExecutorContract):
    @pytest.fixture
    def executor(self, run_dir: Path, address: str) -> Iterator[Executor]:
        executor = DaskExecutor(ExecutorTerms(str(run_dir), workers=2, address=address))
        yield executor
        executor.close()
