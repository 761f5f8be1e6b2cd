"""Emergency requests over the API: stored once, in the audit log, and shown with their progress."""

from __future__ import annotations

import json

import pytest

from sync_platform.api_client import RequestFailed
from sync_platform.emergency.request_store import RequestStore
from sync_platform.emergency.sync_progress import ProgressStore
from sync_platform.storage.audit_log import AuditLog
from sync_platform_tests.api.served import Served


def test_the_documented_call_is_taken_and_can_be_polled(own_home: Served) -> None:
    http = own_home.http("operator")
    answer = http.post(
        "/emergency", json={"reason": "Wrong prices since noon", "priority": "critical", "sources": ["openrice"]}
    )
    taken = answer.json()["data"]
    assert (answer.status_code, answer.headers["location"]) == (202, taken["statusUrl"])
    assert (taken["status"], taken["priority"], taken["joined"]) == ("requested", "critical", False)
    polled = own_home.client("viewer").emergency(taken["requestId"])
    assert (polled.requester, polled.reason) == ("a operator", "Wrong prices since noon")
    assert [(each.platform, each.status) for each in polled.platforms] == [("openrice", "requested")]


def test_a_request_without_sources_is_for_every_platform(own_home: Served) -> None:
    taken = own_home.client().request_emergency("everything is wrong")
    assert [each.platform for each in taken.platforms] == list(own_home.context.platforms)


def test_the_same_key_gives_the_same_request_and_another_request_with_it_is_refused(own_home: Served) -> None:
    client = own_home.client()
    first = client.request_emergency("wrong prices", sources=["chope"], key="k1")
    again = client.request_emergency("wrong prices", sources=["chope"], key="k1")
    assert again.request_id == first.request_id
    assert len(RequestStore(own_home.context.settings.ledger_url).latest(10)) == 1
    with pytest.raises(RequestFailed) as refused:
        client.request_emergency("another reason", sources=["chope"], key="k1")
    assert (refused.value.status, refused.value.code) == (422, "idempotency_key_reused")
    other = own_home.client("admin operator").request_emergency("another reason", sources=["chope"], key="k1")
    assert len(other.askings) == 2  # each actor has keys of its own


def test_a_request_for_the_same_platforms_joins_the_open_one(own_home: Served) -> None:
    client = own_home.client()
    first = client.request_emergency("wrong prices", priority="low", sources=["chope"])
    second = client.request_emergency("still wrong", priority="critical", sources=["chope"])
    assert (second.request_id, second.joined, second.priority) == (first.request_id, True, "critical")
    assert [each.reason for each in second.askings] == ["wrong prices", "still wrong"]


def test_a_request_is_in_the_audit_log_with_actor_role_and_address_before_it_is_stored(own_home: Served) -> None:
    taken = own_home.client("operator").request_emergency("wrong prices", sources=["chope"])
    begun, complete = list(AuditLog(own_home.context.settings.ledger_url).entries(operation="emergency"))[-2:]
    assert (begun.outcome, complete.outcome, complete.actor, complete.via) == ("begun", "complete", "a operator", "api")
    subject = complete.document()["subject"]
    assert (subject["roles"], subject["address"]) == (["operator"], "10.0.0.7")
    assert (subject["request_id"], subject["platforms"]) == (taken.request_id, ["chope"])


def test_an_unknown_platform_and_an_unknown_name_are_refused(own_home: Served) -> None:
    http = own_home.http()
    unknown = http.post("/emergency", json={"reason": "x", "sources": ["nowhere"]})
    assert (unknown.status_code, "nowhere" in unknown.json()["error"]["message"]) == (422, True)
    misspelt = http.post("/emergency", json={"reason": "x", "source": ["chope"]})
    assert misspelt.json()["error"]["details"][0]["field"] == "source"


def test_the_list_is_read_page_by_page_newest_first(own_home: Served) -> None:
    client, http = own_home.client(), own_home.http()
    ids = [client.request_emergency("wrong", sources=[name]).request_id for name in ("chope", "eatigo", "keeta")]
    first = http.get("/emergency?limit=2").json()["data"]
    second = http.get(f"/emergency?limit=2&cursor={first['nextCursor']}").json()["data"]
    listed = [each["requestId"] for each in (*first["items"], *second["items"])]
    assert (sorted(listed), listed, second["nextCursor"]) == (sorted(ids), sorted(ids, reverse=True), None)


def test_the_progress_is_shown_and_followed_as_events_until_the_end(own_home: Served) -> None:
    taken = own_home.client().request_emergency("wrong prices", sources=["chope"])
    url, request_id = own_home.context.settings.ledger_url, taken.request_id
    requests = RequestStore(url)
    requests.claim(request_id, "chope", "run-1")
    ProgressStore(url).note(request_id, "chope", "fetching", "page 3 of 7", records=60, pages=3)
    (platform,) = own_home.client().emergency(request_id).platforms
    assert (platform.status, platform.progress) == ("launched", "page 3 of 7")
    requests.note_end(request_id, "chope", "run-1", "complete")
    answer = own_home.http("viewer").get(f"/emergency/{request_id}/events")
    assert answer.headers["content-type"].startswith("text/event-stream")
    event, data, *_ = answer.text.splitlines()
    assert (event, json.loads(data.removeprefix("data: "))["status"]) == ("event: progress", "complete")
    assert own_home.http().get("/emergency/none/events").status_code == 404
