"""Requests that nobody can mean so are refused and named, and what the client sends arrives as it was meant."""

from __future__ import annotations

from urllib.parse import unquote

import httpx
import pytest

from sync_platform.api_client import ApiClient, RequestFailed
from sync_platform_tests.api.served import Served


def test_a_misspelt_parameter_is_refused_because_it_would_be_ignored(served: Served) -> None:
    answer = served.http().get("/syncs?sorce=chope&limit=2")
    assert (answer.status_code, answer.json()["error"]["code"]) == (422, "invalid_request")
    assert answer.json()["error"]["details"] == [
        {
            "where": "query",
            "field": "sorce",
            "message": "is no parameter of this path, which has: cursor, limit, source, status",
        }
    ]
    assert "which has: none" in served.http().get("/health?verbose=true").text
    assert served.http().get("/nothing?a=b").status_code == 404


def test_a_parameter_that_is_there_twice_is_refused_because_only_one_would_count(served: Served) -> None:
    answer = served.http().get("/syncs?source=chope&source=openrice")
    assert answer.status_code == 422
    assert answer.json()["error"]["details"] == [{"where": "query", "field": "source", "message": "is there 2 times"}]


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", None])
def test_a_body_of_another_type_is_told_the_right_one(served: Served, kind: str | None) -> None:
    headers = {"Content-Type": kind} if kind else {}
    answer = served.http().post("/emergency", content=b'{"reason": "x", "sources": ["chope"]}', headers=headers)
    assert (answer.status_code, answer.json()["error"]["code"]) == (415, "unsupported_media_type")
    assert "application/json" in answer.json()["error"]["message"]


def test_a_body_that_is_no_json_is_told_where(served: Served) -> None:
    answer = served.http().post("/emergency", content=b'{"reason": }', headers={"Content-Type": "application/json"})
    assert answer.json()["error"]["details"] == [
        {"where": "body", "field": "", "message": "is no JSON: Expecting value (character 11)"}
    ]


HUGE_NUMBER = b'{"reason": ' + b"9" * 5_000 + b"}"


@pytest.mark.parametrize("body", [b"[" * 100_000, b"\xff\xfe", HUGE_NUMBER, b"null", b"[]", b""])
def test_no_body_makes_the_server_fail(served: Served, body: bytes) -> None:
    answer = served.http().post("/emergency", content=body, headers={"Content-Type": "application/json; charset=utf-8"})
    assert (answer.status_code, answer.json()["error"]["code"]) == (422, "invalid_request")


def test_a_table_has_no_ranges_because_each_request_makes_its_file_anew(served: Served) -> None:
    path = "/bulk/unified.restaurants?format=parquet"
    answer = served.http().get(path, headers={"Range": "bytes=0-3"})
    assert (answer.status_code, answer.headers["accept-ranges"]) == (200, "none")
    assert answer.content[:4] == answer.content[-4:] == b"PAR1"


@pytest.mark.parametrize("text", ["a/b", "../jobs", "a?b=c", "a#b", "a%2Fb", "中 文", "a;b", "\r\n"])
def test_an_id_stays_one_part_of_the_path_that_the_client_sends(text: str) -> None:
    paths: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        paths.append(request.url.raw_path.decode())
        return httpx.Response(404, json={"success": False, "error": {"code": "not_found", "message": "none"}})

    http = httpx.Client(base_url="http://test", transport=httpx.MockTransport(answer))
    client = ApiClient("", http=http)
    for call in (client.restaurant, client.sync, client.job, client.emergency, client.lineage, client.acknowledge):
        with pytest.raises(RequestFailed):
            call(text)
    assert all(path.count("/") in (4, 5) and "?" not in path for path in paths), paths
    assert all(text in unquote(path) for path in paths)


@pytest.mark.parametrize("text", ["", ".", ".."])
def test_what_leads_to_another_path_is_no_id(served: Served, text: str) -> None:
    with pytest.raises(RequestFailed) as raised:
        served.client().restaurant(text)
    assert (raised.value.status, raised.value.code) == (404, "not_found")
