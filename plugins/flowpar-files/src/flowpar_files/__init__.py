"""The task types `find_files`, `copy_files` and `wait_for_files` for flowpar, on any storage that fsspec knows."""
