"""Login with a link or a password, logout, and what a page of another site cannot do in a person's name."""

from __future__ import annotations

from datetime import timedelta

import pytest
from starlette.testclient import TestClient
from starlette.websockets import WebSocketDisconnect

from sync_platform.permissions.role import Role
from sync_platform.server.login_routes import local_path
from sync_platform_tests.server.conftest import COOKIE, GRAPHQL, HTML, ORIGIN, PASSWORD, WEBSOCKET, TestedServer

HERE = {"Origin": ORIGIN}
VERSION = {"query": "{ version }"}


def log_in(client: TestClient, **form: str) -> int:
    return client.post("/login", data=form, headers=HERE).status_code


def test_a_link_logs_in_once_and_leads_to_the_page_that_was_asked_for(server: TestedServer) -> None:
    server.users.add_if_missing("ada", [Role.viewer])
    secret, _ = server.sessions.new_link("ada")
    client = server.client()
    asked = client.get("/dagster/runs?q=1", headers=HTML)
    assert (asked.status_code, asked.headers["location"]) == (303, "/login?next=/dagster/runs%3Fq%3D1")
    page = client.get(f"/login?code={secret}", headers=HTML)
    assert page.status_code == 200
    assert client.get(f"/login?code={secret}").status_code == 200, "looking at the link does not use it up"
    answer = client.post("/login", data={"code": secret, "next": "/dagster/runs?q=1"}, headers=HERE)
    assert (answer.status_code, answer.headers["location"]) == (303, "/dagster/runs?q=1")
    assert client.get("/dagster/", headers=HTML).status_code == 200
    assert log_in(server.client(), code=secret) == 401


def test_a_cookie_is_for_this_server_and_not_for_scripts(server: TestedServer) -> None:
    server.users.add_if_missing("ada", [Role.viewer])
    answer = server.client().post("/login", data={"code": server.sessions.new_link("ada")[0]}, headers=HERE)
    set_cookie = answer.headers["set-cookie"].lower()
    assert all(part in set_cookie for part in ("httponly", "samesite=lax", "path=/", "max-age="))
    assert "domain" not in set_cookie


def test_only_the_right_password_logs_in_and_each_try_is_on_record(server: TestedServer) -> None:
    server.users.add_if_missing("grace", [Role.viewer])
    server.users.set_password("grace", PASSWORD)
    client = server.client()
    assert log_in(client, user="grace", password="wrong " + PASSWORD) == 401
    assert log_in(client, user="nobody", password=PASSWORD) == 401
    assert [each.document()["subject"]["reason"] for each in server.entries("denied")[-2:]] == ["wrong password"] * 2
    assert log_in(client, user="grace", password=PASSWORD) == 303
    assert (server.entries("login")[-1].actor, client.get("/dagster/").status_code) == ("grace", 200)
    assert PASSWORD not in str(server.entries())


def test_a_logout_ends_the_session_everywhere(server: TestedServer) -> None:
    client = server.browser(Role.viewer, name="logged out")
    secret = client.cookies[COOKIE]
    assert client.post("/logout").status_code == 303
    again = server.client()
    again.cookies.set(COOKIE, secret)
    assert again.get("/dagster/server_info").status_code == 401


@pytest.mark.parametrize(
    "origin", [None, "https://evil.example", "null", ORIGIN + ".evil.example", "http://127.0.0.1:1"]
)
def test_a_page_of_another_site_changes_nothing_in_a_persons_name(server: TestedServer, origin: str | None) -> None:
    client = server.browser(Role.admin, name="root", origin=origin)
    assert client.post(GRAPHQL, json=VERSION).status_code == 403
    assert client.post("/logout").status_code == 403
    with pytest.raises(WebSocketDisconnect), client.websocket_connect(WEBSOCKET, ["graphql-ws"]):
        pytest.fail("the websocket is open")
    assert server.entries("denied")[-1].document()["subject"]["reason"] == "origin"


def test_nobody_is_logged_in_by_a_page_of_another_site(server: TestedServer) -> None:
    server.users.add_if_missing("ada", [Role.viewer])
    form = {"code": server.sessions.new_link("ada")[0]}
    assert server.client().post("/login", data=form, headers={"Origin": "https://evil.example"}).status_code == 403


def test_our_own_page_may_ask_and_a_token_needs_no_origin(server: TestedServer) -> None:
    assert server.browser(Role.viewer).post(GRAPHQL, json=VERSION).status_code == 200
    assert server.client(Role.viewer).post(GRAPHQL, json=VERSION).status_code == 200


@pytest.mark.parametrize("how", ["logout", "user removed", "other roles", "token revoked"])
def test_an_open_websocket_ends_with_its_session_or_token(server: TestedServer, how: str) -> None:
    name = how.replace(" ", "-")
    if how == "token revoked":
        token = server.tokens.create(name, Role.viewer, [], timedelta(days=1), "test")[1]
        client = server.client(Authorization=f"Bearer {token}")
    else:
        client = server.browser(Role.viewer, name=name)
    with client.websocket_connect(WEBSOCKET, ["graphql-ws"]) as websocket:
        websocket.send_json({"type": "connection_init"})
        assert websocket.receive_json()["type"] == "connection_ack"
        {
            "logout": lambda: server.sessions.end(client.cookies[COOKIE]),
            "user removed": lambda: server.users.remove(name),
            "other roles": lambda: server.users.set_roles(name, [Role.operator]),
            "token revoked": lambda: server.tokens.revoke(name),
        }[how]()
        with pytest.raises(WebSocketDisconnect) as closed:
            websocket.receive_json()
    assert closed.value.code == 1008


@pytest.mark.parametrize(
    "target", ["//evil.example", "/\\evil.example", "https://evil.example", "/\t/evil.example", "evil", "", "/\n/x"]
)
def test_a_login_leads_nowhere_else(target: str) -> None:
    assert local_path(target) == "/"
    assert local_path("/dagster/runs?q=1") == "/dagster/runs?q=1"
