"""The error of each answer, the number of attempts, and the waits between them."""

from __future__ import annotations

import asyncio
import gzip
import ssl
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest

from sync_platform.errors import (
    AuthenticationFailed,
    ConnectionFailed,
    ContractBroken,
    MalformedBody,
    PermanentError,
    Refused,
    ServerFailed,
    SettingsError,
    SyncError,
    Throttled,
)
from sync_platform.sources.client import Client, is_loopback
from sync_platform.sources.pace import Pacer
from sync_platform.sources.reply import Reply
from sync_platform_tests.certificates import write_certificate
from sync_platform_tests.sources.answers import LIVE, Answers, Clock, client_of, fetch, reply_of

STATUSES: dict[int, type[SyncError]] = {
    400: Refused,
    401: AuthenticationFailed,
    402: Refused,
    403: AuthenticationFailed,
    404: Refused,
    405: Refused,
    408: ServerFailed,
    409: Refused,
    410: Refused,
    422: Refused,
    425: ServerFailed,
    429: Throttled,
    451: Refused,
    500: ServerFailed,
    501: ServerFailed,
    502: ServerFailed,
    503: ServerFailed,
    504: ServerFailed,
    520: ServerFailed,
}
REQUEST = httpx.Request("GET", LIVE)
LOST: dict[Exception, type[SyncError]] = {
    httpx.ConnectError("refused"): ConnectionFailed,
    httpx.ConnectTimeout("slow"): ConnectionFailed,
    httpx.ReadTimeout("slow"): ConnectionFailed,
    httpx.WriteTimeout("slow"): ConnectionFailed,
    httpx.PoolTimeout("full"): ConnectionFailed,
    httpx.ReadError("reset"): ConnectionFailed,
    httpx.WriteError("reset"): ConnectionFailed,
    httpx.CloseError("reset"): ConnectionFailed,
    httpx.RemoteProtocolError("peer closed connection without sending complete message body"): ConnectionFailed,
    httpx.ProxyError("no proxy"): ConnectionFailed,
    httpx.UnsupportedProtocol("gopher"): Refused,
    httpx.TooManyRedirects("loop", request=REQUEST): Refused,
}


def body(reply: Reply) -> bytes:
    return reply.body


@pytest.mark.parametrize(("status", "error"), STATUSES.items())
def test_each_status_is_its_error(status: int, error: type[SyncError], clock: Clock) -> None:
    answers = Answers(httpx.Response(status))
    with pytest.raises(SyncError, match=f"diner: {LIVE}/dishes answered {status}") as raised:
        fetch(client_of(answers), body)
    assert type(raised.value) is error
    assert len(answers.requests) == (1 if issubclass(error, PermanentError) else 3)


@pytest.mark.parametrize(("failure", "error"), LOST.items(), ids=lambda value: getattr(value, "__name__", repr(value)))
def test_each_failure_of_the_connection_is_its_error(failure: Exception, error: type[SyncError], clock: Clock) -> None:
    answers = Answers(failure)
    with pytest.raises(SyncError, match="diner: .*/dishes") as raised:
        fetch(client_of(answers), body)
    assert type(raised.value) is error
    assert len(answers.requests) == (1 if issubclass(error, PermanentError) else 3)


def test_every_error_of_the_http_library_becomes_a_sync_error(clock: Clock) -> None:
    """A new httpx may add an error: this test fails until the client handles it."""

    def below(kind: type[Exception]) -> set[type[Exception]]:
        return {kind}.union(*(below(child) for child in kind.__subclasses__()))

    tried = {type(failure) for failure in LOST}
    abstract = {httpx.RequestError, httpx.TransportError, httpx.TimeoutException, httpx.NetworkError}
    abstract |= {httpx.ProtocolError, httpx.LocalProtocolError}  # we cause these ourselves: invalid headers are refused
    abstract |= {httpx.DecodingError}  # we decode bodies ourselves
    assert {kind for kind in below(httpx.RequestError) if kind.__module__ == "httpx"} - abstract == tried


def test_the_client_waits_at_a_bot_wall_on_platforms_that_have_one(clock: Clock) -> None:
    wall = httpx.Response(403, html="<html>Are you a robot?</html>")
    with pytest.raises(Throttled):
        fetch(client_of(Answers(wall), html_is_a_wall=True), body)
    with pytest.raises(AuthenticationFailed):
        fetch(client_of(Answers(wall)), body)


