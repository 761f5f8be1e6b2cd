"""What the gate refuses before a route sees it: wrong hosts, large bodies, wrong credentials, too many tries."""

from __future__ import annotations

import asyncio
import json
import threading
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from sync_platform.permissions.role import Role
from sync_platform.server.access_log import MOST_CHARACTERS, MOST_DENIALS, AccessLog
from sync_platform.server.rate_limit import RateLimit
from sync_platform.server.request_limits import LARGEST_BODY, LARGEST_HEADERS, RequestLimits
from sync_platform.storage.audit_log import AuditLog
from sync_platform_tests.server.conftest import GRAPHQL, HTML, ORIGIN, TestedServer

API = "/api/production-sync"


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1:3001", "127.0.0.1", "", "127.0.0.1:3000.evil.example"])
def test_another_host_is_not_answered(server: TestedServer, host: str) -> None:
    assert server.client(Role.admin).get("/login", headers={"Host": host}).status_code == 421
    assert server.client(Role.admin).get("/login", headers={"Host": "localhost:3000"}).status_code == 200
    assert server.client().get("/healthz", headers={"Host": host}).status_code == 200, "a probe asks by any address"


def test_a_body_that_is_too_large_and_a_query_that_is_too_long_are_refused(server: TestedServer) -> None:
    client = server.client(Role.admin, **{"Content-Type": "application/json"})
    assert client.post(GRAPHQL, content=b"x" * (LARGEST_BODY + 1)).status_code == 413
    assert client.get("/healthz", params={"q": "x" * 9000}).status_code == 414
    assert client.get("/" + "x" * 9000).status_code == 414


