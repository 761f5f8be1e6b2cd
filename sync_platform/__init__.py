"""sync-platform: synchronises Hong Kong's restaurant data from eight platforms, with a verifiable history."""

__version__ = "0.1.0"
