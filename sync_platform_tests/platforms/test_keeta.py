"""Keeta: signatures, single-use refresh tokens, and errors inside HTTP 200."""

from __future__ import annotations

from hashlib import sha256
from typing import Any

import httpx
import orjson
import pytest

from sync_platform.errors import AuthenticationFailed, TokenInDoubt
from sync_platform.platforms._signed_calls import signature
from sync_platform.platforms.keeta import Keeta
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


@pytest.mark.parametrize("stated", [None, 0, -1, "soon", "3600", 30, {}, [5], "Infinity"])
def test_a_token_of_unknown_or_short_validity_is_used_until_it_is_refused(stated: Any) -> None:
    server = Server(shops=3)

    def answer(request: httpx.Request) -> httpx.Response:
        answered = server(request)
        if "oauth" not in request.url.path:
            return answered
        return _answer({**answered.json()["data"], "expiresIn": stated})

    replayed = run(KEETA, httpx.MockTransport(answer), secrets=MemorySecrets())
    assert len(server.refreshed_with) == 1
    assert replayed.reasons("restaurants") == []


@pytest.mark.parametrize("empty", ["refreshToken", "accessToken"])
def test_an_empty_token_leaves_the_sent_one_in_doubt_and_it_is_never_sent_again(empty: str) -> None:
    server, secrets = Server(), MemorySecrets()

    def answer(request: httpx.Request) -> httpx.Response:
        answered = server(request)
        if "oauth" not in request.url.path:
            return answered
        return _answer({**answered.json()["data"], empty: ""})

    for _ in range(2):
        with pytest.raises(TokenInDoubt):
            run(KEETA, httpx.MockTransport(answer), secrets=secrets)
    assert len(server.refreshed_with) == 1


def test_a_rotated_refresh_token_is_kept_and_used_the_next_time() -> None:
    server, secrets = Server(), MemorySecrets()
    run(KEETA, httpx.MockTransport(server), secrets=secrets)
    run(KEETA, httpx.MockTransport(server), secrets=secrets)
    assert server.refreshed_with[1] == "rt-1"
    assert secrets.values["refresh_token"] == "rt-2"


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


LOST: dict[str, httpx.Response | Exception] = {
    "the socket closes": httpx.RemoteProtocolError("Server disconnected without sending a response."),
    "the answer is late": httpx.ReadTimeout("late"),
    "a gateway loses it": httpx.Response(502),
    "it is cut off": httpx.Response(200, content=b'{"code": 0, "data": {"accessTok'),
    "it has no refresh token": _answer({"accessToken": "at-1", "expiresIn": 7200}),
}


def losing(server: Server, *lost: httpx.Response | Exception) -> httpx.MockTransport:
    """Rotates the refresh token, but loses the first answers to that."""
    remaining = list(lost)

    def handle(request: httpx.Request) -> httpx.Response:
        answer = server(request)
        if request.url.path != "/base/oauth/token" or not remaining:
            return answer
        instead = remaining.pop(0)
        if isinstance(instead, Exception):
            raise instead
        return instead

    return httpx.MockTransport(handle)


@pytest.mark.parametrize("lost", LOST.values(), ids=LOST)
def test_a_refresh_token_whose_answer_is_lost_is_never_sent_again(lost: httpx.Response | Exception) -> None:
    server, secrets = Server(), MemorySecrets()
    run(KEETA, httpx.MockTransport(server), secrets=secrets)
    for _ in range(3):  # the sync that lost the answer, and those after it
        with pytest.raises(TokenInDoubt, match="answer was lost .* set KEETA_REFRESH_TOKEN to the new token"):
            run(KEETA, losing(server, lost), secrets=secrets)
    assert server.refreshed_with == ["sandbox", "rt-1"]
    assert "rt-1" not in secrets.values["refresh_token_exchange"]
    newly = run(KEETA, httpx.MockTransport(server), secrets=secrets, refresh_token="authorised again")
    assert newly.reasons("restaurants") == []
    run(KEETA, httpx.MockTransport(server), secrets=secrets, refresh_token="authorised again")
    assert server.refreshed_with == ["sandbox", "rt-1", "authorised again", "rt-3"]


def test_the_first_refresh_token_of_all_is_not_sent_again_either() -> None:
    server, secrets = Server(), MemorySecrets()
    for _ in range(2):
        with pytest.raises(TokenInDoubt):
            run(KEETA, losing(server, httpx.ReadError("reset")), secrets=secrets)
    assert server.refreshed_with == ["sandbox"]


def test_a_configured_token_that_began_the_chain_is_not_sent_again_when_the_stored_one_is_refused() -> None:
    server, secrets = Server(), MemorySecrets()
    run(KEETA, httpx.MockTransport(server), secrets=secrets)
    server.used.add("rt-1")
    with pytest.raises(AuthenticationFailed, match="KEETA_REFRESH_TOKEN"):
        run(KEETA, httpx.MockTransport(server), secrets=secrets)
    assert server.refreshed_with == ["sandbox", "rt-1"]


