"""A sync killed at any step and run again."""
