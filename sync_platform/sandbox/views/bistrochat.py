"""Bistrochat as the sandbox simulates it: venues, their social posts, and the day's events for the stream."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta
from functools import cached_property
from random import Random
from typing import Any, NamedTuple

import orjson

from sync_platform.sandbox.chance import arrivals, scramble
from sync_platform.sandbox.cursors import HONG_KONG, read_cursor, since_day, write_cursor
from sync_platform.sandbox.event_stream import StreamingView
from sync_platform.sandbox.people import draw_person
from sync_platform.sandbox.platform_view import PlatformEntry, TrueListing
from sync_platform.sandbox.record_formats import JsonRecord
from sync_platform.sandbox.spelling import (
    format_phone,
    moment_before,
    vary_address,
    vary_chinese,
    vary_coordinates,
    vary_english,
)
from sync_platform.sandbox.wire import ListAnswer, ListPage, RenderedRows, WireReply, WireRequest, list_answer

POSTS_PER_MONTH = 1.6
POSTS_KEPT = timedelta(days=90)
_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_CHANNELS = ("instagram", "facebook", "bistrochat", "bistrochat")
_TEXTS = {
    "en": (
        "Tonight's special: {dish}. Walk-ins welcome.",
        "Our {dish} is back on the menu!",
        "Thank you for a full house last night.",
        "Kitchen closes early on Monday.",
    ),
    "zh": ("今晚推介：{dish}。", "{dish}重新登場！", "多謝各位支持，昨晚全場爆滿。", "星期一提早收爐，敬請留意。"),
}


class Post(NamedTuple):
    """The `ordinal`-th post about an entry, on the day before `day`."""

    entry: PlatformEntry
    ordinal: int
    day: date

    @property
    def posted_at(self) -> str:
        return moment_before(self.day, self.entry.noise // 7 + self.ordinal * 131)


class Bistrochat(StreamingView):
    """Venues, and posts of the last three months, oldest first."""

    platform = "bistrochat"
    share = 0.155
    stream_path = "/v1/stream"

    def answer(self, request: WireRequest) -> WireReply | ListAnswer:
        if not self.is_admitted(request.headers):
            return self.refuse(401, "missing X-Api-Key")
        if request.path == "/v1/venues":
            return self._paged(self._venue_rows, b"venues", request, 50, JsonRecord("latitude", "name"))
        return self._posts(request) if request.path == "/v1/posts" else self.missing(request)

    def is_admitted(self, headers: Mapping[bytes, bytes]) -> bool:
        return bool(headers.get(b"x-api-key"))

    def truth(self) -> Iterator[TrueListing]:
        for entry in self.entries:
            yield TrueListing(entry.place, venue_slug(entry), entry.since, entry.until)

    @cached_property
    def _venue_rows(self) -> RenderedRows:
        return RenderedRows(self.listed, self._venue)

    def _venue(self, entry: PlatformEntry) -> bytes:
        place, stream = entry.place, entry.stream()
        name, premises = place.name(self.today), place.premises(self.today)
        latitude, longitude = vary_coordinates(stream, premises, 5, 80)
        opens, closes = f"{place.opens:02d}:00", f"{min(place.closes, 23):02d}:00"
        open_days = {day: [[opens, closes]] if number != place.rests_on else [] for number, day in enumerate(_DAYS, 1)}
        record: dict[str, Any] = {
            "slug": venue_slug(entry),
            "name": vary_english(stream, name.english, 0.3),
            "address": vary_address(stream, premises),
            "district": premises.area.english,
            "phone": format_phone(stream, place.phone),
            "latitude": latitude,
            "longitude": longitude,
            "cuisines": [kind.english for kind in place.cuisines],
            "hours": open_days,
            "url": f"https://bistrochat.example/{venue_slug(entry)}",
            "followers": int(place.popularity * 40 * (1 + (entry.updated_on(self.today) - entry.since).days / 200)),
        }
        if place.name(self.today).chinese and stream.random() < 0.6:
            record["name_zh"] = vary_chinese(stream, name, premises)
        if stream.random() < 0.4 and place.phone:
            record["whatsapp"] = f"+852{place.phone}"
        return orjson.dumps(record)

    @cached_property
    def _all_posts(self) -> list[tuple[str, Post]]:
        """(posted_at, post) of the posts still kept, oldest first; each quarter has its own random stream."""
        all_posts = []
        oldest = self.today - POSTS_KEPT
        for entry in self.listed:
            for quarter in range(oldest.toordinal() // 90, self.today.toordinal() // 90 + 1):
                first = max(entry.since, date.fromordinal(quarter * 90))
                last = min(self.today + timedelta(days=1), date.fromordinal((quarter + 1) * 90))
                days = arrivals(Random(entry.noise * 17 + quarter), first, last, POSTS_PER_MONTH)
                posts = (Post(entry, quarter % 100 * 100 + index, day) for index, day in enumerate(days))
                all_posts += [(post.posted_at, post) for post in posts if post.day > oldest]
        all_posts.sort(key=lambda pair: (pair[0], pair[1].entry.number, pair[1].ordinal))
        return all_posts

    @cached_property
    def _post_rows(self) -> RenderedRows:
        return RenderedRows(self._all_posts, lambda pair: orjson.dumps(write_post(pair[1])))

    def _posts(self, request: WireRequest) -> WireReply | ListAnswer:
        rows: Sequence[bytes] = self._post_rows
        if since := request.text("since"):
            moment = since_day(since)
            if not moment:
                return self.refuse(400, "since is not ISO 8601")
            rows = self._post_rows.choose(
                [position for position, (posted, _) in enumerate(self._all_posts) if posted >= moment]
            )
        return self._paged(rows, b"posts", request, 100, JsonRecord("likes", "text"))

    def _paged(
        self, rows: Sequence[bytes], key: bytes, request: WireRequest, most: int, record: JsonRecord
    ) -> WireReply | ListAnswer:
        offset = read_cursor(request.text("cursor"))
        if offset is None:
            return self.refuse(400, "cursor is not valid")

        def wrap(page: ListPage) -> bytes:
            return b'{"%b":[%b],"next":%b}' % (key, page.joined(), orjson.dumps(write_cursor(page.next_offset)))

        return list_answer(rows, offset, request.number("limit", most, 1, most), wrap, record)

    @cached_property
    def events(self) -> list[bytes]:
        """The last day's posts and venue updates as stream events, in order; ids sort as they happened."""
        yesterday = (self.today - timedelta(days=1)).isoformat()
        happened: list[tuple[str, str, Any]] = [
            (posted, "post", write_post(post)) for posted, post in self._all_posts if posted >= yesterday
        ]
        for position, entry in enumerate(self.listed):
            if entry.updated_on(self.today) == self.today:
                venue = orjson.loads(self._venue_rows[position])
                happened.append((moment_before(self.today, entry.noise), "venue", venue))
        happened.sort(key=lambda event: event[0])
        return [
            orjson.dumps({"event_id": f"{self.today:%Y%m%d}-{index:06d}", "type": kind, "data": data})
            for index, (_, kind, data) in enumerate(happened, 1)
        ]

    def live_event(self, sequence: int) -> bytes:
        event = orjson.loads(self.events[sequence % len(self.events)])
        event["event_id"] = f"{self.today:%Y%m%d}-{sequence:06d}"
        if event["type"] == "post":
            now = datetime.now(HONG_KONG).time().replace(microsecond=0)
            posted_at = f"{self.today}T{now}+08:00"
            event["data"] |= {"post_id": f"live-{event['event_id']}", "posted_at": posted_at, "likes": 0}
        return orjson.dumps(event)


