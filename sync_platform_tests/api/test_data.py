"""The data over the API: restaurants, changes, quality, syncs, whole tables."""

from __future__ import annotations

import io
import json

import polars as pl
import pytest

from sync_platform.api_client import RequestFailed
from sync_platform.lineage.changes import changes_between
from sync_platform_tests.api.served import Served

FAT_SUN = "rest-f2kuccrw4qmf6"


def test_a_restaurant_is_found_in_both_scripts_and_shown_with_its_sources(served: Served) -> None:
    client = served.client("viewer")
    for words in ("fat sun", "發新", "发新酒家"):
        assert [each.restaurant_id for each in client.restaurants(q=words, district="大埔")] == [FAT_SUN]
    restaurant = client.restaurant(FAT_SUN)
    assert (restaurant.name_zh, restaurant.review_counts) == ("發新酒家", {"openrice": 1})
    assert {(each.platform, each.source_id) for each in restaurant.members} == {
        ("data_gov_hk", "2295734439"),
        ("openrice", "2387703"),
    }
    phone = next(each for each in restaurant.provenance if each.field == "phone")
    assert (phone.value, phone.platform, phone.source_id, phone.rule) == ("29637326", "openrice", "2387703", "only")


def test_the_documented_lineage_call_and_its_exports_tell_the_same_story(served: Served) -> None:
    http, client = served.http("viewer"), served.client("viewer")
    story = client.lineage(FAT_SUN)
    origins = [each.origin for each in story.changes if each.origin]
    assert {each.state for each in origins} == {"intact"}
    export = http.get(f"/lineage/export/{FAT_SUN}?format=json")
    assert export.json() == http.get(f"/lineage/restaurant/{FAT_SUN}").json()
    assert export.headers["content-disposition"] == f'attachment; filename="{FAT_SUN}.json"'
    lines = client.lineage_csv(FAT_SUN).splitlines()
    assert lines[0].startswith("restaurant_id,what,at,")
    assert all(line.startswith(FAT_SUN) for line in lines[1:])


def test_all_restaurants_are_listed_once_page_by_page(served: Served) -> None:
    http, listed, cursor = served.http(), [], ""
    while cursor is not None:
        data = http.get(f"/restaurants?limit=7{f'&cursor={cursor}' if cursor else ''}").json()["data"]
        listed += [each["restaurantId"] for each in data["items"]]
        cursor = data["nextCursor"]
    assert len(listed) == len(set(listed)) == data["total"] > 20


def test_a_cursor_of_other_filters_is_refused(served: Served) -> None:
    http = served.http()
    cursor = http.get("/restaurants?limit=1").json()["data"]["nextCursor"]
    refused = http.get(f"/restaurants?limit=1&q=a&cursor={cursor}")
    assert (refused.status_code, refused.json()["error"]["code"]) == (422, "invalid_cursor")


def test_the_feed_has_every_change_once_and_goes_on_where_it_stopped(served: Served) -> None:
    client, since, read = served.client(), None, []
    while True:
        page = client.changes(since, limit=200)
        read += [(each.platform, each.dataset, each.entity_id, each.operation, each.observed_at) for each in page.items]
        since = page.next
        if not page.has_more:
            break
    with served.context.lake.session() as session:
        stored = [
            (each.platform, each.dataset, each.entity_id, each.operation, each.observed_at)
            for each in changes_between(session, "lineage.changes")
        ]
    assert sorted(read) == sorted(stored)
    assert (client.changes(since).items, client.changes(since).next) == ([], since)


def test_the_feed_begins_at_a_moment_or_after_a_sync_and_can_be_filtered(served: Served) -> None:
    client = served.client()
    newest = next(client.syncs(source="chope"))
    assert all(each.platform == "unified" for each in client.changes(newest.sync_id).items)
    own = client.changes(newest.started_at.isoformat(), source="chope").items
    assert {each.sync_id for each in own} == {newest.sync_id}
    assert client.changes("2199-12-31").items == []
    with pytest.raises(RequestFailed) as wrong:
        client.changes("yesterday")
    assert wrong.value.status == 422
    with pytest.raises(RequestFailed) as other:
        client.changes(client.changes(source="chope").next, source="openrice")
    assert other.value.code == "invalid_cursor"


def test_no_personal_value_is_in_the_feed_or_in_a_table(served: Served) -> None:
    http = served.http()
    texts = [http.get(f"/bulk/{each['table']}").text for each in http.get("/bulk").json()["data"]["items"]]
    texts.append(http.get("/changes?limit=500").text)
    assert sum(map(len, texts)) > 100_000
    assert not any("sealed:v1:" in text for text in texts)
    rows = [json.loads(line) for line in http.get("/bulk/openrice.reviews").text.splitlines()]
    assert rows
    assert "author_name" not in rows[0]


def test_a_table_is_the_same_as_ndjson_and_as_parquet(served: Served) -> None:
    client = served.client("operator")
    lines = client.table("unified.restaurants", form="ndjson").splitlines()
    frame = pl.read_parquet(io.BytesIO(client.table("unified.restaurants")))
    assert [json.loads(line)["restaurant_id"] for line in lines] == frame["restaurant_id"].to_list()
    assert len(client.table("unified.restaurants", form="ndjson", removed=True).splitlines()) >= len(lines)
    assert list((served.home / "temp").glob("bulk-*")) == []
    with pytest.raises(RequestFailed) as unknown:
        client.table("unified.links")
    assert unknown.value.status == 404
    with pytest.raises(RequestFailed) as forbidden:
        served.client("viewer").table("unified.restaurants")
    assert forbidden.value.status == 403


def test_syncs_and_quality_are_those_of_the_lake(served: Served) -> None:
    client = served.client("viewer")
    syncs = list(client.syncs())
    assert [each.started_at for each in syncs] == sorted((each.started_at for each in syncs), reverse=True)
    assert client.sync(syncs[0].sync_id) == syncs[0]
    assert {each.platform for each in client.syncs(source="chope", status="complete")} == {"chope"}
    (reviews,) = [each for each in client.quality("openrice") if each.dataset == "reviews"]
    assert reviews.scores["validation"].score == 1.0


def test_without_data_lists_are_empty_and_things_are_not_found(empty_home: Served) -> None:
    client, http = empty_home.client(), empty_home.http()
    assert (list(client.restaurants()), client.changes().items, client.quality()) == ([], [], [])
    assert (list(client.syncs()), client.alerts(), client.tables(), list(client.backups())) == ([], [], [], [])
    for path in ("/restaurants/rest-a", "/lineage/restaurant/rest-a", "/syncs/a", "/alerts/a", "/bulk/unified.members"):
        assert http.get(path).status_code == 404
