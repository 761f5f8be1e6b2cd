"""The column lineage of unified restaurants: which columns each of their columns is made from.

What belongs here: lineage between columns, for the asset catalogue. The assets are in `defs/unified.py`.
"""

import re

import dagster as dg

from sync_platform.defs.scorecard import MEMBERS_KEY
from sync_platform.defs.tables import table_key
from sync_platform.sources.columns import columns_of
from sync_platform.sources.declaration import Dataset, Platform
from sync_platform.unified.golden import COLUMNS_OF
from sync_platform.unified.listings import LISTING_COLUMNS, ListingSource
from sync_platform.unified.related_records import related_datasets
from sync_platform.unified.survivorship_rules import RULES


def members_lineage(sources: list[ListingSource], platforms: dict[str, Platform]) -> dict[str, list[dg.TableColumnDep]]:
    """The columns that name a listing."""
    ids = [dg.TableColumnDep(table_key(platforms[each.platform], each.dataset), "source_id") for each in sources]
    return {"platform": ids, "source_id": ids}


def fields_lineage(sources: list[ListingSource], platforms: dict[str, Platform]) -> dict[str, list[dg.TableColumnDep]]:
    """Each field with the columns that its candidates come from."""
    read = {name: rule.read for rule in RULES for name in COLUMNS_OF.get(rule.name, (rule.name,))}
    read |= {name: (name,) for name in ("latitude", "longitude", "status", "rating", "review_count")}
    read["licence_state"] = ("licence_number", "licence_expires_on", "is_provisional_licence")
    return {
        field: [
            dg.TableColumnDep(table_key(platforms[source.platform], source.dataset), name)
            for source in sources
            for name in sorted({name for column in columns for name in _read_of(source.dataset, column)})
        ]
        for field, columns in read.items()
    }


def hours_lineage(restaurants: dg.AssetKey) -> dict[str, list[dg.TableColumnDep]]:
    """Each column of an interval, which is read from the text of the golden record."""
    names = ("day", "number", "opens", "closes", "is_past_midnight", "is_closed")
    text = [dg.TableColumnDep(restaurants, "opening_hours_osm")]
    return {"restaurant_id": [dg.TableColumnDep(restaurants, "restaurant_id")], **dict.fromkeys(names, text)}


def _read_of(dataset: Dataset, column: str) -> set[str]:
    """The columns of a dataset that a column of a listing comes from."""
    return _named_in(dataset, dataset.listing.get(column, column if column in LISTING_COLUMNS else ""))


def related_lineage(platforms: dict[str, Platform], kind: str) -> dict[str, list[dg.TableColumnDep]]:
    """Each column of a kind of related records."""
    lineage: dict[str, list[dg.TableColumnDep]] = {"restaurant_id": [dg.TableColumnDep(MEMBERS_KEY, "restaurant_id")]}
    for each in related_datasets(platforms, kind):
        key = table_key(platforms[each.platform], each.dataset)
        own = {"source_id": "source_id", "listing_id": each.reference, **each.columns}
        for column, sql in own.items():
            lineage.setdefault(column, []).extend(
                dg.TableColumnDep(key, name) for name in sorted(_named_in(each.dataset, sql))
            )
    return lineage


def _named_in(dataset: Dataset, sql: str) -> set[str]:
    """The columns of a dataset whose names occur in an SQL expression."""
    return {column.name for column in columns_of(dataset.row)} & set(re.findall(r"\w+", sql))
