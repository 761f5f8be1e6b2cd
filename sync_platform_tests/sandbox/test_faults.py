"""Every fault has its described effect on every platform that plays it."""

from __future__ import annotations

import json
import time
from typing import Any

import httpx
import pytest
from lxml import etree

from sync_platform.platforms import load_platforms
from sync_platform.sandbox.city import City
from sync_platform.sandbox.cursors import write_cursor
from sync_platform.sandbox.faults import FAULTS
from sync_platform.sandbox.planned_faults import PlannedFaults, parse_fault, playable_faults
from sync_platform.sandbox.sandbox_error import SandboxError
from sync_platform.sandbox.views import view_names
from sync_platform.sandbox.views.keeta import sign
from sync_platform.sources.endpoints import CursorPaging, NumberedPaging
from sync_platform_tests.faults.altering_transport import SHAPES, at

from .conftest import BASE, EN, TC, Client

VENDORS = "/foodpanda/listing/api/v1/pandora/vendors?latitude=22.2819&longitude=114.1581&limit=48"
KEETA_LIST = "/base/authorized/resource/get"
IN_BODY = {"timeout", "reset"}  # these need a connection: test_process.py
PAIRS = [(platform, fault) for platform in view_names() for fault in sorted(playable_faults(platform).keys() - IN_BODY)]


def ask(client: Client, platform: str, page: int = 1) -> httpx.Response:
    """A page of the platform's main list: from its declared endpoint, or as written here."""
    if platform == "keeta":
        fields = {"pageNum": page, "pageSize": 100, "accessToken": client.token()["accessToken"]}
        return keeta(client, fields)
    paths = {
        "data_gov_hk": EN,
        "openrice": f"/openrice/api/pois?page={page}",
        "tripadvisor": f"/tripadvisor/locations/search?page={page}",
        "foodpanda": f"{VENDORS}&offset={(page - 1) * 48}",
    }
    if platform in paths:
        return client.get(paths[platform])
    declared = load_platforms()[platform]
    endpoint = next(each for each in declared.endpoints if each.dataset == declared.datasets[0].name)
    paging = endpoint.paging
    if isinstance(paging, NumberedPaging):
        params: dict[str, Any] = {paging.page: page, paging.limit: paging.size}
    elif isinstance(paging, CursorPaging):
        params = {paging.limit: paging.size, paging.cursor: write_cursor((page - 1) * paging.size)}
    else:
        raise AssertionError(f"{platform}: say here how a page of its main list is asked for")
    return client.get(f"/{platform}{endpoint.path}", params=params)


def keeta(client: Client, fields: dict[str, Any]) -> httpx.Response:
    fields = {"appId": "sandbox", "timestamp": int(time.time()), **fields}
    fields["sig"] = sign(f"{BASE}/keeta{KEETA_LIST}", fields, "sandbox")
    return client.request("POST", f"/keeta{KEETA_LIST}", json=fields)


def records(platform: str, response: httpx.Response) -> list[Any]:
    if platform == "data_gov_hk":
        return [
            {child.tag: child.text or "" for child in element}
            for element in etree.fromstring(response.content).iter("LP")
        ]
    return list(at(response.json(), RECORDS.get(platform) or SHAPES[platform].records))


RECORDS = {"keeta": ("data", "authorizedShops")}
TOTALS = {"keeta": ("data", "total"), "tripadvisor": ("pagination", "total_elements")}


def total(platform: str, response: httpx.Response) -> int | None:
    """The total in the answer, where the platform sends one."""
    way = TOTALS.get(platform) or (SHAPES[platform].total if platform in SHAPES else ())
    return int(at(response.json(), way)) if way else None


def spoiled(city: City, platform: str, fault: str) -> Client:
    path = "~resource" if platform == "keeta" else ""
    value = "=0.01" if fault == "slow" else ""
    return Client(city, [f"{platform}:{fault}{value}{path}"])


def key(platform: str, record: Any) -> Any:
    (name,) = load_platforms()[platform].datasets[0].key
    return record[name]


@pytest.mark.parametrize(("platform", "fault"), PAIRS, ids=lambda value: str(value))
def test_a_fault_has_its_described_effect(city: City, platform: str, fault: str) -> None:
    client, healthy = spoiled(city, platform, fault), Client(city)
    response, usual = ask(client, platform), ask(healthy, platform)
    normal = records(platform, usual)
    if fault in ("429", "429-retry-after", "500"):
        assert response.status_code == int(fault[:3])
        assert ("retry-after" in response.headers) == (fault == "429-retry-after")
    elif fault == "401":
        assert response.json()["code"] == 115000101 if platform == "keeta" else response.status_code == 401
    elif fault == "error-in-200":
        assert response.status_code == 200
        assert response.json()["code"] not in (0, "A100")
    elif fault == "truncated":
        with pytest.raises((json.JSONDecodeError, etree.XMLSyntaxError)):
            records(platform, response)
    elif fault == "html":
        assert "text/html" in response.headers["content-type"]
        assert response.text.startswith("<!DOCTYPE html>")
    elif fault == "slow":
        assert len(records(platform, response)) == len(normal)
    elif fault == "empty":
        assert records(platform, response) == []
        assert total(platform, response) in (0, None)
    elif fault == "half":
        assert total(platform, response) == total(platform, usual)
        assert reachable(client, platform) == reachable(healthy, platform) // 2
    elif fault == "retyped":
        first = [type(value) for value in flat(records(platform, response)[0])]
        assert first != [type(value) for value in flat(normal[0])] or platform == "data_gov_hk"
        if platform == "data_gov_hk":
            assert [record["DIST"] == "" for record in records(platform, response)[:2]] == [True, False]
    elif fault == "unknown-field":
        assert all(
            record.keys() - plain.keys() for record, plain in zip(records(platform, response), normal, strict=True)
        )
    elif fault == "duplicates":
        answered = records(platform, response)
        assert len(answered) == len(normal) + 1
        assert key(platform, answered[-1]) == key(platform, answered[0])
        assert answered[-1] != answered[0]
    elif fault == "repeated-page":
        assert keys(platform, ask(client, platform, 2)) == keys(platform, usual)
    elif fault == "shuffled":
        assert keys(platform, response) != keys(platform, usual)
    elif fault == "endless-cursor":
        assert len(records(platform, ask(client, platform, 900))) > 0
    elif fault == "cap":
        assert reachable(client, platform) == 100
        assert total(platform, response) == total(platform, usual)
    elif fault == "omitted-ids":
        ids = "&".join(f"id={record['id']}" for record in normal[:10])
        assert len(client.json(f"/tripadvisor/locations?{ids}")["data"]) == 5
    elif fault == "bad-xml":
        with pytest.raises(etree.XMLSyntaxError):
            records(platform, response)
        assert response.content.count(b"<LP>") == response.content.count(b"</LP>") == len(normal)
    elif fault == "outdated":
        assert etree.fromstring(response.content).findtext("GENERATION_DATE") == "2026-11-22"
        assert keys(platform, response) != keys(platform, usual)
    elif fault == "mismatch":
        generated = etree.fromstring(client.get(TC).content).findtext("GENERATION_DATE")
        assert generated == "2026-11-23"
    else:
        raise AssertionError(f"no test for {fault}")


