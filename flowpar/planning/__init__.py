"""From a checked `Workflow` to a frozen `Plan`."""
