"""A damaged SQLite file, in the words of SQLite, and what to do."""

from __future__ import annotations

DAMAGE = ("disk image is malformed", "file is not a database")
ADVICE = "the file is damaged: put a copy of it back, or restore a backup"


def is_damage(error: object) -> bool:
    """True for an error of SQLite, or of DuckDB that passes one on, where the content of a file is not readable."""
    return any(mark in str(error) for mark in DAMAGE)


def with_repair(reason: str) -> str:
    """A reason in SQLite's words, and what to do where a file is damaged."""
    return f"{reason}: {ADVICE}" if is_damage(reason) else reason
