"""Emergency requests: a sync of some platforms before its schedule, with who asked, why, and how it ended."""
