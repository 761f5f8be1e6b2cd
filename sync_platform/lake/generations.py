"""The generation of a list: the day on which its source says that it made the list.

A source may serve an older list than before, for instance from a stale cache. Such a list changes nothing: it would
remove rows that are new, and restore rows that are gone.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import duckdb

from sync_platform.lake.commit_context import CommitContext
from sync_platform.sources.declaration import Dataset
from sync_platform.sources.period import day_in_hong_kong
from sync_platform.storage.lake_connection import LAKE


@dataclass(frozen=True)
class Generation:
    """`day`: the generation of a list. `stored`: the newest one that was stored before. None where it is not known."""

    day: date | None = None
    stored: date | None = None

    @property
    def is_outdated(self) -> bool:
        return self.day is not None and self.stored is not None and self.day < self.stored

    @property
    def problem(self) -> str:
        """What is wrong with an outdated list, in words."""
        return f"the source sent an older list than before, of {self.day} after {self.stored}: nothing was changed"


def find_generation(
    session: duckdb.DuckDBPyConnection, dataset: Dataset, rows: str, context: CommitContext, *, is_late: bool
) -> Generation:
    """The generation of a relation of rows, and the newest one stored up to the time of their observation.

    A list in several files is as old as its oldest file. A generation after the day of observation does not count: it
    would make every later list look old.
    """
    column = dataset.generation
    if column is None:
        return Generation()
    last_day = day_in_hong_kong(context.observed_at)
    day = _day(session, f'SELECT min("{column}") FROM {rows}', {})
    if day is None or day > last_day:
        return Generation()
    of_dataset = {
        "platform": context.platform,
        "dataset": context.dataset,
        "at": context.observed_at,
        "day": last_day,
    }
    recorded = f"""SELECT max(generation) FROM {LAKE}.sync.runs WHERE platform = $platform AND dataset = $dataset
        AND observed_at <= $at AND generation <= $day AND status <> 'failed' AND NOT coalesce(is_outdated, false)"""
    stored = _day(session, recorded, of_dataset)
    if stored is None and not is_late:  # the syncs of an older lake did not record it, but their rows have it
        table = f'{LAKE}."{context.platform}"."{context.dataset}"'
        stored = _day(session, f'SELECT max("{column}") FROM {table} WHERE "{column}" <= $day', {"day": last_day})
    return Generation(day, stored)


def _day(session: duckdb.DuckDBPyConnection, query: str, values: dict[str, object]) -> date | None:
    day: date | None = session.execute(query, values).fetchall()[0][0]
    return day
