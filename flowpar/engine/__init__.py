"""The composition root: builds one run from its parts."""
