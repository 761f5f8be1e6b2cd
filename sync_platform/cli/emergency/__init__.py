"""`emergency …`: requesting a sync before its schedule, and its report."""
