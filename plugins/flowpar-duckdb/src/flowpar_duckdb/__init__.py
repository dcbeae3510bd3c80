"""The task type `duckdb` for flowpar: SQL over files and over what other tasks return."""
