"""Which task runs when: pure parts and the only loop."""
