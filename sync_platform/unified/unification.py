"""Unification: makes restaurants from the listings of all platforms. A run processes what changed since the last run.

outcome = unify(lake, history, platforms, run_id)

A run first computes everything, and then commits it in one transaction: members, restaurants, their history, identity
events, and the state for the next run.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import duckdb
import polars as pl

from sync_platform.documents.typed_command import typed
from sync_platform.errors import StorageError
from sync_platform.lake.chain import chain_changes, has_chain
from sync_platform.lake.commit_context import CommitContext
from sync_platform.lake.difference import Difference
from sync_platform.lake.history import HistoryWriter
from sync_platform.lake.reference_tables import load_editions
from sync_platform.lake.syncs import describe_commit
from sync_platform.lake.table_writer import update_rows
from sync_platform.lake.transaction import in_one_transaction
from sync_platform.landing.sync_id import new_sync_id
from sync_platform.matching.clusters import build_clusters
from sync_platform.matching.decided_pairs import Decision
from sync_platform.matching.model import write_model
from sync_platform.quality.score import STANDARDS, Standards
from sync_platform.sources.declaration import Platform
from sync_platform.sources.period import current_period, day_in_hong_kong
from sync_platform.storage.lake_connection import Lake
from sync_platform.storage.temporary_tables import TemporaryTables
from sync_platform.unified.assignment import Assignment, assign
from sync_platform.unified.brands import find_brands
from sync_platform.unified.cluster_members import cluster_members
from sync_platform.unified.cross_platform_scores import write_cross_platform_scores
from sync_platform.unified.cuisine_taxonomy import taxonomy_of
from sync_platform.unified.identity import IdentityEvent
from sync_platform.unified.listings import ListingSource, create_listings_table, listing_sources
from sync_platform.unified.match_decisions import PersonDecision, decision_rows, read_decisions, stated_moves
from sync_platform.unified.queries import (
    UNIFIED,
    changed_listings,
    frame_of,
    last_run,
    last_vocabularies,
    registered_frames,
)
from sync_platform.unified.records import UnifiedRows, make_records
from sync_platform.unified.related_records import ensure_views
from sync_platform.unified.rematch import ChangedListings, Rematch, match_changed
from sync_platform.unified.review_queue import queue_size
from sync_platform.unified.tables import (
    BRANCHES,
    BRANDS,
    DECISIONS,
    MEMBERS,
    OPENING_HOURS,
    RESTAURANTS,
    RUNS,
    SCHEMA,
    UNMAPPED_WORDS,
    ensure_unified,
)
from sync_platform.unified.unmapped_words import unmapped_words
from sync_platform.vocabularies.declared_vocabularies import shipped_editions
from sync_platform.vocabularies.vocabulary import Edition

Progress = Callable[[str], None]
NewDecisions = Callable[[duckdb.DuckDBPyConnection, str], list[PersonDecision]]
_EVENTS: dict[str, pl.DataType | type[pl.DataType]] = {
    "restaurant_id": pl.String,
    "kind": pl.String,
    "other_id": pl.String,
    "listings": pl.List(pl.String),
}


@dataclass(frozen=True)
class UnificationOutcome:
    """The outcome of a run: its row of `unified.runs`, the differences, and the identity events."""

    run: dict[str, object]
    restaurants: Difference
    members: Difference
    events: list[IdentityEvent]
    snapshot: int
    warnings: list[str]


@dataclass(frozen=True)
class _UnificationPlan:
    """Everything that a run has computed and will write. `began_after`: the commit time of the run before it."""

    run_id: str
    sources: list[ListingSource]
    editions: Sequence[Edition]
    new_decisions: list[PersonDecision]
    now: datetime
    began_after: datetime | None
    changed: ChangedListings
    matched: Rematch
    assignment: Assignment
    records: UnifiedRows
    unmapped: pl.DataFrame


def unify(
    lake: Lake,
    history: str,
    platforms: Mapping[str, Platform],
    run_id: str,
    standards: Standards = STANDARDS,
    *,
    editions: Sequence[Edition] | None = None,
    new_decisions: NewDecisions = lambda session, listings: [],
    rebuild: bool = False,
    new_model: bool = False,
    on_progress: Progress = lambda stage: None,
) -> UnificationOutcome:
    """Update unified restaurants from the listings of all platforms in the lake.

    `new_decisions` returns decisions of people, checked against the lake and its table of listings
    (`validated_decisions`); they are committed together with their effect. `rebuild`: match all listings, not only
    those that changed. `new_model`: estimate a new model first, and match all listings. `editions`: of all
    vocabularies, by default the shipped ones. The run loads those that the lake does not have, and computes every
    restaurant again if the last run used others. Raises StorageError where the lake cannot be written, or where another
    run committed first; the transaction is then rolled back.
    """
    sources = listing_sources(platforms)
    editions = shipped_editions() if editions is None else editions
    with lake.session() as session, TemporaryTables(session) as scratch:
        if not has_chain(session):
            raise StorageError(f"nothing was synced into the lake yet: run `{typed('sync')}` first")
        load_editions(lake, session, history, editions, run_id)
        in_one_transaction(lake, session, lambda: ensure_unified(session))
        listings = create_listings_table(scratch, sources)
        plan = _compute(
            session,
            sources,
            editions,
            listings,
            run_id,
            new_decisions(session, listings),
            rebuild=rebuild or new_model,
            new_model=new_model,
            on_progress=on_progress,
        )
        on_progress("writing")
        outcome = in_one_transaction(lake, session, lambda: _write(session, history, plan, platforms, standards))
        snapshot = session.execute("SELECT id FROM lake.last_committed_snapshot()").fetchall()[0][0]
    return replace(outcome, snapshot=snapshot)


def _compute(
    session: duckdb.DuckDBPyConnection,
    sources: list[ListingSource],
    editions: Sequence[Edition],
    listings: str,
    run_id: str,
    new_decisions: list[PersonDecision],
    *,
    rebuild: bool,
    new_model: bool,
    on_progress: Progress,
) -> _UnificationPlan:
    """Compute everything to be written; nothing is written yet."""
    now, began_after = datetime.now(UTC), last_run(session)
    count = _count(session, f"SELECT count(*) FROM {listings}")
    changed = ChangedListings(listings, changed_listings(session, listings), count)
    decisions = _decisions(session, listings, new_decisions)
    every = [decision for each in decisions.values() for decision in each]
    matched = match_changed(
        session, changed, every, new_decisions, rebuild=rebuild, new_model=new_model, on_progress=on_progress
    )
    on_progress("gathering restaurants")
    clusters = build_clusters(matched.linkage, decisions=every)
    placed = cluster_members(matched.linkage, clusters, decisions)
    assignment = assign(session, placed, changed, now)
    is_every = last_vocabularies(session) != _marks(editions)
    today = day_in_hong_kong(now)
    records = make_records(session, sources, changed, assignment, matched.is_shared, today, editions, is_every=is_every)
    unmapped = unmapped_words(session, listings, taxonomy_of(editions))
    return _UnificationPlan(
        run_id, sources, editions, new_decisions, now, began_after, changed, matched, assignment, records, unmapped
    )


def _marks(editions: Sequence[Edition]) -> list[str]:
    return sorted(edition.mark for edition in editions)


def _decisions(
    session: duckdb.DuckDBPyConnection, listings: str, new_decisions: list[PersonDecision]
) -> dict[str, list[Decision]]:
    """All decisions by author, `source` or `person`."""
    moved = frame_of(session, f"SELECT source, source_id, moved_to FROM {listings}")
    return {"source": stated_moves(moved), "person": read_decisions(session, new_decisions)}


def _write(
    session: duckdb.DuckDBPyConnection,
    history: str,
    plan: _UnificationPlan,
    platforms: Mapping[str, Platform],
    standards: Standards,
) -> UnificationOutcome:
    """Write everything within the caller's transaction, which may be repeated."""
    last = last_run(session)
    if last != plan.began_after:
        raise StorageError("another run unified restaurants meanwhile: run it again")
    committed_at = plan.now if last is None else max(plan.now, last + timedelta(microseconds=1))
    context = CommitContext(
        SCHEMA,
        "",
        current_period("monthly", committed_at).key,
        new_sync_id(committed_at),
        plan.run_id,
        committed_at,
        committed_at,
    )
    with TemporaryTables(session) as scratch:
        writer = HistoryWriter(scratch, history)
        restaurants = update_rows(writer, RESTAURANTS, plan.records.restaurants, context)
        members = update_rows(writer, MEMBERS, plan.records.members, context)
        update_rows(writer, OPENING_HOURS, plan.records.opening_hours, context)
        update_rows(writer, UNMAPPED_WORDS, plan.unmapped, context)
        brands = find_brands(session, committed_at)
        update_rows(writer, BRANDS, brands.brands, context)
        update_rows(writer, BRANCHES, brands.branches, context)
        if plan.new_decisions:
            update_rows(writer, DECISIONS, decision_rows(plan.new_decisions, committed_at), context)
        events = plan.assignment.identities.events
        _write_events(session, events, plan.run_id, committed_at)
        _keep_state(session, plan.matched, committed_at)
        ensure_views(session, platforms)
        write_cross_platform_scores(session, plan.sources, standards, plan.run_id, committed_at)
        run = _write_run(session, plan, restaurants, committed_at)
        chain_changes(writer, context, lambda key: None)  # computed rows have no landing manifests
    describe_commit(session, plan.run_id, f"unified: {restaurants.in_history:,} restaurants changed")
    return UnificationOutcome(run, restaurants, members, events, 0, plan.matched.linkage.warnings)


