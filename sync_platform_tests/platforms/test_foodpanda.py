"""Foodpanda: the grid crawl, over the sandbox and over points that fail, disagree or never end."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from datetime import date
from random import Random
from typing import Any

import httpx
import msgspec
import pytest

from sync_platform.errors import Throttled
from sync_platform.platforms import foodpanda
from sync_platform.platforms.foodpanda import Foodpanda
from sync_platform.sandbox.city import City
from sync_platform.sources.columns import Row
from sync_platform.sources.grid import Grid
from sync_platform.sources.received import Record

from .replay import Replayed, over_sandbox, run, to_row

FOODPANDA = Foodpanda()
WHOLE_GRID = foodpanda.GRID
TOWN = Grid(south=22.24, north=22.36, west=114.10, east=114.24, step=WHOLE_GRID.step)
"""A part of the grid, in which most vendors are: a crawl of 42 points instead of 1050."""
ONLY = ["restaurants"]
POINTS = 1050
JORDAN, ITS_POINT = (22.3051, 114.1702), (22.31, 114.17)
Answer = Callable[[float, float, int], Iterable[Record] | int]


@pytest.fixture(autouse=True)
def town(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(foodpanda, "GRID", TOWN)


@pytest.fixture
def whole_grid(town: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(foodpanda, "GRID", WHOLE_GRID)


@pytest.fixture(scope="module")
def large_city() -> City:
    """A city whose busy points list several pages."""
    return City(2000, today=date(2026, 11, 24))


def vendor(code: str, at: tuple[float, float] = JORDAN, **more: Any) -> Record:
    return {"code": code, "latitude": at[0], "longitude": at[1], **more}


def sweep(answer: Answer, count: int | None = None, shuffled_by: int | None = None) -> Replayed:
    """The grid crawl over points that answer with records or a status, for (latitude, longitude, offset).

    `count`: the total that points claim; `shuffled_by`: the seed that makes some points answer later than others.
    """
    stream = Random(shuffled_by)

    async def handle(request: httpx.Request) -> httpx.Response:
        params = request.url.params
        if shuffled_by is not None:
            await asyncio.sleep(stream.random() / 200)
        answered = answer(float(params["latitude"]), float(params["longitude"]), int(params["offset"]))
        if isinstance(answered, int):
            return httpx.Response(answered)
        items = list(answered)
        available = len(items) if count is None else count
        body = {"items": items, "returned_count": len(items), "available_count": available}
        return httpx.Response(200, json={"data": body})

    return run(FOODPANDA, httpx.MockTransport(handle), datasets=ONLY)


def row(record: Record) -> Any:
    made_row = to_row(FOODPANDA.dataset("restaurants"), record)
    assert isinstance(made_row, Row)
    return made_row


def lasting(replayed: Replayed) -> dict[str, Record]:
    """The records by code, without the fields that depend on the clock."""
    records = {record["code"]: record for record in replayed.records("restaurants")}
    for record in records.values():
        record["metadata"].pop("available_in")
    return records


@pytest.mark.usefixtures("whole_grid")
def test_the_grid_finds_every_vendor_there_is_and_each_once(large_city: City) -> None:
    replayed = over_sandbox(FOODPANDA, large_city, datasets=ONLY)
    truth = large_city.view("foodpanda").truth()
    today = large_city.today
    assert sorted(replayed.ids("restaurants")) == sorted(
        one.source_id for one in truth if one.since <= today < one.until
    )
    assert replayed.reasons("restaurants") == []
    assert replayed.gaps["restaurants"].claimed == len(replayed.ids("restaurants"))


@pytest.mark.usefixtures("whole_grid")
def test_the_grid_leaves_no_part_of_hong_kongs_box_farther_than_a_mile_from_a_point() -> None:
    asked = {(float(one.url.params["latitude"]), float(one.url.params["longitude"])) for one in sweep(empty).requests}
    assert len(asked) == POINTS
    stream = Random(1)
    for _ in range(300):
        north, east = stream.uniform(22.0, 22.6), stream.uniform(113.8, 114.5)
        nearest = min(((north - one[0]) * 111.32) ** 2 + ((east - one[1]) * 103.3) ** 2 for one in asked)
        assert nearest < 1.6**2


def test_two_sweeps_give_identical_records(large_city: City) -> None:
    first, second = (over_sandbox(FOODPANDA, large_city, datasets=ONLY) for _ in range(2))
    assert lasting(first) == lasting(second)


def test_the_order_of_answers_does_not_affect_which_points_record_is_used() -> None:
    def answer(latitude: float, longitude: float, offset: int) -> list[Record]:
        fee = round(abs(latitude - 22.3) * 1000 + abs(longitude - 114.17) * 100, 3)
        return [vendor("a1b2", minimum_delivery_fee=fee), vendor("c3d4", (0, 0), minimum_delivery_fee=fee)]

    sweeps = [sweep(answer, shuffled_by=seed).records("restaurants") for seed in (None, 1, 2)]
    assert [sorted(map(str, records)) for records in sweeps] == [sorted(map(str, sweeps[0]))] * 3


def test_the_record_of_the_nearest_point_is_used() -> None:
    def answer(latitude: float, longitude: float, offset: int) -> list[Record]:
        return [vendor("a1b2", distance=f"{latitude},{longitude}")]

    assert [record["distance"] for record in sweep(answer).records("restaurants")] == ["22.31,114.17"]


@pytest.mark.parametrize("at", [(0, 0), (21.5, 114.17), (None, None), ("22.3", "114.17")])
def test_a_vendor_without_a_location_in_hong_kong_is_listed_once_too(at: Any) -> None:
    replayed = sweep(lambda latitude, longitude, offset: [vendor("a1b2", at)])
    assert replayed.ids("restaurants") == ["a1b2"]
    assert replayed.reasons("restaurants") == []


def test_a_failing_point_is_reported_as_a_gap_and_the_others_are_read() -> None:
    def answer(latitude: float, longitude: float, offset: int) -> list[Record] | int:
        return 500 if (latitude, longitude) == ITS_POINT else [vendor("a1b2"), vendor("c3d4", (22.25, 114.13))]

    replayed = sweep(answer)
    assert "1 page failed" in replayed.reasons("restaurants")[0]
    assert "latitude=22.31&longitude=114.17" in replayed.reasons("restaurants")[0]
    assert sorted(replayed.ids("restaurants")) == ["a1b2", "c3d4"]


def test_a_point_that_lists_fewer_than_it_counts_is_named() -> None:
    replayed = sweep(lambda latitude, longitude, offset: [vendor("a1b2")], count=2)
    assert "the point 22.25,114.11 ends at 1 of 2 vendors" in " ".join(replayed.reasons("restaurants"))


def test_a_list_cut_at_half_is_noticed(city: City) -> None:
    reasons = over_sandbox(FOODPANDA, city, ["foodpanda:half~latitude=22.31&longitude=114.17"], datasets=ONLY)
    assert len(reasons.gaps["restaurants"].part_findings) == 1
    assert "the point 22.31,114.17 ends at" in reasons.gaps["restaurants"].part_findings[0]


@pytest.mark.parametrize("fault", ["endless-cursor", "repeated-page"])
def test_pages_that_never_end_are_reported_and_ended(large_city: City, fault: str) -> None:
    replayed = over_sandbox(FOODPANDA, large_city, [f"foodpanda:{fault}~latitude=22.31"], datasets=ONLY)
    assert "repeats at offset" in " ".join(replayed.reasons("restaurants"))
    assert len(replayed.requests) < 9 * len(TOWN)


def test_a_list_ends_with_its_total_although_the_source_would_repeat_its_page() -> None:
    ticks = iter(range(10**9))

    def answer(latitude: float, longitude: float, offset: int) -> list[Record]:
        if (latitude, longitude) != ITS_POINT:
            return []
        return [vendor(f"v{number}", metadata={"available_in": str(next(ticks))}) for number in range(48)]

    replayed = sweep(answer)
    assert replayed.reasons("restaurants") == []
    assert len(set(replayed.ids("restaurants"))) == 48


def test_two_records_of_one_vendor_in_one_answer_both_land() -> None:
    replayed = sweep(lambda latitude, longitude, offset: [vendor("a1b2", name="A"), vendor("a1b2", name="B")], count=1)
    assert [record["name"] for record in replayed.records("restaurants")] == ["A", "B"]
    assert replayed.reasons("restaurants") == []


def test_a_record_without_a_code_is_reported() -> None:
    def answer(latitude: float, longitude: float, offset: int) -> list[Record]:
        return [{"name": "Nobody"}] if (latitude, longitude) == ITS_POINT else []

    found = sweep(answer)
    assert found.reasons("restaurants") == ["vendors without an id were listed 1 times"]


def test_html_in_place_of_data_is_a_wall(city: City) -> None:
    with pytest.raises(Throttled, match="HTML"):
        over_sandbox(FOODPANDA, city, ["foodpanda:html"])


def test_reviews_are_requested_only_for_restaurants_that_have_some(city: City) -> None:
    replayed = over_sandbox(FOODPANDA, city)
    reviewed = {record["code"] for record in replayed.records("restaurants") if record["review_number"]}
    asked = {request.url.path.rpartition("/")[2] for request in replayed.requests if "/reviews/" in request.url.path}
    assert asked == reviewed == {record["vendorCode"] for record in replayed.records("reviews")}
    assert replayed.reasons("reviews") == []


def test_ratings_claim_no_reviews_and_nothing_proves_that_a_list_of_reviews_is_whole(city: City) -> None:
    replayed = over_sandbox(FOODPANDA, city, ["foodpanda:half~/reviews/"])
    gaps = replayed.gaps["reviews"]
    assert gaps.claimed is None
    assert gaps.parts.unproven
    assert replayed.reasons("restaurants") == []


def test_reviews_of_vendors_that_may_be_missing_may_be_missing_too(city: City) -> None:
    replayed = over_sandbox(FOODPANDA, city, ["foodpanda:500*2~latitude=22.31&longitude=114.17"])
    assert "what belongs to the missing restaurants is missing too" in replayed.reasons("reviews")


def test_where_only_ids_are_allowed_no_reviews_are_requested(city: City) -> None:
    replayed = over_sandbox(FOODPANDA, city, datasets=ONLY)
    assert not any("/reviews/" in request.url.path for request in replayed.requests)


@pytest.mark.parametrize(
    ("sent", "name", "is_extended"),
    [
        ("Lucky Kee [Extended Delivery]", "Lucky Kee", True),
        ("Lucky Kee (Jordan) (extended delivery)", "Lucky Kee (Jordan)", True),
        ("好運記【Extended Delivery】 ", "好運記", True),
        ("Lucky Kee [Jordan]", "Lucky Kee [Jordan]", False),
        ("Extended Family Kitchen", "Extended Family Kitchen", False),
        ("[Extended Delivery]", None, True),
        (" ", None, None),
    ],
)
def test_the_mark_of_a_second_listing_becomes_a_column(sent: str, name: str | None, is_extended: bool | None) -> None:
    found = row({"code": "a1b2", "name": sent})
    assert (found.name_en, found.is_extended_listing) == (name, is_extended)


@pytest.mark.parametrize(
    ("is_active", "is_temporary_closed", "status"),
    [
        (True, False, "open"),
        (True, True, "temporarily_closed"),
        (False, True, "closed"),
        (None, True, "temporarily_closed"),
        (None, None, None),
    ],
)
def test_the_status_follows_both_flags(is_active: Any, is_temporary_closed: Any, status: str | None) -> None:
    metadata = {"is_temporary_closed": is_temporary_closed}
    assert row({"code": "a1b2", "is_active": is_active, "metadata": metadata}).status == status


def test_fields_that_depend_on_the_point_or_the_hour_change_no_row() -> None:
    here, there = (
        {"code": "a1b2", "name": "A", "distance": away, "area": {"name": str(away)}, "metadata": {"available_in": at}}
        for away, at in ((0.4, "2026-11-24T11:15:00+0800"), (3.9, "2026-11-24T11:30:00+0800"))
    )
    assert row(here) == row(there)
    assert FOODPANDA.dataset("restaurants").volatile == {"is_delivery_available", "is_pickup_available"}


def test_a_latitude_that_becomes_text_is_an_error_with_its_path() -> None:
    with pytest.raises(msgspec.ValidationError, match=r"\$\.latitude`"):
        row({"code": "a1b2", "latitude": "ask the staff"})


def empty(latitude: float, longitude: float, offset: int) -> list[Record]:
    return []
