"""The tables of unified restaurants, and the tables of the state and results of their runs.

What belongs here: their columns, and creating them. KEPT_TABLES have a history like the tables of datasets
(lake/tracked_table.py). The PLAIN tables have no history.
"""

from __future__ import annotations

from collections.abc import Mapping

import duckdb

from sync_platform.lake.reference_tables import REFERENCE, reference_tables
from sync_platform.lake.schema import ensure_other_tables
from sync_platform.lake.tracked_table import COMPUTED_KEPT, TrackedTable, dataset_tables
from sync_platform.sources.columns import Column
from sync_platform.sources.declaration import Platform
from sync_platform.storage.lake_connection import LAKE
from sync_platform.unified.agreement import ACCURACY, CONSISTENCY

SCHEMA = "unified"
COMPUTED_SCHEMAS = (SCHEMA, REFERENCE)
"""The schemas of tables whose rows have a history and are no records of a platform."""
AGREES = {**ACCURACY, **CONSISTENCY}


def _tracked(
    name: str,
    description: str,
    key: tuple[str, ...],
    columns: tuple[Column, ...],
    volatile: frozenset[str] = frozenset(),
) -> TrackedTable:
    return TrackedTable(SCHEMA, name, description, key, columns, COMPUTED_KEPT, volatile)


