"""Log lines on requests that are sent again and on pauses: few, however many requests fail."""

from __future__ import annotations

import logging

import httpx
import pytest

from sync_platform.errors import ServerFailed
from sync_platform.sources import repeat_log
from sync_platform.sources.repeat_log import RepeatLog
from sync_platform.sources.reply import Reply
from sync_platform_tests.sources.answers import Answers, Clock, client_of, fetch


def test_ten_thousand_failures_in_a_minute_are_seven_lines_at_most(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    clock = Clock()
    monkeypatch.setattr(repeat_log, "time", clock)
    caplog.set_level(logging.INFO, "sync_platform")
    log = RepeatLog("chope")
    for _ in range(10_000):
        log.add(ServerFailed("chope: /a answered 502"))
        clock.now += 0.006
    assert len(caplog.messages) in (6, 7)
    assert caplog.messages[0] == "chope: 1 request is sent again, the last one after: chope: /a answered 502"
    assert int(caplog.messages[1].split()[1]) == pytest.approx(10 / 0.006, abs=2)


def test_a_repeated_request_is_logged_and_a_pause_once(clock: Clock, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "sync_platform")
    busy = httpx.Response(429, headers={"Retry-After": "7"})
    fetch(client_of(Answers(httpx.Response(500), httpx.Response(200, json=[]))), Reply.json)
    fetch(client_of(Answers(busy, busy, httpx.Response(200, json=[])), attempts=5), Reply.json)
    assert [(record.levelname, record.getMessage().split(": ")[0]) for record in caplog.records] == [
        ("INFO", "diner"),
        ("WARNING", "diner asks for a pause"),
    ]
