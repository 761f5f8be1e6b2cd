"""The golden record: one row per restaurant out of all its listings, and for every field why it says so.

What belongs here: putting the fields together. Which value stands is decided in `survivorship` and `trading_status`.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

import orjson
import polars as pl

from sync_platform.unified.rules import RULES
from sync_platform.unified.survivorship import Shared, survive
from sync_platform.unified.trading_status import ListingStatus, TradingStatus, find_trading_status

STATUS_FIELDS = ("status", "licence_state")
EXPLAINED = (*(rule.name for rule in RULES), *STATUS_FIELDS)
"""The fields that `why` explains; `location` stands for latitude and longitude."""


def golden_records(listings: pl.DataFrame, is_shared: Shared, today: date) -> pl.DataFrame:
    """The golden fields of restaurants, in the columns of `tables.RESTAURANTS` but those of their identity.

    `listings`: as `survive` takes them. `today`: the day in Hong Kong, which decides whether a licence is in force.
    """
    fields = survive(listings, is_shared)
    statuses = pl.DataFrame(
        _statuses(listings, today),
        schema={
            "restaurant_id": pl.String,
            **{name: pl.String for each in STATUS_FIELDS for name in (each, f"why_{each}")},
        },
        orient="row",
    )
    whole = fields.join(statuses, on="restaurant_id").join(_together(listings), on="restaurant_id")
    whys = [
        pl.when(pl.col(f"why_{name}").is_not_null()).then(pl.format('"{}":{}', pl.lit(name), pl.col(f"why_{name}")))
        for name in EXPLAINED
    ]
    return whole.with_columns(
        (pl.lit("{") + pl.concat_list(whys).list.drop_nulls().list.join(",") + pl.lit("}")).alias("why"),
        pl.col("location").struct.field("latitude"),
        pl.col("location").struct.field("longitude"),
    ).drop("location", *(f"why_{name}" for name in EXPLAINED))


def _statuses(listings: pl.DataFrame, today: date) -> Iterator[tuple[str, str, str, str, str]]:
    """Per restaurant its status and licence state, each with why as JSON."""
    second = pl.col("is_second_listing") | pl.col("moved_to").is_not_null()
    stated = listings.with_columns(second.alias("is_second_listing")).select("restaurant_id", *ListingStatus._fields)
    ordered = stated.sort("restaurant_id", "source")
    for (restaurant_id,), rows in ordered.group_by("restaurant_id", maintain_order=True):
        stating = [ListingStatus(*row[1:]) for row in rows.iter_rows()]
        found = find_trading_status(stating, today)
        yield (
            restaurant_id,
            found.status,
            _status_why(found, stating),
            found.licence_state,
            _why(found.licence_state, found.licence_reason, []),
        )


def _status_why(found: TradingStatus, listings: list[ListingStatus]) -> str:
    others = [{"source": listing.source, "value": listing.status} for listing in listings if listing.status]
    return _why(found.status, found.status_reason, others)


def _why(value: str, words: str, others: list[dict[str, str]]) -> str:
    return orjson.dumps({"value": value, "rule": "standing", "words": words, "others": others or None}).decode()


def _together(listings: pl.DataFrame) -> pl.DataFrame:
    """What is summed up of all live listings: who lists it, and how it is rated."""
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
