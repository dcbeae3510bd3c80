"""The task type `notebook` for flowpar: a Jupyter notebook, run with parameters."""