def test_html_with_status_200_is_a_bot_wall_on_platforms_that_have_one(clock: Clock) -> None:
    page = httpx.Response(200, html="<html>Are you a robot?</html>")
    answers = Answers(page, httpx.Response(200, json=[1]))
    assert fetch(client_of(answers, html_is_a_wall=True, wall_wait_s=30), Reply.json) == [1]
    assert 30 <= clock.slept[0] <= 31
    assert fetch(client_of(Answers(page)), body).startswith(b"<html>")


def test_the_error_of_an_unauthorised_client_names_the_setting_to_check(clock: Clock) -> None:
    with pytest.raises(AuthenticationFailed, match="check DINER_API_KEY"):
        fetch(client_of(Answers(httpx.Response(401))), body)


def test_a_request_that_succeeds_later_is_tried_until_it_does(clock: Clock) -> None:
    answers = Answers(httpx.Response(500), httpx.ReadError("reset"), httpx.Response(200, content=b"at last"))
    assert fetch(client_of(answers), body) == b"at last"
    assert len(answers.requests) == 3


@pytest.mark.parametrize("attempts", [1, 2, 6])
def test_attempts_are_counted(attempts: int, clock: Clock) -> None:
    answers = Answers(httpx.Response(500))
    with pytest.raises(ServerFailed):
        fetch(client_of(answers, attempts=attempts), body)
    assert len(answers.requests) == attempts
    assert len(clock.slept) == attempts - 1


def test_waits_grow_twofold_with_jitter_up_to_a_minute(clock: Clock) -> None:
    with pytest.raises(ServerFailed):
        fetch(client_of(Answers(httpx.Response(500)), attempts=10), body)
    for slept, nominal in zip(clock.slept, [0.5, 1, 2, 4, 8, 16, 32, 60, 60], strict=True):
        assert nominal * 0.5 <= slept <= nominal * 1.5
    assert len(set(clock.slept)) == 9


def test_a_server_on_this_machine_is_waited_for_a_tenth_as_long(clock: Clock) -> None:
    with pytest.raises(ServerFailed):
        fetch(client_of(Answers(httpx.Response(500)), base_url="http://127.0.0.1:1"), body)
    for slept, nominal in zip(clock.slept, [0.05, 0.1], strict=True):
        assert nominal * 0.5 <= slept <= nominal * 1.5


@pytest.mark.parametrize(("asked", "seconds"), [("7", 7), ("0", 0), ("2.5", 2.5), ("-3", 0), ("899", 899)])
def test_retry_after_in_seconds_is_honoured(asked: str, seconds: float, clock: Clock) -> None:
    answers = Answers(httpx.Response(429, headers={"Retry-After": asked}), httpx.Response(200))
    fetch(client_of(answers), body)
    assert seconds <= clock.slept[0] <= seconds + 0.75


@pytest.mark.parametrize(("ahead_s", "seconds"), [(120, 120), (-60, 0)])
def test_retry_after_as_a_date_is_honoured(ahead_s: float, seconds: float, clock: Clock) -> None:
    at = format_datetime(datetime.now(UTC) + timedelta(seconds=ahead_s), usegmt=True)
    answers = Answers(httpx.Response(429, headers={"Retry-After": at}), httpx.Response(200))
    fetch(client_of(answers), body)
    assert seconds - 5 <= clock.slept[0] <= seconds + 0.75


@pytest.mark.parametrize("asked", [None, "soon", "", "nan", "Tue, 99 Nov 2026"])
def test_without_a_retry_after_that_can_be_read_the_wall_is_waited_for(asked: str | None, clock: Clock) -> None:
    headers = {} if asked is None else {"Retry-After": asked}
    answers = Answers(httpx.Response(429, headers=headers), httpx.Response(200))
    fetch(client_of(answers, wall_wait_s=30), body)
    assert 30 <= clock.slept[0] <= 30.75


def test_a_throttled_error_carries_how_long_to_wait(clock: Clock) -> None:
    with pytest.raises(Throttled) as raised:
        fetch(client_of(Answers(httpx.Response(429, headers={"Retry-After": "11"}))), body)
    assert raised.value.retry_after_s == 11


class SlowBody(httpx.AsyncByteStream):
    """A body that sends one byte at a time, without end, or until a reset after some bytes."""

    def __init__(self, reset_after: int | None = None) -> None:
        self._reset_after = reset_after
        self.sent = 0

    async def __aiter__(self) -> AsyncIterator[bytes]:
        while self.sent != self._reset_after:
            yield b"x"
            self.sent += 1
            await asyncio.sleep(0.001)
        raise httpx.ReadError("connection reset by peer")


