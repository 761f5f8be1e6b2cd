"""Commits one landed dataset to the lake: rows, history, cursor and sync record in one transaction.

A killed commit can run again and writes the same content. A bad extract never retires good data: lake/retirement.py.
"""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import duckdb

from sync_platform.errors import StorageError
from sync_platform.lake.appraisal import appraise
from sync_platform.lake.chain import chain_changes
from sync_platform.lake.clock import Clock, read_clock
from sync_platform.lake.commit_context import CommitContext
from sync_platform.lake.commit_outcome import CommitOutcome
from sync_platform.lake.confirmation import confirmation_of
from sync_platform.lake.corrected_times import correct_future_times, time_that_counts, unproven_share
from sync_platform.lake.corrected_values import correct_incoming, forget_corrected
from sync_platform.lake.coverage import EVERY_ROW, Coverage, coverage_of_list, proven_coverage
from sync_platform.lake.erased_rows import erase_incoming
from sync_platform.lake.generations import find_generation
from sync_platform.lake.history import HistoryWriter
from sync_platform.lake.history_view import ensure_history_view
from sync_platform.lake.incoming import MOST_MEMORY, Arrival, IncomingRows, load_incoming
from sync_platform.lake.late_records import record_late_records
from sync_platform.lake.observations import Observation, RecordedSyncs, recorded_syncs
from sync_platform.lake.restricted_records import add_restricted
from sync_platform.lake.retirement import PLATFORM_GUARD, Retirement, ShrinkGuard
from sync_platform.lake.row_worker import NO_ROW_WORKER
from sync_platform.lake.rows import TypedRows
from sync_platform.lake.schema import ensure_tables
from sync_platform.lake.shrink_tolerance import ShrinkTolerance, periods_between_lists
from sync_platform.lake.splice import Splice
from sync_platform.lake.sync_record import WrittenChanges, missing_of, sync_record, unconfirmed_in_words
from sync_platform.lake.syncs import (
    MAX_IDS,
    NO_TRIGGER,
    Trigger,
    describe_commit,
    record_reevaluation,
    write_not_retired,
    write_sync,
)
from sync_platform.lake.table_writer import update_table
from sync_platform.lake.tracked_table import TrackedTable, dataset_table
from sync_platform.lake.transaction import in_one_transaction
from sync_platform.lake.watermarks import move_cursor
from sync_platform.landing.manifest import find_manifest, manifest_digest
from sync_platform.landing.reader import LandedDataset
from sync_platform.quality.quarantine import first_in_words, has_newly_quarantined, quarantine
from sync_platform.quality.reference_shape import undeclared_fields
from sync_platform.quality.score import STANDARDS, Standards
from sync_platform.sources.period import day_in_hong_kong
from sync_platform.storage.lake_connection import LAKE, Lake
from sync_platform.storage.session_memory import with_memory
from sync_platform.storage.temporary_tables import TemporaryTables


def commit_landed(
    lake: Lake,
    history: str,
    typed: TypedRows,
    run_id: str,
    guard: ShrinkGuard = PLATFORM_GUARD,
    trigger: Trigger = NO_TRIGGER,
    standards: Standards = STANDARDS,
) -> CommitOutcome:
    """Commit one landed dataset and its scores; `history` is the table of changes.

    An observation older than the newest one is spliced into the history at its time, and never overwrites what was seen
    later. Raises StorageError where the lake cannot be written; the transaction is then rolled back.
    """
    with lake.session() as session, TemporaryTables(session) as scratch, ExitStack() as stack:
        arrival = load_incoming(scratch, typed)
        if arrival.memory:
            stack.enter_context(with_memory(session, arrival.memory))
        quarantined = first_in_words(session, typed.landed, arrival.quarantine)
        table = dataset_table(typed.platform.name, typed.dataset)
        commit = _Commit(scratch, history, table, typed, arrival, quarantined, run_id, guard, trigger, standards)
        outcome = in_one_transaction(lake, session, commit.write)
        snapshot = session.execute(f"SELECT id FROM {LAKE}.last_committed_snapshot()").fetchall()[0][0]
    for correction in arrival.passed_on:
        typed.corrections.pass_on(correction)
    return replace(outcome, snapshot_id=snapshot)


