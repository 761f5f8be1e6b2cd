"""The stored state of a linkage: blocking keys and links, as tables. It lets a batch cost in proportion to its size.

What belongs here: the two tables and all queries of them. `increment` decides what a batch changes.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import duckdb
import numpy as np
import polars as pl

from sync_platform.matching.comparisons import distinct_levels, format_levels
from sync_platform.matching.linkage import Linkage
from sync_platform.matching.thresholds import Thresholds

IDS = ["source", "source_id"]
"""The columns that identify a listing."""
ENDS = [["source_a", "id_a"], ["source_b", "id_b"]]
"""The columns that identify the two listings of a link."""
KEY_SCHEMA = {"source": pl.String, "source_id": pl.String, "key": pl.Int64}
"""Columns of keys: every blocking key of every listing, without those that the model lists as crowded."""
LINK_SCHEMA = {
    "source_a": pl.String,
    "id_a": pl.String,
    "source_b": pl.String,
    "id_b": pl.String,
    "probability": pl.Float64,
    "levels": pl.String,
}
"""Columns of links: every pair that may join and reaches the review threshold. `levels` is as in `format_levels`."""
_SQL_TYPES = {pl.String: "VARCHAR", pl.Int64: "BIGINT", pl.Float64: "DOUBLE"}


@dataclass(frozen=True)
class LinkageState:
    """Names of relations of a DuckDB connection: `listings` (a table or a query in brackets) with the current listings
    in `listing_table.SCHEMA`, and the tables `keys` and `links` (KEY_SCHEMA, LINK_SCHEMA) as before the batch.

    The tables belong to one model and one review threshold. The caller manages transactions.
    """

    connection: duckdb.DuckDBPyConnection
    listings: str
    keys: str
    links: str

    def build(self, linkage: Linkage, thresholds: Thresholds | None = None) -> None:
        """Create the tables where they are missing, and fill them from the linkage of all listings."""
        for name, schema, rows in (
            (self.keys, KEY_SCHEMA, key_table(linkage.listings, linkage.keys())),
            (self.links, LINK_SCHEMA, link_table(linkage, thresholds)),
        ):
            columns = ", ".join(f"{column} {_SQL_TYPES[kind]}" for column, kind in schema.items())
            self.connection.execute(f"CREATE TABLE IF NOT EXISTS {name} ({columns})")
            self.connection.execute(f"DELETE FROM {name}")
            self._insert(name, rows)

    def replace(self, listings: pl.DataFrame, keys: pl.DataFrame, links: pl.DataFrame) -> None:
        """Replace all stored rows of these listings (`source`, `source_id`) by these rows."""
        with self._given(replaced=listings):
            for name, source, source_id in (
                (self.keys, "source", "source_id"),
                (self.links, "source_a", "id_a"),
                (self.links, "source_b", "id_b"),
            ):
                of_these = f"({source}, {source_id}) IN (SELECT source, source_id FROM matching_replaced)"
                self.connection.execute(f"DELETE FROM {name} WHERE {of_these}")
        self._insert(self.keys, keys)
        self._insert(self.links, links)

    def listings_of(self, ids: pl.DataFrame) -> duckdb.DuckDBPyRelation | pl.DataFrame:
        """The listings with these ids (`source`, `source_id`) that exist."""
        return self._select(
            f"SELECT listed.* FROM {self.listings} AS listed SEMI JOIN matching_ids USING (source, source_id)", ids=ids
        )

    def keys_of(self, ids: pl.DataFrame) -> pl.DataFrame:
        """The stored keys of listings, in KEY_SCHEMA."""
        return self._select(f"FROM {self.keys} SEMI JOIN matching_ids USING (source, source_id)", ids=ids)

    def sharing(self, keys: pl.Series) -> pl.DataFrame:
        """The rows of all listings that have any of the keys, in KEY_SCHEMA."""
        return self._select(f"FROM {self.keys} SEMI JOIN matching_asked USING (key)", asked=keys.to_frame("key"))

    def listings_per_key(self, keys: pl.Series) -> pl.DataFrame:
        """The number of listings per key: `key`, `count`; keys without a listing are left out."""
        query = f"SELECT key, count(*) AS count FROM {self.keys} SEMI JOIN matching_asked USING (key) GROUP BY key"
        return self._select(query, asked=keys.to_frame("key"))

    def links_of(self, ids: pl.DataFrame, least: float) -> pl.DataFrame:
        """The links of these listings with at least this probability, in LINK_SCHEMA."""
        return self._select(
            f"""FROM {self.links} WHERE probability >= {least!r}
                AND ((source_a, id_a) IN (SELECT source, source_id FROM matching_ids)
                  OR (source_b, id_b) IN (SELECT source, source_id FROM matching_ids))""",
            ids=ids,
        )

    def _select(self, query: str, **frames: pl.DataFrame) -> pl.DataFrame:
        with self._given(**frames):
            return pl.DataFrame(self.connection.sql(query).to_arrow_table())

    def _insert(self, name: str, rows: pl.DataFrame) -> None:
        with self._given(rows=rows):
            self.connection.execute(f"INSERT INTO {name} BY NAME FROM matching_rows")

    @contextmanager
    def _given(self, **frames: pl.DataFrame) -> Iterator[None]:
        """Register frames as relations whose names begin with `matching_`."""
        for name, frame in frames.items():
            self.connection.register(f"matching_{name}", frame.to_arrow())
        try:
            yield
        finally:
            for name in frames:
                self.connection.unregister(f"matching_{name}")


def key_table(listings: pl.DataFrame, keys: pl.DataFrame) -> pl.DataFrame:
    """Keys by position in `listings` (as in `BlockingKeys.hashed`) in KEY_SCHEMA, in order of listings."""
    keys = keys.sort("listing", "key")
    ids = {name: listings[name].gather(keys["listing"]) for name in IDS}
    return pl.DataFrame({**ids, "key": keys["key"]}, schema=KEY_SCHEMA)


def link_table(linkage: Linkage, thresholds: Thresholds | None = None) -> pl.DataFrame:
    """The links of a linkage in LINK_SCHEMA, in order of listings."""
    least = (thresholds or Thresholds()).least
    probabilities = linkage.probabilities
    chosen = np.flatnonzero(linkage.may_join & (probabilities >= least))
    different, which = distinct_levels(linkage.levels[chosen])
    written = pl.Series("levels", [format_levels(levels) for levels in different.tolist()], dtype=pl.String)
    ids = linkage.listings.select("source", "source_id")
    left, right = pl.Series(linkage.left[chosen]), pl.Series(linkage.right[chosen])
    return pl.DataFrame(
        {
            "source_a": ids["source"].gather(left),
            "id_a": ids["source_id"].gather(left),
            "source_b": ids["source"].gather(right),
            "id_b": ids["source_id"].gather(right),
            "probability": probabilities[chosen],
            "levels": written.gather(which),
        },
        schema=LINK_SCHEMA,
    )
