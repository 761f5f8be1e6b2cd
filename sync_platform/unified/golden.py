"""The golden record: one row per restaurant, computed from all its listings, with a reason for every field.

What belongs here: putting the fields together. `survivorship` and `trading_status` decide their values.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date

import orjson
import polars as pl

from sync_platform.unified.brands import name_keys
from sync_platform.unified.cuisine_taxonomy import CuisineTaxonomy, taxonomy_of
from sync_platform.unified.listing_districts import EVIDENCE, PLACE_NAMES, place_names, with_districts
from sync_platform.unified.price_ranges import PRICE_RANGES_HKD
from sync_platform.unified.survivorship import IsSharedPhone, golden_fields
from sync_platform.unified.survivorship_rules import RULES
from sync_platform.unified.trading_status import StatusClaim, TradingStatus, trading_status
from sync_platform.vocabularies.vocabulary import Edition

STATUS_FIELDS = ("status", "licence_state")
EXPLAINED = (*(rule.name for rule in RULES), *STATUS_FIELDS)
"""The fields that `why` explains; COLUMNS_OF has those that are several columns, or another one."""
COLUMNS_OF = {
    "location": ("latitude", "longitude"),
    "phone": ("phone", "phones"),
    "price_level": ("price_level", "price_min_hkd", "price_max_hkd"),
    "opening_hours": ("opening_hours_osm",),
}


def golden_records(
    listings: pl.DataFrame,
    is_shared: IsSharedPhone,
    today: date,
    editions: Iterable[Edition],
) -> pl.DataFrame:
    """The golden records in the columns of `tables.RESTAURANTS`, without the columns of their identity.

    `hours_platform` and `hours_source_id` are further columns: the listing that states the opening hours.

    `listings`: as for `golden_fields`, without the columns of `listing_districts`. `today`: the day in Hong Kong; it
    decides whether a licence is in force. `editions`: those of the vocabularies to use.
    """
    listings = listings.sort("restaurant_id", "source", "source_id")  # the order of listings makes no difference
    editions = list(editions)
    taxonomy = taxonomy_of(editions)
    listings = with_districts(listings.with_columns(*_price_range()))
    fields = golden_fields(listings, is_shared, {each.name: each.title for each in editions})
    fields = _with_place(fields.join(_district_evidence(listings, fields), on="restaurant_id", how="left"))
    fields = _with_name_keys(_with_cuisine_names(fields, taxonomy))
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


def _district_evidence(listings: pl.DataFrame, fields: pl.DataFrame) -> pl.DataFrame:
    """The kinds of evidence for the chosen district: of live listings, or of all where none is live."""
    chosen = fields.select("restaurant_id", pl.col("district").str.split("/").list.first().alias("chosen"))
    compared = listings.join(chosen.drop_nulls(), on="restaurant_id").filter(
        pl.col("is_live") | ~pl.col("is_live").any().over("restaurant_id")
    )
    names = [
        pl.when((pl.col(column).str.split("/").list.first() == pl.col("chosen")).any()).then(pl.lit(kind)).alias(kind)
        for kind, column in EVIDENCE.items()
    ]
    districts = compared.group_by("restaurant_id").agg(names)
    return districts.select("restaurant_id", pl.concat_list(*EVIDENCE).list.drop_nulls().alias("district_evidence"))


def _with_place(fields: pl.DataFrame) -> pl.DataFrame:
    """The fields with the codes and the names of the place that `district` is the path of."""
    paths = fields["district"].to_list()
    names = {path: place_names(path) for path in set(paths) if path}
    return fields.with_columns(
        pl.Series(column, [names[path][column] if path else None for path in paths], pl.String)
        for column in PLACE_NAMES
    )


def _with_cuisine_names(fields: pl.DataFrame, taxonomy: CuisineTaxonomy) -> pl.DataFrame:
    """The fields with the names of the cuisines in both languages."""
    codes = fields["cuisines"].to_list()
    return fields.with_columns(
        pl.Series(
            f"cuisines_{language}",
            [[taxonomy.names[code][position] for code in each] if each else None for each in codes],
            pl.List(pl.String),
        )
        for position, language in enumerate(("en", "zh"))
    )


def _with_name_keys(fields: pl.DataFrame) -> pl.DataFrame:
    """The fields with the names by which brands are found."""
    keys = [name_keys(english, chinese) for english, chinese in fields.select("name_en", "name_zh").iter_rows()]
    named = {"name_key_en": pl.String, "name_key_zh": pl.String}
    return fields.hstack(pl.DataFrame(keys, schema=named, orient="row"))


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
    """Summaries of all live listings: the platforms that list the restaurant, its rating, and its chains."""
    live, weight = (
        pl.col("is_live") & ~pl.col("is_reference"),
        pl.max_horizontal(pl.col("review_count").fill_null(0), 1),
    )
    rated = live & pl.col("rating").is_not_null()
    return listings.group_by("restaurant_id").agg(
        pl.col("source").filter(pl.col("is_live")).unique().sort().alias("platforms"),
        pl.concat_str("source", pl.lit("/"), pl.col("chain").str.to_lowercase())
        .filter(live & pl.col("chain").is_not_null())
        .unique()
        .sort()
        .alias("chains"),
        ((pl.col("rating") * weight).filter(rated).sum() / weight.filter(rated).sum())
        .fill_nan(None)
        .round(2)
        .alias("rating"),
        pl.col("review_count").filter(live & pl.col("review_count").is_not_null()).sum().alias("review_count"),
    )
