"""A ninth platform, added as docs/adding-a-platform.md says; `seatly/` has its parts, outside the package."""
