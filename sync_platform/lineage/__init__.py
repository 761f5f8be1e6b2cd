"""Lineage: from any value to its origin, hash chains that prove the history, and the lake as it was at any moment."""
