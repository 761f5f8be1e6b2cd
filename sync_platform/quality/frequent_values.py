"""Frequent values: texts that fill an improbable share of a column of names or addresses of a full list.

Such a text is probably a placeholder that is not declared yet (placeholders.py). The findings are drift of the
kind `placeholder`.
"""

from __future__ import annotations

from collections.abc import Iterator

import duckdb
import orjson

from sync_platform.quality.drift import Drift
from sync_platform.quality.measures import ADDRESSES, NAMES, is_listing
from sync_platform.quality.shape import ExampleValue
from sync_platform.sources.columns import columns_of
from sync_platform.sources.declaration import Dataset

FEWEST = 10  # records
MAX_SHARE = 0.05
"""The largest share of one name that is probable: the largest chain of Hong Kong has 1 % of its licences."""
MAX_OTHERS = 0.4
"""The largest number of different beginnings of the names in the other language, per record with the name. A chain has
few; a placeholder stands beside any name."""


def find_frequent_values(session: duckdb.DuckDBPyConnection, dataset: Dataset, rows: str) -> list[Drift]:
    """The improbably frequent names and addresses in `rows`, the records of a full list; none for other datasets."""
    if not is_listing(dataset):
        return []
    names = {column.name for column in columns_of(dataset.row)}
    return [
        drift for column in (*NAMES, *ADDRESSES) if column in names for drift in _found(session, rows, column, names)
    ]


def _found(session: duckdb.DuckDBPyConnection, rows: str, column: str, names: set[str]) -> Iterator[Drift]:
    other = {"name_en": "name_zh", "name_zh": "name_en"}.get(column)
    differs = f'"{other}" <> "{column}"' if other in names else "false"
    place = "(landing_object, landing_line)"
    beginnings = f'count(DISTINCT left("{other}", 1)) FILTER ({differs})' if other in names else "0"
    # the values of a million records with their places exceed the memory limit: rare ones are left out by their hashes
    is_frequent = f"""hash("{column}") IN (SELECT hash("{column}") FROM {rows} WHERE NOT deleted
                GROUP BY hash("{column}") HAVING count(*) >= {FEWEST})"""
    counts = session.execute(
        f"""SELECT "{column}" AS value, count(*) AS records, (SELECT count(*) FROM {rows} WHERE NOT deleted) AS of_all,
            arg_min(landing_object, {place}), arg_min(landing_line, {place})
        FROM {rows} WHERE "{column}" IS NOT NULL AND NOT deleted AND {is_frequent} GROUP BY value
        HAVING records >= {FEWEST} AND (records > {MAX_SHARE} * of_all
            OR (count(*) FILTER ({differs}) >= {FEWEST} AND {beginnings} > {MAX_OTHERS} * count(*) FILTER ({differs})))
        ORDER BY records DESC, value"""
    ).fetchall()
    for value, records, of_all, landing_object, landing_line in counts:
        example = ExampleValue(orjson.dumps(value).decode(), landing_object, landing_line)
        types, share = ("string",), records / of_all
        yield Drift("placeholder", column, types, types, None, share, records, of_all, (example,))
