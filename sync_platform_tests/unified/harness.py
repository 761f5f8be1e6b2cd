"""A lake with listings written directly into the tables of real platforms, for unification."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl

from sync_platform.lake.schema import ensure_tables, table_name
from sync_platform.matching.clusters import build_clusters
from sync_platform.matching.linkage import link
from sync_platform.matching.model import Model, write_model
from sync_platform.platforms import load_platforms
from sync_platform.settings import load_settings
from sync_platform.sources.columns import columns_of
from sync_platform.sources.declaration import Dataset, Platform
from sync_platform.storage.lake_address import LakeAddress
from sync_platform.storage.lake_connection import Lake
from sync_platform.storage.temporary_tables import TemporaryTables
from sync_platform.unified.identity import Key
from sync_platform.unified.listings import create_listings_table, listing_sources, matcher_query
from sync_platform.unified.match_decisions import read_decisions, stated_moves, validated_decisions
from sync_platform.unified.queries import frame_of, newest_model
from sync_platform.unified.tables import ensure_unified
from sync_platform.unified.unification import UnificationOutcome, unify

HISTORY = "lineage.changes"
BEGIN = datetime(2026, 11, 1, tzinfo=UTC)


@dataclass
class UnificationHarness:
    """Listings by platform; every change is an hour later than the one before.

    `model`: the model in use at the first run; where it is None, the first run estimates one.
    """

    folder: Path
    platforms: dict[str, Platform] = field(default_factory=load_platforms)
    model: Model | None = None
    hours: int = 0
    runs: int = 0

    def __post_init__(self) -> None:
        self.lake = Lake(LakeAddress.of(load_settings(sync_home=self.folder)))

    def list(self, platform: str, source_id: str, **columns: Any) -> None:
        """Write a listing into its platform's table, replacing the old row; unknown columns are ignored."""
        self.list_all(platform, {source_id: columns})

    def list_all(self, platform: str, listings: dict[str, dict[str, Any]]) -> None:
        """Write several listings, by their ids."""
        dataset = self._places(platform)
        own = {column.name for column in columns_of(dataset.row)}
        rows = [
            {"source_id": source_id, **{name: value for name, value in columns.items() if name in own}}
            for source_id, columns in listings.items()
        ]
        self.put(platform, dataset, *rows)

    def put(self, platform: str, dataset: Dataset, *rows: dict[str, Any]) -> None:
        """Write rows into a table as a sync would."""
        self.hours += 1
        at = BEGIN + timedelta(hours=self.hours)
        table = table_name(platform, dataset)
        with self.lake.session() as session:
            session.execute("BEGIN")
            ensure_tables(session, HISTORY, platform, dataset)
            for row in rows:
                known = session.execute(
                    f"SELECT first_seen_at FROM {table} WHERE source_id = ?", [row["source_id"]]
                ).fetchone()
                if known:
                    session.execute(f"DELETE FROM {table} WHERE source_id = ?", [row["source_id"]])
                whole = {"first_seen_at": known[0] if known else at, "last_changed_at": at, **row}
                names, marks = ", ".join(f'"{name}"' for name in whole), ", ".join("?" for _ in whole)
                session.execute(f"INSERT INTO {table} ({names}) VALUES ({marks})", list(whole.values()))
            session.execute("COMMIT")

    def retire(self, platform: str, source_id: str) -> None:
        """Mark the row as removed."""
        self._change(platform, source_id, "UPDATE {table} SET removed_at = $at WHERE source_id = $id")

    def forget(self, platform: str, source_id: str) -> None:
        """Delete the row."""
        self._change(platform, source_id, "DELETE FROM {table} WHERE source_id = $id AND $at IS NOT NULL")

    def unify(self, *words: tuple[str, str, str], **how: Any) -> UnificationOutcome:
        """Unify with these decisions (one, other, verdict)."""
        self.runs += 1
        if self.runs == 1 and self.model is not None:
            self._give_model(self.model)

        def decisions(session: Any, listings: str) -> list[Any]:
            return [
                one
                for word in words
                for one in validated_decisions(session, listings, *word, reason="as seen", decided_by="ada")
            ]

        return unify(self.lake, HISTORY, self.platforms, f"run-{self.runs}", new_decisions=decisions, **how)

    def restaurants(self) -> dict[Key, str]:
        """The restaurant of every listing."""
        rows = self.ask("SELECT platform, source_id, restaurant_id FROM unified.members WHERE removed_at IS NULL")
        return {(platform, source_id): name for platform, source_id, name in rows}

    def together(self) -> set[frozenset[Key]]:
        """The listings of each restaurant."""
        clusters: dict[str, set[Key]] = {}
        for key, name in self.restaurants().items():
            clusters.setdefault(name, set()).add(key)
        return {frozenset(keys) for keys in clusters.values()}

    def rebuilt(self) -> set[frozenset[Key]]:
        """The clusters of a full run with the same model and decisions."""
        with self.lake.session() as session, TemporaryTables(session) as scratch:
            table = create_listings_table(scratch, listing_sources(self.platforms))
            model = newest_model(session)
            assert model is not None
            listings = frame_of(session, f"FROM {table}")
            linkage = link(frame_of(session, matcher_query(table)), model.model)
            clusters = build_clusters(linkage, decisions=[*stated_moves(listings), *read_decisions(session)])
        keys = list(linkage.listings.select("source", "source_id").iter_rows())
        return {frozenset(keys[at] for at in members) for members in clusters.members().values()}

    def one(self, query: str) -> Any:
        """The only row of the result."""
        (row,) = self.ask(query)
        return row

    def ask(self, query: str) -> list[Any]:
        with self.lake.session() as session:
            return session.execute(query).fetchall()

    def _give_model(self, model: Model) -> None:
        with self.lake.session() as session, TemporaryTables(session) as scratch:
            session.execute("BEGIN")  # each comment on a column would be a commit
            ensure_unified(session)
            session.execute("COMMIT")
            table = create_listings_table(scratch, listing_sources(self.platforms))
            (count,) = session.execute(f"SELECT count(*) FROM {table}").fetchall()[0]
            session.execute(
                "INSERT INTO unified.models VALUES ('given', ?, ?, ?)", [BEGIN, count, write_model(model).decode()]
            )

    def _places(self, platform: str) -> Dataset:
        (source,) = (each for each in listing_sources(self.platforms) if each.platform == platform)
        return source.dataset

    def _change(self, platform: str, source_id: str, statement: str) -> None:
        self.hours += 1
        table = table_name(platform, self._places(platform))
        with self.lake.session() as session:
            session.execute(statement.format(table=table), {"at": BEGIN + timedelta(hours=self.hours), "id": source_id})


