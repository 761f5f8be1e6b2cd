"""Related records: reviews, offers, reservations and posts of all platforms, one view per kind.

Another view explains the fields of restaurants. Views have no second copy of the data that could become outdated, or be
missed when a person is erased.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256

import duckdb

from sync_platform.errors import UsageError
from sync_platform.lake.corrected_values import CORRECTED
from sync_platform.lake.restricted_records import RESTRICTED, is_usable
from sync_platform.lake.schema import IS_PAST
from sync_platform.sources.columns import Column, columns_of
from sync_platform.sources.declaration import Dataset, Platform
from sync_platform.storage.lake_connection import LAKE
from sync_platform.storage.sql_text import sql_text

COMMON_COLUMNS = (
    Column("restaurant_id", "VARCHAR", "The restaurant: unified.restaurants; empty where its listing is not known"),
    Column("platform", "VARCHAR", "Platform that the record is from"),
    Column("dataset", "VARCHAR", "Its dataset there"),
    Column("source_id", "VARCHAR", "The record: `source_id` in that dataset"),
    Column("listing_id", "VARCHAR", "The platform's own id of the restaurant"),
)
TIME_COLUMNS = (
    Column(
        "corrected_columns",
        "VARCHAR[]",
        "Columns of the dataset whose value was corrected at the request of the person, because the platform shows a "
        "wrong one; empty for none",
    ),
    Column("first_seen_at", "TIMESTAMPTZ", "When the record was first observed (UTC)"),
    Column("removed_at", "TIMESTAMPTZ", "When it was first observed to be gone (UTC); empty while it is live"),
    IS_PAST,
)
"""Columns that every kind has before (COMMON_COLUMNS) and after (TIME_COLUMNS) its own columns."""


@dataclass(frozen=True)
class RecordKind:
    """A kind of related record."""

    description: str
    columns: tuple[Column, ...]

    @property
    def every_column(self) -> tuple[Column, ...]:
        return (*COMMON_COLUMNS, *self.columns, *TIME_COLUMNS)


RECORD_KINDS: dict[str, RecordKind] = {
    "reviews": RecordKind(
        "Reviews of restaurants on all platforms, words and reviewers sealed",
        (
            Column("rating", "DOUBLE", "Rating given (1 to 5; OpenRice's smile is 5, its ok 3, its cry 1)"),
            Column("title", "VARCHAR", "Title, sealed"),
            Column("text", "VARCHAR", "Text, sealed"),
            Column("author", "VARCHAR", "Reviewer, as the platform names them, sealed"),
            Column("published_at", "TIMESTAMPTZ", "When it was sent in or published (UTC)"),
        ),
    ),
    "offers": RecordKind(
        "What restaurants offer on all platforms: discounted slots, and dishes with their prices",
        (
            Column("kind", "VARCHAR", "promotion | menu_item"),
            Column(
                "title_en", "VARCHAR", "The dish, or the promotion's conditions, in English or the platform's words"
            ),
            Column("title_zh", "VARCHAR", "The same in Traditional Chinese, where the platform tells languages apart"),
            Column("category", "VARCHAR", "Heading on the menu"),
            Column("price_min_hkd", "DECIMAL(12,2)", "Cheapest size (HKD)"),
            Column("price_max_hkd", "DECIMAL(12,2)", "Dearest size (HKD)"),
            Column("discount_pct", "BIGINT", "Discount on the bill (per cent)"),
            Column("starts_at", "TIMESTAMPTZ", "When the slot begins (UTC)"),
            Column("is_available", "BOOLEAN", "Whether it can be had"),
        ),
    ),
    "reservations": RecordKind(
        "Reservations at restaurants on all platforms, guests sealed",
        (
            Column("starts_at", "TIMESTAMPTZ", "When the party is expected (UTC)"),
            Column("party_size", "BIGINT", "Size of the party (guests)"),
            Column("status", "VARCHAR", "booked | seated | cancelled | no_show"),
            Column("guest", "VARCHAR", "The guest's surname, sealed"),
        ),
    ),
    "posts": RecordKind(
        "Posts about restaurants on all platforms, authors and texts sealed",
        (
            Column("channel", "VARCHAR", "Where it was posted"),
            Column("author", "VARCHAR", "Author as shown, sealed"),
            Column("text", "VARCHAR", "Text, sealed"),
            Column("language", "VARCHAR", "Language of the text"),
            Column("likes", "BIGINT", "Likes"),
            Column("posted_at", "TIMESTAMPTZ", "When it was posted (UTC)"),
        ),
    ),
}
FIELDS_VIEW = "restaurant_fields"
FIELDS_DESCRIPTION = "Why each field of each restaurant says what it says: the source, the rule, and what else is said"
FIELDS_COLUMNS = (
    Column("restaurant_id", "VARCHAR", "The restaurant: unified.restaurants"),
    Column("field", "VARCHAR", "The field; `location` is latitude and longitude"),
    Column("value", "VARCHAR", "Its value"),
    Column("stated", "VARCHAR", "What the listing states, where it is written in another form than the value"),
    Column("platform", "VARCHAR", "Platform that the value is from; empty for one computed from several listings"),
    Column("source_id", "VARCHAR", "The listing there"),
    Column("rule", "VARCHAR", "Rule that chose the value (docs/unified.md)"),
    Column("words", "VARCHAR", "The rule in words"),
    Column("others", "JSON", "What the other listings say, and whether it agrees"),
)
_FIELDS_SQL = """SELECT restaurant_id, field, why_json->>'$.value' AS value,
    why_json->>'$.stated' AS stated, why_json->>'$.source' AS platform,
    why_json->>'$.source_id' AS source_id, why_json->>'$.rule' AS rule, why_json->>'$.words' AS words,
    nullif(why_json->'$.others', 'null'::JSON) AS others
