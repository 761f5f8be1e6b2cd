"""Agreement: verdicts on whether a listing agrees with the licence register and with other platforms.

What belongs here: the verdicts on each listing: true, false, or none where it cannot be judged.
`cross_platform_scores` computes the scores of a dataset from them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from math import hypot
from typing import Any, NamedTuple

import polars as pl
from rapidfuzz import fuzz

from sync_platform.matching.addresses import parse_addresses
from sync_platform.matching.parsed_address import ParsedAddress
from sync_platform.matching.phones import parse_phones
from sync_platform.matching.restaurant_names import parse_names
from sync_platform.quality.areas import METRES_PER_DEGREE, METRES_PER_DEGREE_EAST, find_area
from sync_platform.quality.geography import is_inside
from sync_platform.quality.opening_hours.stated_hours import read_hours
from sync_platform.unified.survivorship_rules import SAME_LOCATION_METRES, STREET_END

NAMES_AGREE = 80.0  # of 100, by rapidfuzz's ratio


class ComparedListing(NamedTuple):
    """The compared values of a listing."""

    source: str
    source_id: str
    name_en: str | None
    name_zh: str | None
    address_en: str | None
    address_zh: str | None
    district: str | None
    latitude: float | None
    longitude: float | None
    phone: str | None
    status: str | None
    licence_number: str | None
    cuisine_codes: list[str] | None
    broader_cuisine_codes: list[str] | None
    opening_hours: list[str] | None
    is_reference: bool


_Listings = Sequence[ComparedListing]
_Verdict = bool | None


def verdicts(listings: pl.DataFrame) -> pl.DataFrame:
    """The verdicts on live listings that are not second listings: `source`, `source_id`, and VERDICTS.

    `listings`: all listings of each restaurant, as for `golden.golden_records`.
    """
    live = listings.filter(pl.col("is_live") & ~pl.col("is_duplicate")).select(
        "restaurant_id", *ComparedListing._fields
    )
    schema: dict[str, Any] = {"source": pl.String, "source_id": pl.String, **dict.fromkeys(VERDICTS, pl.Boolean)}
    return pl.DataFrame(_verdict_rows(live), schema=schema, orient="row")


def _verdict_rows(live: pl.DataFrame) -> Iterator[tuple[Any, ...]]:
    for _, rows in live.group_by("restaurant_id", maintain_order=True):
        every = [ComparedListing(*row[1:]) for row in rows.iter_rows()]
        register = [listing for listing in every if listing.is_reference]
        listed = [listing for listing in every if not listing.is_reference]
        for listing in listed:
            others = [other for other in listed if other.source != listing.source]
            verdicts = [_in_its_district(listing)]
            verdicts += [
                _verdict_of_any(agrees(listing, licence) for licence in register) for agrees in _WITH_REGISTER.values()
            ]
            verdicts += [
                _verdict_of_most(agrees(listing, other) for other in others) for agrees in _WITH_OTHERS.values()
            ]
            yield (listing.source, listing.source_id, *verdicts)


def _verdict_of_any(verdicts: Iterator[_Verdict]) -> _Verdict:
    """True if any verdict is true; none where all are none."""
    known = [verdict for verdict in verdicts if verdict is not None]
    return any(known) if known else None


def _verdict_of_most(verdicts: Iterator[_Verdict]) -> _Verdict:
    """True if at least half of the known verdicts are true; none where all are none."""
    known = [verdict for verdict in verdicts if verdict is not None]
    return 2 * sum(known) >= len(known) if known else None


def _in_its_district(listing: ComparedListing) -> _Verdict:
    return is_inside(listing.district, listing.latitude, listing.longitude)


def _names_agree(listing: ComparedListing, licence: ComparedListing) -> _Verdict:
    """True if the names are similar in either script; none where they have no script in common."""
    listing_names = parse_names(listing.name_en or "", listing.name_zh or "")
    licence_names = parse_names(licence.name_en or "", licence.name_zh or "")
    alike = [
        fuzz.ratio(listing_name.core, licence_name.core) >= NAMES_AGREE
        for listing_name, licence_name in zip(listing_names, licence_names, strict=True)
        if listing_name.core and licence_name.core
    ]
    return any(alike) if alike else None


def _addresses_agree(listing: ComparedListing, licence: ComparedListing) -> _Verdict:
    """True if number and street are the same in either script, or else a shop number in two named buildings."""
    listing_addresses = parse_addresses(listing.address_en or "", listing.address_zh or "")
    licence_addresses = parse_addresses(licence.address_en or "", licence.address_zh or "")
    alike = [
        verdict
        for listing_address, licence_address in zip(listing_addresses, licence_addresses, strict=True)
        if (verdict := _same_premises(listing_address, licence_address)) is not None
    ]
    return any(alike) if alike else None


def _same_premises(first: ParsedAddress, second: ParsedAddress) -> _Verdict:
    if first.first and second.first and first.street and second.street:
        is_same_number = first.first <= second.last and second.first <= first.last
        return is_same_number and first.street[-STREET_END:] == second.street[-STREET_END:]
    if first.units and second.units and first.building and second.building:
        return not first.units.isdisjoint(second.units)
    return None


def _is_licensed(listing: ComparedListing, licence: ComparedListing) -> _Verdict:
    """True if the stated licence is the register's. A listing that states none but is open agrees with any licence."""
    if listing.licence_number:
        return listing.licence_number == licence.licence_number
    return True if listing.status == "open" else None