def test_a_body_that_never_ends_times_out() -> None:
    dripping = SlowBody()
    with pytest.raises(ConnectionFailed, match=r"did not answer completely in 0\.08 s"):
        fetch(client_of(lambda request: httpx.Response(200, stream=dripping), attempts=1, timeout_s=0.02), body)
    assert dripping.sent > 1


def test_a_body_reset_halfway_is_fetched_again(clock: Clock) -> None:
    answers = Answers(httpx.Response(200, stream=SlowBody(reset_after=3)), httpx.Response(200, content=b"whole"))
    assert fetch(client_of(answers), body) == b"whole"
    assert len(answers.requests) == 2


def test_a_body_whose_compression_is_broken_is_fetched_again(clock: Clock) -> None:
    bodies = iter([b"no gzip at all", gzip.compress(b"whole")])

    def answer(request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, headers={"Content-Encoding": "gzip"}, stream=httpx.ByteStream(next(bodies)))

    assert fetch(client_of(answer), body) == b"whole"
    assert len(clock.slept) == 1


@pytest.mark.parametrize(
    ("content", "found"),
    [
        (b"<html>error</html>", "answered HTML, not JSON"),
        (b"\n <!doctype html>", "answered HTML, not JSON"),
        (b'{"data": [1, 2', "answered 14 bytes that end too early or are not JSON"),
        (b"", "answered 0 bytes that end too early or are not JSON"),
        (b"\xff\xfe", "answered 2 bytes that end too early or are not JSON"),
        (b"NaN", "answered 3 bytes that end too early or are not JSON"),
    ],
)
def test_a_body_that_is_not_json_is_malformed_and_fetched_again(content: bytes, found: str, clock: Clock) -> None:
    answers = Answers(httpx.Response(200, content=content))
    with pytest.raises(MalformedBody, match=f"diner: {LIVE}/dishes {found}"):
        fetch(client_of(answers), Reply.json)
    assert len(answers.requests) == 3


def test_an_error_inside_status_200_is_tried_again_when_the_connector_calls_it_transient(clock: Clock) -> None:
    def read(reply: Reply) -> Any:
        if reply.json()["code"] != 0:
            raise ServerFailed("diner: code 9 inside 200")
        return reply.json()["data"]

    answers = Answers(httpx.Response(200, json={"code": 9}), httpx.Response(200, json={"code": 0, "data": [1]}))
    assert fetch(client_of(answers), read) == [1]


class Place(msgspec.Struct):
    latitude: float


class Envelope(msgspec.Struct):
    data: list[Place]


@pytest.mark.parametrize(
    ("value", "field", "problem"),
    [
        ({"data": [{"latitude": 1.5}, {"latitude": "north"}]}, "$.data[1].latitude", "Expected `float`, got `str`"),
        ({"data": [{}]}, "$.data[0]", "Object missing required field `latitude`"),
        ({"data": None}, "$.data", "Expected `array`, got `null`"),
        ({}, "$", "Object missing required field `data`"),
        ([], "$", "Expected `object`, got `array`"),
    ],
)
def test_a_broken_contract_names_platform_url_page_and_field(value: Any, field: str, problem: str) -> None:
    with pytest.raises(ContractBroken) as raised:
        reply_of(value).json_as(Envelope, page="7")
    error = raised.value
    assert (error.platform, error.url, error.page, error.problem) == ("diner", f"{LIVE}/dishes", "7", problem)
    assert error.field == field
    for part in ("diner", f"{LIVE}/dishes", "page 7", error.field, problem):
        assert part in str(error)


def test_a_broken_contract_is_not_requested_again(clock: Clock) -> None:
    answers = Answers(httpx.Response(200, json={}))
    with pytest.raises(ContractBroken):
        fetch(client_of(answers), lambda reply: reply.json_as(Envelope))
    assert len(answers.requests) == 1


def test_a_reply_keeps_what_the_manifest_needs() -> None:
    headers = {"ETag": '"v1"', "Last-Modified": "Tue, 24 Nov 2026 08:30:00 GMT", "Content-Type": "application/json"}
    before = datetime.now(UTC)
    answers = Answers(httpx.Response(200, headers=headers, content=b"[]"))
    reply = fetch(client_of(answers), lambda reply: reply, params={"page": 2})
    assert (reply.platform, reply.url, reply.status) == ("diner", f"{LIVE}/dishes?page=2", 200)
    assert (reply.etag, reply.last_modified) == ('"v1"', "Tue, 24 Nov 2026 08:30:00 GMT")
    assert before <= reply.fetched_at <= datetime.now(UTC)
    assert reply.sha256 == "4f53cda18c2baa0c0354bb5f9a3ecbe5ed12ab4d8e11ba873c2f11161202b945"  # of `[]`


