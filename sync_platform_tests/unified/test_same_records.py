"""The same listings give the same restaurants, whatever the order of rows and the number of threads."""

from __future__ import annotations

import random
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import polars as pl

from sync_platform.matching.model import Model
from sync_platform.unified.cuisine_taxonomy import taxonomy_of, with_cuisine_codes
from sync_platform.unified.golden import golden_records
from sync_platform.unified.listings import LISTING_COLUMNS
from sync_platform.vocabularies.declared_vocabularies import shipped_editions

from .harness import UnificationHarness, place

TABLES = ("restaurants", "members", "identity_turns", "keys", "links")
SCHEMA = {
    "restaurant_id": pl.String, "source": pl.String, "source_id": pl.String, "name_en": pl.String,
    "name_zh": pl.String, "address_en": pl.String, "address_zh": pl.String, "district": pl.String,
    "latitude": pl.Float64, "longitude": pl.Float64, "phone": pl.String, "cuisines": pl.List(pl.String),
    "price_level": pl.Int64, "price_min_hkd": pl.Int64, "price_max_hkd": pl.Int64,
    "opening_hours": pl.List(pl.String), "website": pl.String, "rating": pl.Float64,
    "review_count": pl.Int64, "status": pl.String, "licence_number": pl.String, "licence_expires_on": pl.Date,
    "is_provisional_licence": pl.Boolean, "is_second_listing": pl.Boolean, "moved_to": pl.String, "chain": pl.String,
    "is_live": pl.Boolean, "is_stale": pl.Boolean, "last_changed_at": pl.Datetime("us", "UTC"), "rank": pl.Int64,
    "is_reference": pl.Boolean,
}  # fmt: skip


def _listings(restaurants: int) -> list[dict[str, Any]]:
    """Two listings per restaurant that differ in nothing but their ids, each with two names in English letters."""
    same = {
        "is_second_listing": False, "is_live": True, "is_stale": False, "is_reference": False, "rank": 1,
        "last_changed_at": datetime(2026, 11, 1, tzinfo=UTC), "status": "open", "rating": 4.1, "review_count": 3,
    }  # fmt: skip
    return [
        {**same, "restaurant_id": f"rest-{number:04}", "source": source, "source_id": f"{number}",
         "name_en": f"Lantern {number}", "name_zh": f"Peony {number}", "address_zh": f"{number} Java Road",
         "cuisines": ["Cantonese", source], "opening_hours": [f"mon 11:00-{10 + len(source)}:00"],
         "price_level": 1 + len(source) % 3}
        for number in range(restaurants)
        for source in ("chope", "eatigo")
    ]  # fmt: skip


def test_the_order_of_listings_decides_no_golden_field() -> None:
    assert set(LISTING_COLUMNS) <= set(SCHEMA)
    rows = _listings(150)
    outcomes = []
    for seed in range(4):
        random.Random(seed).shuffle(rows)
        listings = with_cuisine_codes(pl.DataFrame(rows, schema=SCHEMA), taxonomy_of(shipped_editions()))
        found = golden_records(listings, lambda phone: False, date(2026, 11, 25), shipped_editions())
        outcomes.append(found.sort("restaurant_id").write_json())
    assert len(set(outcomes)) == 1
    assert '"name_en":"Lantern 7"' in outcomes[0], "of two names in one language, the English column's comes first"


def test_the_order_of_rows_and_the_number_of_threads_change_no_table(tmp_path: Path, model: Model) -> None:
    assert _unified(tmp_path / "a", model, seed=1, threads=4) == _unified(tmp_path / "b", model, seed=2, threads=1)


def _unified(folder: Path, model: Model, seed: int, threads: int) -> dict[str, list[Any]]:
    """Every table of unified restaurants, without times and runs, of listings written in an order of its own."""
    harness = UnificationHarness(folder, model=model)
    places = {str(number): place(number) | {"name_zh": f"Peony {number} Canteen"} for number in range(12)}
    with harness.lake.session() as session:
        session.execute(f"SET threads = {threads}")
    for platform in ("chope", "eatigo", "openrice"):
        ids = list(places)
        random.Random(f"{platform} {seed}").shuffle(ids)
        harness.list_all(platform, {source_id: places[source_id] for source_id in ids})
    harness.unify()
    names = ", ".join(f"'{name}'" for name in TABLES)
    columns = harness.ask(
        f"""SELECT table_name, list(column_name ORDER BY column_index) FROM duckdb_columns()
        WHERE schema_name = 'unified' AND table_name IN ({names}) AND data_type NOT LIKE 'TIMESTAMP%'
            AND column_name <> 'run_id' AND database_name = 'lake' GROUP BY ALL"""
    )
    listed = {name: ", ".join(f'"{column}"' for column in own) for name, own in columns}
    assert set(listed) == set(TABLES)
    rows = {name: harness.ask(f"SELECT {own} FROM unified.{name} ORDER BY ALL") for name, own in listed.items()}
    rows["changes"] = harness.ask(
        "SELECT dataset, entity_id, operation, changed_fields, before, regexp_replace(after::VARCHAR, "
        "'\"founded_at\":\"[^\"]+\"', '') FROM lineage.changes WHERE platform = 'unified' ORDER BY ALL"
    )
    harness.lake.close()
    return rows
