"""Emergency requests: syncs of platforms before their schedule, with requester, reason and outcome."""
