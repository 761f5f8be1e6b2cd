"""Unification: the listings of all platforms become restaurants, and only what changed since is looked at again.

outcome = unify(lake, history, platforms, run_id)

Everything is worked out first and then committed in one transaction: members, restaurants, their history, what
happened to identities, and the state that the next run goes on from.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256

import duckdb
import polars as pl

from sync_platform.errors import StorageError
from sync_platform.lake.chain import has_chain, seal_batch
from sync_platform.lake.diff import Origin
from sync_platform.lake.syncs import describe_commit
from sync_platform.lake.transaction import in_one_transaction
from sync_platform.landing.sync_id import new_sync_id
from sync_platform.matching.clusters import Decision, build_clusters
from sync_platform.matching.increment import Increment, relink
from sync_platform.matching.linkage import Linkage, link
from sync_platform.matching.linkage_state import LinkageState
from sync_platform.matching.model import write_model
from sync_platform.matching.phones import parse_phones
from sync_platform.quality.score import STANDARDS, Standards
from sync_platform.sources.declaration import Platform
from sync_platform.sources.period import current_period, day_in_hong_kong
from sync_platform.storage.lake_connection import Lake
from sync_platform.unified import held
from sync_platform.unified.cluster_members import cluster_members
from sync_platform.unified.cross_platform_scores import write_cross_platform_scores
from sync_platform.unified.golden import golden_records
from sync_platform.unified.history import Changes, ensure_unified, write_rows
from sync_platform.unified.identity import Identities, IdentityEvent, identify
from sync_platform.unified.listings import ListingSource, create_listings_table, listing_sources, matcher_query
from sync_platform.unified.match_decisions import PersonDecision, decision_rows, read_decisions, stated_moves
from sync_platform.unified.records import listings_of, member_rows, restaurant_rows
from sync_platform.unified.related_records import ensure_views
from sync_platform.unified.review_queue import REVIEW_QUERY
from sync_platform.unified.tables import DECISIONS, MEMBERS, RESTAURANTS, RUNS

MOST_CHANGED = 0.5
"""A larger share of listings that changed is matched as a whole; and so much more or less of them than a model was
estimated from wants a new model."""
Progress = Callable[[str], None]
_IDS = {"source": pl.String, "source_id": pl.String}


@dataclass(frozen=True)
class Unified:
    """What a run did: its row of `unified.runs`, and what happened to identities."""

    run: dict[str, object]
    restaurants: Changes
    members: Changes
    events: list[IdentityEvent]
    snapshot: int
    warnings: list[str]


@dataclass(frozen=True)
class _Matched:
    """What matching comes to: a linkage of the affected listings, and how the state is kept. `is_full`: of all."""

    linkage: Linkage
    increment: Increment | None
    model: held.HeldModel
    is_new_model: bool

    @property
    def is_full(self) -> bool:
        return self.increment is None


def unify(
    lake: Lake,
    history: str,
    platforms: Mapping[str, Platform],
    run_id: str,
    standards: Standards = STANDARDS,
    *,
    words: Callable[[duckdb.DuckDBPyConnection], list[PersonDecision]] = lambda session: [],
    rebuild: bool = False,
    new_model: bool = False,
    on_progress: Progress = lambda stage: None,
) -> Unified:
    """Bring unified restaurants up to date with what the lake holds of all platforms.

    `words`: what people say now, checked against the lake (`validated_decisions`); it is committed with what it does.
    `rebuild`: match all listings, not only those that changed; `new_model`: and estimate a new model before. Raises
    StorageError where the lake cannot be written, or where another run was faster; nothing is half-written then.
    """
    sources = listing_sources(platforms)
    with lake.session() as session:
        if not has_chain(session):
            raise StorageError("nothing was synced into the lake yet: run `sync-platform sync` first")
        in_one_transaction(lake, session, lambda: ensure_unified(session))
        create_listings_table(session, sources)
        run = _Run(session, history, sources, run_id, words(session), on_progress)
        run.work_out(rebuild=rebuild or new_model, new_model=new_model)
        on_progress("writing")
        outcome = in_one_transaction(lake, session, lambda: run.write(platforms, standards))
        snapshot = session.execute("SELECT id FROM lake.last_committed_snapshot()").fetchall()[0][0]
    return replace(outcome, snapshot=snapshot)


class _Run:
    """One unification: first `work_out`, which writes nothing, then `write`, which may be repeated."""

    def __init__(
        self,
        session: duckdb.DuckDBPyConnection,
        history: str,
        sources: list[ListingSource],
        run_id: str,
        words: list[PersonDecision],
        on_progress: Progress,
    ) -> None:
        self.session, self.history, self.run_id, self.progress = session, history, run_id, on_progress
        self.sources, self.words = sources, words
        self.now = datetime.now(UTC)
        self.began_after = held.last_run(session)
        self.state = LinkageState(session, f"({matcher_query()})", f"{held.UNIFIED}.keys", f"{held.UNIFIED}.links")
        ranks = [(source.platform, source.rank, source.is_reference) for source in sources]
        self.ranks = pl.DataFrame(ranks, schema=["source", "rank", "is_reference"], orient="row")

    def work_out(self, *, rebuild: bool, new_model: bool) -> None:
        """Everything that is to be written."""
        self.changed = held.changed_listings(self.session)
        self.count = self.session.execute("SELECT count(*) FROM temp.listings").fetchall()[0][0]
        decisions = self._decisions()
        every = [decision for each in decisions.values() for decision in each]
        self.matched = self._match(every, rebuild=rebuild, new_model=new_model)
        self.progress("gathering restaurants")
        clusters = build_clusters(self.matched.linkage, decisions=every)
        self.placed = cluster_members(self.matched.linkage, clusters, decisions)
        self._identify()
        self._make_records()

    def _decisions(self) -> dict[str, list[Decision]]:
        moved = held.frame_of(self.session, "SELECT source, source_id, moved_to FROM temp.listings")
        return {"source": stated_moves(moved), "person": read_decisions(self.session, self.words)}

    def _match(self, decisions: list[Decision], *, rebuild: bool, new_model: bool) -> _Matched:
        known = None if new_model else held.newest_model(self.session)
        if known is not None and abs(self.count - known.listings) > MOST_CHANGED * known.listings:
            known = None
        compared = self.changed.filter(pl.col("is_compared") | pl.col("is_gone"))
        if known is None or rebuild or compared.height > MOST_CHANGED * self.count:
            linkage = link(self._listings(), known.model if known else None, self.progress)
            body = write_model(linkage.model)
            model = known or held.HeldModel(sha256(body).hexdigest()[:16], linkage.model, self.count)
            return _Matched(linkage, None, model, known is None)
        self.progress(f"matching {compared.height:,} listings that changed")
        increment = relink(self.state, known.model, self._touched(compared), decisions)
        return _Matched(increment.linkage, increment, known, is_new_model=False)

    def _listings(self) -> pl.DataFrame:
        return held.frame_of(self.session, matcher_query())

    def _touched(self, compared: pl.DataFrame) -> pl.DataFrame:
        """What is to be matched again: what changed, what was decided on, and whoever was together with a changed
        listing by somebody's word, which may have been taken back."""
        by_word = compared.filter(pl.col("decided_by").is_in(["source", "person"])).select("restaurant_id").unique()
        parts = [
            compared,
            held.members_with(self.session, by_word),
            pl.DataFrame(
                [listing for word in self.words for listing in (word.one, word.other)], schema=_IDS, orient="row"
            ),
        ]
        return pl.concat([part.select("source", "source_id") for part in parts]).unique()

    def _identify(self) -> None:
        """Which restaurant each cluster is: `self.assigned` has `restaurant_id` for every affected listing."""
        before = held.restaurants_of(self.session, self.placed.select("source", "source_id"))
        gone = self.changed.filter("is_gone").drop_nulls("restaurant_id")
        ids = pl.concat([before.select("restaurant_id"), gone.select("restaurant_id")]).unique()
        together = held.members_with(self.session, ids).join(gone, on=["source", "source_id"], how="anti")
        clusters = self.placed.group_by("cluster", maintain_order=True).agg("source", "source_id")
        keys = [list(zip(*members, strict=True)) for members in clusters.select("source", "source_id").iter_rows()]
        # whoever is not affected stays where it was, and has its say in which id stays
        others = together.join(self.placed, on=["source", "source_id"], how="anti")
        apart = others.group_by("restaurant_id", maintain_order=True).agg("source", "source_id")
        keys += [list(zip(*row[1:], strict=True)) for row in apart.iter_rows()]
        affected = pl.concat([self.placed.select("source", "source_id"), others.select("source", "source_id")])
        first_seen = held.frame_of(
            self.session,
            "SELECT source, source_id, first_seen_at FROM temp.listings SEMI JOIN asked USING (source, source_id)",
            asked=affected,
        )
        self.known = held.foundings(self.session, ids, affected)
        self.identities: Identities = identify(
            keys,
            {(source, source_id): name for source, source_id, name in together.iter_rows()},
            self.known,
            {(source, source_id): at for source, source_id, at in first_seen.iter_rows()},
            self.now,
        )
        named = pl.Series("restaurant_id", self.identities.ids[: clusters.height], pl.String)
        by_cluster = clusters.select("cluster", named)
        self.assigned = self.placed.join(by_cluster, on="cluster", maintain_order="left")
        moved = self.assigned.join(together, on=["source", "source_id"], suffix="_before")
        self.moved = moved.filter(pl.col("restaurant_id") != pl.col("restaurant_id_before")).height

    def _make_records(self) -> None:
        """The rows of members and of restaurants that may have changed."""
        today = day_in_hong_kong(self.now)
        stirred = self.changed.filter(~pl.col("is_gone")).select("source", "source_id")
        elsewhere = held.restaurants_of(self.session, stirred).join(
            self.assigned, on=["source", "source_id"], how="anti"
        )
        asked = [
            self.assigned.select("restaurant_id"),
            elsewhere.select("restaurant_id"),
            held.lapsed_restaurants(self.session, today),
            self.changed.filter("is_gone").select("restaurant_id").drop_nulls(),
        ]
        ended = pl.DataFrame({"restaurant_id": list(self.identities.merged_into)}, schema={"restaurant_id": pl.String})
        ids = pl.concat(asked).unique().join(ended, on="restaurant_id", how="anti")
        staying = held.members_with(self.session, ids).join(self.assigned, on=["source", "source_id"], how="anti")
        members = pl.concat([self.assigned.select(staying.columns), staying])
        listings = listings_of(self.session, members).join(self.ranks, on="source")
        golden = golden_records(listings, self._is_shared, today)
        foundings = {**self.known, **self.identities.foundings}
        self.restaurants = restaurant_rows(self.session, golden, foundings, self.identities.merged_into)
        self.members = member_rows(self.session, self.assigned, listings, self.changed.filter("is_gone"))

    def _is_shared(self, text: str) -> bool:
        frequencies = self.matched.model.model.frequencies
        return any(frequencies.places_with_phone(number) > 1 for number in parse_phones(text))

    def write(self, platforms: Mapping[str, Platform], standards: Standards) -> Unified:
        """Everything, within the caller's transaction."""
        last = held.last_run(self.session)
        if last != self.began_after:
            raise StorageError("another run unified restaurants meanwhile: run it again")
        at = self.now if last is None else max(self.now, last + timedelta(microseconds=1))
        origin = Origin("unified", "", current_period("monthly", at).key, new_sync_id(at), self.run_id, at, at)
        restaurants = write_rows(self.session, self.history, RESTAURANTS, self.restaurants, origin)
        members = write_rows(self.session, self.history, MEMBERS, self.members, origin)
        if self.words:
            write_rows(self.session, self.history, DECISIONS, decision_rows(self.words, at), origin)
        self._write_identity_events(at)
        self._keep_state(at)
        ensure_views(self.session, platforms)
        write_cross_platform_scores(self.session, self.sources, standards, self.run_id, at)
        run = self._write_run(at, restaurants)
        seal_batch(self.session, self.history, origin, lambda key: None)  # nothing of it was landed
        describe_commit(self.session, self.run_id, f"unified: {restaurants.in_history:,} restaurants changed")
        return Unified(run, restaurants, members, self.identities.events, 0, self.matched.linkage.warnings)

    def _write_identity_events(self, at: datetime) -> None:
        rows = [
            (event.restaurant_id, event.kind, event.other_id, ["/".join(listing) for listing in event.listings])
            for event in self.identities.events
        ]
        kinds: dict[str, pl.DataType | type[pl.DataType]] = {
            "restaurant_id": pl.String,
            "kind": pl.String,
            "other_id": pl.String,
            "listings": pl.List(pl.String),
        }
        with held.given(self.session, turned=pl.DataFrame(rows, schema=kinds, orient="row")):
            self.session.execute(
                f"INSERT INTO {held.UNIFIED}.identity_turns SELECT *, ?, ? FROM turned", [self.run_id, at]
            )

    def _keep_state(self, at: datetime) -> None:
        if self.matched.increment is None:
            self.state.build(self.matched.linkage)
        else:
            self.matched.increment.keep(self.state)
        if self.matched.is_new_model:
            model = self.matched.model
            self.session.execute(
                f"INSERT INTO {held.UNIFIED}.models VALUES (?, ?, ?, ?)",
                [model.model_id, at, model.listings, write_model(model.model).decode()],
            )

    def _write_run(self, at: datetime, restaurants: Changes) -> dict[str, object]:
        run = {
            "run_id": self.run_id,
            "mode": "full" if self.matched.is_full else "incremental",
            "model_id": self.matched.model.model_id,
            "committed_at": at,
            "listings": self.count,
            "changed_listings": self.changed.height,
            "moved_listings": self.moved,
            "restaurants": self._count(f"SELECT count(*) FROM {held.UNIFIED}.restaurants WHERE removed_at IS NULL"),
            "inserted": restaurants.insert,
            "updated": restaurants.update,
            "removed": restaurants.remove,
            "restored": restaurants.restore,
            "review": self._count(f"SELECT count(*) FROM ({REVIEW_QUERY})"),
        }
        marks = ", ".join(f"${column.name}" for column in RUNS)
        self.session.execute(f"INSERT INTO {held.UNIFIED}.runs VALUES ({marks})", run)
        return run

    def _count(self, query: str) -> int:
        return int(self.session.execute(query).fetchall()[0][0])