def venue_slug(entry: PlatformEntry) -> str:
    """The platform's id of an entry."""
    words = entry.place.first_name.english.lower().replace("&", "").split()
    return f"{'-'.join(words)}-{scramble(entry.number, 2**21)}"


def write_post(post: Post) -> dict[str, Any]:
    """A post as sent."""
    entry, stream = post.entry, Random(post.entry.noise * 19 + post.ordinal)
    language = stream.choice(("en", "zh", "zh"))
    dish = stream.choice(entry.place.cuisines[0].dishes)
    author = draw_person(stream)
    number = entry.number * 10_000 + post.ordinal
    return {
        "post_id": f"p{number}",
        "slug": venue_slug(entry),
        "channel": stream.choice(_CHANNELS),
        "author": {"handle": author.handle, "display_name": f"{author.forename} {author.surname}"},
        "text": stream.choice(_TEXTS[language]).format(dish=dish.chinese if language == "zh" else dish.english),
        "lang": language,
        "posted_at": post.posted_at,
        "likes": int(entry.place.popularity * stream.randint(1, 40)),
        "comments": stream.randint(0, 9),
        "shares": stream.randint(0, 4),
        "hashtags": stream.sample(
            ("hkfood", "foodie", "852eats", "dimsum", "datenight", "香港美食"), stream.randint(0, 3)
        ),
        "media_urls": [f"https://media.bistrochat.example/{number}.jpg"] if stream.random() < 0.6 else [],
    }
