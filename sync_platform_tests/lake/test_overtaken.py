"""A program that may not write any more, as a newer one migrated its lake or its lock is lost: it commits nothing."""

from __future__ import annotations

import itertools

import pytest

from sync_platform.errors import LockLost, MadeByNewer
from sync_platform.lake.commit import commit_landed
from sync_platform.lake.rows import TypedRows
from sync_platform.lake.transaction import guarded
from sync_platform.storage import lake_formats
from sync_platform.storage.lake_connection import LAKE
from sync_platform_tests.lake.harness import HISTORY, LakeHarness


def test_a_program_writes_nothing_into_a_lake_that_a_newer_one_has_migrated(
    harness: LakeHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    harness.sync([{"id": 1, "name": "Noodles"}], hour=0)
    before = harness.table()
    with monkeypatch.context() as newer, harness.lake.session() as session, harness.lake.write_lock():
        newer.setitem(lake_formats.VERSIONS, "history", 2)
        lake_formats.store_formats(session, LAKE)
    with pytest.raises(MadeByNewer, match="history 2 \\(this program knows 1\\); nothing was changed"):
        harness.sync([{"id": 1, "name": "Tea"}], hour=1)
    assert harness.table() == before


@pytest.mark.parametrize("lost_at", [1, 2])
def test_a_run_that_has_lost_its_lock_writes_nothing(harness: LakeHarness, lost_at: int) -> None:
    """The lock is asked for before the work and before its commit."""
    harness.sync([{"id": 1, "name": "Noodles"}], hour=0)
    before, questions = (harness.table("*"), harness.ask("SELECT * FROM sync.runs")), itertools.count(1)

    def require_lock() -> None:
        if next(questions) == lost_at:
            raise LockLost("lost")

    rows = TypedRows(harness.land([{"id": 1, "name": "Tea"}], hour=1), harness.platform)
    with guarded(harness.lake, require_lock):
        with pytest.raises(LockLost):
            commit_landed(harness.lake, HISTORY, rows, "run")
        assert (harness.table("*"), harness.ask("SELECT * FROM sync.runs")) == before
        assert commit_landed(harness.lake, HISTORY, rows, "run").record.updated == 1
