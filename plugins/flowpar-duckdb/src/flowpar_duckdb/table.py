"""Values of other tasks as tables that DuckDB reads where they lie."""

from __future__ import annotations

from typing import Any

import pyarrow as pa


def as_arrow(name: str, value: object) -> Any:
    """Return a value as a table; Arrow tables and DataFrames as they are, a list of mappings copied once.

    Raises TypeError for what is no table.
    """
    if isinstance(value, pa.Table | pa.RecordBatch):
        return value
    if hasattr(value, "__arrow_c_stream__") or type(value).__name__ == "DataFrame":
        return value
    if isinstance(value, list) and all(isinstance(row, dict) for row in value):
        if not value:
            raise TypeError(f'the table "{name}" is an empty list, which has no columns; give an Arrow table')
        return pa.Table.from_pylist(value)
    kind = type(value).__name__
    raise TypeError(f'the table "{name}" is a {kind}; it must be an Arrow table, a DataFrame or a list of mappings')