@dataclass(frozen=True)
class _Commit:
    """One commit. The transaction may be repeated, so `write` reads everything that depends on the lake's state."""

    scratch: TemporaryTables
    history: str
    table: TrackedTable
    typed: TypedRows
    arrival: Arrival
    quarantined: list[str]
    run_id: str
    guard: ShrinkGuard
    trigger: Trigger
    standards: Standards

    @property
    def session(self) -> duckdb.DuckDBPyConnection:
        return self.scratch.session

    def write(self) -> CommitOutcome:
        """Write everything within the caller's transaction; the caller adds the snapshot to the outcome."""
        # again, because a person may have been erased, or a value corrected, since the rows were loaded; what begins
        # after this rewrites what is committed here
        rows = self.arrival.incoming.rows
        erase_incoming(self.scratch, rows, self.typed.dataset, self.typed.erased)
        correct_incoming(self.scratch, rows, self.typed.dataset, self.typed.applied_corrections())
        forget_corrected(self.session, self.arrival.passed_on)
        ensure_tables(self.session, self.history, self.table.schema, self.typed.dataset)
        ensure_history_view(self.session, self.history, self.table)
        writer, recorded = HistoryWriter(self.scratch, self.history), self._recorded()
        if self.typed.dataset.personal is not None:
            add_restricted(self.scratch, rows, self.table.schema, self.typed.dataset, self.typed.restricted())
        clock = read_clock(self.typed.landed.manifest, recorded.newest)
        context = self._context(clock)
        correction = correct_future_times(self.scratch, self.history, context, recorded, clock.observed_at, clock.now)
        corrections = [correction.in_words] if correction else []
        if correction:
            recorded = self._recorded()
        context = replace(context, committed_at=_later_than_all(recorded, clock.now))
        is_late = recorded.newest is not None and context.observed_at < recorded.newest
        generation = find_generation(self.session, self.typed.dataset, rows, context, is_late=is_late)
        follows = not is_late and not generation.is_outdated
        scores, drift = appraise(self.session, self.typed, self.arrival, context, self.standards, follows=follows)
        # a newly quarantined record may be a temporary fault: the cursor stays, so the record is fetched again
        none_newly_quarantined = not self.arrival.quarantined or not has_newly_quarantined(
            self.session,
            context.platform,
            context.dataset,
            self.arrival.quarantine,
            self.arrival.incoming.only_quarantined,
        )
        self._quarantine(context, follows)
        if generation.is_outdated:
            written = self._leave_unchanged(writer, context, generation.problem)
        elif is_late:
            written = self._splice(writer, context, recorded)
        else:
            written = self._update(writer, context, recorded, none_newly_quarantined)
        store = self.typed.landed.store
        chain_changes(writer, written.context, lambda key: manifest_digest(store, key))
        notes = [*clock.notes, *corrections]
        record = sync_record(self.typed, self.arrival, written, self.quarantined, self.trigger, self.standards)
        record = replace(
            record,
            started_at=min(clock.started_at, context.committed_at),
            notes=[*self.typed.landed.manifest.notes, *unconfirmed_in_words(written), *notes, *written.notes],
            generation=generation.day,
            is_outdated=generation.is_outdated,
        )
        write_sync(self.session, record)
        write_not_retired(self.session, written.context, written.difference.unretired)
        describe_commit(self.session, self.run_id, f"{context.platform}.{context.dataset}: sync {context.sync_id}")
        return CommitOutcome(
            record,
            snapshot_id=0,
            live_rows=self._fetch(f"SELECT count(*) FROM {LAKE}.{self.table.sql} WHERE removed_at IS NULL")[0][0],
            scores=scores,
            not_retired=[
                row[0] for row in self._fetch(f"FROM {written.difference.unretired} ORDER BY 1 LIMIT {MAX_IDS}")
            ],
            unknown_fields=undeclared_fields(self.typed.dataset, self.typed.shape),
            drift=drift,
            quarantined=self.quarantined,
        )

    def _fetch(self, query: str) -> list[tuple[Any, ...]]:
        return self.session.execute(query).fetchall()

    def _recorded(self) -> RecordedSyncs:
        return recorded_syncs(self.session, self.table.schema, self.table.name)

    def _context(self, clock: Clock) -> CommitContext:
        manifest, platform, dataset = self.typed.landed.manifest, self.table.schema, self.table.name
        observed_at = time_that_counts(self.session, platform, dataset, clock.observed_at, clock.now)
        return CommitContext(
            platform, dataset, manifest.partition, manifest.sync_id, self.run_id, observed_at, clock.now
        )

    def _quarantine(self, context: CommitContext, follows: bool) -> None:
        manifest = self.typed.landed.manifest
        quarantine(
            self.session,
            asdict(context),
            self.arrival.quarantine,
            self.arrival.incoming.rows,
            is_whole=manifest.mode == "full" and not manifest.reasons,
            is_late=not follows,
        )

    def _retirement(self, context: CommitContext, recorded: RecordedSyncs) -> Retirement:
        manifest = self.typed.landed.manifest
        coverage = self._coverage(self.typed, self.arrival, context.observed_at)
        tolerance = self._tolerance(context.observed_at, context, recorded)
        confirmation = confirmation_of(manifest, self.typed.dataset, context)
        return Retirement(manifest.mode == "full", coverage, tolerance, self.guard.accepted, confirmation)

    def _tolerance(self, observed_at: datetime, context: CommitContext, recorded: RecordedSyncs) -> ShrinkTolerance:
        """The tolerance of a list observed at that time: this one, or a later one that is re-evaluated."""
        if self.guard.tolerance is not None:
            return ShrinkTolerance(self.guard.tolerance)
        platform = self.typed.platform
        before = recorded.last_complete_list(observed_at)
        is_between = self.typed.landed.manifest.mode == "full" and not missing_of(self.typed, self.arrival)
        if is_between and context.observed_at < observed_at:
            before = max(before or context.observed_at, context.observed_at)
        periods = periods_between_lists(platform.cadence, before, observed_at)
        return ShrinkTolerance(platform.tolerance(day_in_hong_kong(observed_at)), periods)

    def _update(
        self, writer: HistoryWriter, context: CommitContext, recorded: RecordedSyncs, none_newly_quarantined: bool
    ) -> WrittenChanges:
        """Bring table and history up to date with the newest observation."""
        incoming, retirement = self.arrival.incoming, self._retirement(context, recorded)
        share = unproven_share(self.session, context.platform, context.dataset)
        retirement = replace(retirement, tolerance=retirement.tolerance.plus(share))
        day = self.typed.landed.manifest.day or day_in_hong_kong(context.observed_at)
        difference = update_table(self.scratch, writer, self.table, incoming, context, retirement, day)
        late = record_late_records(self.session, context, self.typed.platform, incoming.rows, difference)
        cursor = self.typed.dataset.cursor
        has_gaps = bool(self.typed.filter_faults or self.typed.landed.manifest.reasons)
        if cursor and not has_gaps and none_newly_quarantined:
            self._move_cursor(cursor, context)
        return WrittenChanges(difference, context, [], [late.in_words] if late else [])

    def _leave_unchanged(self, writer: HistoryWriter, context: CommitContext, reason: str) -> WrittenChanges:
        """Change nothing: the list is older than the one stored."""
        nothing = self.scratch.create("nothing", f"FROM {self.arrival.incoming.rows} LIMIT 0")
        return WrittenChanges(
            update_table(self.scratch, writer, self.table, IncomingRows(nothing), context), context, [reason]
        )

    def _splice(self, writer: HistoryWriter, context: CommitContext, recorded: RecordedSyncs) -> WrittenChanges:
        """Write an older observation into the history at its time."""
        splice = Splice(
            writer,
            self.table,
            context,
            recorded.observations,
            lambda later: self._tolerance(later.observed_at, context, recorded),
            self._load,
        )
        with with_memory(self.session, MOST_MEMORY):
            done = splice.take_in(self.scratch, self.arrival.incoming, self._retirement(context, recorded))
        for later, not_retired in done.reevaluated:
            record_reevaluation(self.session, context, later, not_retired)
        reasons = [
            f"the landing of sync {later.sync_id} is gone: what it showed of these rows is not known"
            for later in done.unreadable
        ]
        splice_context = replace(context, committed_at=done.committed_at)
        return WrittenChanges(done.difference, splice_context, reasons, already_known=done.already_known)

    def _load(self, scratch: TemporaryTables, later: Observation) -> tuple[IncomingRows, Coverage]:
        """Load the landed rows of another observation, and what its list covers; StorageError where they are gone."""
        store = self.typed.landed.store
        manifest = find_manifest(store, later.manifest)
        if manifest is None:
            raise StorageError(f"the manifest {store.url}/{later.manifest} is gone")
        typed = replace(self.typed, landed=LandedDataset(manifest, store), row_worker=NO_ROW_WORKER)
        arrival = load_incoming(scratch, typed)
        covered = EVERY_ROW if later.list_complete else self._coverage(typed, arrival, later.observed_at)
        return arrival.incoming, proven_coverage(covered, manifest, typed.dataset)

    def _coverage(self, typed: TypedRows, arrival: Arrival, observed_at: datetime) -> Coverage:
        return coverage_of_list(typed, arrival, self.history, self.table, observed_at)

    def _move_cursor(self, column: str, context: CommitContext) -> None:
        """Move the cursor to the latest change time seen, at most `observed_at`.

        A cursor in the future would hide changes made before it. Where no row was seen the cursor stays: an empty reply
        may be a fault, and the next sync must fetch what it left out.
        """
        latest = self._fetch(f'SELECT max("{column}") FROM {self.arrival.incoming.rows}')[0][0]
        if latest is not None:
            watermark = min(latest, context.observed_at)
            move_cursor(self.session, context, watermark)


def _later_than_all(recorded: RecordedSyncs, now: datetime) -> datetime:
    """The time of this commit: later than every other commit of the dataset, even if the clock was set back."""
    last = recorded.last_commit
    return now if last is None else max(now, last + timedelta(microseconds=1))