NAMES = ("Golden Lantern", "Jade Harbour", "Lucky Bamboo", "Silver Phoenix", "Red Peony", "Happy Dragon", "Blue Willow",
         "Little Sparrow", "Old Banyan", "Spring Orchid", "White Crane", "Morning Star")  # fmt: skip
STREETS = ("Nathan Road", "Hennessy Road", "Wai Yip Street", "Java Road", "Tai Nan Street", "Queen's Road Central")


def place(number: int, **changes: Any) -> dict[str, Any]:
    """Columns of place `number`; two places have at most words in common."""
    name = f"{NAMES[number % 12]} {('Noodles', 'Kitchen', 'Dumplings', 'Grill')[number // 12 % 4]}"
    return {
        "name_en": name,
        "address_en": f"Shop {number % 7 + 1}, G/F, {number * 7 + 11} {STREETS[number % 6]}",
        "latitude": 22.28 + number % 9 * 0.012,
        "longitude": 114.12 + number // 9 * 0.011,
        "phone": f"2{number * 104_729 % 9_000_000 + 1_000_000}",
        "cuisines": ["Cantonese"],
        **changes,
    }


def settle(harness: UnificationHarness, count: int = 48) -> None:
    """Add `count` places, each on two platforms, so that a few changes are a small share."""
    places = {number: place(number) for number in range(count)}
    harness.list_all(
        "openrice", {f"o{n}": {**each, "status": "open", "phones": [each["phone"]]} for n, each in places.items()}
    )
    harness.list_all("chope", {f"c{n}": each for n, each in places.items()})


def estimated() -> Model:
    """A model estimated from such listings."""
    listings = [
        {"source": source, "source_id": str(number), **place(number)}
        for number in range(48)
        for source in ("openrice", "chope")
    ]
    return link(pl.DataFrame(listings)).model
