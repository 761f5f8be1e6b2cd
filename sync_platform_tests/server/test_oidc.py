"""Login with an OpenID Connect provider: only what the provider proves, to this browser, for a user of ours."""

from __future__ import annotations

import time
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from dagster import DagsterInstance
from joserfc import jwt
from joserfc.jwk import RSAKey
from starlette.applications import Starlette

from sync_platform.permissions.role import Role
from sync_platform.server.application import ServerParts, application
from sync_platform.settings import load_settings
from sync_platform.storage.ledger import MIGRATIONS
from sync_platform.storage.relational import open_database
from sync_platform_tests.server.conftest import TestedServer

ISSUER = "https://login.example.org"
KEY = RSAKey.generate_key(2048, {"kid": "one"})


@dataclass
class Provider:
    """A provider. `claims` replaces claims of its tokens (None removes one); `key`: with which it signs."""

    claims: dict[str, Any] = field(default_factory=dict)
    key: RSAKey = field(default_factory=lambda: KEY)
    nonce: str = ""
    challenge: str = ""
    asked: list[dict[str, list[str]]] = field(default_factory=list)

    def __call__(self, request: httpx.Request) -> httpx.Response:
        if request.url.path == "/.well-known/openid-configuration":
            paths = {"authorization_endpoint": "/authorize", "token_endpoint": "/token", "jwks_uri": "/keys"}
            return httpx.Response(200, json={"issuer": ISSUER, **{name: ISSUER + path for name, path in paths.items()}})
        if request.url.path == "/keys":
            return httpx.Response(200, json={"keys": [KEY.as_dict(private=False)]})
        self.asked.append(parse_qs(request.content.decode()))
        return httpx.Response(200, json={"access_token": "x", "token_type": "Bearer", "id_token": self._token()})

    def _token(self) -> str:
        claims = {
            "iss": ISSUER, "aud": "sync", "sub": "1", "exp": int(time.time()) + 60, "nonce": self.nonce,
            "email": "ada@example.org", "email_verified": True, **self.claims,
        }  # fmt: skip
        return jwt.encode({"alg": "RS256", "kid": "one"}, {k: v for k, v in claims.items() if v is not None}, self.key)


@pytest.fixture
def provider() -> Provider:
    return Provider()


@pytest.fixture
def server(tmp_path: Path, provider: Provider) -> TestedServer:
    settings = load_settings(
        sync_home=tmp_path, oidc_issuer=ISSUER, oidc_client_id="sync", oidc_client_secret="hush", password_login=False
    )
    ledger = open_database(settings.ledger_url, MIGRATIONS)
    parts = ServerParts(settings, ledger, lambda table, log: Starlette(), list, lambda run_ids: {}, list)
    app = application(replace(parts, oidc_transport=httpx.MockTransport(provider)))
    tested_server = TestedServer(settings, ledger, app, [], DagsterInstance.ephemeral())
    tested_server.users.add("ada@example.org", [Role.viewer])
    return tested_server


def come_back(server: TestedServer, provider: Provider, **changed: str) -> httpx.Response:
    """The answer to a login, from the login page to the way back from the provider."""
    client = server.client()
    assert "Log in with login.example.org" in client.get("/login").text
    left = client.get("/login/oidc", params={"next": "/docs"})
    asked = parse_qs(urlsplit(left.headers["location"]).query)
    assert (asked["code_challenge_method"], asked["client_id"]) == (["S256"], ["sync"])
    provider.nonce = asked["nonce"][0]
    query = {"state": asked["state"][0], "code": "c", **changed}
    answer = client.get("/login/oidc/callback", params=query)
    if answer.status_code == 303:
        assert client.get(answer.headers["location"]).status_code == 200
    return answer


def test_a_user_of_ours_is_logged_in_with_our_roles(server: TestedServer, provider: Provider) -> None:
    answer = come_back(server, provider)
    assert (answer.status_code, answer.headers["location"]) == (303, "/docs")
    assert provider.asked[0]["redirect_uri"] == ["http://127.0.0.1:3000/login/oidc/callback"]
    assert len(provider.asked[0]["code_verifier"][0]) >= 43
    entry = server.entries("login")[-1]
    assert (entry.actor, entry.document()["subject"]["how"]) == ("ada@example.org", "oidc")


@pytest.mark.parametrize(
    "claims",
    [
        {"iss": "https://evil.example"},
        {"aud": "another"},
        {"exp": 1},
        {"exp": None},
        {"nonce": "another"},
        {"email": "eve@example.org"},
        {"email_verified": False},
        {"email_verified": None},
        {"email": None},
    ],
)
def test_what_the_provider_does_not_prove_logs_nobody_in(
    server: TestedServer, provider: Provider, claims: dict[str, Any]
) -> None:
    provider.claims = claims
    assert come_back(server, provider).status_code == 401
    assert server.entries("denied")[-1].document()["subject"]["reason"] == "wrong oidc login"
    assert server.entries("login") == []


def test_a_token_signed_with_another_key_logs_nobody_in(server: TestedServer, provider: Provider) -> None:
    provider.key = RSAKey.generate_key(2048, {"kid": "one"})
    assert come_back(server, provider).status_code == 401


def test_a_way_back_that_this_browser_did_not_begin_logs_nobody_in(server: TestedServer, provider: Provider) -> None:
    assert come_back(server, provider, state="another").status_code == 401
    assert server.client().get("/login/oidc/callback", params={"state": "", "code": "c"}).status_code == 401
    assert provider.asked == []
