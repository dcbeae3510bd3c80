"""Workflows of other systems, read from their files and written as flowpar's.

importer   what every importer is and gives
wfformat   recorded executions of scientific workflows, replayed by sleeping or computing
known      all importers by name, and which of them knows a file
"""
