"""Lineage that an auditor believes: from any value to its origin, told and exported."""
