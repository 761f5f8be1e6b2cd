"""Restaurants as the API answers them."""

from __future__ import annotations

from datetime import date, datetime
from functools import lru_cache
from typing import Any

from pydantic import Field

from sync_platform.api.envelope import AnswerPage, ApiModel
from sync_platform.unified.open_moments import intervals_in
from sync_platform.unified.restaurant_record import RestaurantRecord
from sync_platform.unified.restaurant_search import FoundRestaurants


class OpeningInterval(ApiModel):
    """Hours of one day, Hong Kong time as HH:MM. `day`: Mo to Su, PH (public holidays) or PH -1 day (their eves).

    `number`: the place of the interval within the day, from 1. A closed day has one interval, without times.
    """

    day: str
    number: int
    opens: str | None
    closes: str | None = Field(description="24:00 is midnight at the end of the day.")
    is_past_midnight: bool = Field(description="It closes on the next day.")
    is_closed: bool


@lru_cache(maxsize=5_000)
def opening_intervals(text: str | None) -> list[OpeningInterval] | None:
    """The intervals by day of hours in OpenStreetMap's syntax; None where they are not known."""
    intervals = intervals_in(text)
    return None if intervals is None else [OpeningInterval.model_validate(each) for each in intervals]


class RestaurantSummary(ApiModel):
    """A restaurant in a list. `phone`: E.164, `; ` between several. `openingHoursOsm`: in OpenStreetMap's syntax.

    `area`, `district`, `neighbourhood` and `cuisines` are codes of the reference tables; the names follow in both
    languages. `districtEvidence`: what names the district.
    """

    restaurant_id: str
    name_en: str | None
    name_zh: str | None
    branch_en: str | None
    branch_zh: str | None
    address_en: str | None
    address_zh: str | None
    area: str | None
    area_en: str | None
    area_zh: str | None
    district: str | None
    district_en: str | None
    district_zh: str | None
    neighbourhood: str | None
    neighbourhood_en: str | None
    neighbourhood_zh: str | None
    district_evidence: list[str] | None
    latitude: float | None
    longitude: float | None
    phone: str | None
    phones: list[str] | None
    cuisines: list[str] | None
    cuisines_en: list[str] | None
    cuisines_zh: list[str] | None
    price_level: int | None
    price_min_hkd: int | None = Field(description="Lowest price per head.")
    price_max_hkd: int | None = Field(description="Highest price per head; null where there is no upper end.")
    opening_hours_osm: str | None
    opening_hours: list[OpeningInterval] | None
    website: str | None
    status: str | None
    licence_state: str | None
    platforms: list[str] | None
    rating: float | None
    review_count: int | None
    last_changed_at: datetime
    is_open_now: bool | None = Field(description="By its hours; null where they are not known.")
    distance_m: float | None = Field(None, description="From the point that was searched near; null without one.")


class RestaurantPage(AnswerPage[RestaurantSummary]):
    """A page of restaurants. `total`: how many there are on all pages."""

    total: int


def restaurant_page(results: FoundRestaurants, next_cursor: str | None) -> RestaurantPage:
    """A page of the results of a search."""
    items = [{**row, "opening_hours": opening_intervals(row["opening_hours_osm"])} for row in results.rows]
    return RestaurantPage.model_validate({"items": items, "next_cursor": next_cursor, "total": results.total})


class StatedValue(ApiModel):
    """What another listing states for a field."""

    source: str
    source_id: str | None = None
    value: Any = None
    agrees: bool | None = None


class FieldOrigin(ApiModel):
    """The source of a field: the platform and the listing, the rule that chose it, and what the others state."""

    field: str
    value: Any
    stated: Any = Field(description="What the listing states; null where it is written as the value.")
    platform: str | None
    source_id: str | None
    rule: str | None
    words: str | None
    others: list[StatedValue]


class MemberAnswer(ApiModel):
    """A listing of the restaurant. `decidedBy`: alone, evidence, source or person."""

    platform: str
    dataset: str
    source_id: str
    is_live: bool | None
    is_second_listing: bool | None
    decided_by: str | None
    linked_to: str | None
    probability: float | None


class OfferAnswer(ApiModel):
    """A dish, or a promotion."""

    platform: str
    dataset: str
    source_id: str
    kind: str | None
    title_en: str | None
    title_zh: str | None
    category: str | None
    price_min_hkd: float | None
    price_max_hkd: float | None
    discount_pct: int | None
    starts_at: datetime | None
    is_available: bool | None


class RestaurantAnswer(RestaurantSummary):
    """A restaurant with the source of each field. `asked`: the id of the request, which may be that of a merged one.

    `reviewCounts`: by platform, how many reviews are stored.
    """

    asked: str
    licence_number: str | None
    licence_expires_on: date | None
    founded_at: datetime | None
    provenance: list[FieldOrigin]
    members: list[MemberAnswer]
    offers: list[OfferAnswer]
    review_counts: dict[str, int]


def restaurant_answer(record: RestaurantRecord, *, is_open_now: bool | None) -> RestaurantAnswer:
    """A restaurant as it was read."""
    return RestaurantAnswer.model_validate(
        {
            **record.values,
            "opening_hours": opening_intervals(record.values["opening_hours_osm"]),
            "is_open_now": is_open_now,
            "asked": record.asked,
            "provenance": [_origin(field, why) for field, why in record.fields.items()],
            "members": record.members,
            "offers": record.offers,
            "review_counts": record.reviews,
        }
    )


def _origin(field: str, why: dict[str, Any]) -> FieldOrigin:
    return FieldOrigin(
        field=field,
        value=why.get("value"),
        stated=why.get("stated"),
        platform=why.get("source"),
        source_id=why.get("source_id"),
        rule=why.get("rule"),
        words=why.get("words"),
        others=[StatedValue.model_validate(each) for each in why.get("others") or []],
    )