def test_a_whole_url_is_requested_unchanged() -> None:
    answers = Answers(httpx.Response(200))
    fetch(client_of(answers), body, path="https://archive.example.test/file.csv")
    assert str(answers.requests[0].url) == "https://archive.example.test/file.csv"


def test_a_redirect_is_followed() -> None:
    answers = Answers(httpx.Response(302, headers={"Location": "/moved"}), httpx.Response(200, content=b"here"))
    assert fetch(client_of(answers), body) == b"here"
    assert answers.requests[1].url.path == "/moved"


@pytest.mark.parametrize(
    "target",
    [
        "https://elsewhere.example.test/dishes",
        "http://api.example.test/dishes",
        "https://api.example.test:8443/dishes",
        "https://user:password@elsewhere.example.test/dishes",
    ],
)
def test_credentials_are_not_sent_to_another_host_or_port_or_without_encryption(target: str) -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        if str(request.url) == target:
            return httpx.Response(200, json=[])
        return httpx.Response(302, headers={"location": target})

    with pytest.raises(Refused, match="sends us and our credentials on"):
        fetch(client_of(answer, headers={"X-Api-Key": "k"}), Reply.json)
    assert fetch(client_of(answer, headers={"Accept": "application/json"}), Reply.json) == []


def test_credentials_follow_a_redirect_to_the_same_host_with_encryption() -> None:
    moved = httpx.Response(301, headers={"Location": "https://api.example.test/dishes"})
    answers = Answers(moved, httpx.Response(200, json=[]))
    assert fetch(client_of(answers, "http://api.example.test", headers={"X-Api-Key": "k"}), Reply.json) == []


@pytest.mark.parametrize("status", [300, 302, 304, 307])
def test_an_answer_that_names_no_address_to_go_to_is_no_data(status: int, clock: Clock) -> None:
    with pytest.raises(ServerFailed, match=f"answered {status}, and names no address to go to"):
        fetch(client_of(Answers(httpx.Response(status, json=[1]))), Reply.json)


@pytest.mark.parametrize("location", ["http://api.example.test:99999/", "http://api.example.test:-1/"])
def test_a_redirect_to_a_port_that_does_not_exist_is_refused(location: str) -> None:
    with pytest.raises(Refused, match="is not an address"):
        fetch(client_of(Answers(httpx.Response(302, headers={"Location": location}))), body)


