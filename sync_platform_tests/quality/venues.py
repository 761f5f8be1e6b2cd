"""A test platform whose declaration has every kind of rule and measure, and its records."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec

from sync_platform.sources.columns import Row, column
from sync_platform.sources.declaration import Dataset
from sync_platform.sources.decoding import Decoding
from sync_platform.sources.received import Record
from sync_platform.sources.rules import LATITUDE, LONGITUDE, PHONE, TRADING, InOrder, Together, Within

DISTRICTS = {"Mong Kok": (22.3193, 114.1694), "Central": (22.2819, 114.1582), "Sha Tin": (22.3815, 114.1875)}


class Venue(msgspec.Struct):
    """A record as sent."""

    id: int
    name: str | None = None
    name_zh: str | None = None
    address: str | None = None
    district: str | None = None
    lat: float | None = None
    lng: float | None = None
    phone: str | None = None
    status: str | None = None
    rating: float | None = None
    least: int | None = None
    most: int | None = None
    kind: str = "venue"


class VenueRow(Row):
    """A record as stored."""

    name_en: Annotated[str | None, column("English name", matters=True)] = None
    name_zh: Annotated[str | None, column("Chinese name", matters=True)] = None
    address_en: Annotated[str | None, column("Address", matters=True)] = None
    district: Annotated[str | None, column("District", matters=True)] = None
    latitude: Annotated[float | None, column("Latitude", rules=LATITUDE)] = None
    longitude: Annotated[float | None, column("Longitude", rules=LONGITUDE)] = None
    phone: Annotated[str | None, column("Telephone", matters=True, rules=PHONE)] = None
    status: Annotated[str | None, column("Whether it trades", rules=TRADING)] = None
    rating: Annotated[float | None, column("Rating", rules=(Within(0, 5),))] = None
    least: Annotated[int | None, column("Smallest party")] = None
    most: Annotated[int | None, column("Largest party")] = None


def _row(venue: Venue) -> VenueRow | None:
    if venue.kind != "venue":
        return None
    return VenueRow(
        source_id=str(venue.id),
        name_en=venue.name or None,
        name_zh=venue.name_zh or None,
        address_en=venue.address or None,
        district=venue.district,
        latitude=venue.lat,
        longitude=venue.lng,
        phone=venue.phone or None,
        status=venue.status,
        rating=venue.rating,
        least=venue.least,
        most=venue.most,
    )


VENUES = Dataset(
    "venues",
    "Places to eat.",
    VenueRow,
    key=("id",),
    decoding=Decoding(Venue, _row),
    bilingual=(("name_en", "name_zh"),),
    rules=(Together(("latitude", "longitude"), hard=True), InOrder("least", "most")),
)


def venues(count: int) -> list[Record]:
    """That many valid records."""
    return [_venue(number) for number in range(count)]


def _venue(number: int) -> dict[str, Any]:
    district = list(DISTRICTS)[number % len(DISTRICTS)]
    latitude, longitude = DISTRICTS[district]
    return {
        "id": number,
        "name": f"Noodle House {number}",
        "name_zh": f"麵家{number}",
        "address": f"{number} Station Road",
        "district": district,
        "lat": latitude,
        "lng": longitude,
        "phone": f"+852 2345 {number % 10000:04}",
        "status": "open",
        "rating": 4.5,
        "least": 1,
        "most": 8,
    }
