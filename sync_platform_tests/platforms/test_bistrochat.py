"""Bistrochat: cursors, posts since a moment, and opening hours."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from sync_platform.platforms.bistrochat import Bistrochat
from sync_platform.sandbox.city import City
from sync_platform.sources.scope import Scope

from .replay import exchange, over_sandbox, replay, to_row

BISTROCHAT = Bistrochat()
VENUES, POSTS = "/v1/venues", "/v1/posts"
DAY = [["11:30", "22:00"]]


def hours(given: dict[str, Any] | None) -> list[str]:
    row = msgspec.to_builtins(to_row(BISTROCHAT.dataset("restaurants"), {"slug": "a-1", "hours": given}))
    found: list[str] = row.get("opening_hours", [])
    return found


def test_every_venue_and_every_post_comes_once(city: City) -> None:
    replayed = over_sandbox(BISTROCHAT, city)
    slugs, posts = replayed.ids("restaurants"), replayed.ids("posts")
    assert sorted(slugs) == sorted(row.source_id for row in city.view("bistrochat").truth() if row.until > city.today)
    assert len(set(posts)) == len(posts) > 0
    assert {record["slug"] for record in replayed.records("posts")} <= set(slugs)


def test_hours_are_in_week_order() -> None:
    assert hours({"sun": DAY, "wed": DAY, "mon": DAY}) == ["mon 11:30-22:00", "wed 11:30-22:00", "sun 11:30-22:00"]


def test_a_day_with_two_periods_has_two_lines() -> None:
    assert hours({"fri": [["11:30", "15:00"], ["18:00", "02:00"]]}) == ["fri 11:30-15:00", "fri 18:00-02:00"]


def test_a_day_without_periods_is_closed_and_a_day_not_given_is_unknown() -> None:
    assert hours({"mon": [], "tue": None}) == ["mon closed"]
    assert hours(None) == []


def test_hours_that_are_not_a_pair_are_an_error_with_their_path() -> None:
    with pytest.raises(msgspec.ValidationError, match=r"\$\.hours"):
        hours({"mon": [["11:30"]]})


def test_an_incremental_sync_asks_for_posts_since_the_watermark_and_for_all_venues(city: City) -> None:
    since = "2026-11-01T00:00:00Z"
    replayed = over_sandbox(BISTROCHAT, city, scope=Scope("incremental", {"posts": since}))
    asked = {(request.url.path.rpartition("/")[2], request.url.params.get("since")) for request in replayed.requests}
    assert asked == {("venues", None), ("posts", since)}
    assert replayed.ids("restaurants") == over_sandbox(BISTROCHAT, city).ids("restaurants")
    assert 0 < len(replayed.ids("posts")) < len(over_sandbox(BISTROCHAT, city).ids("posts"))
    assert {name: replayed.reasons(name) for name in replayed.gaps} == {"restaurants": [], "posts": []}


def test_a_full_sync_asks_for_no_moment(city: City) -> None:
    replayed = over_sandbox(BISTROCHAT, city)
    assert not any("since" in request.url.params for request in replayed.requests)


@pytest.mark.parametrize(("dataset", "path"), [("restaurants", "venues"), ("posts", "posts")])
def test_a_cursor_that_never_ends_is_reported_and_no_longer_followed(city: City, dataset: str, path: str) -> None:
    replayed = over_sandbox(BISTROCHAT, city, [f"bistrochat:endless-cursor~{path}"])
    assert "the cursor never ends" in " ".join(replayed.reasons(dataset))
    assert len(replayed.requests) < 50


def test_a_lost_page_of_venues_is_reported_and_the_posts_are_still_fetched() -> None:
    replayed = replay(BISTROCHAT, [exchange(VENUES, {}, status=500), exchange(POSTS, {"posts": [{"post_id": "p1"}]})])
    assert "1 page failed" in replayed.reasons("restaurants")[0]
    assert (replayed.ids("posts"), replayed.reasons("posts")) == (["p1"], [])


def test_where_only_ids_are_allowed_only_venues_are_requested(city: City) -> None:
    replayed = over_sandbox(BISTROCHAT, city, datasets=["restaurants"])
    assert {request.url.path for request in replayed.requests} == {"/bistrochat/v1/venues"}