def test_what_follows_a_content_length_that_is_too_short_is_in_no_error(clock: Clock) -> None:
    """The bytes after it are read as the next answer, and the HTTP library quotes them."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        sent = 0
        while await reader.readline():
            if (await reader.readuntil(b"\r\n\r\n")) and not sent:
                writer.write(b'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"surname": "Chan Tai Man"\r\n\r\n')
                sent += 1
                await writer.drain()

    async def errors() -> list[str]:
        server = await asyncio.start_server(serve, "127.0.0.1")
        port = server.sockets[0].getsockname()[1]
        client = Client(
            "diner", f"http://127.0.0.1:{port}", headers={}, pacer=Pacer(None, 1), concurrency=1, attempts=1
        )
        raised = []
        async with server, client:
            for _ in range(2):
                try:
                    await client.get("/guests", read=Reply.json)
                except SyncError as error:
                    raised.append(str(error))
        return raised

    (error,) = asyncio.run(errors())
    assert "illegal status line" in error
    assert "Chan" not in error


WRONG_ENVIRONMENTS = {
    ("HTTPS_PROXY", "http://user:secret@proxy:port"): "a proxy is no address",
    ("HTTPS_PROXY", "ftp://user:secret@proxy"): "a proxy is no address",
    ("ALL_PROXY", "socks5://user:secret@127.0.0.1:9"): "a SOCKS proxy is not supported",
    ("SSL_CERT_FILE", "/no/such/secret"): "the certificates cannot be read",
}


@pytest.mark.parametrize(("variable", "problem"), WRONG_ENVIRONMENTS.items())
def test_a_proxy_or_certificates_that_cannot_be_used_are_named(
    variable: tuple[str, str], problem: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(*variable)
    with pytest.raises(SettingsError, match=f"^diner: the environment has a wrong setting: {problem}") as raised:
        Client("diner", LIVE, headers={}, pacer=Pacer(None, 1), concurrency=1)
    assert variable[0] in str(raised.value)
    assert "secret" not in str(raised.value)


def test_redirects_in_a_circle_are_refused() -> None:
    with pytest.raises(Refused, match="redirects in a circle"):
        fetch(client_of(Answers(httpx.Response(302, headers={"Location": "/dishes"}))), body)


def test_a_post_signs_every_attempt_anew(clock: Clock) -> None:
    answers = Answers(httpx.Response(500), httpx.Response(200, json="done"))
    signed: list[str] = []

    def sign(url: str) -> bytes:
        signed.append(url)
        return b'{"attempt": %d}' % len(signed)

    async def post() -> Any:
        async with client_of(answers) as client:
            return await client.post("/orders", sign, read=Reply.json)

    assert asyncio.run(post()) == "done"
    assert signed == [f"{LIVE}/orders"] * 2
    assert [request.content for request in answers.requests] == [b'{"attempt": 1}', b'{"attempt": 2}']
    assert answers.requests[0].headers["content-type"] == "application/json"


def test_every_request_carries_the_platforms_headers() -> None:
    answers = Answers(httpx.Response(200))
    fetch(client_of(answers, headers={"X-API-Key": "k"}), body)
    assert answers.requests[0].headers["x-api-key"] == "k"
    assert "sync-platform" in answers.requests[0].headers["user-agent"]


@pytest.mark.parametrize("secret", ["hush\n", " hush", "hush ", "hush\r\nX-Other: 1", "鑰匙hush", "hush\x00"])
def test_a_credential_that_no_header_can_carry_is_a_settings_error_that_does_not_quote_it(secret: str) -> None:
    with pytest.raises(SettingsError, match=r"the header X-API-Key cannot be sent: DINER_API_KEY") as raised:
        client_of(Answers(httpx.Response(200)), headers={"X-API-Key": secret})
    assert "hush" not in str(raised.value)


def test_requests_share_connections() -> None:
    """Over a real socket: a hundred requests, four at a time, open no more than four connections."""
    connections: list[int] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connections.append(0)
        try:
            while await reader.readuntil(b"\r\n\r\n"):
                connections[-1] += 1
                writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
        except asyncio.IncompleteReadError:
            writer.close()

    async def ask() -> list[bytes]:
        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        async with server, client_of_socket(port) as client:
            return await asyncio.gather(*(client.get("/dishes", read=body) for _ in range(100)))

    assert asyncio.run(ask()) == [b"ok"] * 100
    assert 1 <= len(connections) <= 4
    assert sum(connections) == 100


def client_of_socket(port: int) -> Client:
    return Client("diner", f"http://127.0.0.1:{port}", headers={}, pacer=Pacer(None, 4), concurrency=4)


@pytest.mark.parametrize(
    ("url", "loopback"),
    [
        ("http://localhost:8080/a", True),
        ("http://127.0.0.1", True),
        ("http://127.9.9.9:1", True),
        ("http://[::1]:8080", True),
        ("http://127.0.0.1.example.test", False),
        ("http://127.evil.test", False),
        ("http://localhost.evil.test", False),
        ("https://api.openrice.com", False),
        ("http://10.0.0.1", False),
        ("http://[::1", False),
        ("", False),
    ],
)
def test_only_this_machine_is_loopback(url: str, loopback: bool) -> None:
    assert is_loopback(url) is loopback


def test_an_expired_certificate_of_a_platform_is_named(tmp_path: Path, clock: Clock) -> None:
    write_certificate(tmp_path, days_left=-1)
    serving = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    serving.load_cert_chain(tmp_path / "certificate.pem", tmp_path / "key.pem")
    trusting = ssl.create_default_context(cafile=str(tmp_path / "certificate.pem"))

    async def sync() -> None:
        async with await asyncio.start_server(lambda *_: None, "127.0.0.1", ssl=serving) as server:
            port = server.sockets[0].getsockname()[1]
            transport = httpx.AsyncHTTPTransport(verify=trusting)
            address, pacer = f"https://127.0.0.1:{port}", Pacer(None, 1)
            client = Client("diner", address, headers={}, pacer=pacer, attempts=1, concurrency=1, transport=transport)
            async with client:
                await client.get("/dishes", read=body)

    with pytest.raises(ConnectionFailed, match="certificate has expired"):
        asyncio.run(sync())
