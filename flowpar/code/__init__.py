"""What user Python says, read from its source without running it."""
