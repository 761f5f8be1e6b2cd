"""A ninth platform, added as docs/adding-a-platform.md says: `seatly/` holds its three parts, outside of the package."""
