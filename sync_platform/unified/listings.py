"""Listings: every record of a place on any platform, in the columns from which unified restaurants are computed.

What belongs here: finding the datasets of listings, and reading their columns. The expression in `Dataset.listing` is
used, or else the dataset's column of the same name. Nothing here depends on a particular platform.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from sync_platform.quality.measures import is_listing
from sync_platform.sources.columns import columns_of
from sync_platform.sources.declaration import Dataset, Platform
from sync_platform.storage.lake_tables import tables_of
from sync_platform.storage.temporary_tables import TemporaryTables

LISTING_COLUMNS = {
    "name_en": "VARCHAR",
    "name_zh": "VARCHAR",
    "address_en": "VARCHAR",
    "address_zh": "VARCHAR",
    "district": "VARCHAR",
    "latitude": "DOUBLE",
    "longitude": "DOUBLE",
    "phone": "VARCHAR",
    "cuisines": "VARCHAR[]",
    "price_level": "BIGINT",
    "price_min_hkd": "BIGINT",
    "price_max_hkd": "BIGINT",
    "opening_hours": "VARCHAR[]",
    "website": "VARCHAR",
    "rating": "DOUBLE",
    "review_count": "BIGINT",
    "status": "VARCHAR",
    "licence_number": "VARCHAR",
    "licence_expires_on": "DATE",
    "is_provisional_licence": "BOOLEAN",
    "is_second_listing": "BOOLEAN",
    "moved_to": "VARCHAR",
    "chain": "VARCHAR",
}
"""The columns of a listing. `phone` may contain several numbers, separated by `; `; `price_level` is 1 (cheap) to 4
(expensive); `price_min_hkd` and `price_max_hkd` are per head, where the platform states its own range; `status` is
open, closed or temporarily_closed; `moved_to` is the `source_id` of the platform's new record of the place; `chain` is
the platform's name or id of the chain."""
MATCHED_COLUMNS = (
    "name_en", "name_zh", "address_en", "address_zh", "phone", "latitude", "longitude", "cuisines", "licence_number",
    "is_duplicate",
)  # fmt: skip
"""The columns that matching compares. A listing in which only other columns changed keeps its restaurant."""
FORMS = 2
"""The version of the forms of golden values (`survivorship_rules`). With a new number, the next run computes every
restaurant again, and the history has what changed."""
STATUSES = ("open", "closed", "temporarily_closed")


@dataclass(frozen=True)
class ListingSource:
    """A dataset of listings. `rank`: the position of its platform by priority; 0 is the most trusted."""

    platform: str
    dataset: Dataset
    rank: int

    @property
    def is_reference(self) -> bool:
        return self.dataset.is_reference


def listing_sources(platforms: Mapping[str, Platform]) -> list[ListingSource]:
    """The datasets of listings, platforms of high priority first."""
    order = ("high", "medium", "low")
    ranked = sorted(platforms.values(), key=lambda platform: order.index(platform.priority))
    sources = []
    for rank, platform in enumerate(ranked):
        places = [dataset for dataset in platform.datasets if is_listing(dataset)]
        if len(places) > 1:
            raise TypeError(f"{platform.name} lists places in {len(places)} datasets; unified restaurants take one")
        sources += [ListingSource(platform.name, dataset, rank) for dataset in places]
    return sources


def create_listings_table(scratch: TemporaryTables, sources: Iterable[ListingSource]) -> str:
    """Create a temporary table with all records of these datasets in the lake, removed ones included; returns its name.

    Columns: `source` (the platform), `dataset`, `source_id`, LISTING_COLUMNS, `is_live`, `is_stale`, `first_seen_at`,
    `last_changed_at`, `is_duplicate` (a second, moved or removed listing: its restaurant may contain another listing of
    the platform), and two hashes: `compared` of the matched columns, `content` of all columns.
    """
    present = set(tables_of(scratch.session))
    parts = [_query(source) for source in sources if (source.platform, source.dataset.name) in present]
    empty = ", ".join(f"NULL::{kind} AS {name}" for name, kind in {**_OWN, **LISTING_COLUMNS}.items())
    every = "\nUNION ALL BY NAME\n".join([f"SELECT {empty} WHERE false", *parts])
    compared = ", ".join(MATCHED_COLUMNS)
    whole = ", ".join((*LISTING_COLUMNS, "is_live", "is_stale"))
    return scratch.create(
        "listings",
        f"""SELECT *, md5(to_json(struct_pack({_packed(compared)}))) AS compared,
            md5(to_json(struct_pack({_packed(whole)}, forms := {FORMS}))) AS content
        FROM (SELECT * REPLACE (coalesce(is_second_listing, false) AS is_second_listing),
                coalesce(is_second_listing, false) OR moved_to IS NOT NULL OR NOT is_live AS is_duplicate
            FROM ({every}))
        ORDER BY source, source_id""",
    )


_OWN = {
    "source": "VARCHAR",
    "dataset": "VARCHAR",
    "source_id": "VARCHAR",
    "is_live": "BOOLEAN",
    "is_stale": "BOOLEAN",
    "first_seen_at": "TIMESTAMPTZ",
    "last_changed_at": "TIMESTAMPTZ",
}


def _packed(names: str) -> str:
    return ", ".join(f"{name} := {name}" for name in names.split(", "))


def _query(source: ListingSource) -> str:
    own = {column.name for column in columns_of(source.dataset.row)}
    selected = []
    for name, kind in LISTING_COLUMNS.items():
        value = source.dataset.listing.get(name) or (f'"{name}"' if name in own else None)
        if value is None:
            continue
        if kind == "VARCHAR":
            value = f"nullif(trim({value}), '')"
        if name == "status":
            value = f"CASE WHEN {value} IN {STATUSES} THEN {value} END"
        selected.append(f"({value})::{kind} AS {name}")
    return f"""SELECT '{source.platform}' AS source, '{source.dataset.name}' AS dataset, source_id,
        removed_at IS NULL AS is_live, stale_since IS NOT NULL AS is_stale, first_seen_at, last_changed_at,
        {", ".join(selected)} FROM "{source.platform}"."{source.dataset.name}\""""


def matcher_query(listings: str) -> str:
    """The query of the table `listings` for matching (matching/listing_table.py)."""
    return f"SELECT source, source_id, {', '.join(MATCHED_COLUMNS)} FROM {listings}"
