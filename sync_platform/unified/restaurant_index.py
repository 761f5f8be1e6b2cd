"""An index in memory of all live restaurants, for searches that take milliseconds: by name, area, cuisine and hours.

What belongs here: lists of row numbers per term. restaurant_search.py combines them. Rows are in the order in which
results are shown: most reviews first, then by id.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import datetime
from functools import lru_cache
from types import MappingProxyType
from typing import Any

import duckdb
import numpy as np
import numpy.typing as npt
import polars as pl

from sync_platform.matching.cuisines import parse_cuisines
from sync_platform.matching.scripts import fold
from sync_platform.quality.areas import NamedArea, find_area
from sync_platform.unified.opening_index import OpeningIndex
from sync_platform.unified.queries import UNIFIED, frame_of, present_columns
from sync_platform.unified.search_terms import folded_name, han_runs, latin_words, terms_of, terms_of_run

Rows = npt.NDArray[np.int32]
"""Row numbers in ascending order, each once."""
NO_ROWS: Rows = np.empty(0, np.int32)
COLUMNS = (
    "restaurant_id", "name_en", "name_zh", "branch_en", "branch_zh", "address_en", "address_zh", "area", "area_en",
    "area_zh", "district", "district_en", "district_zh", "neighbourhood", "neighbourhood_en", "neighbourhood_zh",
    "district_evidence", "latitude", "longitude", "phone", "phones", "cuisines", "cuisines_en", "cuisines_zh",
    "price_level", "price_min_hkd", "price_max_hkd", "opening_hours_osm", "website", "status", "licence_state",
    "platforms", "rating", "review_count", "last_changed_at",
)  # fmt: skip
KEPT_ROWS = 10_000
CUISINES = ("cuisines", "cuisines_en", "cuisines_zh")


class RestaurantIndex:
    """The index over `frame`, which has COLUMNS. Safe to use from several threads: it is never changed."""

    def __init__(self, frame: pl.DataFrame) -> None:
        self.frame = frame
        self.every: Rows = np.arange(len(frame), dtype=np.int32)
        self.ids = frame["restaurant_id"].to_numpy()
        self.reviews = frame["review_count"].fill_null(-1).to_numpy()
        self.latitudes = frame["latitude"].fill_null(np.nan).to_numpy()
        self.longitudes = frame["longitude"].fill_null(np.nan).to_numpy()
        titles = frame[["name_en", "branch_en", "name_zh", "branch_zh"]].iter_rows()
        self._names = [_searched_names(title[:2]) + _searched_names(title[2:]) for title in titles]
        self._by_term = _grouped([term for name in names for term in terms_of(name)] for names in self._names)
        self._by_name = _grouped(self._names)
        self._words = sorted(self._by_term)
        places = frame.select(pl.coalesce("neighbourhood", "district")).to_series()
        self._by_area = _grouped([_area_name(each)] for each in places)
        self._by_district = _grouped([fold(each or "")] for each in frame["district"])
        words = frame.select(pl.concat_list(pl.col(*CUISINES).fill_null([]))).to_series().to_list()
        self._by_cuisine = _grouped(parse_cuisines(tuple(each)) for each in words)
        hours = frame.select("opening_hours_osm", "status").iter_rows()
        self._openings = OpeningIndex(text if status == "open" else None for text, status in hours)
        self.with_name = lru_cache(1_000)(self._with_name)
        self.in_district = lru_cache(1_000)(self._in_district)
        self.row = lru_cache(KEPT_ROWS)(self._row)

    def _row(self, number: int) -> Mapping[str, Any]:
        """A row by column. The most reviewed restaurants are asked for again and again."""
        return MappingProxyType(self.frame.row(number, named=True))

    def named_exactly(self, query: str) -> Rows:
        """The restaurants whose English or Chinese name is the query, whatever its script, case and accents."""
        return self._by_name.get(folded_name(query), NO_ROWS)

    def _with_name(self, query: str) -> Rows:
        """The restaurants whose names have every word of the query as a beginning, and every piece of Chinese text."""
        folded = folded_name(query)
        lists = [self._beginning_with(word) for word in latin_words(folded)]
        runs = han_runs(folded)
        lists += [self._by_term.get(term, NO_ROWS) for run in runs for term in terms_of_run(run)]
        rows = self.in_all(lists) if lists else NO_ROWS
        long_runs = [run for run in runs if len(run) > 2]
        if not long_runs:
            return rows
        wanted = [row for row in rows if all(any(run in name for name in self._names[row]) for run in long_runs)]
        return np.array(wanted, np.int32)

    def in_all(self, lists: list[Rows]) -> Rows:
        """The rows that are in every list; every row where there is none."""
        rows, *others = sorted(lists, key=len) or [self.every]
        for more_rows in others:
            rows = rows[self._marked([more_rows])[rows]]
        return rows

    def _in_any(self, lists: list[Rows]) -> Rows:
        """The rows that are in one of the lists."""
        return lists[0] if len(lists) == 1 else np.flatnonzero(self._marked(lists)).astype(np.int32)

    def _marked(self, lists: list[Rows]) -> npt.NDArray[np.bool_]:
        """For every row, whether it is in one of the lists."""
        marks = np.zeros(len(self.every), np.bool_)
        for rows in lists:
            marks[rows] = True
        return marks

    def _beginning_with(self, word: str) -> Rows:
        first, last = bisect_left(self._words, word), bisect_left(self._words, word + "\U0010ffff")
        return self._in_any([self._by_term[each] for each in self._words[first:last]])

    def _in_district(self, stated: str) -> Rows:
        """The restaurants in a district or neighbourhood, by any of its names; those of a district's parts too."""
        area = find_area(stated)
        if area is None:
            return self._by_district.get(fold(stated), NO_ROWS)
        return self._in_any([rows for name, rows in self._by_area.items() if _is_in(name, area)])

    def of_cuisine(self, stated: str) -> Rows:
        """The restaurants with a cuisine that has all words of the text."""
        words = parse_cuisines((stated,))
        return self.in_all([self._by_cuisine.get(word, NO_ROWS) for word in words]) if words else NO_ROWS

    def open_at(self, moment: datetime) -> Rows:
        """The restaurants that trade and are open at the moment; without those whose hours are not known."""
        return self._openings.open_at(moment)


