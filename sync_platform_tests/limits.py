"""How long a test waits for what must happen. Whoever waits longer waits for something that never comes."""

LONGEST_WAIT_S = 300.0
"""Long enough for two cores at a load of 20. No test measures time by it."""
