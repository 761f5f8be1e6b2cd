"""Brands: the chains that restaurants are branches of, with permanent ids.

What belongs here: the rows of `tables.BRANDS` and `tables.BRANCHES`. `brand_groups` finds which restaurants belong
together. The id of a brand comes from its founding restaurant, as that of a restaurant from its founding listing.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import duckdb
import polars as pl

from sync_platform.matching.restaurant_names import GENERIC, parse_names
from sync_platform.unified.brand_groups import EVIDENCE, BrandGroup, NamedRestaurant, brand_groups
from sync_platform.unified.identity import Founding, Identities, Key, identify
from sync_platform.unified.queries import UNIFIED, frame_of, stored_rows
from sync_platform.unified.tables import BRANCHES, BRANDS

RESTAURANT = "restaurant"
_BRANCH = re.compile(r"\s*[(（\[【@].*$")
_HOST = re.compile(r"^(?:https?://)?(?:www\d?\.)?([^/:?#]+)", re.IGNORECASE)
_SHARED_HOSTS = re.compile(
    r"(?:^|\.)(?:facebook|instagram|openrice|foodpanda|deliveroo|keeta|tripadvisor|eatigo|chope|bistrochat|linktr|"
    r"google|wixsite|inline|sevenrooms|whatsapp|youtube|blogspot|wordpress|weibo|shopline)\.\w",
    re.IGNORECASE,
)
"""Hosts with the pages of many restaurants that have nothing else in common."""


@dataclass(frozen=True)
class BrandRows:
    """Rows of `tables.BRANDS` and of `tables.BRANCHES`, each with `ended`."""

    brands: pl.DataFrame
    branches: pl.DataFrame


def name_keys(name_en: str | None, name_zh: str | None) -> tuple[str | None, str | None]:
    """The English and the Chinese name without branch and marks; None for one that only says what is served."""
    english, chinese = parse_names(name_en or "", name_zh or "")
    is_telling = not set(english.whole.split()) <= GENERIC and len(english.whole) > 1
    return english.whole if is_telling else None, chinese.whole if len(chinese.core) > 1 else None


def find_brands(session: duckdb.DuckDBPyConnection, now: datetime) -> BrandRows:
    """The brands of all live restaurants, and those that end; reads what the transaction has written before."""
    rows = {row["restaurant_id"]: row for row in _restaurants(session)}
    groups = brand_groups([_named(row) for row in rows.values()])
    identities = _identities(session, groups, rows, now)
    live = [
        _brand(brand_id, [rows[name] for name in group], group)
        for brand_id, group in zip(identities.ids, groups, strict=True)
    ]
    branches = [
        (name, brand_id, kinds, False)
        for brand_id, group in zip(identities.ids, groups, strict=True)
        for name, kinds in group.items()
    ]
    return BrandRows(_brand_rows(session, live, identities), _branch_rows(session, branches))


def _restaurants(session: duckdb.DuckDBPyConnection) -> list[dict[str, Any]]:
    """The live restaurants that may have a brand, in order of their ids: a name occurs twice, or a chain is stated."""
    repeated = " OR ".join(
        f"({key} IS NOT NULL AND count(*) OVER (PARTITION BY {key}) > 1)" for key in ("name_key_en", "name_key_zh")
    )
    return frame_of(
        session,
        f"""SELECT restaurant_id, name_en, name_zh, name_key_en, name_key_zh, website, chains, founded_at
        FROM {UNIFIED}.restaurants WHERE removed_at IS NULL QUALIFY len(chains) > 0 OR {repeated}
        ORDER BY restaurant_id""",
    ).to_dicts()


def _named(row: Mapping[str, Any]) -> NamedRestaurant:
    host = _HOST.match(row["website"] or "")
    website = host[1].lower() if host and not _SHARED_HOSTS.search(host[1]) else None
    return NamedRestaurant(
        row["restaurant_id"], row["name_key_en"], row["name_key_zh"], website, tuple(row["chains"] or ())
    )


def _identities(
    session: duckdb.DuckDBPyConnection,
    groups: Sequence[BrandGroup],
    rows: Mapping[str, Mapping[str, Any]],
    now: datetime,
) -> Identities:
    """The id of each group, given the brands that were known before."""
    query = f"SELECT brand_id, founded_by, founded_at, removed_at IS NULL FROM {UNIFIED}.brands"
    known = {
        brand_id: Founding(brand_id, (RESTAURANT, by), founded_at, is_live)
        for brand_id, by, founded_at, is_live in session.execute(query).fetchall()
    }
    query = f"SELECT restaurant_id, brand_id FROM {UNIFIED}.branches WHERE removed_at IS NULL"
    assigned: dict[Key, str] = {(RESTAURANT, name): brand_id for name, brand_id in session.execute(query).fetchall()}
    clusters = [[(RESTAURANT, name) for name in group] for group in groups]
    first_seen: dict[Key, datetime] = {(RESTAURANT, name): row["founded_at"] for name, row in rows.items()}
    return identify(clusters, assigned, known, first_seen, now, "brand")


def _brand(brand_id: str, members: Sequence[Mapping[str, Any]], group: BrandGroup) -> dict[str, Any]:
    """The row of a brand, without its founding."""
    kinds = {kind for own in group.values() for kind in own}
    return {
        "brand_id": brand_id,
        "name_en": _shortest(row["name_en"] for row in members if row["name_key_en"]),
        "name_zh": _shortest(row["name_zh"] for row in members if row["name_key_zh"]),
        "restaurants": len(members),
        "evidence": [kind for kind in EVIDENCE if kind in kinds],
        "chains": sorted({chain for row in members for chain in row["chains"] or ()}),
        "merged_into": None,
        "ended": False,
    }


def _shortest(names: Iterable[str | None]) -> str | None:
    """The shortest name without its branch; of several, the first in their order."""
    bare = [_BRANCH.sub("", name) or name for name in names if name]
    return min(bare, key=lambda name: (len(name), name), default=None)


def _brand_rows(
    session: duckdb.DuckDBPyConnection, live: Sequence[dict[str, Any]], identities: Identities
) -> pl.DataFrame:
    """The rows of live brands, and the last rows of those that are merged or ended."""
    names = pl.DataFrame({"brand_id": [row["brand_id"] for row in live]}, schema={"brand_id": pl.String})
    query = f"SELECT brand_id, founded_by, founded_at FROM {UNIFIED}.brands SEMI JOIN asked USING (brand_id)"
    founded = {row[0]: row[1:] for row in frame_of(session, query, asked=names).iter_rows()}
    new = {name: (founding.founded_by[1], founding.founded_at) for name, founding in identities.foundings.items()}
    founded = {**new, **founded}
    rows = [
        {**row, "founded_by": founded[row["brand_id"]][0], "founded_at": founded[row["brand_id"]][1]} for row in live
    ]
    ended = pl.DataFrame({"brand_id": list(identities.merged_into)}, schema={"brand_id": pl.String})
    rows += [
        {**row, "merged_into": identities.merged_into[row["brand_id"]], "ended": True}
        for row in stored_rows(session, BRANDS.name, "brand_id", ended).to_dicts()
    ]
    schema: dict[str, Any] = {column.name: pl.String for column in BRANDS.columns}
    schema |= {"restaurants": pl.Int64, "founded_at": pl.Datetime("us", "UTC"), "ended": pl.Boolean}
    schema |= dict.fromkeys(("evidence", "chains"), pl.List(pl.String))
    return pl.DataFrame(rows, schema=schema)


def _branch_rows(session: duckdb.DuckDBPyConnection, branches: Sequence[tuple[Any, ...]]) -> pl.DataFrame:
    """The rows of branches, and the stored rows of restaurants that are no branch any more."""
    schema: dict[str, Any] = {
        "restaurant_id": pl.String,
        "brand_id": pl.String,
        "evidence": pl.List(pl.String),
        "ended": pl.Boolean,
    }
    rows = pl.DataFrame(branches, schema=schema, orient="row")
    columns = ", ".join(column.name for column in BRANCHES.columns)
    stored = frame_of(session, f"SELECT {columns}, true AS ended FROM {UNIFIED}.branches WHERE removed_at IS NULL")
    return pl.concat([rows, stored]).unique("restaurant_id", keep="first", maintain_order=True)
