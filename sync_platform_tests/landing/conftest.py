"""Where each test lands its diner."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest

from sync_platform.storage.objects import BucketStore
from sync_platform_tests.landing.diner import Kitchen
from sync_platform_tests.services import S3Server

_prefixes = (f"kitchen-{number}" for number in itertools.count(1))


@pytest.fixture
def kitchen(tmp_path: Path) -> Kitchen:
    """Over a folder."""
    return Kitchen(tmp_path)


@pytest.fixture(params=["folder", "bucket"])
def any_kitchen(request: pytest.FixtureRequest, tmp_path: Path) -> Kitchen:
    """Over a folder, and over a real S3 server."""
    kitchen = Kitchen(tmp_path)
    if request.param == "bucket":
        server: S3Server = request.getfixturevalue("s3_server")
        kitchen.store = BucketStore(server.client(), server.bucket, next(_prefixes))
    return kitchen
