"""Chope: bookable restaurants and their reservations. The partner feed's shapes are ours to define."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Mapping
from datetime import datetime
from typing import Annotated, Any

import msgspec

from sync_platform.errors import AuthenticationFailed, ServerFailed
from sync_platform.sources.client import Reply
from sync_platform.sources.columns import Row, column
from sync_platform.sources.declaration import Attached, Dataset, Pace, Platform, Terms
from sync_platform.sources.decoding import Decoding, Identity
from sync_platform.sources.extraction import Extraction
from sync_platform.sources.paging import Slice, by_cursor
from sync_platform.sources.received import Page, records_of
from sync_platform.sources.rules import LATITUDE, LONGITUDE, PHONE, WEB_ADDRESS, InOrder, OneOf, Together, Within
from sync_platform.sources.values import coordinate, filled, moment
from sync_platform.vault.personal_fields import Personal

PAGE_SIZE = 100
OK = "A100"
_ABOUT_CREDENTIALS = re.compile(r"\b(unauthori[sz]ed|forbidden|bearer|token|credentials?|api key)\b", re.IGNORECASE)


class Listing(msgspec.Struct):
    """One restaurant as sent."""

    rid: Identity
    slug: str | None = None
    name: str | None = None
    name_zh: str | None = None
    address: str | None = None
    district: str | None = None
    lat: float | None = None
    lng: float | None = None
    cuisines: list[str] | None = None
    price_band: int | None = None
    phone: str | None = None
    min_party: int | None = None
    max_party: int | None = None
    url: str | None = None
    updated_at: str | None = None
    deleted: bool | None = None


class Booking(msgspec.Struct):
    """One reservation as sent, the guest's fields sealed."""

    reservation_id: Identity
    rid: Identity | None = None
    starts_at: str | None = None
    party_size: int | None = None
    status: str | None = None
    forename: str | None = None
    surname: str | None = None
    email: str | None = None
    mobile: str | None = None
    special_request: str | None = None
    updated_at: str | None = None


class Restaurant(Row):
    """One restaurant on Chope."""

    slug: Annotated[str | None, column("Name as it stands in the restaurant's web address")] = None
    name_en: Annotated[str | None, column("English name", matters=True)] = None
    name_zh: Annotated[str | None, column("Traditional Chinese name")] = None
    address_en: Annotated[str | None, column("English address", matters=True)] = None
    district: Annotated[str | None, column("District or neighbourhood as the platform names it", matters=True)] = None
    latitude: Annotated[float | None, column("Latitude", unit="degrees, WGS84", matters=True, rules=LATITUDE)] = None
    longitude: Annotated[float | None, column("Longitude", unit="degrees, WGS84", matters=True, rules=LONGITUDE)] = None
    cuisines: Annotated[list[str], column("Cuisines, in the platform's words", matters=True)] = []
    price_level: Annotated[
        int | None, column("Price level", unit="1 cheap to 4 dear", matters=True, rules=(Within(1, 4, hard=False),))
    ] = None
    phone: Annotated[str | None, column("Telephone as given", matters=True, rules=PHONE)] = None
    min_party_size: Annotated[int | None, column("Smallest party that can book", unit="guests", rules=(Within(1),))] = (
        None
    )
    max_party_size: Annotated[int | None, column("Largest party that can book", unit="guests", rules=(Within(1),))] = (
        None
    )
    url: Annotated[str | None, column("Booking page", rules=WEB_ADDRESS)] = None
    updated_at: Annotated[datetime | None, column("When the platform last changed the record", unit="UTC")] = None


class Reservation(Row):
    """One reservation at a restaurant."""

    restaurant_id: Annotated[
        str | None, column("The restaurant: `source_id` in chope.restaurants", matters=True, refers_to="restaurants")
    ] = None
    starts_at: Annotated[datetime | None, column("When the party is expected", unit="UTC", matters=True)] = None
    party_size: Annotated[int | None, column("Size of the party", unit="guests", matters=True, rules=(Within(1),))] = (
        None
    )
    status: Annotated[
        str | None,
        column(
            "What became of it: booked, seated, cancelled or no_show",
            matters=True,
            rules=(OneOf(("booked", "seated", "cancelled", "no_show")),),
        ),
    ] = None
    forename: Annotated[str | None, column("Guest's forename", sealed=True)] = None
    surname: Annotated[str | None, column("Guest's surname", sealed=True, matters=True)] = None
    email: Annotated[str | None, column("Guest's email address", sealed=True)] = None
    mobile: Annotated[str | None, column("Guest's mobile number", sealed=True, matters=True)] = None
    special_request: Annotated[str | None, column("What the guest asked for", sealed=True)] = None
    updated_at: Annotated[datetime | None, column("When the platform last changed the record", unit="UTC")] = None