def _phones_agree(listing: ComparedListing, other: ComparedListing) -> _Verdict:
    phones, other_phones = parse_phones(listing.phone or ""), parse_phones(other.phone or "")
    return not set(phones).isdisjoint(other_phones) if phones and other_phones else None


def _districts_agree(listing: ComparedListing, other: ComparedListing) -> _Verdict:
    """True if both are the same district, or one lies within the other."""
    area, other_area = find_area(listing.district or ""), find_area(other.district or "")
    if area is None or other_area is None:
        return None
    return area is other_area or area.lies_within(other_area) or other_area.lies_within(area)


def _places_agree(listing: ComparedListing, other: ComparedListing) -> _Verdict:
    if listing.latitude is None or listing.longitude is None or other.latitude is None or other.longitude is None:
        return None
    north = (listing.latitude - other.latitude) * METRES_PER_DEGREE
    return hypot(north, (listing.longitude - other.longitude) * METRES_PER_DEGREE_EAST) <= SAME_LOCATION_METRES


def _trading_agrees(listing: ComparedListing, other: ComparedListing) -> _Verdict:
    return listing.status == other.status if listing.status and other.status else None


def _cuisines_agree(listing: ComparedListing, other: ComparedListing) -> _Verdict:
    """True if both have a cuisine in common, or a cuisine of one belongs to a broader one of the other."""
    codes, other_codes = listing.cuisine_codes, other.cuisine_codes
    if not codes or not other_codes:
        return None
    pairs = (
        (codes, other_codes),
        (listing.broader_cuisine_codes, other_codes),
        (codes, other.broader_cuisine_codes),
    )
    return any(not set(one or ()).isdisjoint(another or ()) for one, another in pairs)


def _hours_agree(listing: ComparedListing, other: ComparedListing) -> _Verdict:
    """True if both are open at the same times of the week; none where hours cannot be read."""
    hours, other_hours = read_hours(listing.opening_hours), read_hours(other.opening_hours)
    return hours.spans == other_hours.spans if hours and other_hours else None


_Agrees = Callable[[ComparedListing, ComparedListing], _Verdict]
_WITH_REGISTER: dict[str, _Agrees] = {
    "register_name": _names_agree,
    "register_address": _addresses_agree,
    "register_licence": _is_licensed,
}
_WITH_OTHERS: dict[str, _Agrees] = {
    "phone_across": _phones_agree,
    "district_across": _districts_agree,
    "place_across": _places_agree,
    "trading_across": _trading_agrees,
    "cuisines_across": _cuisines_agree,
    "hours_across": _hours_agree,
}
ACCURACY = {
    "geography": "coordinates in the stated district",
    "register_name": "the name is the licence register's",
    "register_address": "the address is the licence register's",
    "register_licence": "the licence is the register's; one that states none, and trades, has one",
}
CONSISTENCY = {
    "phone_across": "the telephone number is that of most other platforms",
    "district_across": "the district is that of most other platforms, or one lies within the other",
    "place_across": f"the coordinates are within {SAME_LOCATION_METRES} m of most other platforms'",
    "trading_across": "open or closed, as most other platforms say",
    "cuisines_across": "a cuisine is one that most other platforms name too, or one lies within the other",
    "hours_across": "the opening hours of the week are those of most other platforms",
}
VERDICTS = (*ACCURACY, *CONSISTENCY)
"""The names of the verdicts, in order; ACCURACY and CONSISTENCY describe each true verdict."""