FROM (SELECT restaurant_id, field, json_extract(why, '$.' || field) AS why_json
    FROM (SELECT restaurant_id, why, unnest(json_keys(why)) AS field
        FROM unified.restaurants WHERE removed_at IS NULL))"""


@dataclass(frozen=True)
class RelatedDataset:
    """A dataset of related records, its column that refers to the listing, and SQL for the columns of its kind."""

    platform: str
    dataset: Dataset
    reference: str
    columns: Mapping[str, str]


def related_datasets(platforms: Mapping[str, Platform], kind: str) -> list[RelatedDataset]:
    """The datasets of a kind; UsageError where one declares an unknown column or has no reference."""
    related = []
    known = [column.name for column in RECORD_KINDS[kind].columns]
    for platform in platforms.values():
        for dataset in platform.datasets:
            if dataset.attached is None or dataset.attached.table != kind:
                continue
            columns = columns_of(dataset.row)
            reference = next((column.name for column in columns if column.refers_to), None)
            if reference is None or not dataset.attached.columns.keys() <= set(known):
                raise UsageError(
                    f"{platform.name}.{dataset.name} is attached to {kind}: it needs a column with refers_to, and no "
                    f"columns but {', '.join(sorted(known))}"
                )
            expressions = {column.name: column.name for column in columns} | {**dataset.attached.columns}
            attached = {name: expressions[name] for name in known if name in expressions}
            related.append(RelatedDataset(platform.name, dataset, reference, attached))
    return related


def view_columns() -> dict[str, tuple[Column, ...]]:
    """The columns of every view, by its name; the lake cannot store comments on them."""
    return {name: kind.every_column for name, kind in RECORD_KINDS.items()} | {FIELDS_VIEW: FIELDS_COLUMNS}


def ensure_views(session: duckdb.DuckDBPyConnection, platforms: Mapping[str, Platform]) -> None:
    """Create or replace the views whose definition has changed, within the caller's transaction.

    The comment of a view has a digest of its definition, because the catalog stores the SQL in another form.
    """
    comments = dict(
        session.execute(
            "SELECT view_name, comment FROM duckdb_views() WHERE database_name = ? AND schema_name = 'unified'", [LAKE]
        ).fetchall()
    )
    tables = session.execute(
        """SELECT schema_name, table_name, bool_or(column_name = ?) FROM duckdb_columns() WHERE database_name = ?
        GROUP BY ALL""",
        [IS_PAST.name, LAKE],
    ).fetchall()
    present = {(schema, table): has_past for schema, table, has_past in tables}
    wanted = {name: (kind.description, _view(platforms, name, present)) for name, kind in RECORD_KINDS.items()}
    wanted[FIELDS_VIEW] = (FIELDS_DESCRIPTION, _FIELDS_SQL)
    for name, (description, query) in wanted.items():
        comment = f"{description} (definition {sha256(query.encode()).hexdigest()[:8]})"
        if comments.get(name) != comment:
            session.execute(f"CREATE OR REPLACE VIEW {LAKE}.unified.{name} AS {query}")
            session.execute(f"COMMENT ON VIEW {LAKE}.unified.{name} IS {sql_text(comment)}")


def _view(platforms: Mapping[str, Platform], kind: str, present: Mapping[tuple[str, str], bool]) -> str:
    """The SQL of the view over the existing tables of the kind.

    `present`: per table of the lake, True if it has the column `is_past`. An older lake gets it with the next sync.
    Restricted records are left out.
    """
    columns = RECORD_KINDS[kind].every_column
    empty = ", ".join(f"NULL::{column.sql_type} AS {column.name}" for column in columns)
    parts = [
        _part(each, RECORD_KINDS[kind].columns, present)
        for each in related_datasets(platforms, kind)
        if (each.platform, each.dataset.name) in present
    ]
    return "\nUNION ALL BY NAME\n".join([f"SELECT {empty} WHERE false", *parts])


def _part(related: RelatedDataset, columns: tuple[Column, ...], present: Mapping[tuple[str, str], bool]) -> str:
    selected = [
        f"({related.columns[column.name]})::{column.sql_type} AS {column.name}"
        for column in columns
        if column.name in related.columns
    ]
    named = ", ".join(related.columns)
    has_past = present[related.platform, related.dataset.name]
    times = ["first_seen_at", "removed_at", *([IS_PAST.name] if has_past else [])]
    source = (f"'{related.platform}'", f"'{related.dataset.name}'")
    corrected = _corrected(*source) if CORRECTED in present else "NULL::VARCHAR[]"
    condition = f"\n    WHERE {is_usable(*source, 'h.source_id')}" if RESTRICTED in present else ""
    return f"""SELECT m.restaurant_id, {source[0]} AS platform, {source[1]} AS dataset,
        h.source_id, h.listing_id, {named}, {corrected} AS corrected_columns, {", ".join(f"h.{name}" for name in times)}
    FROM (SELECT source_id, "{related.reference}" AS listing_id, {", ".join(selected)}, {", ".join(times)}
        FROM "{related.platform}"."{related.dataset.name}") h
    LEFT JOIN (SELECT restaurant_id, source_id FROM unified.members
        WHERE platform = '{related.platform}' AND removed_at IS NULL) m ON m.source_id = h.listing_id{condition}"""


def _corrected(platform: str, dataset: str) -> str:
    """SQL: the columns of the record `h` that have a corrected value."""
    return f"""(SELECT list(column_name ORDER BY column_name) FROM {".".join(CORRECTED)} c
        WHERE c.platform = {platform} AND c.dataset = {dataset} AND c.source_id = h.source_id)"""