def read_index(session: duckdb.DuckDBPyConnection) -> RestaurantIndex:
    """The index of the restaurants in the lake."""
    columns = present_columns(session, "restaurants", COLUMNS)
    query = f"""SELECT {columns} FROM {UNIFIED}.restaurants WHERE removed_at IS NULL
        ORDER BY coalesce(review_count, -1) DESC, restaurant_id"""
    return RestaurantIndex(frame_of(session, query))


def _searched_names(title: tuple[str | None, ...]) -> list[str]:
    """The folded name, and the name with the branch."""
    name, branch = title
    if not name:
        return []
    return [folded_name(name), *([folded_name(f"{name} {branch}")] if branch else [])]


def _grouped(keys_of_rows: Iterable[Iterable[str]]) -> dict[str, Rows]:
    """By key, the rows that have it."""
    rows_by_value: dict[str, list[int]] = defaultdict(list)
    for row, keys in enumerate(keys_of_rows):
        for key in dict.fromkeys(keys):
            rows_by_value[key].append(row)
    return {key: np.array(rows, np.int32) for key, rows in rows_by_value.items()}


def _area_name(stated: str | None) -> str:
    area = find_area(stated) if stated else None
    return area.english if area else ""


def _is_in(name: str, area: NamedArea) -> bool:
    """True if the area of that name is the area, or a part of it."""
    if name == area.english:
        return True
    other = find_area(name) if name else None
    return other is not None and other.kind > area.kind and other.lies_within(area)
