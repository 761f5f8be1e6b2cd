"""The table of listings that matching takes: its columns, and the conversion of similar tables into it.

What belongs here: columns, types, and unusable values. `parsed_listings` interprets the values.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import polars as pl

from sync_platform.errors import UsageError
from sync_platform.placeholders import LONGEST, is_name, is_placeholder

SCHEMA: dict[str, pl.DataType | type[pl.DataType]] = {
    "source": pl.String,
    "source_id": pl.String,
    "name_en": pl.String,
    "name_zh": pl.String,
    "address_en": pl.String,
    "address_zh": pl.String,
    "city": pl.String,
    "phone": pl.String,
    "latitude": pl.Float64,
    "longitude": pl.Float64,
    "cuisines": pl.List(pl.String),
    "licence_number": pl.String,
    "is_duplicate": pl.Boolean,
}
"""The columns of a table of listings. `source` and `source_id` together are unique; all others may be missing or null.

`phone` may contain several numbers; degrees are WGS84; `is_duplicate` marks a second listing of a place in its source.
"""

ALSO_CALLED = {
    "source_id": ("id", "place_id", "business_id", "restaurant_id", "listing_id"),
    "name_en": ("name", "title", "restaurant_name", "business_name", "shop_name"),
    "name_zh": ("name_tc", "name_chinese"),
    "address_en": ("address", "addr", "street", "street_address", "full_address"),
    "address_zh": ("address_tc", "address_chinese"),
    "phone": ("telephone", "tel", "phones", "phone_number", "phone_no", "tel_no"),
    "latitude": ("lat",),
    "longitude": ("lng", "lon", "long"),
    "cuisines": ("cuisine", "type", "category", "categories"),
    "licence_number": ("licence", "license", "license_number", "food_license_number"),
    "is_duplicate": ("is_extended_listing",),
}
"""Alternative column names, tried in this order where the column is missing. Case makes no difference, and a space or
a hyphen counts as an underscore."""

_TEXTS = ("name_en", "name_zh", "address_en", "address_zh", "city", "phone", "licence_number")
_SEPARATORS = r"\s*[,;|、]\s*"
_MAY_BE_PLACEHOLDER = rf"(?s)^[^0-9]{{0,{LONGEST}}}$"  # no placeholder has a digit
_DECIMAL_COMMA = r"^[+-]?\d{1,3},\d+$"
_BETWEEN_WORDS = re.compile(r"[\s._-]+")
_TRUE = ("true", "t", "yes", "y", "1")


@dataclass
class ListingTable:
    """A table of listings in SCHEMA, in order of source and source_id, with warnings about unusable values."""

    table: pl.DataFrame
    warnings: list[str] = field(default_factory=list)


def to_listing_table(table: Any) -> ListingTable:
    """The listing table of a polars frame, an Arrow table or a DuckDB relation; other columns are ignored. A listing
    table stays as it is.

    Placeholders such as "N/A" are left out. Coordinates out of range are left out, with a warning that counts them.
    UsageError where `source` or `source_id` is missing or empty, or where two rows have the same source and id.
    """
    if isinstance(table, ListingTable):
        return table
    frame = table if isinstance(table, pl.DataFrame) else _as_frame(table)
    unreadable = _count_unreadable(frame)
    frame = frame.select(expression for name in SCHEMA if (expression := _column(frame, name)) is not None)
    for name in ("source", "source_id"):
        if name not in frame.columns:
            raise UsageError(f"a table of listings needs a column {name}")
        if missing := frame.filter(pl.col(name).is_null() | (pl.col(name) == "")).height:
            raise UsageError(f"{missing:,} listings have no {name}")
    absent = [pl.lit(None, dtype=kind).alias(name) for name, kind in SCHEMA.items() if name not in frame.columns]
    frame = _in_order(frame.with_columns(absent).select(list(SCHEMA)))
    found = _without_impossible(_without_placeholders(frame))
    return ListingTable(found.table, [*unreadable, *found.warnings])


def concatenated(tables: Sequence[ListingTable]) -> ListingTable:
    """The listings and warnings of several tables as one; UsageError where two rows have the same source and id."""
    table = _in_order(pl.concat([each.table for each in tables]))
    return ListingTable(table, [warning for each in tables for warning in each.warnings])


def _in_order(frame: pl.DataFrame) -> pl.DataFrame:
    """The listings in order of source and id; UsageError where two have the same."""
    frame = frame.sort("source", "source_id")
    twice = frame.filter(frame.select("source", "source_id").is_duplicated())
    if twice.height:
        source, source_id = twice.row(0)[:2]
        raise UsageError(f"{source} has the id {source_id} more than once ({twice.height:,} such rows in all)")
    return frame


def _count_unreadable(frame: pl.DataFrame) -> list[str]:
    """A warning about coordinates that are text but not a number."""
    columns = [_named(frame, name) for name in ("latitude", "longitude")]
    bad = [
        (pl.col(column).str.strip_chars() != "") & _number(pl.col(column)).is_null()
        for column in columns
        if column is not None and frame.schema[column] == pl.String
    ]
    count = frame.filter(pl.any_horizontal(bad)).height if bad else 0
    return [f"{count:,} listings have coordinates that are no numbers; they are left out"] if count else []


def _number(text: pl.Expr) -> pl.Expr:
    """A text as a number, with a decimal point or a decimal comma; null where it is none."""
    plain = text.str.strip_chars()
    with_point = pl.when(plain.str.contains(_DECIMAL_COMMA)).then(plain.str.replace(",", ".")).otherwise(plain)
    return with_point.cast(pl.Float64, strict=False)


def _as_frame(table: Any) -> pl.DataFrame:
    if hasattr(table, "to_arrow_table"):  # a DuckDB relation
        table = table.to_arrow_table()
    found = pl.from_arrow(table)
    return found if isinstance(found, pl.DataFrame) else found.to_frame()


def _column(frame: pl.DataFrame, name: str) -> pl.Expr | None:
    """The column of that name, or of an alternative name, in its type; None where there is none."""
    found = _named(frame, name)
    if found is None:
        return None
    column, kind = pl.col(found), frame.schema[found]
    if name == "cuisines":
        return _as_list(column, kind).alias(name)
    if isinstance(kind, pl.List):
        return column.cast(pl.List(pl.String)).list.join("; ", ignore_nulls=True).alias(name)
    if SCHEMA[name] is pl.Boolean and kind == pl.String:
        return column.str.strip_chars().str.to_lowercase().is_in(_TRUE).alias(name)
    if SCHEMA[name] is pl.String:
        text = column.cast(pl.String).str.strip_chars()
        return pl.when(text != "").then(text).alias(name)
    number = _number(column) if kind == pl.String else column
    return number.cast(SCHEMA[name], strict=False).alias(name)


def unread_columns(frame: pl.DataFrame) -> list[str]:
    """The columns that no column of SCHEMA is read from."""
    read = {_named(frame, name) for name in SCHEMA}
    return [column for column in frame.columns if column not in read]


def has_column(frame: pl.DataFrame, names: Sequence[str]) -> bool:
    """True where any of these columns of SCHEMA is read from a column of the frame."""
    return any(_named(frame, name) for name in names)


def _named(frame: pl.DataFrame, name: str) -> str | None:
    """The frame's name of a column, in any case; None where it has none."""
    known = {plain_name(column): column for column in frame.columns}
    return next((known[one] for one in (name, *ALSO_CALLED.get(name, ())) if one in known), None)


