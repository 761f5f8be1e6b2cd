"""A splice: inserts an observation that arrives late (a backfill) into the history at its time.

After the splice every moment reads as if all observations had arrived in order of time. A value that the late
observation adds lasts until a later observation differs from it. So the landed rows of later observations are compared
again, up to the first conclusive one: a complete full list that retired all rows that it did not show. Corrections are
new changes with the time of the observation that they correct. Existing changes are never rewritten.

A list that was allowed to retire rows is still allowed to, whatever earlier observations arrive. A list that the shrink
guard rejected is re-evaluated against the new earlier state.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from sync_platform.errors import StorageError
from sync_platform.lake.commit_context import CommitContext
from sync_platform.lake.coverage import NO_ROW, Coverage
from sync_platform.lake.difference import Difference, find_difference
from sync_platform.lake.history import HistoryWriter
from sync_platform.lake.incoming import IncomingRows
from sync_platform.lake.late_volatile_values import LateVolatileValues
from sync_platform.lake.observations import Observation
from sync_platform.lake.replay import END_OF_TIME, find_partly_restored, replay
from sync_platform.lake.retirement import ACCEPTED, NO_LIST, Retirement
from sync_platform.lake.shrink_tolerance import ShrinkTolerance
from sync_platform.lake.table_writer import rewrite_rows
from sync_platform.lake.tracked_table import TrackedTable
from sync_platform.sources.period import day_in_hong_kong
from sync_platform.storage.lake_connection import LAKE
from sync_platform.storage.temporary_tables import TemporaryTables

Load = Callable[[TemporaryTables, Observation], tuple[IncomingRows, Coverage]]
"""Loads the landed rows of an observation, and what its list covers; StorageError where they are gone."""


@dataclass
class SpliceResult:
    """The result of a splice: the late observation's own difference, and the time of the last correction.

    `reevaluated`: later observations that were rejected by the shrink guard and now retire rows, each with the number
    of rows that it still does not retire. `unreadable`: later observations whose landed rows are gone, so they could
    not be compared again. `already_known`: inserted rows that a later observation had shown before.
    """

    difference: Difference
    committed_at: datetime
    already_known: int = 0
    reevaluated: list[tuple[Observation, int]] = field(default_factory=list)
    unreadable: list[Observation] = field(default_factory=list)


@dataclass(frozen=True)
class Splice:
    """The splice of one late observation into one landed table, within the caller's transaction.

    `observations`: all of the table, earliest first. `tolerance` returns the shrink tolerance for one of them; `load`
    loads its landed rows.
    """

    writer: HistoryWriter
    table: TrackedTable
    context: CommitContext
    observations: list[Observation]
    tolerance: Callable[[Observation], ShrinkTolerance]
    load: Load

    def take_in(self, scratch: TemporaryTables, incoming: IncomingRows, retirement: Retirement) -> SpliceResult:
        """Write the incoming rows into the history, correct later observations, and update the table.

        The difference is against the table as replayed for that time; its temporary tables are in `scratch`.
        """
        stored = self._replay(scratch, until=self.context.observed_at)
        difference = self._find(scratch, incoming, stored, self.context, retirement)
        done = SpliceResult(difference, self.context.committed_at, self._count_known(scratch, difference))
        if difference.is_empty:
            self._update_volatile(scratch, incoming)
            return done
        self.writer.write(self.table, incoming, difference, self.context)
        affected = scratch.create("affected", f"SELECT {self.table.key_list} FROM {difference.operations}")
        for later in self.observations:
            if later.observed_at <= self.context.observed_at:
                continue
            # one microsecond later each, so that corrections of observations at the same time keep their order
            done.committed_at += timedelta(microseconds=1)
            splice_context = replace(self.context, observed_at=later.observed_at, committed_at=done.committed_at)
            with TemporaryTables(scratch.session) as inner:
                if later.is_conclusive:
                    self._restore_state_at(inner, splice_context, affected)
                    break
                self._compare_again(inner, later, splice_context, affected, done)
        rewrite_rows(scratch.session, self.table, self._replay(scratch, only=affected))
        self._update_volatile(scratch, incoming)
        return done

    def _update_volatile(self, scratch: TemporaryTables, incoming: IncomingRows) -> None:
        """Update the volatile columns of the incoming rows that no later observation shows."""
        if not self.table.volatile:
            return
        late, only_blank = LateVolatileValues(scratch, self.table, incoming), False
        late.leave_out_changed(self.writer.history, self.context.observed_at)
        for later in self.observations:
            if later.observed_at <= self.context.observed_at:
                continue
            if late.is_empty:
                return
            with TemporaryTables(scratch.session) as inner:
                if later.is_conclusive:
                    state = self._replay(inner, until=later.observed_at, only=late.rows)
                    late.leave_out(f"(FROM {state} WHERE removed_at IS NULL)")
                    break
                try:
                    shown, _ = self._restored(inner, later) if later.is_restore else self.load(inner, later)
                    late.leave_out(f"(FROM {shown.rows} WHERE NOT deleted)")
                except StorageError:  # what it shows is not known: the stored values may be its own
                    only_blank = True
        late.write(only_blank=only_blank)

    def _count_known(self, scratch: TemporaryTables, difference: Difference) -> int:
        """How many of the inserted rows the table has already."""
        query = f"""SELECT count(*) FROM {difference.operations} JOIN {LAKE}.{self.table.sql}
            USING ({self.table.key_list}) WHERE operation = 'insert'"""
        return int(scratch.session.execute(query).fetchall()[0][0])

    def _restore_state_at(self, scratch: TemporaryTables, splice_context: CommitContext, affected: str) -> None:
        """Restore the affected rows to the state that a conclusive list gave them."""
        known = self._replay(
            scratch, until=splice_context.observed_at, known_before=self.context.committed_at, only=affected
        )
        rows = scratch.create("incoming", f"{self._as_incoming(known, 'false')} WHERE removed_at IS NULL")
        self._correct(
            scratch,
            IncomingRows(rows),
            self._replay(scratch, until=splice_context.observed_at, only=affected),
            splice_context,
            ACCEPTED,
        )

    def _compare_again(
        self,
        scratch: TemporaryTables,
        later: Observation,
        splice_context: CommitContext,
        affected: str,
        done: SpliceResult,
    ) -> None:
        """Compare the landed rows of a later observation again, because the state before it has changed."""
        try:
            incoming, coverage = self._restored(scratch, later) if later.is_restore else self.load(scratch, later)
        except StorageError:
            done.unreadable.append(later)
            return
        keys = self.table.key_list
        if later.was_rejected:
            stored = self._replay(scratch, until=splice_context.observed_at)
            retirement = Retirement(True, coverage, self.tolerance(later), later.shrink_accepted)
        else:
            scratch.session.execute(f"DELETE FROM {incoming.rows} WHERE ({keys}) NOT IN (FROM {affected})")
            stored = self._replay(scratch, until=splice_context.observed_at, only=affected)
            retirement = replace(ACCEPTED, coverage=coverage) if later.mode == "full" else NO_LIST
        difference = self._correct(scratch, incoming, stored, splice_context, retirement)
        scratch.session.execute(
            f"INSERT INTO {affected} SELECT {keys} FROM {difference.operations} EXCEPT FROM {affected}"
        )
        if later.was_rejected and not difference.reason:
            done.reevaluated.append((later, difference.not_retired))

    def _restored(self, scratch: TemporaryTables, later: Observation) -> tuple[IncomingRows, Coverage]:
        """The rows that a restore changed, as it left them; from the history, because no landing has them."""
        changed = scratch.create(
            "changed",
            f"""SELECT DISTINCT entity_id AS {self.table.key_list} FROM {LAKE}.{self.writer.history}
            WHERE platform = $platform AND dataset = $dataset AND sync_id = $restore_id""",
            {"platform": self.table.schema, "dataset": self.table.name, "restore_id": later.sync_id},
        )
        before = self.context.committed_at
        known = self._replay(scratch, until=later.observed_at, known_before=before, only=changed)
        return IncomingRows(scratch.create("incoming", self._as_incoming(known, "removed_at IS NOT NULL"))), NO_ROW

    def _as_incoming(self, rows: str, deleted: str) -> str:
        """SQL: rows with the table's columns as incoming rows; `deleted`: SQL, whether a row has ended."""
        columns = ", ".join(f'"{column.name}"' for column in self.table.columns)
        return f"""SELECT {columns}, content_hash, {deleted} AS deleted, landing_object, landing_line, 0 AS slice
            FROM {rows}"""

    def _correct(
        self,
        scratch: TemporaryTables,
        incoming: IncomingRows,
        stored: str,
        splice_context: CommitContext,
        retirement: Retirement,
    ) -> Difference:
        """Write the difference between an observation and the state that is now known before it.

        A row that it shows after a newly found removal is restored with all columns. Otherwise the row would depend on
        its values before the removal, which another late observation may change.
        """
        listed_rows = f"(FROM {incoming.rows} WHERE NOT deleted)"
        returning = find_partly_restored(
            scratch, self.writer.history, self.table, splice_context.observed_at, listed_rows
        )
        difference = self._find(scratch, incoming, stored, splice_context, retirement, returning)
        self.writer.write(self.table, incoming, difference, splice_context)
        return difference

    def _find(
        self,
        scratch: TemporaryTables,
        incoming: IncomingRows,
        stored: str,
        splice_context: CommitContext,
        retirement: Retirement,
        returning: str | None = None,
    ) -> Difference:
        return find_difference(
            scratch,
            self.table,
            incoming,
            stored,
            retirement,
            day=day_in_hong_kong(splice_context.observed_at),
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
