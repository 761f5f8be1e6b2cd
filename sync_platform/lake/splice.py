"""A splice: an older observation that arrives late (a backfill) goes into the history where it belongs.

After the splice every moment reads as if all observations had arrived in order of time. What an earlier observation
adds lasts until a later one differs from it. So later observations are compared again, from what they landed, up to
the first one that settled everything by itself: a complete full list. Their corrections are changes of their own, dated
at the observation they correct; nothing in the history is rewritten.

A list that was allowed to retire rows keeps that right, whatever is learned of the time before it. A list that the
shrink guard rejected is evaluated again against its new past.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from sync_platform.errors import StorageError
from sync_platform.lake.commit_context import CommitContext
from sync_platform.lake.difference import Difference, find_difference
from sync_platform.lake.history import HistoryWriter
from sync_platform.lake.incoming import Incoming
from sync_platform.lake.observations import Observation, observations
from sync_platform.lake.replay import END_OF_TIME, find_partly_restored, replay
from sync_platform.lake.retirement import Retirement
from sync_platform.lake.table_writer import rewrite_rows
from sync_platform.lake.tracked_table import TrackedTable
from sync_platform.sources.period import day_in_hong_kong
from sync_platform.storage.temporary_tables import TemporaryTables

ACCEPTED = Retirement(True, True, 1.0, accepted="it was accepted before")
"""A list that was allowed to retire what it does not show keeps that right."""
Load = Callable[[TemporaryTables, Observation], Incoming]
"""Loads what an observation landed; StorageError where that is gone."""


@dataclass
class Spliced:
    """What a splice did: the late observation's own difference, and the moment of its last correction.

    `reevaluated`: later observations that may retire rows after all. `unreadable`: those whose landing is gone, so that
    what they saw again is not known.
    """

    difference: Difference
    committed_at: datetime
    reevaluated: list[Observation] = field(default_factory=list)
    unreadable: list[Observation] = field(default_factory=list)


@dataclass(frozen=True)
class Splice:
    """One late observation of one landed table, within the caller's transaction.

    `tolerance` gives the shrink tolerance for an observation; `load` what it landed.
    """

    writer: HistoryWriter
    table: TrackedTable
    context: CommitContext
    tolerance: Callable[[Observation], float]
    load: Load

    def take_in(self, scratch: TemporaryTables, incoming: Incoming, retirement: Retirement) -> Spliced:
        """Write what came into the history, and bring what follows and the table in line with it.

        The difference is against the table as it was known for that moment; its tables are in `scratch`.
        """
        stored = self._replay(scratch, until=self.context.observed_at)
        difference = self._find(scratch, incoming, stored, self.context, retirement)
        done = Spliced(difference, self.context.committed_at)
        if difference.is_empty:
            return done
        self.writer.write(self.table, incoming, difference, self.context)
        affected = scratch.create("affected", f"SELECT {self.table.key_list} FROM {difference.operations}")
        for later in observations(scratch.session, self.table.schema, self.table.name):
            if later.observed_at <= self.context.observed_at:
                continue
            # a microsecond each: corrections of observations at one moment keep their order
            done.committed_at += timedelta(microseconds=1)
            at = replace(self.context, observed_at=later.observed_at, committed_at=done.committed_at)
            with TemporaryTables(scratch.session) as passing:
                if later.settles_what_is_gone:
                    self._restore_state_at(passing, at, affected)
                    break
                self._compare_again(passing, later, at, affected, done)
        rewrite_rows(scratch.session, self.table, self._replay(scratch, only=affected))
        return done

    def _restore_state_at(self, scratch: TemporaryTables, at: CommitContext, affected: str) -> None:
        """Bring the affected rows back to what a list that settled everything made of them."""
        known = self._replay(scratch, until=at.observed_at, known_before=self.context.committed_at, only=affected)
        own = ", ".join(f'"{column.name}"' for column in self.table.columns)
        rows = scratch.create(
            "incoming",
            f"""SELECT {own}, content_hash, false AS deleted, landing_object, landing_line, 0 AS slice
            FROM {known} WHERE removed_at IS NULL""",
        )
        self._correct(scratch, Incoming(rows), self._replay(scratch, until=at.observed_at, only=affected), at, ACCEPTED)

    def _compare_again(
        self, scratch: TemporaryTables, later: Observation, at: CommitContext, affected: str, done: Spliced
    ) -> None:
        """Compare what an observation landed once more, now that it follows on something else."""
        try:
            incoming = self.load(scratch, later)
        except StorageError:
            done.unreadable.append(later)
            return
        keys = self.table.key_list
        if later.was_refused:
            stored = self._replay(scratch, until=at.observed_at)
            retirement = Retirement(True, True, self.tolerance(later), later.shrink_accepted)
        else:
            scratch.session.execute(f"DELETE FROM {incoming.rows} WHERE ({keys}) NOT IN (FROM {affected})")
            stored = self._replay(scratch, until=at.observed_at, only=affected)
            retirement = ACCEPTED
            if not later.retired_what_it_did_not_show:
                retirement = Retirement(later.mode == "full", False, 0.0)
        difference = self._correct(scratch, incoming, stored, at, retirement)
        scratch.session.execute(
            f"INSERT INTO {affected} SELECT {keys} FROM {difference.operations} EXCEPT FROM {affected}"
        )
        if later.was_refused and not difference.not_retired:
            done.reevaluated.append(later)

    def _correct(
        self, scratch: TemporaryTables, incoming: Incoming, stored: str, at: CommitContext, retirement: Retirement
    ) -> Difference:
        """Write how an observation differs from what is now known before it.

        A row that it shows again after a removal found later is restored, with every column named: else the row would
        depend on what it was before, of which more may become known.
        """
        shown = f"(FROM {incoming.rows} WHERE NOT deleted)"
        returning = find_partly_restored(scratch, self.writer.history, self.table, at.observed_at, shown)
        difference = self._find(scratch, incoming, stored, at, retirement, returning)
        self.writer.write(self.table, incoming, difference, at)
        return difference

    def _find(
        self,
        scratch: TemporaryTables,
        incoming: Incoming,
        stored: str,
        at: CommitContext,
        retirement: Retirement,
        returning: str | None = None,
    ) -> Difference:
        return find_difference(
            scratch,
            self.table,
            incoming,
            stored,
            retirement,
            day=day_in_hong_kong(at.observed_at),
            is_replayed=True,
            returning=returning,
        )

    def _replay(
        self,
        scratch: TemporaryTables,
        *,
        until: datetime = END_OF_TIME,
        known_before: datetime = END_OF_TIME,
        only: str | None = None,
    ) -> str:
        return replay(scratch, self.writer.history, self.table, until=until, known_before=known_before, only=only)
