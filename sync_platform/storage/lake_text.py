"""Text that a lake can store: all but the NUL character, and not megabytes of it.

DuckLake writes values into the SQL of its catalog, where NUL ends the statement, and PostgreSQL's text cannot hold NUL.
DuckDB needs a multiple of a text's size at once.
"""

from __future__ import annotations

from typing import Any

NUL = "\0"
LONGEST_TEXT_BYTES = 2_000_000
"""The most text in UTF-8 that one column of a row may have."""
UNREADABLE = "\ufffd"
"""The character that stands for one that cannot be read (U+FFFD)."""


def lake_text(text: str) -> str:
    """The text, with U+FFFD in place of each NUL."""
    return text.replace(NUL, UNREADABLE) if NUL in text else text


def text_bytes(value: Any) -> int:
    """The size of a text, or of a list of texts, in UTF-8; 0 for any other value."""
    texts = value if isinstance(value, list) else [value]
    return sum(len(text.encode()) for text in texts if isinstance(text, str))


def lake_value(value: Any) -> Any:
    """A text or a list of texts without NUL; any other value as it is."""
    if isinstance(value, str):
        return lake_text(value)
    if isinstance(value, list):
        return [lake_value(each) for each in value]
    return value
