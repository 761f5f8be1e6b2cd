"""The index of restaurants, read again after each run of unification, once for all requests."""

from __future__ import annotations

import logging
import threading
import time

import duckdb
import polars as pl

from sync_platform.errors import NoLakeYet, SyncError
from sync_platform.storage.lake_connection import Lake
from sync_platform.storage.lake_tables import has_table
from sync_platform.unified.queries import UNIFIED
from sync_platform.unified.restaurant_index import COLUMNS, CUISINES, RestaurantIndex, read_index

logger = logging.getLogger(__name__)
LOOK_EVERY_S = 1.0
SHORT_S = 0.2
Runs = tuple[int, str]
"""The number of runs of unification, and the time of the last."""
NO_RUNS: Runs = (0, "")


class CurrentIndex:
    """The index of a lake; `get` may be called from several threads. It is empty where nothing is unified yet."""

    def __init__(self, lake: Lake) -> None:
        self._lake = lake
        self._reading = threading.Lock()
        self._index: RestaurantIndex | None = None
        self._runs, self._looked_at, self._read_in_s = NO_RUNS, 0.0, 0.0

    def get(self) -> RestaurantIndex:
        """The index of the last run, or of the one before while the new one is read.

        Only the first request waits for a large index: where reading takes longer than SHORT_S, a thread reads the
        next one.
        """
        known_index = self._index
        if known_index is not None and time.monotonic() - self._looked_at < LOOK_EVERY_S:
            return known_index
        if not self._reading.acquire(blocking=known_index is None):
            return known_index or self.get()
        if known_index is not None and self._read_in_s > SHORT_S:
            threading.Thread(target=self._bring_up_to_date, daemon=True).start()
            return known_index
        try:
            return self._up_to_date()
        finally:
            self._reading.release()

    def _bring_up_to_date(self) -> None:
        """As `_up_to_date`, in a thread that has the lock already."""
        try:
            self._up_to_date()
        except SyncError:
            logger.exception("the index of restaurants cannot be read")
        finally:
            self._reading.release()

    def _up_to_date(self) -> RestaurantIndex:
        if self._index is None or time.monotonic() - self._looked_at >= LOOK_EVERY_S:
            try:
                with self._lake.session() as session:
                    runs = _runs(session)
                    if self._index is None or runs != self._runs:
                        began = time.monotonic()
                        self._index = _empty() if runs == NO_RUNS else read_index(session)
                        self._runs, self._read_in_s = runs, time.monotonic() - began
            except NoLakeYet:
                self._index, self._runs = _empty(), NO_RUNS
            self._looked_at = time.monotonic()
        return self._index


def _runs(session: duckdb.DuckDBPyConnection) -> Runs:
    if not has_table(session, "unified.runs"):
        return NO_RUNS
    count, last = session.execute(f"SELECT count(*), max(committed_at) FROM {UNIFIED}.runs").fetchall()[0]
    return count, str(last or "")


def _empty() -> RestaurantIndex:
    texts = dict.fromkeys(COLUMNS, pl.String)
    lists = dict.fromkeys((*CUISINES, "district_evidence", "phones", "platforms"), pl.List(pl.String))
    numbers = {"latitude": pl.Float64, "longitude": pl.Float64, "review_count": pl.Int64}
    return RestaurantIndex(pl.DataFrame(schema={**texts, **lists, **numbers}))
