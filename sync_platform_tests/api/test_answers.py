"""Every answer has the envelope; errors have the right status and a code; reads have ETags."""

from __future__ import annotations

import pytest

from sync_platform_tests.api.served import Served


def test_an_answer_has_the_envelope(served: Served) -> None:
    body = served.http().get("/emergency").json()
    assert body == {"success": True, "data": {"items": [], "nextCursor": None}}


def test_a_read_that_the_client_has_already_is_not_sent_again(served: Served) -> None:
    http = served.http()
    first = http.get("/emergency")
    again = http.get("/emergency", headers={"If-None-Match": f'"other", W/{first.headers["etag"]}'})
    assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", first.headers["etag"])
    assert http.get("/emergency", headers={"If-None-Match": '"other"'}).status_code == 200


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/nothing", 404, "not_found"),
        ("DELETE", "/health", 405, "method_not_allowed"),
        ("GET", "/emergency/20260101T000000-aaaaaa", 404, "not_found"),
        ("GET", "/lineage/restaurant/rest-none", 404, "not_found"),
        ("GET", "/jobs/none", 404, "not_found"),
        ("GET", "/backup/none", 404, "not_found"),
        ("GET", "/emergency?limit=0", 422, "invalid_request"),
        ("GET", "/emergency?cursor=bm9uZQ", 422, "invalid_cursor"),
    ],
)
def test_an_error_has_a_status_and_a_code(served: Served, method: str, path: str, status: int, code: str) -> None:
    answer = served.http().request(method, path)
    body = answer.json()
    assert (answer.status_code, body["success"], body["error"]["code"]) == (status, False, code)


def test_an_error_of_validation_names_the_field_and_not_the_value(served: Served) -> None:
    answer = served.http().post("/emergency", json={"reason": "x", "priority": "secret-word", "sources": ["chope", 7]})
    details = answer.json()["error"]["details"]
    assert [(each["where"], each["field"]) for each in details] == [("body", "priority"), ("body", "sources.1")]
    assert "secret-word" not in answer.text


@pytest.mark.parametrize(
    ("method", "path", "body", "where", "field"),
    [
        ("GET", "/restaurants/rest-a%00b", None, "path", "restaurant_id"),
        ("GET", "/lineage/restaurant/%00", None, "path", "restaurant_id"),
        ("GET", "/restaurants?q=a%00", None, "query", "q"),
        ("POST", "/emergency", {"reason": "a\0b", "sources": ["chope"]}, "body", ""),
    ],
)
def test_the_character_nul_is_refused_because_it_ends_a_statement_of_the_catalog(
    served: Served, method: str, path: str, body: object, where: str, field: str
) -> None:
    answer = served.http().request(method, path, json=body)
    assert (answer.status_code, answer.json()["error"]["code"]) == (422, "invalid_request")
    details = [{"where": where, "field": field, "message": "has the character NUL"}]
    assert answer.json()["error"]["details"] == details


@pytest.mark.parametrize("body", [b"\xff\xfe", b"{", b"[]", b""])
def test_a_body_that_is_no_json_object_is_refused(served: Served, body: bytes) -> None:
    answer = served.http().post("/emergency", content=body, headers={"Content-Type": "application/json"})
    assert (answer.status_code, answer.json()["error"]["code"]) == (422, "invalid_request")


def test_nobody_gets_401_everywhere_and_a_role_only_what_it_may(served: Served) -> None:
    nobody = served.http("")
    for method, path in (("GET", "/health"), ("POST", "/backup"), ("GET", "/nothing")):
        assert nobody.request(method, path, json={}).status_code == 401
    viewer = served.http("viewer")
    refused = viewer.post("/emergency", json={"reason": "urgent", "sources": ["chope"]})
    assert (refused.status_code, refused.json()["error"]["code"]) == (403, "forbidden")
    assert served.denials[-1] == ("a viewer", "start-emergency", "chope")


def test_a_token_for_one_platform_allows_no_other(own_home: Served) -> None:
    http = own_home.http("operator", "start-emergency:chope read-state")
    assert http.post("/emergency", json={"reason": "urgent", "sources": ["chope"]}).status_code == 202
    assert http.post("/emergency", json={"reason": "urgent", "sources": ["chope", "eatigo"]}).status_code == 403
    assert http.post("/emergency", json={"reason": "urgent"}).status_code == 403
