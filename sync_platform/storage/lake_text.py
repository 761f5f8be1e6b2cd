"""Text that a lake can store: all but the NUL character.

DuckLake writes values into the SQL of its catalog, where NUL ends the statement, and PostgreSQL's text cannot hold NUL.
"""

from __future__ import annotations

from typing import Any

NUL = "\0"
UNREADABLE = "\ufffd"
"""The character that stands for one that cannot be read (U+FFFD)."""


def lake_text(text: str) -> str:
    """The text, with U+FFFD in place of each NUL."""
    return text.replace(NUL, UNREADABLE) if NUL in text else text


def lake_value(value: Any) -> Any:
    """A text or a list of texts without NUL; any other value as it is."""
    if isinstance(value, str):
        return lake_text(value)
    if isinstance(value, list):
        return [lake_value(each) for each in value]
    return value