def test_headers_that_are_too_large_are_refused(server: TestedServer) -> None:
    """Also those that arrive at once, which the parser does not count."""
    client = server.client()
    assert client.get("/healthz", headers={"X-Long": "x" * LARGEST_HEADERS}).status_code == 431
    assert client.get("/healthz", headers=[(f"X-{n}", "x") for n in range(LARGEST_HEADERS // 4)]).status_code == 431


@pytest.mark.parametrize("path", [f"{API}/emergency", f"{API}/backup/restore", GRAPHQL, "/login"])
def test_a_body_that_is_too_large_has_the_same_answer_everywhere(server: TestedServer, path: str) -> None:
    kind = "application/x-www-form-urlencoded" if path == "/login" else "application/json"
    client = server.client(Role.admin, **{"Content-Type": kind, "Origin": ORIGIN})
    answer = client.post(path, content=b'"' + b"x" * LARGEST_BODY + b'"')
    assert (answer.status_code, answer.json()["error"]["code"]) == (413, "too_large")
    assert answer.headers["connection"] == "close", "the rest of the body is not read"


@pytest.mark.parametrize("path", [f"{API}/jobs", f"{API}/alerts", "/metrics", "/", "/login", "/dagster/runs"])
def test_head_is_answered_as_get_without_content(server: TestedServer, path: str) -> None:
    client = server.client(Role.admin)
    head, whole = client.head(path), client.get(path)
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["content-type"] == whole.headers["content-type"]
    assert client.head(f"{API}/jobs/none").status_code == 404


READ_AND_WRITE = "GET, HEAD, POST"


@pytest.mark.parametrize(
    ("path", "allowed"),
    [
        ("/login", READ_AND_WRITE),
        ("/logout", "POST"),
        ("/dagster/graphql", "POST"),
        (f"{API}/emergency", READ_AND_WRITE),
        (f"{API}/health", "GET, HEAD"),
    ],
)
def test_a_wrong_method_is_told_the_right_ones(server: TestedServer, path: str, allowed: str) -> None:
    answer = server.client(Role.admin).request("PATCH", path)
    assert (answer.status_code, answer.headers["allow"]) == (405, allowed)


def test_an_actor_who_is_denied_all_the_time_does_not_fill_the_audit_log(server: TestedServer) -> None:
    client, before = server.client(Role.viewer), len(server.entries("denied"))
    statuses = {client.get(f"{API}/privacy/requests/{number}").status_code for number in range(MOST_DENIALS + 20)}
    assert statuses == {403}
    assert len(server.entries("denied")) - before == MOST_DENIALS


def test_a_denial_on_record_says_how_many_before_it_are_not(tmp_path: Path) -> None:
    audit_log = AuditLog(f"sqlite:///{tmp_path / 'ledger.sqlite'}")
    minutes = iter([0.0] * (MOST_DENIALS + 8) + [61.0])
    log = AccessLog(audit_log, lambda: next(minutes))
    for _ in range(MOST_DENIALS + 7):
        log.denied(None, "10.0.0.1", "GET /" + "x" * 5000, "role")
    log.denied(None, "10.0.0.2", "GET /", "role")
    assert len(list(audit_log.entries())) == MOST_DENIALS + 1
    log.denied(None, "10.0.0.1", "GET /", "role")
    subjects = [json.loads(entry.subject) for entry in audit_log.entries()]
    assert [subject["left_out"] for subject in subjects if "left_out" in subject] == [7]
    assert max(len(subject["what"]) for subject in subjects) == MOST_CHARACTERS


def test_a_body_that_does_not_arrive_is_given_up() -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await receive()

    async def never() -> Any:
        await asyncio.sleep(60)

    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {"type": "http", "method": "POST", "path": "/x", "query_string": b"", "headers": [(b"host", b"here")]}
    asyncio.run(RequestLimits(app, {"here"}, body_within_s=0.01)(scope, never, send))
    assert sent[0]["status"] == 408


@pytest.mark.parametrize(
    "authorization", ["Bearer sp_000000000000_" + "a" * 43, "Bearer ", "Basic YWRhOng=", "", "Bearer\tx", "sp_x"]
)
def test_wrong_credentials_are_nobody_even_beside_a_valid_session(server: TestedServer, authorization: str) -> None:
    client = server.browser(Role.admin, name="root")
    assert client.get("/dagster/server_info").status_code == 200
    assert client.get("/dagster/server_info", headers={"Authorization": authorization}).status_code == 401


def test_many_wrong_tokens_of_one_address_are_slowed_down(server: TestedServer) -> None:
    client = server.client(Authorization="Bearer wrong")
    statuses = [client.get("/dagster/server_info").status_code for _ in range(30)]
    assert 429 in statuses
    assert server.client(Role.viewer).get("/dagster/server_info").status_code == 200


def test_a_person_is_led_to_the_login_and_a_program_is_told(server: TestedServer) -> None:
    asked = server.client()
    assert asked.get("/", headers=HTML).headers["location"] == "/login?next=/"
    refused = asked.get("/")
    assert (refused.status_code, refused.headers["www-authenticate"]) == (401, 'Bearer realm="sync-platform"')
    assert refused.json()["error"]["code"] == "not_authenticated"


@pytest.mark.parametrize("path", ["/healthz", "/login", "/dagster/server_info", "/none"])
def test_every_answer_has_the_headers_of_a_careful_server(server: TestedServer, path: str) -> None:
    headers = server.client(Role.viewer).get(path).headers
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["x-frame-options"] == "DENY"
    assert "frame-ancestors 'none'" in headers["content-security-policy"]


def test_a_rate_limit_counts_within_its_window_and_for_each_key() -> None:
    now = [100.0]
    limit = RateLimit(2, per_s=60, clock=lambda: now[0])
    assert [limit.wait_s("a"), limit.wait_s("a"), limit.wait_s("a"), limit.wait_s("b")] == [0, 0, 60, 0]
    now[0] += 59
    assert limit.wait_s("a") == 1
    now[0] += 1
    assert limit.wait_s("a") == 0


def test_a_use_that_is_given_back_is_counted_no_more() -> None:
    limit = RateLimit(1, per_s=60, clock=lambda: 0.0)
    limit.give_back("a")
    assert limit.wait_s("a") == 0
    limit.give_back("a")
    assert [limit.wait_s("a"), limit.wait_s("a")] == [0, 60]


def test_a_malformed_emergency_request_does_not_count_against_the_limit(server: TestedServer) -> None:
    token = server.tokens.create("hasty", Role.operator, [], timedelta(days=1), "test")[1]
    client, path = server.client(Authorization=f"Bearer {token}"), f"{API}/emergency"
    wrong: list[dict[str, Any]] = [
        {"content": b"{"},
        {"json": {"sources": ["nowhere"], "reason": "a try"}},
        {"json": 1},
    ]
    assert {client.post(path, **body).status_code for body in wrong * 5} <= {400, 404, 415, 422}
    body = {"sources": ["chope"], "reason": "prices are wrong"}
    statuses = [client.post(path, json=body).status_code for _ in range(11)]
    assert statuses == [202] * 10 + [429]


def test_readiness_names_what_is_not_ready(server: TestedServer) -> None:
    client = server.client()
    assert client.get("/readyz").json() == {"status": "ready", "problems": [], "warnings": []}
    server.problems.append("the daemon is silent")
    try:
        answer = client.get("/readyz")
        assert (answer.status_code, answer.json()["problems"]) == (503, ["the daemon is silent"])
        assert client.get("/healthz").status_code == 200
    finally:
        server.problems.clear()


def test_prometheus_reads_the_metrics_with_a_token(server: TestedServer) -> None:
    assert server.client().get("/metrics").status_code == 401
    answer = server.client(Authorization=f"Bearer {server.token(Role.viewer, 'read-state')}").get("/metrics")
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    assert "# TYPE " in answer.text
    narrow = server.client(Authorization=f"Bearer {server.token(Role.viewer, 'read-data')}").get("/metrics")
    assert narrow.status_code == 403


@pytest.mark.parametrize("headers", [{}, {"Accept": "text/event-stream"}])
def test_a_stream_of_events_ends_with_the_token_of_its_reader(server: TestedServer, headers: dict[str, str]) -> None:
    body = {"reason": "events", "priority": "low", "sources": ["chope"]}
    made = server.client(Role.operator).post("/api/production-sync/emergency", json=body).json()["data"]
    name = f"reader-{len(headers)}"
    token = server.tokens.create(name, Role.viewer, [], timedelta(days=1), "test")[1]
    path = f"/api/production-sync/emergency/{made['requestId']}/events"
    threading.Timer(0.3, lambda: server.tokens.revoke(name)).start()
    answer = server.client(Authorization=f"Bearer {token}", **headers).get(path)  # it has no other end
    assert answer.text.startswith("event: progress")
    assert server.client(Authorization=f"Bearer {token}").get(path).status_code in (401, 429)
