"""How `sh` and `bash` read a text, as far as it matters for the values that stand in it."""
