"""Each platform's happy path: shapes, paging, filters and credentials."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from sync_platform.sandbox.city import City
from sync_platform.sandbox.views import view_names

from .conftest import TODAY, Client

POIS = "/openrice/api/pois?uiCity=hongkong&uiLang="
VENDORS = "/foodpanda/listing/api/v1/pandora/vendors"


def pois(client: Client, query: str) -> Any:
    return client.json(POIS + query)["searchResult"]["paginationResult"]


def test_openrice_swaps_the_names_with_the_language(client: Client) -> None:
    english, chinese = (pois(client, f"{language}&page=1")["results"][0] for language in ("en", "zh"))
    assert english["name"] == chinese["nameOtherLang"]
    assert english["address"] == chinese["addressOtherLang"]


def test_openrice_counts_all_restaurants_but_lists_250(client: Client) -> None:
    pages = [pois(client, f"en&page={page}") for page in range(1, 20)]
    assert pages[0]["count"] > 1000
    assert pages[0]["totalReturnCount"] == 250
    assert sum(len(page["results"]) for page in pages) == 250


def test_a_page_beyond_the_cap_is_empty(client: Client) -> None:
    assert pois(client, "en&page=18")["results"] == []


def test_openrice_slices_cover_everything(client: Client) -> None:
    table = client.json("/openrice/api/v2/metadata/region/all?uiLang=en&uiCity=hongkong")
    ids: set[int] = set()
    for district in table["districts"]:
        if district["districtId"] < 0:
            continue
        count, page = 1, 1
        while (page - 1) * 15 < count:
            answer = pois(client, f"en&districtId={district['districtId']}&page={page}")
            ids |= {poi["poiId"] for poi in answer["results"]}
            count, page = answer["count"], page + 1
            assert count <= 250
    assert len(ids) == pois(client, "en")["count"]


@pytest.mark.parametrize("kind, number", [("cuisine", 1), ("dish", 2), ("amenity", 3)])
def test_openrice_filters_by_price_and_each_kind_of_category(client: Client, kind: str, number: int) -> None:
    category = client.json("/openrice/api/v2/metadata/region/all")["categories"][kind][0]["categoryId"]
    listed_pois = pois(client, f"en&priceRangeId=1&{kind}Id={category}")["results"]
    assert listed_pois
    for poi in listed_pois:
        assert poi["priceRangeId"] == 1
        assert category in [one["categoryId"] for one in poi["categories"] if one["categoryTypeId"] == number]


def test_openrice_regions_overlap_districts(client: Client) -> None:
    regions = [pois(client, f"en&districtId={number}")["count"] for number in (-9001, -9002, -9003)]
    assert sum(regions) == pois(client, "en")["count"]


def test_openrice_reviews_match_their_count(client: Client) -> None:
    poi = max(pois(client, "en")["results"], key=lambda one: one["reviewCount"])
    reviews = client.json(f"/openrice/api/v2/poi/{poi['poiId']}/reviews?rows=2&startAt=0")
    assert reviews["count"] == poi["reviewCount"]
    assert len(reviews["results"]) == min(2, reviews["count"])


def test_tripadvisor_leaves_absent_fields_out(client: Client) -> None:
    found = client.json("/tripadvisor/locations/search?page=1&size=20&locale=en&locale=zh_HK")
    assert None not in [value for location in found["data"] for value in location.values()]
    assert any("phone_numbers" not in location for location in found["data"])
    assert found["pagination"]["total_pages"] == -(-found["pagination"]["total_elements"] // 20)


def test_tripadvisor_also_lists_some_hotels(client: Client) -> None:
    pages = [client.json(f"/tripadvisor/locations/search?category=RESTAURANT&page={page}") for page in range(1, 20)]
    kinds = {location["categories"][0] for page in pages for location in page["data"]}
    assert kinds == {"RESTAURANT", "HOTEL", "ATTRACTION"}


def test_tripadvisor_refuses_large_pages_as_a_problem(client: Client) -> None:
    response = client.get("/tripadvisor/locations/search?size=21")
    assert response.status_code == 400
    assert response.headers["content-type"] == "application/problem+json"


def test_tripadvisor_omits_unknown_ids(client: Client) -> None:
    known = client.json("/tripadvisor/locations/search")["data"][0]["id"]
    locations = client.json(f"/tripadvisor/locations?id={known}&id=1")["data"]
    assert [location["id"] for location in locations] == [known]


def test_tripadvisor_refuses_more_than_50_ids(client: Client) -> None:
    assert client.get("/tripadvisor/locations?" + "&".join(["id=1"] * 51)).status_code == 400


def test_tripadvisor_reviews_after_a_day(client: Client) -> None:
    day = (TODAY - timedelta(days=60)).isoformat()
    for location in client.json("/tripadvisor/locations/search")["data"]:
        path = f"/tripadvisor/locations/{location['id']}/reviews"
        everything, recent = client.json(path)["data"], client.json(f"{path}?published_after_ts={day}")["data"]
        assert [review for review in everything if review["publish_ts"] >= day] == recent


def test_eatigo_delta_has_only_what_changed_since(client: Client) -> None:
    everything = every(client, "/eatigo/v1/branches?per_page=100&page=", 5)
    recent = client.json("/eatigo/v1/branches?updated_since=2026-11-15T00:00:00Z")["data"]
    since = "2026-11-15T08:00:00+08:00"
    assert [branch for branch in everything if branch["updated_at"] >= since] == recent
    assert 0 < len(recent) < len(everything)


def every(client: Client, path: str, pages: int) -> list[Any]:
    return [record for page in range(1, pages + 1) for record in client.json(f"{path}{page}")["data"]]


def test_eatigo_names_are_brand_at_branch(client: Client) -> None:
    for branch in client.json("/eatigo/v1/branches")["data"]:
        assert branch["name_en"] == f"{branch['brand_name']} @ {branch['branch_name']}"


def test_eatigo_promotions_lie_in_the_coming_days_with_unique_keys(client: Client) -> None:
    slots = every(client, "/eatigo/v1/promotions?from=2026-11-24&to=2026-12-24&per_page=100&page=", 90)
    keys = {(slot["branch_id"], slot["slot_date"], slot["slot_time"]) for slot in slots}
    assert len(keys) == len(slots)
    assert min(slot["slot_date"] for slot in slots) == "2026-11-24"
    assert {slot["discount_pct"] % 5 for slot in slots} == {0}


def test_eatigo_promotions_of_one_branch_and_day(client: Client) -> None:
    branch = client.json("/eatigo/v1/promotions")["data"][0]["branch_id"]
    path = f"/eatigo/v1/promotions?branch_id={branch}&from=2026-11-25&to=2026-11-25"
    assert {slot["slot_date"] for slot in client.json(path)["data"]} == {"2026-11-25"}


def walk(client: Client, path: str) -> list[Any]:
    cursor, found = "", []
    while cursor is not None:
        result = client.json(f"{path}&cursor={cursor}")["result"]
        found += result["items"]
        cursor = result["next_cursor"]
    assert len(found) == result["total"]
    return found


def test_chope_cursors_lead_through_everything(client: Client) -> None:
    assert len({one["rid"] for one in walk(client, "/chope/v1/restaurants?limit=100")}) > 350


def test_chope_lists_deletions_only_in_a_delta(client: Client) -> None:
    assert not any(one["deleted"] for one in walk(client, "/chope/v1/restaurants?limit=100"))
    delta = walk(client, "/chope/v1/restaurants?limit=100&updated_since=2026-09-01T00:00:00%2B08:00")
    assert any(one["deleted"] for one in delta)


def test_chope_reservations_belong_to_restaurants(client: Client) -> None:
    rids = {one["rid"] for one in walk(client, "/chope/v1/restaurants?limit=100")}
    reservations = walk(client, "/chope/v1/reservations?limit=100")
    assert {one["rid"] for one in reservations} <= rids
    assert len({one["reservation_id"] for one in reservations}) == len(reservations)
    assert all(one["email"].endswith("@example.com") for one in reservations)
    assert walk(client, f"/chope/v1/reservations?rid={reservations[0]['rid']}")[0] == reservations[0]


def test_chope_refuses_a_cursor_that_is_not_its_own_inside_200(client: Client) -> None:
    assert client.json("/chope/v1/restaurants?cursor=rubbish")["code"] == "B400"


def vendors(client: Client, latitude: float, longitude: float, offset: int = 0) -> Any:
    return client.json(f"{VENDORS}?latitude={latitude}&longitude={longitude}&limit=48&offset={offset}")["data"]


def test_foodpanda_answers_for_the_neighbourhood_only(client: Client) -> None:
    answer = vendors(client, 22.2819, 114.1581)
    assert answer["returned_count"] == len(answer["items"]) == 48
    assert max(item["distance"] for item in answer["items"]) < 4
    assert vendors(client, 22.0, 113.9)["items"] == []


def test_a_two_kilometre_grid_finds_every_vendor(client: Client) -> None:
    codes: set[str] = set()
    for row in range(34):
        for column in range(37):
            point, offset = (22.0 + row * 0.018, 113.8 + column * 0.0195), 0
            if client.city.view("foodpanda").near(*point):  # type: ignore[attr-defined]
                while True:
                    answer = vendors(client, *point, offset)
                    codes |= {item["code"] for item in answer["items"]}
                    offset += 48
                    if answer["returned_count"] < 48:
                        break
    assert codes == {row.source_id for row in client.city.view("foodpanda").truth() if row.since <= TODAY < row.until}


def test_foodpanda_differs_between_points_only_in_volatile_fields(client: Client) -> None:
    here = {item["code"]: item for item in vendors(client, 22.2819, 114.1581)["items"]}
    there = {item["code"]: item for item in vendors(client, 22.2819, 114.1582)["items"]}
    for code in here.keys() & there.keys():
        for item in (here[code], there[code]):
            item.pop("distance")
            item["metadata"].pop("available_in", None)
        assert here[code] == there[code]


def test_foodpanda_lists_some_shops_twice(client: Client) -> None:
    second = [row for row in client.city.view("foodpanda").truth() if row.duplicate_of]
    assert len(second) > 50
    codes = {row.source_id for row in client.city.view("foodpanda").truth()}
    assert all(row.duplicate_of in codes for row in second)


def test_foodpanda_has_no_reviews_of_an_unknown_vendor(client: Client) -> None:
    assert client.json("/foodpanda/reviews/vendor/zzzzz?limit=30") == {"data": []}


def test_foodpanda_reviews_match_their_number(client: Client) -> None:
    item = max(vendors(client, 22.2819, 114.1581)["items"], key=lambda one: one["review_number"])
    reviews = client.json(f"/foodpanda/reviews/vendor/{item['code']}?limit=100")["data"]
    assert len(reviews) == min(100, item["review_number"])


def test_bistrochat_posts_since_a_moment(client: Client) -> None:
    posts = client.json("/bistrochat/v1/posts?since=2026-11-20T00:00:00%2B08:00&limit=100")["posts"]
    assert posts
    assert all("2026-11-20" <= post["posted_at"] < "2026-11-24" for post in posts)
    assert [post["posted_at"] for post in posts] == sorted(post["posted_at"] for post in posts)


def test_bistrochat_cursor_ends_with_null(client: Client) -> None:
    cursor, slugs = "", []
    while cursor is not None:
        answer = client.json(f"/bistrochat/v1/venues?city=hong-kong&limit=50&cursor={cursor}")
        slugs += [venue["slug"] for venue in answer["venues"]]
        cursor = answer["next"]
    assert len(slugs) == len(set(slugs)) > 250


@pytest.mark.parametrize(
    "path",
    [
        "/tripadvisor/locations/search",
        "/eatigo/v1/branches",
        "/chope/v1/restaurants",
        VENDORS + "?latitude=22.3&longitude=114.2",
        "/bistrochat/v1/venues",
    ],
)
def test_a_missing_credential_is_refused(client: Client, path: str) -> None:
    empty = {"authorization": "", "x-api-key": "", "x-disco-client-id": ""}
    assert client.get(path, headers=empty).status_code == 401


@pytest.mark.parametrize(
    "platform", ["openrice", "tripadvisor", "eatigo", "chope", "foodpanda", "bistrochat", "nothing"]
)
def test_an_unknown_path_is_not_found(client: Client, platform: str) -> None:
    assert client.get(f"/{platform}/nothing/here").status_code == 404


def test_the_index_names_every_platform(client: Client) -> None:
    index = client.json("/")
    assert index["today"] == "2026-11-24"
    assert index["platforms"]["openrice"].endswith("/openrice")
    assert index["platforms"].keys() == {*view_names(), "data_gov_hk_archive"}


def chope_state(client: Client, since: str = "") -> dict[str, Any]:
    query = f"&updated_since={since}" if since else ""
    return {one["rid"]: one for one in walk(client, f"/chope/v1/restaurants?limit=100{query}")}


def test_a_full_list_and_a_delta_make_the_next_full_list() -> None:
    first, second = Client(City(400, 5, TODAY)), Client(City(400, 5, TODAY + timedelta(days=31)))
    known = chope_state(first)
    watermark = max(one["updated_at"] for one in known.values()).replace("+", "%2B")
    known |= chope_state(second, watermark)
    assert {rid: one for rid, one in known.items() if not one["deleted"]} == chope_state(second)
