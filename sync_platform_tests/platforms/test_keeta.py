"""Keeta: signatures, single-use refresh tokens, and errors inside HTTP 200."""

from __future__ import annotations

from hashlib import sha256
from typing import Any

import httpx
import orjson
import pytest

from sync_platform.errors import AuthenticationFailed
from sync_platform.platforms.keeta import Keeta, signature
from sync_platform.sandbox.city import City

from .replay import MemorySecrets, over_sandbox, run

KEETA = Keeta()


class Server:
    """A server of a few shops of one merchant; tests set what it refuses, and it records requests."""

    def __init__(self, shops: int = 3, codes: dict[str, int] | None = None) -> None:
        self.shops, self.codes = shops, codes or {}
        self.valid = "at-0"
        self.refreshed_with: list[str] = []
        self.used: set[str] = set()

    def __call__(self, request: httpx.Request) -> httpx.Response:
        fields = orjson.loads(request.content)
        path = request.url.path
        if path == "/base/oauth/token":
            return self._refresh(fields["refreshToken"])
        if fields["accessToken"] != self.valid:
            return _answer(code=115000101, message="expired")
        if code := self.codes.get(path) or self.codes.get(f"{path}/{fields.get('shopId')}"):
            return _answer(code=code, message="not today")
        if path == "/base/authorized/resource/get":
            rows = [{"id": 2**60 + number, "name": f"Shop {number}"} for number in range(self.shops)]
            return _answer({"total": self.shops, "authorizedShops": rows})
        if path == "/scm/shop/base/get":
            return _answer({"id": fields["shopId"], "status": 1})
        return _answer({"total": 1, "spus": [{"id": 1, "name": "Tea"}]})

    def _refresh(self, token: str) -> httpx.Response:
        self.refreshed_with.append(token)
        if token in self.used:
            return _answer(code=115000103, message="used before")
        self.used.add(token)
        self.valid = f"at-{len(self.refreshed_with)}"
        return _answer({"accessToken": self.valid, "expiresIn": 7200, "refreshToken": f"rt-{len(self.refreshed_with)}"})


def _answer(data: Any = None, code: int = 0, message: str = "success") -> httpx.Response:
    return httpx.Response(200, json={"code": code, "message": message, "data": data, "errorList": []})


def test_the_signature_covers_the_url_every_other_field_in_order_and_the_secret() -> None:
    fields = {"timestamp": 1795500000, "appId": "a1", "shopId": 2**60, "accessToken": "t", "sig": "left out"}
    text = f"https://k.example/x?accessToken=t&appId=a1&shopId={2**60}&timestamp=1795500000s3cret"
    assert signature("https://k.example/x", fields, "s3cret") == sha256(text.encode()).hexdigest()


def test_everything_in_the_sandbox_is_fetched_with_signatures(city: City) -> None:
    replayed = over_sandbox(KEETA, city)
    assert {name: replayed.reasons(name) for name in replayed.gaps} == {"restaurants": [], "menu_items": []}
    assert all(int(one) > 2**53 for one in replayed.ids("restaurants"))


def test_an_expired_token_is_refreshed_once_for_many_concurrent_calls() -> None:
    server = Server(shops=10)

    def expiring(request: httpx.Request) -> httpx.Response:
        if request.url.path == "/scm/shop/base/get" and len(server.refreshed_with) == 1:
            server.valid = "none"
        return server(request)

    replayed = run(KEETA, httpx.MockTransport(expiring), secrets=MemorySecrets())
    assert len(server.refreshed_with) == 2
    assert len(replayed.ids("restaurants")) == 10
    assert replayed.reasons("restaurants") == []


def test_a_rotated_refresh_token_is_kept_and_used_the_next_time() -> None:
    server, secrets = Server(), MemorySecrets()
    run(KEETA, httpx.MockTransport(server), secrets=secrets)
    run(KEETA, httpx.MockTransport(server), secrets=secrets)
    assert server.refreshed_with[1] == "rt-1"
    assert secrets.values == {"refresh_token": "rt-2"}


def test_a_stored_token_that_is_refused_is_replaced_by_the_configured_one() -> None:
    server, secrets = Server(), MemorySecrets()
    server.used.add("lost")
    secrets.write("refresh_token", "lost")
    replayed = run(KEETA, httpx.MockTransport(server), secrets=secrets)
    assert server.refreshed_with[0] == "lost"
    assert len(server.refreshed_with) == 2
    assert replayed.reasons("restaurants") == []


def test_when_every_refresh_token_is_refused_the_settings_are_named() -> None:
    def refusing(_: httpx.Request) -> httpx.Response:
        return _answer(code=115000103, message="used before")

    with pytest.raises(AuthenticationFailed, match="KEETA_REFRESH_TOKEN"):
        run(KEETA, httpx.MockTransport(refusing))


@pytest.mark.parametrize(("code", "tries"), [(115000301, 1), (315000101, 2)])
def test_a_parameter_error_is_final_and_a_server_error_is_tried_again(code: int, tries: int) -> None:
    lost = f"/scm/shop/base/get/{2**60 + 1}"
    replayed = run(KEETA, httpx.MockTransport(Server(codes={lost: code})))
    assert sorted(replayed.ids("restaurants")) == [str(2**60), str(2**60 + 2)]
    assert f"code {code}: not today" in replayed.reasons("restaurants")[0]
    asked = [request for request in replayed.requests if request.url.path == "/scm/shop/base/get"]
    assert len(asked) == 2 + tries
