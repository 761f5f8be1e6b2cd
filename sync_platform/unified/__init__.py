"""Unified restaurants: one record per real restaurant, computed from the listings of all platforms."""
