"""OpenRice: the capped search with the cap of 250, over the sandbox and over odd answers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date
from typing import Any

import httpx
import msgspec
import pytest

from sync_platform.errors import Throttled
from sync_platform.platforms.openrice import OpenRice
from sync_platform.sandbox.city import City
from sync_platform.sandbox.views.openrice import OpenRice as Played

from .replay import over_sandbox, run, to_row

OPENRICE = OpenRice()
ONLY = ["restaurants"]
FILTERS = ("districtId", "priceRangeId", "cuisineId", "dishId")
Poi = dict[str, Any]


@pytest.fixture(scope="module")
def large_city() -> City:
    """A city of which OpenRice lists six times as many restaurants as the cap."""
    return City(2000, today=date(2026, 11, 24))


def shown(city: City) -> int:
    view = city.view("openrice")
    assert isinstance(view, Played)
    return len(view.shown)


class Site:
    """OpenRice over a list of POIs: districts 1 and 2, region -9 of both, cuisines 7 and 8, dish 70, a cap of 250.

    `orders`: for each order that differs from the default one, the key that it sorts by.
    """

    def __init__(
        self,
        pois: list[Poi],
        districts: tuple[int, ...] = (1, 2, -9),
        orders: Mapping[str, Callable[[Poi], int]] | None = None,
    ) -> None:
        self.pois, self.districts, self.orders = pois, districts, orders or {}

    def __call__(self, request: httpx.Request) -> httpx.Response:
        if "metadata" in request.url.path:
            categories = {"cuisine": [{"categoryId": 7}, {"categoryId": 8}], "dish": [{"categoryId": 70}]}
            districts = [{"districtId": number} for number in self.districts]
            return httpx.Response(200, json={"districts": districts, "categories": categories})
        params = request.url.params
        chosen = [poi for poi in self.pois if self._matches(poi, params)]
        if params["sortBy"] in self.orders:
            chosen = sorted(chosen, key=self.orders[params["sortBy"]])
        start = (int(params["page"]) - 1) * 15
        page = {"count": len(chosen), "results": chosen[:250][start : start + 15]}
        return httpx.Response(200, json={"searchResult": {"paginationResult": page}})

    @staticmethod
    def _matches(poi: Poi, params: httpx.QueryParams) -> bool:
        wanted = {name: int(params[name]) for name in FILTERS if name in params}
        category_ids = {category["categoryId"] for category in poi["categories"]}
        return (
            wanted.get("districtId", -9) in (poi["district"]["districtId"], -9)
            and wanted.get("priceRangeId", poi.get("priceRangeId")) == poi.get("priceRangeId")
            and category_ids >= {wanted[name] for name in ("cuisineId", "dishId") if name in wanted}
        )


def pois(count: int, *, start: int = 1, district: int = 1, price: int | None = 2, cuisine: int | None = 7) -> list[Poi]:
    categories = [{"categoryTypeId": 1, "categoryId": cuisine}] if cuisine else []
    shared = {"district": {"districtId": district}, "categories": categories}
    priced = {"priceRangeId": price} if price else {}
    return [{"poiId": number, **shared, **priced} for number in range(start, start + count)]


def sweep(listed: list[Poi], **options: Any) -> Any:
    return run(OPENRICE, httpx.MockTransport(Site(listed, **options)), datasets=ONLY)


def test_slices_find_every_restaurant_of_a_city_over_the_cap(large_city: City) -> None:
    replayed = over_sandbox(OPENRICE, large_city, datasets=ONLY)
    ids = replayed.ids("restaurants")
    assert len(set(ids)) == len(ids) == shown(large_city) == replayed.gaps["restaurants"].claimed
    assert replayed.reasons("restaurants") == []


def test_no_page_beyond_the_cap_is_requested(large_city: City) -> None:
    replayed = over_sandbox(OPENRICE, large_city, datasets=ONLY)
    assert max(int(request.url.params.get("page", "1")) for request in replayed.requests) <= 17


def test_overlapping_regions_are_not_requested_if_the_districts_list_all(large_city: City) -> None:
    replayed = over_sandbox(OPENRICE, large_city, datasets=ONLY)
    assert not any(request.url.params.get("districtId", "").startswith("-") for request in replayed.requests)


def test_a_cap_lower_than_announced_is_met_by_finer_slices(large_city: City) -> None:
    replayed = over_sandbox(OPENRICE, large_city, ["openrice:cap"], datasets=ONLY)
    assert len(set(replayed.ids("restaurants"))) == shown(large_city)
    assert replayed.reasons("restaurants") == []


def test_a_district_over_the_cap_is_split_by_price_then_cuisine() -> None:
    listed = pois(200, price=2) + pois(200, start=1000, price=3, cuisine=7) + pois(200, start=2000, price=3, cuisine=8)
    replayed = sweep(listed)
    assert len(set(replayed.ids("restaurants"))) == 600
    assert replayed.reasons("restaurants") == []


def test_a_slice_that_cannot_be_split_below_the_cap_is_named() -> None:
    replayed = sweep(pois(300) + pois(20, start=1000, district=2))
    assert replayed.gaps["restaurants"].capped_slices[0] == "districtId=1 priceRangeId=2 cuisineId=7: 250 of 300"
    assert len(set(replayed.ids("restaurants"))) == 270
    assert "the source claims 320 records, 270 came" in replayed.reasons("restaurants")


@pytest.mark.parametrize("odd", [None, "Central", 7, [], {}, {"districtId": None, "categoryId": "many"}])
def test_a_filter_value_that_cannot_be_read_does_not_stop_the_search(odd: Any) -> None:
    site = Site(pois(200) + pois(200, start=1000, district=2))

    def answer(request: httpx.Request) -> httpx.Response:
        answered = site(request)
        if "metadata" not in request.url.path:
            return answered
        values = answered.json()
        for listed in (values["districts"], values["categories"]["cuisine"]):
            listed.insert(0, odd)
        values["categories"]["amenity"] = odd
        return httpx.Response(200, json=values)

    replayed = run(OPENRICE, httpx.MockTransport(answer), datasets=ONLY)
    assert len(set(replayed.ids("restaurants"))) == 400
    assert replayed.reasons("restaurants") == []


def test_a_slice_that_cannot_be_split_is_asked_again_in_other_orders_until_all_are_found() -> None:
    orders = {"ConsumeDesc": lambda poi: -poi["poiId"], "BookmarkedDesc": lambda poi: abs(poi["poiId"] - 350)}
    replayed = sweep(pois(700) + pois(20, start=1000, district=2), orders=orders)
    assert len(set(replayed.ids("restaurants"))) == 720
    assert replayed.reasons("restaurants") == []


def test_no_other_order_is_asked_for_where_the_slices_list_all(large_city: City) -> None:
    replayed = over_sandbox(OPENRICE, large_city, datasets=ONLY)
    assert {request.url.params.get("sortBy", "Default") for request in replayed.requests} == {"Default"}


def test_restaurants_without_a_price_are_found_by_the_query_of_the_whole_district() -> None:
    replayed = sweep(pois(30, price=None) + pois(240, start=1000, price=1))
    assert len(set(replayed.ids("restaurants"))) == 270
    assert replayed.reasons("restaurants") == []


def test_restaurants_without_a_cuisine_are_found_by_another_order_of_their_price_range() -> None:
    replayed = sweep(pois(260) + pois(30, start=1000, cuisine=None), orders={"ConsumeDesc": lambda poi: -poi["poiId"]})
    assert len(set(replayed.ids("restaurants"))) == 290
    assert replayed.reasons("restaurants") == []


def test_restaurants_without_a_cuisine_are_found_by_their_dish() -> None:
    without_cuisine = pois(30, start=1000, cuisine=None)
    for poi in without_cuisine:
        poi["categories"] = [{"categoryTypeId": 2, "categoryId": 70}]
    replayed = sweep(pois(200) + pois(60, start=500, cuisine=8) + without_cuisine)
    assert len(set(replayed.ids("restaurants"))) == 290
    assert replayed.reasons("restaurants") == []


def test_unreachable_restaurants_without_a_cuisine_are_reported() -> None:
    replayed = sweep(pois(260) + pois(30, start=1000, cuisine=None))
    assert replayed.gaps["restaurants"].capped_slices
    assert len(set(replayed.ids("restaurants"))) < 290


def test_regions_are_requested_if_the_districts_do_not_list_all() -> None:
    replayed = sweep(pois(200) + pois(100, start=1000, district=5, price=4), districts=(1, 2, -9))
    assert len(set(replayed.ids("restaurants"))) == 300
    assert replayed.reasons("restaurants") == []


def test_a_lost_page_is_reported_and_the_others_are_read(large_city: City) -> None:
    replayed = over_sandbox(OPENRICE, large_city, ["openrice:500*2~districtId=2001"], datasets=ONLY)
    assert "failed" in replayed.reasons("restaurants")[0]
    assert len(set(replayed.ids("restaurants"))) > 1000


def test_html_in_place_of_data_is_a_wall(city: City) -> None:
    with pytest.raises(Throttled, match="HTML"):
        over_sandbox(OPENRICE, city, ["openrice:html"])


def test_reviews_are_requested_only_for_restaurants_that_have_some(city: City) -> None:
    replayed = over_sandbox(OPENRICE, city)
    reviewed = {str(record["poiId"]) for record in replayed.records("restaurants") if record["reviewCount"]}
    asked = {request.url.path.split("/")[-2] for request in replayed.requests if "/reviews" in request.url.path}
    assert asked == reviewed
    assert replayed.reasons("reviews") == []


def test_a_latitude_that_becomes_text_is_an_error_with_its_path() -> None:
    with pytest.raises(msgspec.ValidationError, match=r"\$\.mapLatitude`"):
        to_row(OPENRICE.dataset("restaurants"), {"poiId": 1, "mapLatitude": "ask the staff"})


def test_times_lose_their_seconds_alone_and_a_day_without_a_number_is_unknown() -> None:
    days = [
        {"dayOfWeek": 1, "period1Start": "9:00:00", "period1End": "21:30:00"},
        {"dayOfWeek": None, "period1Start": "11:00:00", "period1End": "22:00"},
    ]
    row = to_row(OPENRICE.dataset("restaurants"), {"poiId": 1, "poiHours": days})
    assert msgspec.to_builtins(row)["opening_hours"] == ["1 9:00-21:30", "unknown 11:00-22:00"]
