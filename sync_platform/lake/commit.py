"""Commits one landed dataset to the lake: rows, history, cursor and sync record in one transaction.

A killed commit can run again and writes the same content. A bad extract never retires good data: unseen rows are
retired only if the extract is complete and the shrinkage is within the platform's tolerance.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import duckdb

from sync_platform.errors import StorageError
from sync_platform.lake.chain import seal_batch
from sync_platform.lake.commit_context import CommitContext
from sync_platform.lake.commit_outcome import Outcome
from sync_platform.lake.difference import Difference
from sync_platform.lake.history import HistoryWriter
from sync_platform.lake.incoming import Arrival, Incoming, load_incoming
from sync_platform.lake.observations import Observation, latest_observation
from sync_platform.lake.retirement import PLATFORM_GUARD, Guard, Retirement
from sync_platform.lake.rows import TypedRows
from sync_platform.lake.schema import ensure_tables
from sync_platform.lake.splice import Splice
from sync_platform.lake.syncs import (
    MOST_LISTED,
    NO_TRIGGER,
    SyncRecord,
    Trigger,
    describe_commit,
    latest_commit,
    move_cursor,
    record_reevaluation,
    write_not_retired,
    write_sync,
)
from sync_platform.lake.table_writer import update_table
from sync_platform.lake.tracked_table import TrackedTable, dataset_table
from sync_platform.lake.transaction import in_one_transaction
from sync_platform.landing.manifest import find_manifest, manifest_digest
from sync_platform.landing.reader import Landed
from sync_platform.quality.drift import Drift
from sync_platform.quality.frequent_values import find_frequent_values
from sync_platform.quality.quarantine import first_in_words, has_newly_quarantined, quarantine
from sync_platform.quality.reference_shape import compare_with_reference, undeclared_fields, write_drift
from sync_platform.quality.score import STANDARDS, Score, Standards
from sync_platform.quality.scoring import RecordsToScore, score_records, write_scores
from sync_platform.sources.period import day_in_hong_kong
from sync_platform.storage.lake_connection import LAKE, Lake, with_memory
from sync_platform.storage.temporary_tables import TemporaryTables

SPLICE_MEMORY = "1GB"  # replaying a dataset's whole history needs the most


def commit_landed(
    lake: Lake,
    history: str,
    typed: TypedRows,
    run_id: str,
    guard: Guard = PLATFORM_GUARD,
    trigger: Trigger = NO_TRIGGER,
    standards: Standards = STANDARDS,
) -> Outcome:
    """Commit one landed dataset and its scores; `history` is the table of changes.

    An observation older than the newest one is spliced into the history at its time, and never overwrites what was seen
    later. Raises StorageError where the lake cannot be written; the transaction is then rolled back.
    """
    with lake.session() as session, TemporaryTables(session) as scratch:
        arrival = load_incoming(scratch, typed)
        quarantined = first_in_words(session, typed.landed, arrival.quarantine)
        table = dataset_table(typed.platform.name, typed.dataset)
        commit = _Commit(scratch, history, table, typed, arrival, quarantined, run_id, guard, trigger, standards)
        outcome = in_one_transaction(lake, session, commit.write)
        snapshot = session.execute(f"SELECT id FROM {LAKE}.last_committed_snapshot()").fetchall()[0][0]
    return replace(outcome, snapshot_id=snapshot)


@dataclass(frozen=True)
class _Written:
    """The changes that a commit wrote: the difference, the context of the last change, and reasons for doubt."""

    difference: Difference
    context: CommitContext
    reasons: list[str]


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
    guard: Guard
    trigger: Trigger
    standards: Standards

    @property
    def session(self) -> duckdb.DuckDBPyConnection:
        return self.scratch.session

    def write(self) -> Outcome:
        """Write everything within the caller's transaction; the caller adds the snapshot to the outcome."""
        ensure_tables(self.session, self.history, self.table.schema, self.typed.dataset)
        writer, context = HistoryWriter(self.scratch, self.history), self._context()
        newest = latest_observation(self.session, context.platform, context.dataset)
        is_late = newest is not None and context.observed_at < newest
        scores, drift = self._appraise(context, is_late)
        # a newly quarantined record may be a temporary fault: the cursor stays, so the record is fetched again
        none_newly_quarantined = not has_newly_quarantined(
            self.session, context.platform, context.dataset, self.arrival.incoming.only_quarantined
        )
        self._quarantine(context, is_late)
        written = self._splice(writer, context) if is_late else self._update(writer, context, none_newly_quarantined)
        store = self.typed.landed.store
        seal_batch(writer, written.context, lambda key: manifest_digest(store, key))
        record = self._record(written)
        write_sync(self.session, record)
        write_not_retired(self.session, written.context, written.difference.unretired)
        describe_commit(self.session, self.run_id, f"{context.platform}.{context.dataset}: sync {context.sync_id}")
        return Outcome(
            record,
            snapshot_id=0,
            live_rows=self._fetch(f"SELECT count(*) FROM {LAKE}.{self.table.sql} WHERE removed_at IS NULL")[0][0],
            scores=scores,
            not_retired=[
                row[0] for row in self._fetch(f"FROM {written.difference.unretired} ORDER BY 1 LIMIT {MOST_LISTED}")
            ],
            unknown_fields=undeclared_fields(self.typed.dataset, self.typed.shape),
            drift=drift,
            quarantined=self.quarantined,
        )

    def _fetch(self, query: str) -> list[tuple[Any, ...]]:
        return self.session.execute(query).fetchall()

    def _context(self) -> CommitContext:
        manifest = self.typed.landed.manifest
        return CommitContext(
            self.table.schema,
            self.table.name,
            manifest.partition,
            manifest.sync_id,
            self.run_id,
            manifest.observed_at,
            self._now(),
        )

    def _now(self) -> datetime:
        """The time of this commit: later than every other commit of the dataset, even if the clock was set back."""
        last = latest_commit(self.session, self.table.schema, self.table.name)
        now = datetime.now(UTC)
        return now if last is None else max(now, last + timedelta(microseconds=1))

    def _appraise(self, context: CommitContext, is_late: bool) -> tuple[list[Score], list[Drift]]:
        """Write the records' scores and the drift of their shape. A late observation has no drift."""
        values = asdict(context)
        scores = score_records(self.session, self._records_to_score(is_late), self.standards)
        write_scores(self.session, scores, values)
        if is_late:
            return scores, []
        drift = compare_with_reference(self.session, self.typed.dataset, self.typed.shape, values)
        if self.typed.landed.manifest.mode == "full":
            frequent = find_frequent_values(self.session, self.typed.dataset, self.arrival.incoming.rows)
            write_drift(self.session, frequent, values)
            drift = [*drift, *frequent]
        return scores, drift

    def _records_to_score(self, is_late: bool) -> RecordsToScore:
        manifest, arrival = self.typed.landed.manifest, self.arrival
        return RecordsToScore(
            platform=self.table.schema,
            dataset=self.typed.dataset,
            rows=arrival.incoming.rows,
            contract_counts=self.typed.contract_counts,
            contradicting=arrival.contradicting,
            seen=arrival.rows + arrival.only_quarantined + arrival.unidentified,
            claimed=manifest.claimed,
            is_full=manifest.mode == "full",
            follows=not is_late,
        )

    def _quarantine(self, context: CommitContext, is_late: bool) -> None:
        manifest = self.typed.landed.manifest
        quarantine(
            self.session,
            asdict(context),
            self.arrival.quarantine,
            self.arrival.incoming.rows,
            is_whole=manifest.mode == "full" and not manifest.reasons,
            is_late=is_late,
        )

    def _retirement(self, context: CommitContext) -> Retirement:
        is_full = self.typed.landed.manifest.mode == "full"
        return Retirement(is_full, not self._missing(), self._tolerance(context.observed_at), self.guard.accepted)

    def _tolerance(self, observed_at: datetime) -> float:
        if self.guard.tolerance is not None:
            return self.guard.tolerance
        return self.typed.platform.tolerance(day_in_hong_kong(observed_at))

    def _update(self, writer: HistoryWriter, context: CommitContext, none_newly_quarantined: bool) -> _Written:
        """Bring table and history up to date with the newest observation."""
        incoming, retirement = self.arrival.incoming, self._retirement(context)
        day = day_in_hong_kong(context.observed_at)
        difference = update_table(self.scratch, writer, self.table, incoming, context, retirement, day)
        cursor = self.typed.dataset.cursor
        if cursor and retirement.list_is_complete and none_newly_quarantined:
            self._move_cursor(cursor, context)
        return _Written(difference, context, [])

    def _splice(self, writer: HistoryWriter, context: CommitContext) -> _Written:
        """Write an older observation into the history at its time."""
        splice = Splice(writer, self.table, context, lambda later: self._tolerance(later.observed_at), self._load)
        with with_memory(self.session, SPLICE_MEMORY):
            done = splice.take_in(self.scratch, self.arrival.incoming, self._retirement(context))
        for later in done.reevaluated:
            record_reevaluation(self.session, context, later)
        reasons = [
            f"the landing of sync {later.sync_id} is gone: what it showed of these rows is not known"
            for later in done.unreadable
        ]
        return _Written(done.difference, replace(context, committed_at=done.committed_at), reasons)

    def _load(self, scratch: TemporaryTables, later: Observation) -> Incoming:
        """Load the landed rows of another observation; StorageError where they are gone."""
        store = self.typed.landed.store
        manifest = find_manifest(store, later.manifest)
        if manifest is None:
            raise StorageError(f"the manifest {store.url}/{later.manifest} is gone")
        return load_incoming(scratch, TypedRows(Landed(manifest, store), self.typed.platform)).incoming

    def _move_cursor(self, column: str, context: CommitContext) -> None:
        """Move the cursor to the latest change time seen, at most `observed_at`.

        A cursor in the future would hide changes made before it. Where no row was seen the cursor stays: an empty reply
        may be a fault, and the next sync must fetch what it left out.
        """
        latest = self._fetch(f'SELECT max("{column}") FROM {self.arrival.incoming.rows}')[0][0]
        if latest is not None:
            watermark = min(latest, context.observed_at)
            move_cursor(self.session, context.platform, context.dataset, watermark, context.sync_id)

    def _missing(self) -> list[str]:
        """Why the list is not complete: the reasons of the landing manifest, and records without a readable id."""
        return [*self.typed.landed.manifest.reasons, *self.arrival.missing]

    def _record(self, written: _Written) -> SyncRecord:
        manifest, arrival, context, difference = (
            self.typed.landed.manifest,
            self.arrival,
            written.context,
            written.difference,
        )
        missing = self._missing()
        guarded = [difference.reason] if difference.reason else []
        reasons = missing + arrival.defects(self.quarantined) + guarded + written.reasons
        touched = difference.insert + difference.update + difference.restore
        return SyncRecord(
            sync_id=context.sync_id,
            run_id=context.run_id,
            platform=context.platform,
            dataset=context.dataset,
            partition=context.partition,
            mode=manifest.mode,
            status="degraded" if reasons else "complete",
            observed_at=context.observed_at,
            started_at=manifest.started_at,
            committed_at=context.committed_at,
            reasons=reasons,
            claimed=manifest.claimed,
            records=manifest.records,
            rows=arrival.rows,
            inserted=difference.insert,
            updated=difference.update,
            removed=difference.remove,
            restored=difference.restore,
            unchanged=max(0, arrival.rows - touched),
            quarantined=arrival.quarantined,
            not_ours=self.typed.not_ours,
            duplicates=arrival.duplicates,
            not_retired=difference.not_retired,
            pages=len(manifest.pages),
            pages_expected=manifest.pages_expected,
            manifest=manifest.key,
            capped_slices=manifest.capped_slices,
            omitted_ids=manifest.omitted_ids,
            list_complete=not missing,
            shrink_accepted=difference.accepted,
            notes=manifest.notes,
            **asdict(self.trigger),
        )
