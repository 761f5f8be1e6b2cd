"""Quality: which records are good enough to be stored (contract, quarantine), and how good they are (scores, drift)."""
