"""Takes one landed dataset into the lake: rows, history, cursor and sync record in one transaction.

Kill it anywhere and run it again: the content is the same. A bad extract never retires good data: rows that were not
seen are retired only where the extract is complete and the shrinkage within the platform's tolerance.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta

import duckdb

from sync_platform.errors import StorageError
from sync_platform.lake.chain import seal_batch
from sync_platform.lake.diff import Difference, Origin, Retirement, apply_difference, find_difference, write_history
from sync_platform.lake.incoming import Arrival, load_incoming
from sync_platform.lake.intake import NO_GUARD_OF_OUR_OWN, Guard, Outcome
from sync_platform.lake.observations import Observation, latest_observation
from sync_platform.lake.rows import TypedRows
from sync_platform.lake.schema import ensure_tables, table_name
from sync_platform.lake.splice import Splice
from sync_platform.lake.syncs import (
    MOST_LISTED,
    NOBODY_ASKED,
    Occasion,
    SyncRecord,
    describe_commit,
    latest_commit,
    let_retire,
    move_cursor,
    write_not_retired,
    write_sync,
)
from sync_platform.lake.transaction import in_one_transaction
from sync_platform.landing.manifest import find_manifest, manifest_digest
from sync_platform.landing.reader import Landed
from sync_platform.quality.drift import Drift
from sync_platform.quality.quarantine import first_in_words, newly_held_back, quarantine
from sync_platform.quality.reference_shape import compare_with_reference, undeclared_fields
from sync_platform.quality.score import STANDARDS, Score, Standards
from sync_platform.quality.scoring import ScoringInput, score_records, write_scores
from sync_platform.quality.shape import Shape
from sync_platform.sources.period import day_in_hong_kong
from sync_platform.storage.lake_connection import LAKE, Lake, with_memory

SPLICE_MEMORY = "1GB"  # replaying a dataset's whole history is what takes most


def commit_landed(
    lake: Lake,
    history: str,
    typed: TypedRows,
    run_id: str,
    guard: Guard = NO_GUARD_OF_OUR_OWN,
    occasion: Occasion = NOBODY_ASKED,
    standards: Standards = STANDARDS,
) -> Outcome:
    """Commit one landed dataset, and how good it is by these standards; `history` is the table of changes.

    An observation older than the newest one is spliced into the history where it belongs, and never overwrites what
    was seen later. Raises StorageError where the lake cannot be written; nothing is half-written then.
    """
    with lake.session() as session:
        arrival = load_incoming(session, typed)
        quarantined, shape = first_in_words(session, typed.landed), typed.shape
        commit = _Commit(session, history, typed, arrival, quarantined, shape, run_id, guard, occasion, standards)
        record, live_rows, scores, drift = in_one_transaction(lake, session, commit.write)
        snapshot = session.execute(f"SELECT id FROM {LAKE}.last_committed_snapshot()").fetchall()[0][0]
        let_be = session.execute(f"FROM temp.not_retired ORDER BY ALL LIMIT {MOST_LISTED}").fetchall()
    return Outcome(
        record,
        snapshot,
        live_rows,
        scores,
        [source_id for (source_id,) in let_be],
        undeclared_fields(typed.dataset, shape),
        drift,
        quarantined,
    )


@dataclass(frozen=True)
class _Commit:
    """One attempt at the transaction may follow another, so everything that the lake decides is decided in `write`."""

    session: duckdb.DuckDBPyConnection
    history: str
    typed: TypedRows
    arrival: Arrival
    quarantined: list[str]
    shape: Shape
    run_id: str
    guard: Guard
    occasion: Occasion
    standards: Standards

    def write(self) -> tuple[SyncRecord, int, list[Score], list[Drift]]:
        """The sync's record, how many rows are live after it, its scores, and how its shape drifts."""
        platform, dataset, manifest = self.typed.platform, self.typed.dataset, self.typed.landed.manifest
        ensure_tables(self.session, self.history, platform.name, dataset)
        origin = Origin(
            platform.name,
            dataset.name,
            manifest.partition,
            manifest.sync_id,
            self.run_id,
            manifest.observed_at,
            self._now(),
        )
        missing = self._missing()
        retirement = Retirement(
            manifest.mode == "full", not missing, self._tolerance(origin.observed_at), self.guard.accepted
        )
        newest = latest_observation(self.session, origin.platform, dataset.name)
        is_late = newest is not None and origin.observed_at < newest
        own = asdict(origin)
        scores = score_records(self.session, self._subject(is_late), self.standards)
        write_scores(self.session, scores, own)
        drift = [] if is_late else compare_with_reference(self.session, dataset, self.shape, own)
        may_move = not newly_held_back(self.session, origin.platform, dataset.name)
        looked_at_all = manifest.mode == "full" and not manifest.reasons
        quarantine(self.session, own, is_whole=looked_at_all, is_late=is_late)
        if is_late:
            origin, difference, reasons = self._splice(origin, retirement)
        else:
            difference, reasons = self._take_in(origin, retirement, may_move), []
        store = self.typed.landed.store
        seal_batch(self.session, self.history, origin, lambda key: manifest_digest(store, key))
        guarded = [difference.reason] if difference.reason else []
        record = self._record(origin, difference, not missing, missing + self._blemishes() + guarded + reasons)
        write_sync(self.session, record)
        write_not_retired(self.session, origin)
        describe_commit(self.session, self.run_id, f"{origin.platform}.{origin.dataset}: sync {origin.sync_id}")
        table = f"{LAKE}.{table_name(platform, dataset)}"
        live = self.session.execute(f"SELECT count(*) FROM {table} WHERE removed_at IS NULL").fetchall()[0][0]
        return record, live, scores, drift

    def _subject(self, is_late: bool) -> ScoringInput:
        manifest, arrival = self.typed.landed.manifest, self.arrival
        return ScoringInput(
            platform=self.typed.platform.name,
            dataset=self.typed.dataset,
            tally=self.typed.tally,
            contradicting=arrival.contradicting,
            seen=arrival.rows + arrival.held_back + arrival.unidentified,
            claimed=manifest.claimed,
            is_full=manifest.mode == "full",
            follows=not is_late,
        )

    def _now(self) -> datetime:
        """The moment of this commit: after every other of the dataset, even where a clock was set back."""
        platform, dataset = self.typed.platform.name, self.typed.dataset.name
        last = latest_commit(self.session, platform, dataset)
        now = datetime.now(UTC)
        return now if last is None else max(now, last + timedelta(microseconds=1))

    def _tolerance(self, observed_at: datetime) -> float:
        if self.guard.tolerance is not None:
            return self.guard.tolerance
        return self.typed.platform.tolerance(day_in_hong_kong(observed_at))

    def _take_in(self, origin: Origin, retirement: Retirement, may_move: bool) -> Difference:
        dataset, session = self.typed.dataset, self.session
        table = table_name(origin.platform, dataset)
        day = day_in_hong_kong(origin.observed_at)
        difference = find_difference(session, dataset, f"{LAKE}.{table}", day, retirement)
        if not difference.is_empty:
            write_history(session, self.history, dataset, origin)
            apply_difference(session, dataset, table, origin.observed_at)
        # a record that has just gone to quarantine may be a fault of the moment: it is asked for again
        if dataset.cursor and retirement.list_is_complete and may_move:
            self._move_cursor(dataset.cursor, origin)
        return difference

    def _splice(self, origin: Origin, retirement: Retirement) -> tuple[Origin, Difference, list[str]]:
        """The origin as committed with its last correction, the older observation's difference, and why what follows
        from it may be wrong. Other syncs' rows take their turn in `temp.incoming`; a rollback brings this one's back.
        """
        splice = Splice(
            self.session,
            self.history,
            self.typed.platform,
            self.typed.dataset,
            origin,
            lambda later: self._tolerance(later.observed_at),
            self._reload,
        )
        with with_memory(self.session, SPLICE_MEMORY):
            done = splice.take_in(retirement)
        for later in done.let_retire:
            let_retire(self.session, origin, later)
        lost = [later.sync_id for later in done.unreadable]
        return (
            replace(origin, committed_at=done.committed_at),
            done.difference,
            [
                f"the landing of sync {sync_id} is gone: what it saw again of these rows is not known"
                for sync_id in lost
            ],
        )

    def _reload(self, later: Observation) -> None:
        store = self.typed.landed.store
        manifest = find_manifest(store, later.manifest)
        if manifest is None:
            raise StorageError(f"the manifest {store.url}/{later.manifest} is gone")
        load_incoming(self.session, TypedRows(Landed(manifest, store), self.typed.platform))

    def _move_cursor(self, column: str, origin: Origin) -> None:
        """To the latest change time seen; one in the future would hide what changes until then.

        Where nothing was seen it stays: an empty answer may be a fault, and what it kept back must come the next time.
        """
        latest = self.session.execute(f'SELECT max("{column}") FROM temp.incoming').fetchall()[0][0]
        if latest is not None:
            watermark = min(latest, origin.observed_at)
            move_cursor(self.session, origin.platform, origin.dataset, watermark, origin.sync_id)

    def _missing(self) -> list[str]:
        """Why the list does not count as complete: what landing knows, and records that came, nobody knows which."""
        reasons = list(self.typed.landed.manifest.reasons)
        if self.arrival.unidentified:
            reasons.append(f"{self.arrival.unidentified:,} records in quarantine bear no id that can be read")
        return reasons

    def _blemishes(self) -> list[str]:
        """What is wrong with records that did come: it keeps no other row from being retired."""
        reasons = []
        if self.arrival.quarantined:
            reasons.append(f"{self.arrival.quarantined:,} records are in quarantine, such as {self.quarantined[0]}")
        if self.arrival.conflicts:
            reasons.append(f"{self.arrival.conflicts:,} records came more than once with different values")
        return reasons

    def _record(self, origin: Origin, difference: Difference, list_complete: bool, reasons: list[str]) -> SyncRecord:
        manifest = self.typed.landed.manifest
        touched = difference.insert + difference.update + difference.restore
        return SyncRecord(
            sync_id=origin.sync_id,
            run_id=self.run_id,
            platform=origin.platform,
            dataset=origin.dataset,
            partition=origin.partition,
            mode=manifest.mode,
            status="degraded" if reasons else "complete",
            observed_at=origin.observed_at,
            started_at=manifest.started_at,
            committed_at=origin.committed_at,
            reasons=reasons,
            claimed=manifest.claimed,
            records=manifest.records,
            rows=self.arrival.rows,
            inserted=difference.insert,
            updated=difference.update,
            removed=difference.remove,
            restored=difference.restore,
            unchanged=max(0, self.arrival.rows - touched),
            quarantined=self.arrival.quarantined,
            not_ours=self.typed.not_ours,
            duplicates=self.arrival.duplicates,
            not_retired=difference.not_retired,
            pages=len(manifest.pages),
            pages_expected=manifest.pages_expected,
            manifest=manifest.key,
            capped_slices=manifest.capped_slices,
            omitted_ids=manifest.omitted_ids,
            list_complete=list_complete,
            shrink_accepted=difference.accepted,
            **asdict(self.occasion),
        )
