"""What the source says is as before (304) is landed again without being fetched: a new observation of the same."""

from __future__ import annotations

import httpx
import pytest

from sync_platform.errors import StorageError
from sync_platform.landing.extract import Fetch, extract
from sync_platform.landing.manifest import Manifest, land
from sync_platform.landing.reader import Landed
from sync_platform.landing.source import Source
from sync_platform.landing.sync_id import new_sync_id
from sync_platform.platforms import load_platforms
from sync_platform.sources.scope import Scope
from sync_platform_tests.landing.diner import Kitchen

REGISTER = load_platforms()["data_gov_hk"]


class Office:
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
def office() -> Office:
    return Office()


def _sync(kitchen: Kitchen, office: Office, after: Manifest | None = None, partition: str = "2026-11-23") -> Manifest:
    office.statuses.clear()
    credentials = dict.fromkeys(("api_key", "app_id", "app_secret", "refresh_token"), "key")
    source = Source("http://127.0.0.1", "", credentials, None, 2, False, transport=httpx.MockTransport(office))
    scope = Scope(taken_in=after.sync_id if after else None)
    fetch = Fetch(REGISTER, source, kitchen.secret_book, scope, partition, new_sync_id(), run_id="run")
    manifests = extract(fetch, kitchen.destination)
    land(kitchen.store, manifests)
    return manifests[0]


def test_files_that_are_as_before_are_not_sent_again_and_land_as_seen_now(kitchen: Kitchen, office: Office) -> None:
    first = again = _sync(kitchen, office)
    assert office.statuses == [200, 200]
    for _ in range(2):  # the second time too: what was landed again bears the ETags still
        again = _sync(kitchen, office, after=again)
        assert office.statuses == [304, 304]
        assert kitchen.records(again) == kitchen.records(first)
        assert (again.complete, again.claimed, again.records) == (True, 3, 3)
        assert again.observed_at > first.observed_at
        assert sorted(body.status for body in again.bodies) == [200, 200, 304, 304]


def test_a_new_edition_is_fetched(kitchen: Kitchen, office: Office) -> None:
    first = _sync(kitchen, office)
    office.edition = "b"
    records = kitchen.records(_sync(kitchen, office, after=first))
    assert [record["SS_EN"] for record in records] == ["b 0", "b 1", "b 2"]


def test_what_was_not_taken_in_whole_or_is_of_another_period_is_nothing_to_go_by(
    kitchen: Kitchen, office: Office
) -> None:
    first = _sync(kitchen, office)
    _sync(kitchen, office, after=first, partition="2026-11-16")
    assert office.statuses == [200, 200]
    _sync(kitchen, office)
    assert office.statuses == [200, 200]


def test_a_landing_that_was_tampered_with_is_not_landed_again(kitchen: Kitchen, office: Office) -> None:
    first = _sync(kitchen, office)
    key = next(key for key, _ in Landed(first, kitchen.store).objects())
    kitchen.store.put(key, kitchen.store.get(key)[:-1])
    with pytest.raises(StorageError, match="not what was landed"):
        _sync(kitchen, office, after=first)
