"""The progress of an emergency request, read while its platforms are synced."""

from __future__ import annotations

from pathlib import Path

import pytest

from sync_platform.emergency.request_store import RequestStore
from sync_platform.emergency.submission import submit_request
from sync_platform.emergency.sync_progress import ProgressStore, follow_request, progress_of_request
from sync_platform.errors import UsageError
from sync_platform.platforms import load_platforms


@pytest.fixture
def ledger(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'ledger.sqlite'}"


def _request(ledger: str) -> str:
    requests = RequestStore(ledger)
    made = submit_request(requests, load_platforms(), ["chope"], reason="menus are wrong", requester="ada")
    return made.request.request_id


def test_the_progress_of_a_request_is_that_of_its_runs_while_they_last(ledger: str) -> None:
    request_id = _request(ledger)
    (before,) = progress_of_request(ledger, request_id).document()["platforms"]
    assert (before["status"], before["progress"]) == ("requested", None)
    RequestStore(ledger).claim(request_id, "chope", "a-run")
    ProgressStore(ledger).note(request_id, "chope", "waiting", "waiting for another sync of chope")
    ProgressStore(ledger).note(request_id, "chope", "fetching", "fetches restaurants", 120, 3)
    (during,) = progress_of_request(ledger, request_id).document()["platforms"]
    progress = {name: during["progress"][name] for name in ("phase", "details", "records", "pages")}
    assert progress == {"phase": "fetching", "details": "fetches restaurants", "records": 120, "pages": 3}
    RequestStore(ledger).note_end(request_id, "chope", "a-run", "complete")
    document = progress_of_request(ledger, request_id).document()
    assert (document["status"], document["platforms"][0]["progress"]) == ("complete", None)


def test_a_follower_sees_each_change_once_and_the_end(ledger: str) -> None:
    request_id = _request(ledger)
    requests, store = RequestStore(ledger), ProgressStore(ledger)
    changes = iter(
        [
            lambda: requests.claim(request_id, "chope", "a-run"),
            lambda: None,
            lambda: store.note(request_id, "chope", "fetching", "fetches restaurants", 120, 3),
            lambda: requests.note_end(request_id, "chope", "a-run", "failed", "connection refused"),
        ]
    )
    followed = follow_request(ledger, request_id, sleep=lambda _: next(changes)())
    seen = [(each.document()["status"], len(each.syncs)) for each in followed]
    assert seen == [("requested", 0), ("launched", 0), ("launched", 1), ("failed", 1)]


def test_an_unknown_request_has_no_progress(ledger: str) -> None:
    with pytest.raises(UsageError, match="there is no emergency request 'x'"):
        progress_of_request(ledger, "x")