NOT_USED: dict[str, httpx.Response | Exception] = {
    "no connection": httpx.ConnectError("refused"),
    "too many requests": httpx.Response(429, headers={"Retry-After": "0"}),
    "the server says that it failed": httpx.Response(500),
    "the platform says that it failed": _answer(code=315000101, message="system busy"),
}


@pytest.mark.parametrize("failure", NOT_USED.values(), ids=NOT_USED)
def test_a_refresh_token_that_surely_had_no_effect_is_sent_again(failure: httpx.Response | Exception) -> None:
    server, failures = Server(), [failure]

    def handle(request: httpx.Request) -> httpx.Response:
        if not failures:
            return server(request)
        found = failures.pop()
        if isinstance(found, Exception):
            raise found
        return found

    assert run(KEETA, httpx.MockTransport(handle)).reasons("restaurants") == []
    assert server.refreshed_with == ["sandbox"]


def test_a_refused_token_is_tried_again_once_the_settings_are_right() -> None:
    server, secrets = Server(), MemorySecrets()
    with pytest.raises(AuthenticationFailed, match="KEETA_APP_SECRET"):
        run(KEETA, httpx.MockTransport(lambda _: _answer(code=115000102, message="wrong sig")), secrets=secrets)
    assert run(KEETA, httpx.MockTransport(server), secrets=secrets).reasons("restaurants") == []


def test_a_process_killed_between_sending_and_storing_leaves_the_token_in_doubt() -> None:
    class Killed(BaseException):
        pass

    server, secrets = Server(), MemorySecrets()

    def killed(request: httpx.Request) -> httpx.Response:
        server(request)
        raise Killed

    with pytest.raises(Killed):
        run(KEETA, httpx.MockTransport(killed), secrets=secrets)
    with pytest.raises(TokenInDoubt, match="a lost connection or a killed process"):
        run(KEETA, httpx.MockTransport(server), secrets=secrets)
    assert server.refreshed_with == ["sandbox"]


def test_of_two_processes_only_one_sends_a_refresh_token() -> None:
    server, secrets = Server(), MemorySecrets()

    class Overtaken(MemorySecrets):
        """The other process records its exchange between this one's reading and writing."""

        def replace(self, name: str, old: str | None, value: str) -> bool:
            return secrets.replace(name, old, value) and super().replace(name, "of the other process", value)

    replayed = run(KEETA, httpx.MockTransport(server), secrets=Overtaken())
    assert "another process exchanges the refresh token" in replayed.reasons("restaurants")[0]
    assert server.refreshed_with == []


def test_a_platform_that_returns_the_same_refresh_token_leaves_no_doubt() -> None:
    server, secrets = Server(), MemorySecrets()

    def same(request: httpx.Request) -> httpx.Response:
        if request.url.path != "/base/oauth/token":
            return server(request)
        server.valid = "at-1"
        return _answer({"accessToken": "at-1", "expiresIn": 7200, "refreshToken": "sandbox"})

    for _ in range(2):
        assert run(KEETA, httpx.MockTransport(same), secrets=secrets).reasons("restaurants") == []


@pytest.mark.parametrize(("code", "tries"), [(115000301, 1), (315000101, 2)])
def test_a_parameter_error_is_final_and_a_server_error_is_tried_again(code: int, tries: int) -> None:
    lost = f"/scm/shop/base/get/{2**60 + 1}"
    replayed = run(KEETA, httpx.MockTransport(Server(codes={lost: code})))
    assert sorted(replayed.ids("restaurants")) == [str(2**60), str(2**60 + 2)]
    assert f"code {code}: not today" in replayed.reasons("restaurants")[0]
    asked = [request for request in replayed.requests if request.url.path == "/scm/shop/base/get"]
    assert len(asked) == 2 + tries


def test_a_shop_without_an_id_is_landed_as_listed_and_its_dishes_are_missing() -> None:
    server = Server(shops=1)

    def listing(request: httpx.Request) -> httpx.Response:
        if request.url.path == "/base/authorized/resource/get":
            return _answer(
                {"total": 2, "authorizedShops": [{"id": None, "name": "?"}, {"id": 2**60, "name": "Shop 0"}]}
            )
        return server(request)

    server.valid = "at-1"
    replayed = run(KEETA, httpx.MockTransport(listing), secrets=MemorySecrets())
    assert {"id": None, "name": "?"} in replayed.records("restaurants")
    assert replayed.reasons("restaurants") == []
    assert replayed.gaps["restaurants"].parts.are_all_known
    assert replayed.reasons("menu_items") == ["1 restaurants came without an id, and what belongs to them is missing"]
    assert not replayed.gaps["menu_items"].parts.are_all_known
