"""From text to a checked `Workflow`, and all findings on the way."""
