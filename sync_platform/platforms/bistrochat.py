"""Bistrochat: venues and what is posted about them. The partner feed's shapes are ours to define."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from datetime import datetime
from typing import Annotated, Any

import msgspec

from sync_platform.sources.client import Reply
from sync_platform.sources.columns import Row, column
from sync_platform.sources.declaration import Attached, Dataset, Pace, Platform, Terms
from sync_platform.sources.decoding import Decoding
from sync_platform.sources.extraction import Extraction
from sync_platform.sources.paging import Slice, by_cursor
from sync_platform.sources.received import Page, records_of
from sync_platform.sources.rules import COUNT, LATITUDE, LONGITUDE, PHONE, WEB_ADDRESS, OneOf, Together
from sync_platform.sources.values import coordinate, filled, moment
from sync_platform.vault.personal_fields import Personal

VENUE_ROWS = 50
POST_ROWS = 100
WEEK = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


class Venue(msgspec.Struct):
    """One venue as sent; `hours` has opening and closing times per day, none for a day of rest."""

    slug: str
    name: str | None = None
    name_zh: str | None = None
    address: str | None = None
    district: str | None = None
    phone: str | None = None
    whatsapp: str | None = None
    latitude: float | None = None
    longitude: float | None = None
    cuisines: list[str] | None = None
    hours: dict[str, list[tuple[str, str]] | None] | None = None
    url: str | None = None
    followers: int | None = None


class Author(msgspec.Struct):
    handle: str | None = None
    display_name: str | None = None


class Message(msgspec.Struct):
    """One post as sent, its author and text sealed."""

    post_id: str
    slug: str | None = None
    channel: str | None = None
    author: Author | None = None
    text: str | None = None
    lang: str | None = None
    posted_at: str | None = None
    likes: int | None = None
    comments: int | None = None
    shares: int | None = None
    hashtags: list[str] | None = None
    media_urls: list[str] | None = None


class Restaurant(Row):
    """One venue on Bistrochat."""

    name_en: Annotated[str | None, column("English name", matters=True)] = None
    name_zh: Annotated[str | None, column("Traditional Chinese name")] = None
    address_en: Annotated[str | None, column("English address", matters=True)] = None
    district: Annotated[str | None, column("District or neighbourhood as the platform names it", matters=True)] = None
    latitude: Annotated[float | None, column("Latitude", unit="degrees, WGS84", matters=True, rules=LATITUDE)] = None
    longitude: Annotated[float | None, column("Longitude", unit="degrees, WGS84", matters=True, rules=LONGITUDE)] = None
    phone: Annotated[str | None, column("Telephone as given", matters=True, rules=PHONE)] = None
    whatsapp: Annotated[str | None, column("WhatsApp number as given", rules=PHONE)] = None
    cuisines: Annotated[list[str], column("Cuisines, in the platform's words", matters=True)] = []
    opening_hours: Annotated[
        list[str], column("Per period, Monday first: `mon 11:30-22:00`; `sun closed` for a day without any")
    ] = []
    url: Annotated[str | None, column("Page on Bistrochat", rules=WEB_ADDRESS)] = None
    follower_count: Annotated[int | None, column("Users who follow the venue", rules=COUNT)] = None


class Post(Row):
    """One post about a venue, on any of its channels."""

    restaurant_id: Annotated[
        str | None, column("The venue: `source_id` in bistrochat.restaurants", matters=True, refers_to="restaurants")
    ] = None
    channel: Annotated[str | None, column("Where it was posted: instagram, facebook or bistrochat", matters=True)] = (
        None
    )
    author_handle: Annotated[str | None, column("Author's handle", sealed=True, matters=True)] = None
    author_name: Annotated[str | None, column("Author's name as shown", sealed=True)] = None
    text: Annotated[str | None, column("Text", sealed=True, matters=True)] = None
    language: Annotated[str | None, column("Language of the text: en or zh", rules=(OneOf(("en", "zh")),))] = None
    hashtags: Annotated[list[str], column("Hashtags, without their sign")] = []
    media_urls: Annotated[list[str], column("Pictures and films posted with it")] = []
    like_count: Annotated[int | None, column("Likes", rules=COUNT)] = None
    comment_count: Annotated[int | None, column("Comments", rules=COUNT)] = None
    share_count: Annotated[int | None, column("Times it was shared", rules=COUNT)] = None
    posted_at: Annotated[datetime | None, column("When it was posted", unit="UTC", matters=True)] = None


def _restaurant(venue: Venue) -> Restaurant:
    return Restaurant(
        source_id=venue.slug,
        name_en=filled(venue.name),
        name_zh=filled(venue.name_zh),
        address_en=filled(venue.address),
        district=filled(venue.district),
        latitude=coordinate(venue.latitude),
        longitude=coordinate(venue.longitude),
        phone=filled(venue.phone),
        whatsapp=filled(venue.whatsapp),
        cuisines=_filled(venue.cuisines),
        opening_hours=_hours(venue.hours or {}),
        url=filled(venue.url),
        follower_count=venue.followers,
    )


def _post(message: Message) -> Post:
    author = message.author or Author()
    return Post(
        source_id=message.post_id,
        restaurant_id=filled(message.slug),
        channel=filled(message.channel),
        author_handle=filled(author.handle),
        author_name=filled(author.display_name),
        text=filled(message.text),
        language=filled(message.lang),
        hashtags=_filled(message.hashtags),
        media_urls=_filled(message.media_urls),
        like_count=message.likes,
        comment_count=message.comments,
        share_count=message.shares,
        posted_at=moment(message.posted_at),
    )


def _filled(texts: list[str] | None) -> list[str]:
    return [text for text in map(filled, texts or []) if text]


def _hours(days: Mapping[str, list[tuple[str, str]] | None]) -> list[str]:
    """One line per period in week order; a day that is given without periods is closed, one not given is unknown."""
    lines = []
    for day in WEEK:
        periods = days.get(day)
        if periods is not None:
            lines += [f"{day} {'-'.join(period)}" for period in periods] or [f"{day} closed"]
    return lines


class _Venues(msgspec.Struct):
    venues: list[Any]
    next: str | None = None


class _Posts(msgspec.Struct):
    posts: list[Any]
    next: str | None = None


def _read_venues(reply: Reply) -> Slice:
    found = reply.json_as(_Venues)
    return Slice(records_of(found.venues), reply, next_cursor=found.next or None)


def _read_posts(reply: Reply) -> Slice:
    found = reply.json_as(_Posts)
    return Slice(records_of(found.posts), reply, next_cursor=found.next or None)


class Bistrochat(Platform):
    """Venues and posts behind cursors; the posts have a delta by `since`."""

    name = "bistrochat"
    title = "Bistrochat"
    description = "Restaurants' social presence: venues, and what they and their guests post."
    live_base_url = "https://api.bistrochat.com"
    cadence = "monthly"
    priority = "low"
    terms = Terms("Bistrochat partner agreement", "https://www.bistrochat.com/terms", agreement_needed=True)
    pace = Pace(requests_per_second=5, concurrency=2)
    has_delta = True
    datasets = (
        Dataset(
            "restaurants",
            "Venues on Bistrochat.",
            Restaurant,
            key=("slug",),
            decoding=Decoding(Venue, _restaurant),
            volatile=frozenset({"follower_count"}),
            bilingual=(("name_en", "name_zh"),),
            rules=(Together(("latitude", "longitude")),),
        ),
        Dataset(
            "posts",
            "Posts about those venues, authors and texts sealed.",
            Post,
            key=("post_id",),
            decoding=Decoding(Message, _post),
            personal=Personal(fields=("author.handle", "author.display_name", "text"), subject=("author.handle",)),
            volatile=frozenset({"like_count", "comment_count", "share_count"}),
            cursor="posted_at",
            attached=Attached(
                "posts",
                {
                    "channel": "channel",
                    "author": "author_name",
                    "text": "text",
                    "language": "language",
                    "likes": "like_count",
                    "posted_at": "posted_at",
                },
            ),
        ),
    )

    def headers(self, credentials: Mapping[str, str]) -> dict[str, str]:
        return {"X-Api-Key": credentials["api_key"]}

    async def pages(self, extraction: Extraction) -> AsyncIterator[Page]:
        async def venues(cursor: str | None) -> Slice:
            params: dict[str, Any] = {"city": "hong-kong", "limit": VENUE_ROWS, **_at(cursor)}
            return await extraction.client.get("/v1/venues", params, read=_read_venues)

        async def posts(cursor: str | None) -> Slice:
            params: dict[str, Any] = {"limit": POST_ROWS, **_at(cursor)}
            if since := extraction.scope.since.get("posts"):
                params["since"] = since
            return await extraction.client.get("/v1/posts", params, read=_read_posts)

        async for page in by_cursor(extraction, "restaurants", venues):
            yield page
        if extraction.wants("posts"):
            async for page in by_cursor(extraction, "posts", posts):
                yield page


def _at(cursor: str | None) -> dict[str, str]:
    return {"cursor": cursor} if cursor else {}
