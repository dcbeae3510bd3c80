"""The built-in task types, registered like any plugin."""
