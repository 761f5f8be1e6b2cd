"""An upgrade part by part, as Kubernetes does it: for some minutes parts of two versions work on one installation.

In each state pages and routes answer, or say why not, and a run of the UI, an emergency request and a tick of a
schedule are asked for. None of them may be lost.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from sync_platform_tests.cli.next_program import OVERTAKEN
from sync_platform_tests.limits import LONGEST_WAIT_S
from sync_platform_tests.server.two_versions import (
    PLATFORM,
    Part,
    TwoVersions,
    Version,
    is_refused_by_earlier_version,
    two_versions,
)
from sync_platform_tests.services import PostgresServer

pytestmark = pytest.mark.full

COUNT = f"SELECT count(*) AS rows, count(*) FILTER (removed_at IS NULL) AS live FROM {PLATFORM}.licences"
API = "/api/production-sync"
READ = (
    "/",
    "/docs",
    "/dagster/",
    "/metrics",
    *(f"{API}/{name}" for name in ("health", "syncs", "emergency", "alerts", "jobs", "quality", "changes")),
)


@pytest.fixture(params=["a new column", "a new format"])
def parts(tmp_path: Path, postgres_server: PostgresServer, request: pytest.FixtureRequest) -> Iterator[TwoVersions]:
    parts = two_versions(tmp_path, postgres_server, has_new_format=request.param == "a new format")
    try:
        yield parts
    finally:
        for process in parts.running.values():
            process.terminate()
        for process in parts.running.values():
            process.wait(LONGEST_WAIT_S)


CODE_SERVER_FIRST: list[tuple[Part, ...]] = [(), ("code-server",), ("web", "daemon")]
CODE_SERVER_LAST: list[tuple[Part, ...]] = [(), ("web", "daemon"), ("code-server",)]


@pytest.mark.parametrize(
    ("parts", "replaced"),
    [("a new column", CODE_SERVER_FIRST), ("a new format", CODE_SERVER_LAST)],
    indirect=["parts"],
    ids=["the code server first", "the code server last"],
)
def test_no_run_is_lost_while_parts_of_two_versions_work_together(
    parts: TwoVersions, replaced: list[tuple[Part, ...]], capsys: pytest.CaptureFixture[str]
) -> None:
    parts.command("this", "sync", PLATFORM, "--no-unify")
    rows = parts.command("this", "query", COUNT, "--format", "json")
    assert parts.client
    start(parts, "this", ("code-server", "web", "daemon"))
    parts.switch_schedule(on=False)

    parts.command("next", "migrate")
    launched, requested = [], []
    for each in replaced:
        start(parts, "next", each)
        refused = refused_pages(parts)
        asked = parts.ask()
        launched.append(asked.run_id)
        requested += [asked.request_id] if asked.request_id else []
        with capsys.disabled():
            print(f"\n{' and '.join(each) or 'nothing'} replaced: refused {', '.join(refused) or 'no page'}")
            print(f"an emergency request is {'accepted' if asked.request_id else 'refused'}")

    assert not refused_pages(parts)
    scheduled = [run for tick in parts.ticks() for run in tick["runIds"]]
    assert len(scheduled) >= len(launched), parts.ticks()
    for run in [*launched, *scheduled]:
        parts.wait_until(lambda run=run: parts.has_ended(run))  # type: ignore[misc]
        assert "SUCCESS" in parts.outcome(run), parts.log_of(run)
    assert requested
    for request in requested:
        parts.wait_until(lambda request=request: parts.request(request)["finishedAt"])  # type: ignore[misc]
        assert parts.request(request)["status"] == "complete", parts.logs()
    assert [tick for tick in parts.ticks() if tick["status"] != "SUCCESS"] == []
    assert parts.command("next", "query", COUNT, "--format", "json") == rows
    parts.command("next", "lineage", "verify")
    parts.command("next", "migrate", "--check")
    assert OVERTAKEN in parts.logs()


def start(parts: TwoVersions, version: Version, which: tuple[Part, ...]) -> None:
    """Start parts in a version, and wait until the web server is ready."""
    for part in which:
        parts.start(part, version)
    parts.wait_until(parts.is_ready)


def refused_pages(parts: TwoVersions) -> list[str]:
    """The pages and routes that are refused now. Each refusal says why."""
    answers = {path: parts.client.get(path) for path in READ}
    refused = {path: answer for path, answer in answers.items() if answer.status_code != 200}
    for path, answer in refused.items():
        assert is_refused_by_earlier_version(answer), (path, answer.status_code, answer.text)
    return list(refused)