PLACE_COLUMNS = (
    Column("district_en", "VARCHAR", "English name of the district"),
    Column("district_zh", "VARCHAR", "Traditional Chinese name of the district"),
    Column(
        "neighbourhood", "VARCHAR", "Neighbourhood in the district: code in reference.districts; empty if not known"
    ),
    Column("neighbourhood_en", "VARCHAR", "English name of the neighbourhood"),
    Column("neighbourhood_zh", "VARCHAR", "Traditional Chinese name of the neighbourhood"),
    Column("area", "VARCHAR", "Area of the district: code in reference.districts"),
    Column("area_en", "VARCHAR", "English name of the area"),
    Column("area_zh", "VARCHAR", "Traditional Chinese name of the area"),
    Column("district_evidence", "VARCHAR[]", "What names this district: statement, address, coordinates", is_set=True),
)
RESTAURANTS = _tracked(
    "restaurants",
    "One bilingual record per real restaurant, made from the listings of all platforms; `why` has each field's source",
    ("restaurant_id",),
    (
        Column("restaurant_id", "VARCHAR", "Its permanent id: rest-…"),
        Column("name_en", "VARCHAR", "English name, without the branch and without what platforms add"),
        Column("name_zh", "VARCHAR", "Traditional Chinese name, without the branch and without what platforms add"),
        Column("address_en", "VARCHAR", "English address"),
        Column("address_zh", "VARCHAR", "Traditional Chinese address"),
        Column("district", "VARCHAR", "District of a District Council: code in reference.districts"),
        Column("latitude", "DOUBLE", "Latitude (degrees, WGS84)"),
        Column("longitude", "DOUBLE", "Longitude (degrees, WGS84)"),
        Column("phone", "VARCHAR", "Telephone numbers (E.164), `; ` between several"),
        Column("cuisines", "VARCHAR[]", "Cuisines: codes in reference.cuisines, sorted", is_set=True),
        Column("price_level", "BIGINT", "Price level (1 cheap to 4 dear)"),
        Column("website", "VARCHAR", "The restaurant's own site, never a page on a platform"),
        Column("status", "VARCHAR", "open | temporarily_closed | closed, out of all listings"),
        Column("licence_state", "VARCHAR", "in_force | provisional | expired | not_found, by the register"),
        Column("licence_number", "VARCHAR", "Number of its food licence"),
        Column("licence_expires_on", "DATE", "Last day of that licence, in Hong Kong"),
        Column("platforms", "VARCHAR[]", "Platforms that list it now", is_set=True),
        Column("rating", "DOUBLE", "Mean of the platforms' ratings, each by its number of reviews (0 to 5)"),
        Column("review_count", "BIGINT", "Reviews that the platforms count, together"),
        Column("founded_by", "VARCHAR", "The listing it was first known by: platform/source_id"),
        Column("founded_at", "TIMESTAMPTZ", "When it was first known (UTC)"),
        *PLACE_COLUMNS,
        Column("cuisines_en", "VARCHAR[]", "English names of its cuisines, in the order of `cuisines`", is_set=True),
        Column("cuisines_zh", "VARCHAR[]", "Chinese names of its cuisines, in the order of `cuisines`", is_set=True),
        Column("name_key_en", "VARCHAR", "English name without the branch, as brands compare it"),
        Column("name_key_zh", "VARCHAR", "Chinese name without the branch, as brands compare it"),
        Column("chains", "VARCHAR[]", "The chain as platforms state it: platform/name", is_set=True),
        Column("merged_into", "VARCHAR", "The restaurant that it was merged into; empty unless it was merged"),
        Column(
            "why",
            "JSON",
            "Per field: value, its source and source_id, what that states where it is written otherwise (stated), "
            "rule, words, and others: what other listings state",
        ),
        Column("branch_en", "VARCHAR", "Branch, in English, as a listing's name states it"),
        Column("branch_zh", "VARCHAR", "Branch, in Traditional Chinese, as a listing's name states it"),
        Column("phones", "VARCHAR[]", "The telephone numbers (E.164), one by one", is_set=True),
        Column("price_min_hkd", "BIGINT", "Lowest price per head (HKD), as the platform states it or by the level"),
        Column("price_max_hkd", "BIGINT", "Highest price per head (HKD); empty where there is no upper end"),
        Column("opening_hours_osm", "VARCHAR", "Opening hours, in OpenStreetMap's opening_hours syntax"),
    ),
    frozenset({"rating", "review_count", "name_key_en", "name_key_zh", "chains"}),
)
MEMBERS = _tracked(
    "members",
    "Every listing of every platform, with the restaurant that it belongs to and why",
    ("platform", "source_id"),
    (
        Column("restaurant_id", "VARCHAR", "The restaurant: unified.restaurants"),
        Column("platform", "VARCHAR", "Platform of the listing"),
        Column("dataset", "VARCHAR", "Its dataset there"),
        Column("source_id", "VARCHAR", "The listing: `source_id` in that dataset"),
        Column("is_live", "BOOLEAN", "Whether the platform lists it still"),
        Column("is_second_listing", "BOOLEAN", "Whether it is a second listing of the same place on its platform"),
        Column("decided_by", "VARCHAR", "alone | evidence | source (the platform says so) | person: who put it there"),
        Column("linked_to", "VARCHAR", "The listing of the restaurant that it is likeliest the same as"),
        Column("probability", "DOUBLE", "How likely those two are one place; empty where it is alone"),
        Column("evidence", "JSON", "What speaks for and against that, as in docs/matching.md"),
        Column("compared", "VARCHAR", "Hash of what matching compared of the listing"),
        Column("content", "VARCHAR", "Hash of all that was read of the listing"),
        *(
            Column(name, "BOOLEAN", f"Whether {words}; empty where that cannot be judged")
            for name, words in AGREES.items()
        ),
    ),
    frozenset({"linked_to", "probability", "evidence", "compared", "content", *AGREES}),
)
DECISIONS = _tracked(
    "decisions",
    "People's decisions on two listings: the same place or not; a decision outweighs all evidence, in every run",
    ("one", "other"),
    (
        Column("one", "VARCHAR", "A listing: platform/source_id"),
        Column("other", "VARCHAR", "Another; of the two the later in order of names"),
        Column("is_same", "BOOLEAN", "Whether they are one place"),
        Column("reason", "VARCHAR", "Why, in that person's words"),
        Column("decided_by", "VARCHAR", "Who decided"),
        Column("decided_at", "TIMESTAMPTZ", "When (UTC)"),
    ),
)
BRANDS = _tracked(
    "brands",
    "Restaurant chains: brands with at least two restaurants",
    ("brand_id",),
    (
        Column("brand_id", "VARCHAR", "Its permanent id: brand-…"),
        Column("name_en", "VARCHAR", "English name: the shortest of its restaurants"),
        Column("name_zh", "VARCHAR", "Traditional Chinese name: the shortest of its restaurants"),
        Column("restaurants", "BIGINT", "How many restaurants it has"),
        Column("evidence", "VARCHAR[]", "What connects its restaurants: name_en, name_zh, website, chain", is_set=True),
        Column("chains", "VARCHAR[]", "The chain as platforms state it: platform/name", is_set=True),
        Column("founded_by", "VARCHAR", "The restaurant that it was first known by"),
        Column("founded_at", "TIMESTAMPTZ", "When it was first known (UTC)"),
        Column("merged_into", "VARCHAR", "The brand that it was merged into; empty unless it was merged"),
    ),
)
BRANCHES = _tracked(
    "branches",
    "Which restaurants are branches of which brand, and why",
    ("restaurant_id",),
    (
        Column("restaurant_id", "VARCHAR", "The restaurant: unified.restaurants"),
        Column("brand_id", "VARCHAR", "Its brand: unified.brands"),
        Column(
            "evidence",
            "VARCHAR[]",
            "What it has in common with another branch: name_en, name_zh, website, chain",
            is_set=True,
        ),
    ),
)
UNMAPPED_WORDS = _tracked(
    "unmapped_words",
    "Words of platforms that no vocabulary has: work for a person",
    ("vocabulary", "platform", "word"),
    (
        Column("vocabulary", "VARCHAR", "The vocabulary that should have it: reference.NAME"),
        Column("platform", "VARCHAR", "Platform that states it"),
        Column("word", "VARCHAR", "The word"),
        Column("listings", "BIGINT", "How many live listings have it"),
        Column("example", "VARCHAR", "`source_id` of one of them"),
    ),
    frozenset({"listings", "example"}),
)
OPENING_HOURS = _tracked(
    "opening_hours",
    "The opening hours of restaurants: one row per day and interval, and one for a day that is stated to be closed",
    ("restaurant_id", "day", "number"),
    (
        Column("restaurant_id", "VARCHAR", "The restaurant: unified.restaurants"),
        Column("day", "VARCHAR", "Mo | Tu | We | Th | Fr | Sa | Su | PH (public holidays) | PH -1 day (their eves)"),
        Column("number", "BIGINT", "Place of the interval within the day, from 1"),
        Column("opens", "VARCHAR", "When it opens (HH:MM, Hong Kong); empty for a closed day"),
        Column("closes", "VARCHAR", "When it closes (HH:MM, Hong Kong); 24:00 is midnight at the end of the day"),
        Column("is_past_midnight", "BOOLEAN", "Whether it closes on the next day"),
        Column("is_closed", "BOOLEAN", "Whether the restaurant is closed on that day"),
        Column("platform", "VARCHAR", "Platform that the hours are from"),
        Column("source_id", "VARCHAR", "The listing there"),
    ),
)
KEPT_TABLES = (RESTAURANTS, MEMBERS, DECISIONS, OPENING_HOURS, BRANDS, BRANCHES, UNMAPPED_WORDS)