def _restaurant(listing: Listing) -> Restaurant:
    return Restaurant(
        source_id=str(listing.rid),
        slug=filled(listing.slug),
        name_en=filled(listing.name),
        name_zh=filled(listing.name_zh),
        address_en=filled(listing.address),
        district=filled(listing.district),
        latitude=coordinate(listing.lat),
        longitude=coordinate(listing.lng),
        cuisines=listing.cuisines or [],
        price_level=listing.price_band,
        phone=filled(listing.phone),
        min_party_size=listing.min_party,
        max_party_size=listing.max_party,
        url=filled(listing.url),
        updated_at=moment(listing.updated_at),
    )


def _reservation(booking: Booking) -> Reservation:
    return Reservation(
        source_id=str(booking.reservation_id),
        restaurant_id=None if booking.rid is None else filled(str(booking.rid)),
        starts_at=moment(booking.starts_at),
        party_size=booking.party_size,
        status=filled(booking.status),
        forename=filled(booking.forename),
        surname=filled(booking.surname),
        email=filled(booking.email),
        mobile=filled(booking.mobile),
        special_request=filled(booking.special_request),
        updated_at=moment(booking.updated_at),
    )


class _Outcome(msgspec.Struct):
    code: str
    message: str = ""


class _Result(msgspec.Struct):
    items: list[Any]
    next_cursor: str | None = None
    total: int | None = None


class _Envelope(msgspec.Struct):
    result: _Result


def _read(reply: Reply) -> Slice:
    """A page of a list. Any code but A100 is an error whatever the HTTP status: only its text tells of what kind."""
    body = reply.json()
    outcome = reply.shaped(body, _Outcome)
    if outcome.code != OK:
        text = f"chope: {reply.url} answered code {outcome.code}: {outcome.message[:200]}"
        if outcome.code[1:] in ("401", "403") or _ABOUT_CREDENTIALS.search(outcome.message):
            raise AuthenticationFailed(f"{text}: check CHOPE_API_KEY")
        raise ServerFailed(text)
    result = reply.shaped(body, _Envelope).result
    return Slice(records_of(result.items), reply, total=result.total, next_cursor=result.next_cursor or None)


class Chope(Platform):
    """Restaurants and reservations behind cursors, with a delta by `updated_since`; errors told by `code`."""

    name = "chope"
    title = "Chope"
    description = "Restaurants that take bookings through Chope, and the reservations made there."
    live_base_url = "https://api.chope.co"
    cadence = "monthly"
    priority = "medium"
    terms = Terms("Chope partner agreement", "https://www.chope.co/hong-kong-restaurants/terms", agreement_needed=True)
    pace = Pace(requests_per_second=5, concurrency=4)
    has_delta = True
    datasets = (
        Dataset(
            "restaurants",
            "Restaurants that take bookings through Chope.",
            Restaurant,
            key=("rid",),
            decoding=Decoding(Listing, _restaurant),
            cursor="updated_at",
            deleted="deleted",
            bilingual=(("name_en", "name_zh"),),
            rules=(Together(("latitude", "longitude")), InOrder("min_party_size", "max_party_size")),
        ),
        Dataset(
            "reservations",
            "Reservations, with the guest's particulars sealed.",
            Reservation,
            key=("reservation_id",),
            decoding=Decoding(Booking, _reservation),
            personal=Personal(
                fields=("forename", "surname", "email", "mobile", "special_request"), subject=("email", "mobile")
            ),
            cursor="updated_at",
            attached=Attached(
                "reservations",
                {"starts_at": "starts_at", "party_size": "party_size", "status": "status", "guest": "surname"},
            ),
        ),
    )

    def headers(self, credentials: Mapping[str, str]) -> dict[str, str]:
        return {"Authorization": f"Bearer {credentials['api_key']}"}

    async def pages(self, extraction: Extraction) -> AsyncIterator[Page]:
        lists = {
            "restaurants": ("/v1/restaurants", {"country_code": "HK"}),
            "reservations": ("/v1/reservations", {}),
        }
        for dataset, (path, filters) in lists.items():
            if not extraction.wants(dataset):
                continue
            since = extraction.scope.since.get(dataset)
            params = {**filters, "limit": PAGE_SIZE, **({"updated_since": since} if since else {})}

            async def fetch(cursor: str | None, path: str = path, params: dict[str, Any] = params) -> Slice:
                wanted = {**params, "cursor": cursor} if cursor else params
                return await extraction.client.get(path, wanted, read=_read)

            async for page in by_cursor(extraction, dataset, fetch):
                yield page
