"""Cursors: the place in a list where the next page begins, as a text that clients do not read.

A cursor belongs to the list and the filters that it was made for.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from typing import Any

import orjson

from sync_platform.api.api_error import ApiError

MAX_CHARACTERS = 2_000


def cursor_after(place: list[Any], filters: Mapping[str, object]) -> str:
    """The cursor of a place, which is a list of JSON values."""
    return base64.urlsafe_b64encode(orjson.dumps([_digest(filters), *place])).decode().rstrip("=")


def place_of(cursor: str, filters: Mapping[str, object], kinds: tuple[type | tuple[type, ...], ...]) -> list[Any]:
    """The place of a cursor, whose values have these types.

    ApiError where the text is no cursor of this list, or was made for other filters.
    """
    try:
        padded = cursor.encode("ascii") + b"=" * (-len(cursor) % 4)
        known = orjson.loads(base64.b64decode(padded, altchars=b"-_", validate=True))
    except (ValueError, UnicodeEncodeError):
        raise wrong_cursor() from None
    if not isinstance(known, list) or len(known) != len(kinds) + 1:
        raise wrong_cursor()
    digest, *place = known
    if digest != _digest(filters):
        raise ApiError(422, "invalid_cursor", "the cursor was made for other filters: repeat them, or leave it out")
    if not all(isinstance(each, kind) and not isinstance(each, bool) for each, kind in zip(place, kinds, strict=True)):
        raise wrong_cursor()
    return place


def wrong_cursor() -> ApiError:
    return ApiError(422, "invalid_cursor", "the cursor is not one that this list gave")


def _digest(filters: Mapping[str, object]) -> str:
    stated = {name: value for name, value in filters.items() if value is not None}
    return hashlib.sha256(orjson.dumps(stated, default=str, option=orjson.OPT_SORT_KEYS)).hexdigest()[:12]
