"""Bistrochat: venues and posts about them, in lists with cursors. We define the shapes of the partner feed.

Special: opening hours come as periods per day; lists have no total, so only the pages themselves show a gap; posts are
listed for three months.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated

from sync_platform.sources.authentication import KeyHeader
from sync_platform.sources.columns import Row, column, reference, sent_as
from sync_platform.sources.declaration import Attachment, Dataset, Pace, Platform, Terms, Window
from sync_platform.sources.endpoints import CursorPaging, Endpoint
from sync_platform.sources.personal_processing import PUBLISHED_POSTS
from sync_platform.sources.place import Place
from sync_platform.sources.rules import COUNT, HOURS, PHONE, WEB_ADDRESS, OneOf, Together
from sync_platform.sources.values import filled_texts, hours_of_days
from sync_platform.vault.personal_fields import Personal, PersonalKind

VENUES = CursorPaging(size=50, next_cursor="next")
DAYS_LISTED = 90
"""How many days a post is listed."""
POSTS = CursorPaging(size=100, next_cursor="next")
LANGUAGES = (OneOf(("en", "zh")),)


class Restaurant(Row):
    """One venue on Bistrochat."""

    name_en: Annotated[Place.NameEn, sent_as("name")] = None
    name_zh: Place.NameZh = None
    address_en: Annotated[Place.AddressEn, sent_as("address")] = None
    district: Place.District = None
    latitude: Place.Latitude = None
    longitude: Place.Longitude = None
    phone: Place.Phone = None
    whatsapp: Annotated[str | None, column("WhatsApp number as given", rules=PHONE)] = None
    cuisines: Annotated[Place.Cuisines, sent_as(convert=filled_texts)] = []
    opening_hours: Annotated[
        list[str],
        column("Per period, Monday first: `mon 11:30-22:00`; `sun closed` for a day without any", rules=HOURS),
        sent_as("hours", convert=hours_of_days),
    ] = []
    url: Annotated[str | None, column("Page on Bistrochat", rules=WEB_ADDRESS)] = None
    follower_count: Annotated[int | None, column("Users who follow the venue", rules=COUNT), sent_as("followers")] = (
        None
    )


class Post(Row):
    """One post about a venue, on any of its channels, its author and text sealed."""

    restaurant_id: Annotated[str | None, reference("The venue", "bistrochat.restaurants"), sent_as("slug")] = None
    channel: Annotated[str | None, column("Where it was posted: instagram, facebook or bistrochat", matters=True)] = (
        None
    )
    author_handle: Annotated[
        str | None, column("Author's handle", sealed=True, matters=True), sent_as("author.handle")
    ] = None
    author_name: Annotated[
        str | None, column("Author's name as shown", sealed=True), sent_as("author.display_name")
    ] = None
    text: Annotated[str | None, column("Text", sealed=True, matters=True)] = None
    language: Annotated[str | None, column("Language of the text: en or zh", rules=LANGUAGES), sent_as("lang")] = None
    hashtags: Annotated[
        list[str], column("Hashtags, without their sign", is_set=True, is_free_text=True), sent_as(convert=filled_texts)
    ] = []
    media_urls: Annotated[list[str], column("Pictures and films posted with it"), sent_as(convert=filled_texts)] = []
    like_count: Annotated[int | None, column("Likes", rules=COUNT), sent_as("likes")] = None
    comment_count: Annotated[int | None, column("Comments", rules=COUNT), sent_as("comments")] = None
    share_count: Annotated[int | None, column("Times it was shared", rules=COUNT), sent_as("shares")] = None
    posted_at: Annotated[datetime | None, column("When it was posted", unit="UTC", matters=True)] = None


class Bistrochat(Platform):
    """Venues and posts in lists with cursors; the posts have a delta by `since`."""

    name = "bistrochat"
    title = "Bistrochat"
    description = "Restaurants' social presence: venues, and what they and their guests post."
    live_base_url = "https://api.bistrochat.com"
    cadence = "monthly"
    priority = "low"
    terms = Terms("Bistrochat partner agreement", "https://www.bistrochat.com/terms", agreement_needed=True)
    pace = Pace(requests_per_second=5, concurrency=2)
    authentication = KeyHeader("X-Api-Key")
    has_delta = True
    delta_overlap = timedelta(days=2)  # posts are collected from other channels
    datasets = (
        Dataset(
            "restaurants",
            "Venues on Bistrochat.",
            Restaurant,
            key=("slug",),
            volatile=frozenset({"follower_count"}),
            bilingual=(("name_en", "name_zh"),),
            rules=(Together(("latitude", "longitude")),),
        ),
        Dataset(
            "posts",
            "Posts about those venues, authors and texts sealed.",
            Post,
            key=("post_id",),
            personal=Personal(
                {
                    "author.handle": PersonalKind.handle,
                    "author.display_name": PersonalKind.name,
                    "text": PersonalKind.text,
                },
                subject=("author.handle",),
                processing=PUBLISHED_POSTS,
            ),
            volatile=frozenset({"like_count", "comment_count", "share_count"}),
            cursor="posted_at",
            window=Window("posted_at", DAYS_LISTED),
            attached=Attachment("posts", {"author": "author_name", "likes": "like_count"}),
        ),
    )
    endpoints = (
        Endpoint("restaurants", "/v1/venues", records="venues", paging=VENUES, params={"city": "hong-kong"}),
        Endpoint("posts", "/v1/posts", records="posts", paging=POSTS, since="since"),
    )