def _write_events(
    session: duckdb.DuckDBPyConnection, events: list[IdentityEvent], run_id: str, committed_at: datetime
) -> None:
    rows = [
        (event.restaurant_id, event.kind, event.other_id, ["/".join(listing) for listing in event.listings])
        for event in events
    ]
    with registered_frames(session, new_events=pl.DataFrame(rows, schema=_EVENTS, orient="row")):
        session.execute(f"INSERT INTO {UNIFIED}.identity_turns SELECT *, ?, ? FROM new_events", [run_id, committed_at])


def _keep_state(session: duckdb.DuckDBPyConnection, matched: Rematch, committed_at: datetime) -> None:
    """Write the state for the next run: the state of matching, and the model if it is new."""
    matched.keep(session)
    if matched.is_new_model:
        model = matched.model
        session.execute(
            f"INSERT INTO {UNIFIED}.models VALUES (?, ?, ?, ?)",
            [model.model_id, committed_at, model.listings, write_model(model.model).decode()],
        )


def _write_run(
    session: duckdb.DuckDBPyConnection, plan: _UnificationPlan, restaurants: Difference, committed_at: datetime
) -> dict[str, object]:
    review = queue_size(session)
    run: dict[str, object] = {
        "run_id": plan.run_id,
        "mode": "full" if plan.matched.is_full else "incremental",
        "model_id": plan.matched.model.model_id,
        "committed_at": committed_at,
        "listings": plan.changed.count,
        "changed_listings": plan.changed.listings.height,
        "moved_listings": plan.assignment.moved,
        "restaurants": _count(session, f"SELECT count(*) FROM {UNIFIED}.restaurants WHERE removed_at IS NULL"),
        "inserted": restaurants.insert,
        "updated": restaurants.update,
        "removed": restaurants.remove,
        "restored": restaurants.restore,
        "review": review.waiting,
        "review_expected_same": round(review.expected_same, 1),
        "unmapped": plan.unmapped.filter(~pl.col("ended")).height,
        "vocabularies": _marks(plan.editions),
    }
    names, marks = (", ".join(f"{sign}{column.name}" for column in RUNS) for sign in ("", "$"))
    session.execute(f"INSERT INTO {UNIFIED}.runs ({names}) VALUES ({marks})", run)
    return run


def _count(session: duckdb.DuckDBPyConnection, query: str) -> int:
    return int(session.execute(query).fetchall()[0][0])
