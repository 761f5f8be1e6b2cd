"""A ninth platform, added as docs/adding-a-platform.md says; `seatly/` holds its parts, outside of the package."""