IDENTITY_EVENTS = (
    Column("restaurant_id", "VARCHAR", "The restaurant it happened to"),
    Column("kind", "VARCHAR", "founded | merged | split | revived | moved | ended (unified/identity.py)"),
    Column("other_id", "VARCHAR", "The restaurant merged into, or that listings came from"),
    Column("listings", "VARCHAR[]", "The listings that moved: platform/source_id"),
    Column("run_id", "VARCHAR", "Dagster run"),
    Column("committed_at", "TIMESTAMPTZ", "When (UTC)"),
)
KEYS = (
    Column("source", "VARCHAR", "Platform of the listing"),
    Column("source_id", "VARCHAR", "The listing"),
    Column("key", "BIGINT", "Hash of a blocking key (docs/matching.md)"),
)
LINKS = (
    Column("source_a", "VARCHAR", "Platform of one listing"),
    Column("id_a", "VARCHAR", "The listing"),
    Column("source_b", "VARCHAR", "Platform of the other"),
    Column("id_b", "VARCHAR", "The listing"),
    Column("probability", "DOUBLE", "How likely they are one place"),
    Column("levels", "VARCHAR", "How alike they are in each comparison (matching/comparisons.py)"),
)
MODELS = (
    Column("model_id", "VARCHAR", "SHA-256 of the model, first 16 hex digits"),
    Column("made_at", "TIMESTAMPTZ", "When it was estimated (UTC)"),
    Column("listings", "BIGINT", "Listings that it was estimated from"),
    Column("model", "VARCHAR", "The model as JSON (matching/model.py)"),
)
RUNS = (
    Column("run_id", "VARCHAR", "Dagster run"),
    Column("mode", "VARCHAR", "full | incremental"),
    Column("model_id", "VARCHAR", "The model that it judged by: unified.models"),
    Column("committed_at", "TIMESTAMPTZ", "When (UTC)"),
    Column("listings", "BIGINT", "Listings there are, gone ones included"),
    Column("changed_listings", "BIGINT", "Listings that are new or changed since the last run"),
    Column("moved_listings", "BIGINT", "Listings known before that now belong to another restaurant"),
    Column("restaurants", "BIGINT", "Restaurants there are after it"),
    Column("inserted", "BIGINT", "Restaurants new"),
    Column("updated", "BIGINT", "Restaurants changed"),
    Column("removed", "BIGINT", "Restaurants merged or ended"),
    Column("restored", "BIGINT", "Restaurants revived"),
    Column("review", "BIGINT", "Pairs for a person to review"),
    Column("review_expected_same", "DOUBLE", "How many of these are probably one place"),
    Column("unmapped", "BIGINT", "Words of platforms that no vocabulary has: unified.unmapped_words"),
    Column("vocabularies", "VARCHAR[]", "The vocabularies that it used: name, version and digest of each"),
)
DROPPED = {"restaurants": {"opening_hours"}}
"""Columns of earlier versions: the opening hours in each platform's own notation are `stated` in `why`."""
PLAIN = {
    "identity_turns": (IDENTITY_EVENTS, "What happened to restaurants' identities: founded, merged, split, revived"),
    "keys": (KEYS, "Blocking keys of listings (docs/matching.md)"),
    "links": (LINKS, "Pairs of listings that are one place, or are for a person to review"),
    "models": (MODELS, "The models that pairs of listings were judged by"),
    "runs": (RUNS, "Every run of unification: what changed and what it did"),
}


