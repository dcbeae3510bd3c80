"""The contract of plugin authors, and where plugins are found."""
