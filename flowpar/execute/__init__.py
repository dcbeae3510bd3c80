"""From `Job` to `Completion`: who ends the tree, who starts processes, and the far side."""
