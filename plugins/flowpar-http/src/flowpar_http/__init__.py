"""The task type `http` for flowpar: a request and its response."""
