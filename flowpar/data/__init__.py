"""Values between processes."""