def plain_name(column: str) -> str:
    """The name of a column as it is compared: "Phone No." is phone_no."""
    return _BETWEEN_WORDS.sub("_", column.strip().lower()).strip("_")


def _as_list(column: pl.Expr, kind: pl.DataType) -> pl.Expr:
    """Cuisines as a list, from a list, a JSON array or text with commas, semicolons or bars."""
    if isinstance(kind, pl.List):
        return column.cast(pl.List(pl.String))
    plain = column.cast(pl.String).str.replace_all(r'[\[\]"]', "").str.replace_all(_SEPARATORS, "|").str.strip_chars()
    return pl.when(plain != "").then(plain.str.split("|"))


def _without_placeholders(frame: pl.DataFrame) -> pl.DataFrame:
    """The listings with null where a text stands for a blank."""
    columns = []
    for name in _TEXTS:
        texts = frame[name].filter(frame[name].str.contains(_MAY_BE_PLACEHOLDER)).unique()
        found = [text for text in texts if is_placeholder(text, may_be_name=is_name(name))]
        if found:
            columns.append(pl.when(~pl.col(name).is_in(found)).then(pl.col(name)).alias(name))
    return frame.with_columns(columns)


def _without_impossible(frame: pl.DataFrame) -> ListingTable:
    """The listings with both coordinates or none; 0/0 means unknown, values out of range are removed, and a latitude
    above 90 degrees that would be a longitude is exchanged with it."""
    north, east = pl.col("latitude"), pl.col("longitude")
    is_exchanged = north.abs().is_between(90, 180, closed="right") & east.is_between(-90, 90)
    exchanged = frame.filter(is_exchanged).height
    frame = frame.with_columns(
        pl.when(is_exchanged).then(east).otherwise(north).alias("latitude"),
        pl.when(is_exchanged).then(north).otherwise(east).alias("longitude"),
    )
    impossible = ~(north.is_between(-90, 90) & east.is_between(-180, 180)) | north.is_nan() | east.is_nan()
    count = frame.filter(impossible).height
    unusable = impossible | ((north == 0) & (east == 0)) | north.is_null() | east.is_null()
    usable = [pl.when(~unusable).then(column) for column in (north, east)]
    warnings = [f"{count:,} listings have coordinates out of range; they are left out"] if count else []
    if exchanged:
        warnings.append(f"{exchanged:,} listings have latitude and longitude in each other's place; they are exchanged")
    return ListingTable(frame.with_columns(usable), warnings)
