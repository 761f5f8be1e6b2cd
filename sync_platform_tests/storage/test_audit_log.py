"""The audit log is one chain for all writers, on SQLite and on PostgreSQL."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta, timezone

from sync_platform.storage.audit_log import AuditLog
from sync_platform.storage.hash_chain import FIRST, broken_links


def test_entries_are_chained_and_read_back_as_written(database_url: str) -> None:
    log = AuditLog(database_url)
    log.record("sync", {"b": 1, "a": ["茶"]}, actor="ada", via="cli", outcome="begun")
    last = log.record("sync", {}, actor="monthly", via="schedule", outcome="degraded")
    first, second = log.entries()
    assert (first.number, first.previous, first.subject) == (1, FIRST, '{"a":["茶"],"b":1}')
    assert (second, second.previous) == (last, first.link)
    assert list(broken_links([first, second])) == []
    assert first.document()["subject"] == {"a": ["茶"], "b": 1}


def test_concurrent_writers_do_not_fork_the_log(database_url: str) -> None:
    def write(number: int) -> None:
        log = AuditLog(database_url)
        for count in range(5):
            log.record("sync", {"count": count}, actor=f"writer {number}", via="api")
        log.close()

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(write, range(4)))
    entries = list(AuditLog(database_url).entries())
    assert [entry.number for entry in entries] == list(range(1, 21))
    assert list(broken_links(entries)) == []
    assert {entry.actor for entry in entries} == {f"writer {number}" for number in range(4)}


def test_entries_can_be_filtered_by_time_and_operation(database_url: str) -> None:
    days = iter(datetime(2026, 11, day, tzinfo=UTC) for day in (1, 2, 3))
    log = AuditLog(database_url, clock=lambda: next(days))
    for operation in ("sync", "maintain", "sync"):
        log.record(operation, {}, actor="ada", via="cli")
    hong_kong = timezone(timedelta(hours=8))
    assert [entry.number for entry in log.entries(datetime(2026, 11, 2, 8, tzinfo=hong_kong))] == [2, 3]
    assert [entry.number for entry in log.entries(operation="sync")] == [1, 3]
