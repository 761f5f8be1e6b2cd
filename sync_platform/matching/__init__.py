"""Matching: which listings of several sources are one place. Listings are parsed, paired, scored and clustered."""