def flat(value: Any) -> list[Any]:
    if isinstance(value, dict):
        return [value, *(leaf for part in value.values() for leaf in flat(part))]
    return [value]


def keys(platform: str, response: httpx.Response) -> list[Any]:
    return [key(platform, record) for record in records(platform, response)]


def reachable(client: Client, platform: str) -> int:
    """The number of records that paging reaches."""
    if platform == "data_gov_hk":
        return len(records(platform, ask(client, platform)))
    count, page = 0, 1
    while found := len(records(platform, ask(client, platform, page))):
        count, page = count + found, page + 1
    return count


def test_every_fault_is_played_by_some_platform() -> None:
    assert set().union(*map(playable_faults, view_names())) >= set(FAULTS)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("openrice:truncated", ("", None, None, None)),
        ("openrice:truncated@3", ("", 3, 1, None)),
        ("openrice:slow=0.5@2*4~reviews?rows=5", ("reviews?rows=5", 2, 4, 0.5)),
        ("openrice:500*2~pois", ("pois", None, 2, None)),
    ],
)
def test_a_fault_is_read_from_its_option(text: str, expected: tuple[Any, ...]) -> None:
    fault = parse_fault(text)
    assert (fault.match, fault.nth, fault.times, fault.value) == expected


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("openrice", "not of the form"),
        ("openrice:melted", "unknown fault 'melted': openrice knows .*cap"),
        ("yelp:500", "unknown platform 'yelp': one of bistrochat, chope, data_gov_hk"),
        ("eatigo:cap", "eatigo cannot play fault 'cap': eatigo knows"),
        ("data_gov_hk:401", "cannot play"),
        ("openrice:slow=soon", "not a number"),
        ("openrice:500@0", "at least 1"),
    ],
)
def test_a_wrong_fault_is_refused_with_what_is_allowed(text: str, message: str) -> None:
    with pytest.raises(SandboxError, match=message):
        PlannedFaults([text])


def test_a_fault_happens_to_the_nth_matching_request_only(city: City) -> None:
    client = Client(city, ["openrice:500@2~page=2"])
    statuses = [client.get(f"/openrice/api/pois?page={page}").status_code for page in (1, 2, 1, 2, 2)]
    assert statuses == [200, 200, 200, 500, 200]


def test_a_list_fault_waits_for_a_list(city: City) -> None:
    client = Client(city, ["openrice:empty*1"])
    assert client.json("/openrice/api/v2/metadata/region/all")["districts"]
    answers = [client.json("/openrice/api/pois")["searchResult"]["paginationResult"] for _ in range(2)]
    assert [bool(answer["results"]) for answer in answers] == [False, True]


def test_faults_are_added_and_removed_at_run_time(client: Client) -> None:
    added = client.request("POST", "/_faults", json={"platform": "eatigo", "fault": "500", "times": 1})
    assert added.status_code == 200
    assert client.json("/_faults")["faults"][0]["fault"] == "500"
    assert [client.get("/eatigo/v1/branches").status_code for _ in range(2)] == [500, 200]
    assert client.request("DELETE", "/_faults").json()["faults"] == []


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b"[]",
        b'{"platform": "eatigo"}',
        b'{"platform": "eatigo", "fault": "cap"}',
        b'{"fault": 1, "x": 2}',
        b'{"platform": "eatigo", "fault": "500", "nth": "two"}',
    ],
)
def test_a_wrong_fault_at_run_time_is_refused(client: Client, body: bytes) -> None:
    response = client.request("POST", "/_faults", content=body)
    assert response.status_code == 400
    assert response.json()["error"]


def test_one_request_can_ask_for_its_own_fault(client: Client) -> None:
    assert client.get("/chope/v1/restaurants?_fault=500").status_code == 500
    assert (
        client.get("/chope/v1/restaurants", headers={"x-sandbox-fault": "429-retry-after=7"}).headers["retry-after"]
        == "7"
    )
    assert client.get("/chope/v1/restaurants?_fault=cap").status_code == 400
    assert client.get("/chope/v1/restaurants").status_code == 200
