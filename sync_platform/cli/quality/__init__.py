"""`quality` and `quarantine …`: the scorecard, and the records that could not be stored."""
