"""Lineage that an auditor believes: from any value to its origin, chains that prove it, the lake as it was."""
