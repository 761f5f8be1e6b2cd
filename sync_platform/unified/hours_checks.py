"""The checks of `unified.opening_hours`: possible intervals that do not overlap, and the hours of the golden records.

What belongs here: each check as a query with its result and a message. `invariants` describes the checks.
"""

from __future__ import annotations

import duckdb

from sync_platform.quality.opening_hours.osm_hours import stated_intervals
from sync_platform.quality.opening_hours.stated_hours import read_hours
from sync_platform.quality.opening_hours.weekly_hours import DAY, DAYS
from sync_platform.storage.lake_connection import LAKE
from sync_platform.unified.invariants import Finding, examples_in_words, finding

_LIVE = f"(FROM {LAKE}.unified.opening_hours WHERE removed_at IS NULL)"
_TIMES = f"""(SELECT restaurant_id, day, is_past_midnight, is_closed, opens IS NULL AND closes IS NULL AS has_no_times,
    count(*) OVER (PARTITION BY restaurant_id, day) AS of_day,
    CASE WHEN regexp_full_match(opens, '([01][0-9]|2[0-3]):[0-5][0-9]')
        THEN left(opens, 2)::INT * 60 + right(opens, 2)::INT END AS first,
    CASE WHEN regexp_full_match(closes, '([01][0-9]|2[0-3]):[0-5][0-9]|24:00')
        THEN left(closes, 2)::INT * 60 + right(closes, 2)::INT + CASE WHEN is_past_midnight THEN {DAY} ELSE 0 END
        END AS last FROM {_LIVE})"""
"""The rows with their times as minutes since the beginning of the day; `of_day`: how many rows the day has."""
_IMPOSSIBLE = f"""SELECT DISTINCT restaurant_id FROM {_TIMES} WHERE NOT coalesce(day IN {DAYS} AND CASE WHEN is_closed
    THEN has_no_times AND NOT is_past_midnight AND of_day = 1
    ELSE first < last AND (last < first + {DAY} OR (first = 0 AND last = {DAY})) END, false) ORDER BY 1"""
_OVERLAPPING = f"""SELECT DISTINCT restaurant_id FROM (
    SELECT restaurant_id, first < max(last) OVER (PARTITION BY restaurant_id, day ORDER BY first, last
        ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS is_inside FROM {_TIMES} WHERE first < last)
    WHERE is_inside ORDER BY 1"""
_INTERVAL = "concat_ws('|', day, number, opens, closes, is_past_midnight, is_closed)"  # leaves out what is empty
_TEXTS_AND_ROWS = f"""SELECT text, stored, min(restaurant_id), count(*) FROM (
    SELECT restaurant_id, text, coalesce(stored, []) AS stored
    FROM (SELECT restaurant_id, opening_hours_osm AS text FROM {LAKE}.unified.restaurants
        WHERE removed_at IS NULL AND opening_hours_osm IS NOT NULL)
    FULL JOIN (SELECT restaurant_id, list_sort(list({_INTERVAL})) AS stored FROM {_LIVE} GROUP BY 1)
    USING (restaurant_id)) GROUP BY text, stored ORDER BY 3"""
"""Each text of golden records with the rows stored for it, one of the restaurants, and their number."""


def check_opening_hours(session: duckdb.DuckDBPyConnection) -> tuple[int, list[Finding]]:
    """The number of live rows of opening hours, and the checks on them."""
    rows = session.execute(f"SELECT count(*) FROM {_LIVE}").fetchall()[0][0]
    impossible, overlapping = (
        [name for (name,) in session.execute(query).fetchall()] for query in (_IMPOSSIBLE, _OVERLAPPING)
    )
    words = f"{len(impossible):,} restaurants have an impossible interval{examples_in_words(impossible)}"
    findings = [finding("every_interval_is_possible", not impossible, words, restaurants=len(impossible))]
    words = f"{len(overlapping):,} restaurants have intervals of one day that overlap{examples_in_words(overlapping)}"
    findings.append(finding("no_intervals_overlap", not overlapping, words, restaurants=len(overlapping)))
    return int(rows), [*findings, _compared_with_texts(session)]


def _compared_with_texts(session: duckdb.DuckDBPyConnection) -> Finding:
    """Whether the rows are what the texts of the golden records say; equal texts and rows are compared once."""
    wrong, restaurants = [], 0
    for text, stored, restaurant_id, count in session.execute(_TEXTS_AND_ROWS).fetchall():
        if not stored or stored != _rows_of(text):
            wrong.append(restaurant_id)
            restaurants += count
    words = f"the rows of {restaurants:,} restaurants are not what opening_hours_osm says{examples_in_words(wrong)}"
    return finding("rows_are_those_of_the_text", not wrong, words, restaurants=restaurants)


def _rows_of(text: str | None) -> list[str]:
    """The rows of a text, each as `_INTERVAL` writes it, sorted; none where the text cannot be read."""
    hours = read_hours((text,)) if text else None
    rows = [each.values() for each in stated_intervals(hours)] if hours else []
    return sorted("|".join(_written(value) for value in row if value is not None) for row in rows)


def _written(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
