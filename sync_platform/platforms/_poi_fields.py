"""The parts of an OpenRice point of interest (POI) that come as codes or lists, and the columns made of them."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from sync_platform.placeholders import without_placeholders
from sync_platform.sources.values import filled, filled_texts

PRICE_RANGES = {1: "below 50", 2: "51-100", 3: "101-200", 4: "201-400", 5: "401-800", 6: "above 800"}
UNKNOWN = "unknown"
STATUSES = {10: "open", 3: "closed", 4: "closed"}
CUISINE, DISH, AMENITY = 1, 2, 3


class Category(msgspec.Struct, rename="camel"):
    category_type_id: int | None = None
    category_id: int | None = None
    name: str | None = None


class Hours(msgspec.Struct, rename="camel"):
    day_of_week: int | None = None
    period1_start: str | None = None
    period1_end: str | None = None
    period2_start: str | None = None
    period2_end: str | None = None
    is_close: bool | None = None


def first_phone(phones: list[str] | None) -> str | None:
    return next(iter(without_placeholders(filled_texts(phones))), None)


def id_text(number: int | None) -> str | None:
    return None if number is None else str(number)


def moved_to(poi_id: int | str | None) -> str | None:
    return str(poi_id) if poi_id not in (None, 0, "0", "") else None


def price_range(level: int | None) -> str | None:
    return PRICE_RANGES.get(level or 0)


def names_of(type_id: int) -> Callable[[list[Category] | None], list[str]]:
    def names(categories: list[Category] | None) -> list[str]:
        return [
            name
            for category in categories or []
            if category.category_type_id == type_id and (name := filled(category.name))
        ]

    return names


def opening_hours(days: list[Hours] | None) -> list[str]:
    """One line per period; a day without hours that is not closed is `unknown`, and so is a day without a number."""
    return [
        f"{UNKNOWN if day.day_of_week is None else day.day_of_week} {hours}"
        for day in days or []
        for hours in _hours(day)
    ]


def _hours(day: Hours) -> list[str]:
    if day.is_close:
        return ["closed"]
    periods = ((day.period1_start, day.period1_end), (day.period2_start, day.period2_end))
    return [f"{_clock(start)}-{_clock(end)}" for start, end in periods if start and end] or [UNKNOWN]


def _clock(time: str) -> str:
    """The time without its seconds."""
    return ":".join(time.split(":")[:2])
