"""Event sinks and renderings."""
