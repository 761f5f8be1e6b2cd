"""The golden record: one row per restaurant, computed from all its listings, with a reason for every field.

What belongs here: putting the fields together. `survivorship` and `trading_status` decide their values.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

import orjson
import polars as pl

from sync_platform.unified.price_ranges import PRICE_RANGES_HKD
from sync_platform.unified.survivorship import IsSharedPhone, golden_fields
from sync_platform.unified.survivorship_rules import RULES
from sync_platform.unified.trading_status import StatusClaim, TradingStatus, trading_status

STATUS_FIELDS = ("status", "licence_state")
EXPLAINED = (*(rule.name for rule in RULES), *STATUS_FIELDS)
"""The fields that `why` explains; COLUMNS_OF has those that are several columns, or another one."""
COLUMNS_OF = {
    "location": ("latitude", "longitude"),
    "phone": ("phone", "phones"),
    "price_level": ("price_level", "price_min_hkd", "price_max_hkd"),
    "opening_hours": ("opening_hours_osm",),
}


def golden_records(listings: pl.DataFrame, is_shared: IsSharedPhone, today: date) -> pl.DataFrame:
    """The golden records in the columns of `tables.RESTAURANTS`, without the columns of their identity.

    `hours_platform` and `hours_source_id` are further columns: the listing that states the opening hours.

    `listings`: as for `golden_fields`. `today`: the day in Hong Kong; it decides whether a licence is in force.
    """
    listings = listings.sort("restaurant_id", "source", "source_id")  # the order of listings makes no difference
    fields = golden_fields(listings.with_columns(*_price_range()), is_shared)
    statuses = pl.DataFrame(
        _trading_statuses(listings, today),
        schema={
            "restaurant_id": pl.String,
            **{name: pl.String for each in STATUS_FIELDS for name in (each, f"why_{each}")},
        },
        orient="row",
    )
    whole = fields.join(statuses, on="restaurant_id").join(_summaries(listings), on="restaurant_id")
    whys = [
        pl.when(pl.col(f"why_{name}").is_not_null()).then(pl.format('"{}":{}', pl.lit(name), pl.col(f"why_{name}")))
        for name in EXPLAINED
    ]
    return whole.with_columns(
        (pl.lit("{") + pl.concat_list(whys).list.drop_nulls().list.join(",") + pl.lit("}")).alias("why"),
        pl.col("location").struct.field("latitude"),
        pl.col("location").struct.field("longitude"),
        pl.col("phone").str.split("; ").alias("phones"),
        pl.col("opening_hours").alias("opening_hours_osm"),
        pl.col("why_opening_hours").str.json_path_match("$.source").alias("hours_platform"),
        pl.col("why_opening_hours").str.json_path_match("$.source_id").alias("hours_source_id"),
    ).drop("location", "opening_hours", *(f"why_{name}" for name in EXPLAINED))


def _price_range() -> tuple[pl.Expr, pl.Expr]:
    """The range of a listing's price level (HKD): as the platform states it, else that of the level."""
    level, lowest = pl.col("price_level"), pl.col("price_min_hkd")
    of_level = [
        level.replace_strict(
            {of: ends[side] for of, ends in PRICE_RANGES_HKD.items()}, default=None, return_dtype=pl.Int64
        )
        for side in (0, 1)
    ]
    return (
        lowest.fill_null(of_level[0]).alias("price_min_hkd"),
        pl.when(lowest.is_null()).then(of_level[1]).otherwise("price_max_hkd").alias("price_max_hkd"),
    )


def _trading_statuses(listings: pl.DataFrame, today: date) -> Iterator[tuple[str, str, str, str, str]]:
    """Per restaurant its status and licence state, each with the reason as JSON."""
    second = pl.col("is_second_listing") | pl.col("moved_to").is_not_null()
    claimed = listings.with_columns(second.alias("is_second_listing")).select("restaurant_id", *StatusClaim._fields)
    for (restaurant_id,), rows in claimed.group_by("restaurant_id", maintain_order=True):
        claims = [StatusClaim(*row[1:]) for row in rows.iter_rows()]
        trading = trading_status(claims, today)
        yield (
            restaurant_id,
            trading.status,
            _status_why(trading, claims),
            trading.licence_state,
            _licence_why(trading),
        )


def _status_why(trading: TradingStatus, claims: list[StatusClaim]) -> str:
    others = [{"source": claim.source, "value": claim.status} for claim in claims if claim.status]
    return _why(trading.status, trading.status_reason, others)


def _licence_why(trading: TradingStatus) -> str:
    return _why(trading.licence_state, trading.licence_reason, [])


def _why(value: str, words: str, others: list[dict[str, str]]) -> str:
    return orjson.dumps({"value": value, "rule": "standing", "words": words, "others": others or None}).decode()


def _summaries(listings: pl.DataFrame) -> pl.DataFrame:
    """Summaries of all live listings: the platforms that list the restaurant, and its rating."""
    live, weight = (
        pl.col("is_live") & ~pl.col("is_reference"),
        pl.max_horizontal(pl.col("review_count").fill_null(0), 1),
    )
    rated = live & pl.col("rating").is_not_null()
    return listings.group_by("restaurant_id").agg(
        pl.col("source").filter(pl.col("is_live")).unique().sort().alias("platforms"),
        ((pl.col("rating") * weight).filter(rated).sum() / weight.filter(rated).sum())
        .fill_nan(None)
        .round(2)
        .alias("rating"),
        pl.col("review_count").filter(live & pl.col("review_count").is_not_null()).sum().alias("review_count"),
    )
