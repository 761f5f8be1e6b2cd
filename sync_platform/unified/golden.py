"""The golden record: one row per restaurant out of all its listings, and for every field why it says so.

What belongs here: putting the fields together. Which value stands is decided in `survivorship` and `standing`.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

import orjson
import polars as pl

from sync_platform.unified.rules import RULES
from sync_platform.unified.survivorship import Shared, survive
from sync_platform.unified.trading_status import Standing, Voice, stand

STANDING_FIELDS = ("status", "licence_state")
EXPLAINED = (*(rule.name for rule in RULES), *STANDING_FIELDS)
"""The fields that `why` explains; `location` stands for latitude and longitude."""


def golden_records(listings: pl.DataFrame, is_shared: Shared, today: date) -> pl.DataFrame:
    """The golden fields of restaurants, in the columns of `tables.RESTAURANTS` but those of their identity.

    `listings`: as `survive` takes them. `today`: the day in Hong Kong, which decides whether a licence is in force.
    """
    fields = survive(listings, is_shared)
    standings = pl.DataFrame(
        _standings(listings, today),
        schema={
            "restaurant_id": pl.String,
            **{name: pl.String for each in STANDING_FIELDS for name in (each, f"why_{each}")},
        },
        orient="row",
    )
    whole = fields.join(standings, on="restaurant_id").join(_together(listings), on="restaurant_id")
    whys = [
        pl.when(pl.col(f"why_{name}").is_not_null()).then(pl.format('"{}":{}', pl.lit(name), pl.col(f"why_{name}")))
        for name in EXPLAINED
    ]
    return whole.with_columns(
        (pl.lit("{") + pl.concat_list(whys).list.drop_nulls().list.join(",") + pl.lit("}")).alias("why"),
        pl.col("location").struct.field("latitude"),
        pl.col("location").struct.field("longitude"),
    ).drop("location", *(f"why_{name}" for name in EXPLAINED))


def _standings(listings: pl.DataFrame, today: date) -> Iterator[tuple[str, str, str, str, str]]:
    """Per restaurant its status and licence state, each with why as JSON."""
    second = pl.col("is_second_listing") | pl.col("moved_to").is_not_null()
    said = listings.with_columns(second.alias("is_second_listing")).select("restaurant_id", *Voice._fields)
    for (restaurant_id,), rows in said.sort("restaurant_id", "source").group_by("restaurant_id", maintain_order=True):
        voices = [Voice(*row[1:]) for row in rows.iter_rows()]
        standing = stand(voices, today)
        yield (
            restaurant_id,
            standing.status,
            _status_why(standing, voices),
            standing.licence_state,
            _licence_why(standing),
        )


def _status_why(standing: Standing, voices: list[Voice]) -> str:
    others = [{"source": voice.source, "value": voice.status} for voice in voices if voice.status]
    return _why(standing.status, standing.status_reason, others)


def _licence_why(standing: Standing) -> str:
    return _why(standing.licence_state, standing.licence_reason, [])


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
