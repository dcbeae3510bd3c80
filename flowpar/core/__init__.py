"""The words that everyone shares: text with positions, findings, errors, states, outcomes, events, time."""
