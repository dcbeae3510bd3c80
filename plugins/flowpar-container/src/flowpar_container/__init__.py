"""The task type `container` for flowpar: a command in a container of Docker or Podman."""
