"""A program whose lake is migrated by a newer one while it works: it commits nothing more."""

from __future__ import annotations

import pytest

from sync_platform.errors import MadeByNewer
from sync_platform.storage import lake_formats
from sync_platform.storage.lake_connection import LAKE
from sync_platform_tests.lake.harness import LakeHarness


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
