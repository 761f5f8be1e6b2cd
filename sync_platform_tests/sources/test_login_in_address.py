"""A login in the address of a platform is sent, and is in no error and no received page."""

from __future__ import annotations

import asyncio
import base64

import httpx
import pytest

from sync_platform.errors import ConnectionFailed, Refused
from sync_platform.sources.client import Client
from sync_platform.sources.login_in_address import split_login, without_login
from sync_platform.sources.pace import Pacer
from sync_platform.sources.reply import Reply

ADDRESS = "http://user:pass%2Fword@127.0.0.1:9/x"


@pytest.mark.parametrize(
    ("url", "shown", "login"),
    [
        (ADDRESS, "http://127.0.0.1:9/x", ("user", "pass/word")),
        ("https://token@host.example", "https://host.example", ("token", "")),
        ("https://host.example/a@b?c=d", "https://host.example/a@b?c=d", None),
        ("http://[::1", "http://[::1", None),
        ("", "", None),
    ],
)
def test_an_address_is_split(url: str, shown: str, login: tuple[str, str] | None) -> None:
    assert split_login(url) == (shown, login)
    assert without_login(url) == shown


def got(path: str, handler: httpx.MockTransport) -> Reply:
    async def get() -> Reply:
        pacer = Pacer(None, 1)
        async with Client(
            "p", ADDRESS, headers={}, pacer=pacer, concurrency=1, attempts=1, transport=handler
        ) as client:
            return await client.get(path, read=lambda reply: reply)

    return asyncio.run(get())


def test_a_login_is_sent_to_its_own_address_and_to_no_other() -> None:
    received: list[tuple[str, str | None]] = []

    def answer(request: httpx.Request) -> httpx.Response:
        received.append((request.url.host, request.headers.get("authorization")))
        return httpx.Response(200, json={})

    reply = got("/a", httpx.MockTransport(answer))
    got("https://other.example/b", httpx.MockTransport(answer))
    assert reply.url == "http://127.0.0.1:9/x/a"
    sent = f"Basic {base64.b64encode(b'user:pass/word').decode()}"
    assert received == [("127.0.0.1", sent), ("other.example", None)]


def test_a_redirect_does_not_take_the_login_to_another_host() -> None:
    away = httpx.MockTransport(lambda request: httpx.Response(302, headers={"Location": "https://evil.example/"}))
    with pytest.raises(Refused, match="sends us and our credentials on to https://evil.example$"):
        got("/a", away)


def test_no_error_has_the_login() -> None:
    def fail(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("refused", request=request)

    with pytest.raises(ConnectionFailed) as failed:
        got("/a", httpx.MockTransport(fail))
    assert str(failed.value) == "p: connection to http://127.0.0.1:9/x/a failed: refused"
