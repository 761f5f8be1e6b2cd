"""Tests of the platform files: each against its fixture, and against the sandbox."""
