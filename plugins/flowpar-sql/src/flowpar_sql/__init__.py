"""The task type `sql` for flowpar: statements against a database, in one transaction."""
