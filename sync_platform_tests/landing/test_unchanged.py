"""Files that the source reports as unchanged (304) are landed again without being fetched: a new observation."""

from __future__ import annotations

import httpx
import pytest

from sync_platform.errors import StorageError
from sync_platform.landing.extract import Fetch, extract
from sync_platform.landing.manifest import Manifest, land
from sync_platform.landing.reader import LandedDataset
from sync_platform.landing.source import Source
from sync_platform.landing.sync_id import new_sync_id
from sync_platform.platforms import load_platforms
from sync_platform.sources.scope import Scope
from sync_platform_tests.landing.diner import LandingHarness

REGISTER = load_platforms()["data_gov_hk"]


class RegisterServer:
    """Serves the register's two files, with ETags that it honours."""

    def __init__(self) -> None:
        self.edition, self.statuses = "a", list[int]()

    def __call__(self, request: httpx.Request) -> httpx.Response:
        etag = f'"{self.edition}"'
        known = request.headers.get("if-none-match") == etag
        self.statuses.append(304 if known else 200)
        rows = "".join(
            f"<LP><TYPE>RL</TYPE><DIST>18</DIST><LICNO>22180{n:05d}</LICNO>"
            f"<SS>{self.edition} {n}</SS><ADR>{n} Road</ADR>"
            "<INFO/><EXPDATE>2027-01-01</EXPDATE></LP>"
            for n in range(3)
        )
        body = f"<DATA><GENERATION_DATE>2026-11-24</GENERATION_DATE><LPS>{rows}</LPS></DATA>"
        return httpx.Response(self.statuses[-1], content=b"" if known else body.encode(), headers={"etag": etag})


@pytest.fixture
def server() -> RegisterServer:
    return RegisterServer()


def _sync(
    harness: LandingHarness, server: RegisterServer, after: Manifest | None = None, partition: str = "2026-11-23"
) -> Manifest:
    server.statuses.clear()
    credentials = dict.fromkeys(("api_key", "app_id", "app_secret", "refresh_token"), "key")
    source = Source("http://127.0.0.1", "", credentials, None, 2, False, transport=httpx.MockTransport(server))
    scope = Scope(taken_in=after.sync_id if after else None)
    fetch = Fetch(REGISTER, source, harness.secrets, scope, partition, new_sync_id(), run_id="run")
    manifests = extract(fetch, harness.destination)
    land(harness.store, manifests)
    return manifests[0]


def test_unchanged_files_are_not_sent_again_and_land_as_observed_now(
    harness: LandingHarness, server: RegisterServer
) -> None:
    first = again = _sync(harness, server)
    assert server.statuses == [200, 200]
    for _ in range(2):  # the second time too: the new landing still has the ETags
        again = _sync(harness, server, after=again)
        assert server.statuses == [304, 304]
        assert harness.records(again) == harness.records(first)
        assert (again.complete, again.claimed, again.records) == (True, 3, 3)
        assert again.observed_at > first.observed_at
        assert sorted(body.status for body in again.bodies) == [200, 200, 304, 304]


def test_a_new_edition_is_fetched(harness: LandingHarness, server: RegisterServer) -> None:
    first = _sync(harness, server)
    server.edition = "b"
    records = harness.records(_sync(harness, server, after=first))
    assert [record["SS_EN"] for record in records] == ["b 0", "b 1", "b 2"]


def test_a_landing_that_was_not_committed_or_is_of_another_period_is_not_reused(
    harness: LandingHarness, server: RegisterServer
) -> None:
    first = _sync(harness, server)
    _sync(harness, server, after=first, partition="2026-11-16")
    assert server.statuses == [200, 200]
    _sync(harness, server)
    assert server.statuses == [200, 200]


def test_a_landing_that_was_tampered_with_is_not_landed_again(harness: LandingHarness, server: RegisterServer) -> None:
    first = _sync(harness, server)
    key = next(key for key, _ in LandedDataset(first, harness.store).objects())
    harness.store.put(key, harness.store.get(key)[:-1])
    with pytest.raises(StorageError, match="not what was landed"):
        _sync(harness, server, after=first)
