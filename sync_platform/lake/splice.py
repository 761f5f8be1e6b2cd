"""An older observation that arrives late (a backfill) goes into the history where it belongs.

After the splice every moment reads as if all observations had been taken in in order of time. What an earlier one
adds lasts until a later one says otherwise, so those that follow are looked at again, from what they landed, until one
is reached that settled everything by itself: a whole list, taken for whole. Their corrections are changes of their own,
dated at the observation they correct; nothing in the history is rewritten.

A list that was once let retire rows keeps that right, whatever is learned of the time before it; one that was refused
(too many were gone, compared with what was known then) is weighed again against its new past.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

import duckdb

from sync_platform.errors import StorageError
from sync_platform.lake.diff import Difference, Origin, Retirement, find_difference, rewrite_rows, write_history
from sync_platform.lake.observations import Observation, observations
from sync_platform.lake.replay import find_half_told, replay
from sync_platform.lake.schema import table_name
from sync_platform.sources.columns import columns_of
from sync_platform.sources.declaration import Dataset, Platform
from sync_platform.sources.period import day_in_hong_kong

ACCEPTED = Retirement(True, True, 1.0, accepted="it was accepted before")
"""A list that was let retire what it does not show keeps that right."""
Reload = Callable[[Observation], None]
"""Fills `temp.incoming` with what an observation landed; StorageError where that is not there any more."""


@dataclass
class Spliced:
    """What a splice did: the late observation's own difference, observations that may retire rows after all, and
    those whose landing is gone, so that what they saw again is not known. `committed_at` of its last correction."""

    difference: Difference
    committed_at: datetime
    let_retire: list[Observation] = field(default_factory=list)
    unreadable: list[Observation] = field(default_factory=list)


class Splice:
    """One late observation of one dataset, within the caller's transaction; `tolerance` gives the guard of a day."""

    def __init__(
        self,
        session: duckdb.DuckDBPyConnection,
        history: str,
        platform: Platform,
        dataset: Dataset,
        origin: Origin,
        tolerance: Callable[[Observation], float],
        reload: Reload,
    ) -> None:
        self._session, self._history, self._platform, self._dataset = session, history, platform, dataset
        self._origin, self._tolerance, self._reload = origin, tolerance, reload

    def take_in(self, retirement: Retirement) -> Spliced:
        """Write what `temp.incoming` adds to the history, and bring what follows and the table in line with it.

        The returned difference is against the table as it was known for that moment.
        """
        self._replay("earlier", until=self._origin)
        difference = self._find("temp.earlier", self._origin, retirement)
        done = Spliced(difference, self._origin.committed_at)
        if difference.is_empty:
            return done
        # the caller's own list of rows let be: what follows is weighed with one of its own
        self._session.execute("CREATE OR REPLACE TEMP TABLE let_be AS FROM temp.not_retired")
        self._write(self._origin)
        self._session.execute("CREATE OR REPLACE TEMP TABLE affected AS SELECT source_id FROM temp.delta")
        for later in observations(self._session, self._origin.platform, self._dataset.name):
            if later.observed_at <= self._origin.observed_at:
                continue
            # a microsecond each: corrections of observations at one moment keep their order
            done.committed_at += timedelta(microseconds=1)
            at = replace(self._origin, observed_at=later.observed_at, committed_at=done.committed_at)
            if later.settles_what_is_gone:
                self._restore_state_at(at)
                break
            self._look_again(later, at, done)
        self._replay("replayed", only="temp.affected")
        rewrite_rows(self._session, self._dataset, table_name(self._platform, self._dataset), "temp.replayed")
        self._session.execute("CREATE OR REPLACE TEMP TABLE not_retired AS FROM temp.let_be")
        return done

    def _restore_state_at(self, at: Origin) -> None:
        """Bring the affected rows back to what a list that settled everything made of them."""
        self._replay("later", until=at, known=False, only="temp.affected")
        own = ", ".join(f'"{column.name}"' for column in columns_of(self._dataset.row))
        self._session.execute(
            f"""CREATE OR REPLACE TEMP TABLE incoming AS
            SELECT {own}, content_hash, false AS deleted, landing_object, landing_line, 0 AS slice
            FROM temp.later WHERE removed_at IS NULL"""
        )
        self._replay("now", until=at, only="temp.affected")
        self._session.execute("CREATE OR REPLACE TEMP TABLE held_back (source_id VARCHAR)")
        self._find("temp.now", at, ACCEPTED)
        self._tell_returns_whole("temp.now", at)
        self._write(at)

    def _look_again(self, later: Observation, at: Origin, done: Spliced) -> None:
        """Take in once more what an observation landed, now that it follows on something else."""
        try:
            self._reload(later)
        except StorageError:
            done.unreadable.append(later)
            return
        if later.was_refused:
            self._replay("now", until=at)
            retirement = Retirement(True, True, self._tolerance(later), later.shrink_accepted)
        else:
            self._session.execute("DELETE FROM temp.incoming WHERE source_id NOT IN (FROM temp.affected)")
            self._replay("now", until=at, only="temp.affected")
            if later.retired_what_it_did_not_show:
                retirement = ACCEPTED
            else:
                retirement = Retirement(later.mode == "full", False, 0.0)
        difference = self._find("temp.now", at, retirement)
        self._tell_returns_whole("temp.now", at)
        self._write(at)
        self._session.execute("INSERT INTO temp.affected SELECT source_id FROM temp.delta EXCEPT FROM temp.affected")
        if later.was_refused and not difference.not_retired:
            done.let_retire.append(later)

    def _find(self, held: str, at: Origin, retirement: Retirement) -> Difference:
        day = day_in_hong_kong(at.observed_at)
        difference = find_difference(self._session, self._dataset, held, day, retirement, held_is_replayed=True)
        self._session.execute("DELETE FROM temp.delta WHERE operation = 'refresh'")  # volatile columns are no history
        difference.refresh = 0
        return difference

    def _tell_returns_whole(self, held: str, at: Origin) -> None:
        """A row that an observation shows again after a removal found later is restored, every column named: else it
        would depend on what it was before, of which more may become known."""
        shown = "(FROM temp.incoming WHERE NOT deleted)"
        find_half_told(
            self._session,
            self._history,
            self._origin.platform,
            self._dataset,
            "returning",
            until=at.observed_at,
            only=shown,
        )
        self._session.execute("DELETE FROM temp.delta WHERE source_id IN (FROM temp.returning)")
        self._session.execute("INSERT INTO temp.delta SELECT source_id, 'restore' FROM temp.returning")
        self._session.execute(
            f"INSERT INTO temp.old FROM {held} SEMI JOIN temp.returning USING (source_id) "
            "ANTI JOIN temp.old USING (source_id)"
        )

    def _write(self, at: Origin) -> None:
        write_history(self._session, self._history, self._dataset, at)

    def _replay(self, into: str, *, until: Origin | None = None, known: bool = True, only: str | None = None) -> None:
        """`known` false: as it was known before this splice."""
        moments = {} if until is None else {"until": until.observed_at}
        if not known:
            moments["known_before"] = self._origin.committed_at
        replay(self._session, self._history, self._origin.platform, self._dataset, into, only=only, **moments)
