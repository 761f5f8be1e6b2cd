"""A damaged SQLite file or Parquet file, in the words of SQLite or DuckDB, and what to do."""

from __future__ import annotations

DAMAGE = (
    "disk image is malformed",
    "file is not a database",
    "too small to be a Parquet file",
    "No magic bytes found at end of file",
    "Footer length error in file",
    "Invalid footer length",
    "Decompression failure",
    "TProtocolException",
    "don't know what type",
)
ADVICE = "the file is damaged: put a copy of it back, or restore a backup"


def is_damage(error: object) -> bool:
    """True for an error of SQLite or DuckDB where the content of a file is not readable."""
    return any(mark in str(error) for mark in DAMAGE)


def with_repair(reason: str) -> str:
    """A reason in SQLite's words, and what to do where a file is damaged."""
    return f"{reason}: {ADVICE}" if is_damage(reason) else reason
