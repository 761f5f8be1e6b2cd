"""Lineage that an auditor believes: the chains verified, anchored outside, and the lake read as it was."""
