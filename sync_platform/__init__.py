"""sync-platform: Hong Kong's restaurant data, kept in step across eight platforms, with proof."""

__version__ = "0.1.0"