def computed_tables() -> dict[tuple[str, str], TrackedTable]:
    """The tables of vocabularies and of unified restaurants that have a history, by schema and name."""
    return {(table.schema, table.name): table for table in (*reference_tables(), *KEPT_TABLES)}


def tracked_tables(platforms: Mapping[str, Platform]) -> dict[tuple[str, str], TrackedTable]:
    """Every table with a history, by schema and name: tables of datasets and computed ones."""
    return dataset_tables(platforms) | computed_tables()


def ensure_unified(session: duckdb.DuckDBPyConnection) -> None:
    """Create missing tables, and missing columns of existing ones, within the caller's transaction.

    Columns of an earlier version that no row is written to any more are dropped; the history keeps their values.
    """
    columns_by_table = {(SCHEMA, table.name): (table.every_column, table.description) for table in KEPT_TABLES}
    ensure_other_tables(session, columns_by_table | {(SCHEMA, name): wanted for name, wanted in PLAIN.items()})
    for table, names in DROPPED.items():
        present = {name for name, *_ in session.execute(f"DESCRIBE {LAKE}.{SCHEMA}.{table}").fetchall()}
        for name in present & names:
            session.execute(f'ALTER TABLE {LAKE}.{SCHEMA}.{table} DROP COLUMN "{name}"')
