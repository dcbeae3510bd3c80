"""The command line: one file a command, a command is a list of verbs."""
