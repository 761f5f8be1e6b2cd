"""TripAdvisor: omitted ids, locations that are not restaurants, lists without pagination, reviews since a day."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from sync_platform.platforms.tripadvisor import TripAdvisor
from sync_platform.sandbox.city import City
from sync_platform.sources.scope import Scope

from .replay import exchange, over_sandbox, replay, to_row

TRIPADVISOR = TripAdvisor()
SEARCH, LOCATIONS = "/locations/search", "/locations"


def places(*numbers: int, kind: str = "RESTAURANT") -> list[dict[str, Any]]:
    """Locations without ratings."""
    unrated = {"overall": {"count": 0}}
    return [{"id": number, "categories": [kind], "traveler_ratings": unrated} for number in numbers]


def test_reviews_are_requested_for_a_location_that_does_not_count_its_ratings() -> None:
    uncounted = [{"id": 1, "categories": ["RESTAURANT"]}]
    replayed = replay(
        TRIPADVISOR,
        [
            exchange(SEARCH, {"data": uncounted, "pagination": of(1)}),
            exchange(LOCATIONS, {"data": uncounted}),
            exchange(f"{LOCATIONS}/1/reviews", {"data": [{"id": 7}], "pagination": of(1)}),
        ],
    )
    assert replayed.ids("reviews") == ["7"]
    assert replayed.reasons("reviews") == []


def of(total: int) -> dict[str, int]:
    return {"page": 1, "size": 20, "total_pages": -(-total // 20), "total_elements": total}


def test_silently_omitted_ids_are_reported() -> None:
    replayed = replay(
        TRIPADVISOR,
        [
            exchange(SEARCH, {"data": places(1, 2, 3), "pagination": of(3)}),
            exchange(LOCATIONS, {"data": places(1, 3)}),
        ],
    )
    assert replayed.gaps["restaurants"].omitted_ids == ["2"]
    assert any("left out: 2" in reason for reason in replayed.reasons("restaurants"))


def test_every_omitted_id_of_the_sandbox_is_reported(city: City) -> None:
    replayed = over_sandbox(TRIPADVISOR, city, ["tripadvisor:omitted-ids"], datasets=["restaurants"])
    got, omitted = set(replayed.ids("restaurants")), set(replayed.gaps["restaurants"].omitted_ids)
    assert got
    assert omitted
    assert len(got | omitted) == replayed.gaps["restaurants"].claimed


def test_locations_that_are_no_restaurants_are_neither_requested_nor_kept() -> None:
    replayed = replay(
        TRIPADVISOR,
        [
            exchange(SEARCH, {"data": places(1, 2) + places(9, kind="HOTEL"), "pagination": of(3)}),
            exchange(LOCATIONS, {"data": places(1) + places(2, kind="ATTRACTION")}, id=["1", "2"]),
        ],
    )
    assert [row.source_id for row in replayed.rows("restaurants")] == ["1"]
    assert replayed.reasons("restaurants") == []


def test_a_search_that_lists_less_than_it_claims_is_reported() -> None:
    replayed = replay(
        TRIPADVISOR,
        [
            exchange(SEARCH, {"data": places(1, 2), "pagination": of(7)}),
            exchange(LOCATIONS, {"data": places(1, 2)}),
        ],
    )
    assert replayed.reasons("restaurants") == ["the search claims 7 locations and lists 2"]


def test_a_location_without_an_id_is_landed_as_listed_and_what_belongs_to_it_is_missing() -> None:
    nameless: dict[str, Any] = {"id": None, "categories": ["RESTAURANT"]}
    listed = [*places(1), nameless, {"id": "", "categories": ["HOTEL"]}]
    replayed = replay(
        TRIPADVISOR,
        [exchange(SEARCH, {"data": listed, "pagination": of(3)}), exchange(LOCATIONS, {"data": places(1)})],
    )
    assert nameless in replayed.records("restaurants")
    assert len(replayed.records("restaurants")) == 2
    assert replayed.reasons("restaurants") == []
    assert replayed.gaps["restaurants"].parts.are_all_known
    assert replayed.reasons("reviews") == ["of 2 restaurants 1 came, and what belongs to the others is missing"]


def test_a_search_without_pagination_is_read_until_a_page_is_empty() -> None:
    replayed = replay(
        TRIPADVISOR,
        [
            exchange(SEARCH, {"data": places(*range(1, 21))}, page=1),
            exchange(SEARCH, {"data": places(21)}, page=2),
            exchange(SEARCH, {"data": []}, page=3),
            exchange(LOCATIONS, {"data": places(*range(1, 22))}),
        ],
    )
    assert len(replayed.ids("restaurants")) == 21
    assert replayed.reasons("restaurants") == []


def test_a_search_without_pagination_that_never_ends_is_reported_and_ended() -> None:
    endless = places(*range(1, 21))
    replayed = replay(TRIPADVISOR, [exchange(SEARCH, {"data": endless}), exchange(LOCATIONS, {"data": endless})])
    assert replayed.reasons("restaurants") == ["the search repeats at page 2 what came before it"]


def test_locations_are_requested_in_batches_of_fifty_in_both_languages(city: City) -> None:
    replayed = over_sandbox(TRIPADVISOR, city, datasets=["restaurants"])
    batches = [request.url.params for request in replayed.requests if request.url.path.endswith("/locations")]
    assert max(len(params.get_list("id")) for params in batches) <= 50
    assert all(params.get_list("locale") == ["en", "zh_HK"] for params in batches)
    assert any(row.name_zh for row in replayed.rows("restaurants"))  # type: ignore[attr-defined]


def test_a_delta_asks_for_reviews_since_the_watermarks_day(city: City) -> None:
    whole = over_sandbox(TRIPADVISOR, city)
    recent = over_sandbox(TRIPADVISOR, city, scope=Scope("incremental", {"reviews": "2026-08-01T05:00:00+00:00"}))
    assert 0 < len(recent.ids("reviews")) < len(whole.ids("reviews"))
    assert all(record["publish_ts"] >= "2026-08-01" for record in recent.records("reviews"))
    assert recent.reasons("reviews") == whole.reasons("reviews") == []


def test_without_an_agreement_no_review_is_requested(city: City) -> None:
    replayed = over_sandbox(TRIPADVISOR, city, datasets=["restaurants"])
    assert TRIPADVISOR.terms.without_agreement == "ids"
    assert not any("reviews" in request.url.path for request in replayed.requests)


def test_lost_reviews_leave_the_restaurants_complete(city: City) -> None:
    replayed = over_sandbox(TRIPADVISOR, city, ["tripadvisor:500~reviews"])
    assert replayed.reasons("restaurants") == []
    assert "failed" in replayed.reasons("reviews")[0]


def test_a_latitude_that_becomes_text_is_an_error_with_its_path() -> None:
    record = {"id": 1, "coordinates": {"latitude": "ask the staff"}}
    with pytest.raises(msgspec.ValidationError, match=r"\$\.coordinates\.latitude`"):
        to_row(TRIPADVISOR.dataset("restaurants"), record)


def test_reviews_that_never_end_are_reported_and_ended(city: City) -> None:
    replayed = over_sandbox(TRIPADVISOR, city, ["tripadvisor:endless-cursor~reviews"])
    assert "repeats at page 2 what came before it" in " ".join(replayed.reasons("reviews"))
    assert replayed.reasons("restaurants") == []


def test_reviews_of_restaurants_that_are_missing_count_as_missing(city: City) -> None:
    replayed = over_sandbox(TRIPADVISOR, city, ["tripadvisor:omitted-ids"])
    assert "and what belongs to the others is missing" in replayed.reasons("reviews")[0]


@pytest.mark.parametrize(
    "sent",
    [
        [{"name": "Restaurant"}],
        [{"code": "RESTAURANT", "name": "餐廳"}],
        [{"id": "restaurant"}, {"name": "Bar"}],
        {"value": "RESTAURANT"},
        "Restaurant",
        ["Bar", "RESTAURANT"],
    ],
)
def test_a_restaurant_is_one_in_whatever_form_its_categories_come(sent: Any) -> None:
    listed = [{**places(1)[0], "categories": sent}]
    replayed = replay(
        TRIPADVISOR,
        [exchange(SEARCH, {"data": listed, "pagination": of(1)}), exchange(LOCATIONS, {"data": listed})],
    )
    assert [row.source_id for row in replayed.rows("restaurants")] == ["1"]
    assert [row.cuisines for row in replayed.rows("restaurants")] in ([[]], [["Bar"]])  # type: ignore[attr-defined]
    assert replayed.reasons("restaurants") == []
    assert replayed.extraction.state.left_out["restaurants"] == 0


@pytest.mark.parametrize("unreadable", [{}, None, "", [], 1.5, {"name": {"en": "Restaurant"}}])
def test_a_location_with_a_category_that_cannot_be_read_is_not_left_out(unreadable: Any) -> None:
    listed = [{**places(1)[0], "categories": [unreadable, "Bar"]}]
    replayed = replay(
        TRIPADVISOR,
        [exchange(SEARCH, {"data": listed, "pagination": of(1)}), exchange(LOCATIONS, {"data": listed})],
        datasets=["restaurants"],
    )
    assert [row.source_id for row in replayed.rows("restaurants")] == ["1"]


def test_a_search_whose_locations_are_all_left_out_is_a_fault() -> None:
    hotels = places(*range(1, 8), kind="Hotel") + places(8, 9, kind="Sight")
    replayed = replay(TRIPADVISOR, [exchange(SEARCH, {"data": hotels, "pagination": of(9)})], datasets=["restaurants"])
    assert replayed.gaps["restaurants"].findings == [
        "all 9 locations were left out: none of their categories is RESTAURANT (they are 7 Hotel, 2 Sight)"
    ]
    assert replayed.extraction.state.left_out["restaurants"] == 9


def test_a_few_locations_that_are_left_out_are_only_counted() -> None:
    listed = places(1, 2, 3) + places(9, kind="HOTEL")
    replayed = replay(
        TRIPADVISOR,
        [exchange(SEARCH, {"data": listed, "pagination": of(4)}), exchange(LOCATIONS, {"data": listed[:3]})],
    )
    assert replayed.reasons("restaurants") == []
    assert replayed.extraction.state.left_out["restaurants"] == 1


def test_a_total_as_text_is_read_and_reported() -> None:
    page = {**of(8446), "total_elements": "8,446", "total_pages": "1"}
    replayed = replay(
        TRIPADVISOR,
        [exchange(SEARCH, {"data": places(1), "pagination": page}), exchange(LOCATIONS, {"data": places(1)})],
    )
    assert replayed.reasons("restaurants") == ["the search claims 8,446 locations and lists 1"]
    readings = replayed.extraction.state.loose_readings["restaurants"]
    assert {reading.path for reading in readings} == {"pagination.total_elements", "pagination.total_pages"}


def test_a_day_or_times_that_are_not_given_are_unknown() -> None:
    periods = [{"day_of_week": "MONDAY", "opens": "11:00", "closes": None}, {"opens": "11:00", "closes": "22:00"}]
    row = to_row(TRIPADVISOR.dataset("restaurants"), {"id": 1, "opening_hours": {"periods": periods}})
    assert msgspec.to_builtins(row)["opening_hours"] == ["MONDAY unknown", "unknown 11:00-22:00"]
