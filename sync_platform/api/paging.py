"""The parameters of every list: how many items a page has, and where it begins."""

from __future__ import annotations

from typing import Annotated

from fastapi import Query

from sync_platform.api.cursor import MAX_CHARACTERS

MAX_ITEMS = 500
Limit = Annotated[int, Query(ge=1, le=MAX_ITEMS, description="The most items of a page.")]
Cursor = Annotated[
    str | None,
    Query(min_length=1, max_length=MAX_CHARACTERS, description="`nextCursor` of the page before."),
]
