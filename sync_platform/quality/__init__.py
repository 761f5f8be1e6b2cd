"""Quality: contracts, quarantine, scores and drift. What is good enough to be stored, and how good that is."""
