"""Texts as literals of SQL, for statements of DuckDB that take no parameters."""

from __future__ import annotations


def sql_text(text: str) -> str:
    """The text in single quotes."""
    return "'" + text.replace("'", "''") + "'"
