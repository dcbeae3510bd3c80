"""The functions of the example workflows: plain Python, nothing of flowpar in it."""
