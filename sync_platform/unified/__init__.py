"""Unified restaurants: one record per real restaurant, out of the listings of all platforms."""
