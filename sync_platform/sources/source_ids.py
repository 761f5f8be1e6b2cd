"""The `source_id` of a record: how it is made of the key's fields, and which ids can be stored.

What belongs here: every rule about ids. A record with an id that cannot be stored goes to quarantine.
"""

from __future__ import annotations

from typing import Any

from sync_platform.sources.scalars import id_text
from sync_platform.storage.lake_text import NUL, UNREADABLE, lake_text

MAX_BYTES = 256  # in UTF-8; of a longer text, a lake's file may not state the least and the largest value
SHOWN_CHARS = 80
EMPTY = "the record's id is empty"


def source_id_of(*parts: Any) -> str | None:
    """The `source_id` of the values of a key's fields as sent; None where one is missing, blank, or neither a text nor
    a whole number, and for an id that cannot be stored."""
    texts = [id_text(part) for part in parts]
    if None in texts:
        return None
    source_id = texts[0] if len(texts) == 1 else joined_id(*texts)
    return None if source_id is None or id_problem(source_id) else source_id


def joined_id(*parts: Any) -> str:
    """The `source_id` of several values, without white space around them, joined by `/`; ValueError where one is blank.

    A `/` inside a value is written `%2F`, and `%` is written `%25`, so that two records never have one id.
    """
    texts = list(map(required_id, parts))
    if not all(texts):
        raise ValueError(EMPTY)
    joined = "/".join(texts)
    if "%" in joined or joined.count("/") >= len(texts):
        return "/".join(text.replace("%", "%25").replace("/", "%2F") for text in texts)
    return joined


def required_id(value: int | str) -> str:
    """An id as text, without white space around it; empty for a blank."""
    return str(value).strip()


def is_same_id(source_id: str, stored: str) -> bool:
    """True if a stored id is this one. Earlier versions stored white space around an id, and around its parts."""
    return source_id == stored or _without_white_space(source_id) == _without_white_space(stored)


def _without_white_space(source_id: str) -> str:
    return "/".join(map(str.strip, source_id.split("/")))


def id_problem(source_id: str) -> str | None:
    """Why an id cannot be stored, in words; None for an id that can.

    An unreadable character could be any character: two records could have one id, or the record could be any other.
    """
    if not source_id.strip():
        return EMPTY
    if _is_too_long(source_id):
        size = f"{len(source_id):,} characters, more than the {MAX_BYTES} bytes that are stored"
        return f"the record's id has {size}: {shown_id(source_id)}"
    if NUL in source_id or UNREADABLE in source_id:
        return f"the record's id has a character that cannot be stored (NUL, or no text): {shown_id(source_id)}"
    return None


def shown_id(source_id: str) -> str:
    """An id as messages show it: without NUL, and cut where it is too long to be stored."""
    return lake_text(f"{source_id[:SHOWN_CHARS]}…" if _is_too_long(source_id) else source_id)


def _is_too_long(source_id: str) -> bool:
    return 4 * len(source_id) > MAX_BYTES and len(source_id.encode(errors="replace")) > MAX_BYTES
