"""Unmapped words: what platforms state of cuisines and districts that no vocabulary has. They are work for a person.

A word leaves the table when a vocabulary has it, or when no live listing states it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import duckdb
import polars as pl

from sync_platform.quality.areas import find_area
from sync_platform.unified.cuisine_taxonomy import CuisineTaxonomy
from sync_platform.unified.queries import UNIFIED, frame_of
from sync_platform.unified.tables import UNMAPPED_WORDS
from sync_platform.vocabularies.declared_vocabularies import CUISINE_WORDS, DISTRICTS

_SCHEMA = {
    "vocabulary": pl.String,
    "platform": pl.String,
    "word": pl.String,
    "listings": pl.Int64,
    "example": pl.String,
    "ended": pl.Boolean,
}
_STATED = {
    CUISINE_WORDS.name: "SELECT source, source_id, unnest(cuisines) AS word FROM {listings} WHERE is_live",
    DISTRICTS.name: "SELECT source, source_id, district AS word FROM {listings} WHERE is_live",
}
"""SQL: what live listings state, by the vocabulary that should have it."""


def unmapped_words(session: duckdb.DuckDBPyConnection, listings: str, taxonomy: CuisineTaxonomy) -> pl.DataFrame:
    """Rows of `tables.UNMAPPED_WORDS`, with `ended`; `listings`: the table of all listings (unified/listings.py)."""
    is_known: dict[str, Callable[[str], Any]] = {CUISINE_WORDS.name: taxonomy.codes_of, DISTRICTS.name: find_area}
    rows = [
        (vocabulary, platform, word, count, example, False)
        for vocabulary, query in _STATED.items()
        for platform, word, count, example in _stated(session, query.format(listings=listings))
        if is_known[vocabulary](word) is None
    ]
    words = pl.DataFrame(rows, schema=_SCHEMA, orient="row")
    columns = ", ".join(column.name for column in UNMAPPED_WORDS.columns)
    stored = frame_of(
        session, f"SELECT {columns}, true AS ended FROM {UNIFIED}.unmapped_words WHERE removed_at IS NULL"
    )
    return pl.concat([words, stored.select(words.columns)]).unique(
        UNMAPPED_WORDS.key, keep="first", maintain_order=True
    )


def _stated(session: duckdb.DuckDBPyConnection, stated: str) -> list[tuple[str, str, int, str]]:
    return session.execute(
        f"""SELECT source, trim(word), count(DISTINCT source_id), min(source_id) FROM ({stated})
        WHERE trim(word) <> '' GROUP BY ALL ORDER BY ALL"""
    ).fetchall()
