"""Landing harnesses, over a folder and over S3."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest

from sync_platform.storage.bucket_store import BucketStore
from sync_platform_tests.landing.diner import LandingHarness
from sync_platform_tests.services import S3Server

_prefixes = (f"harness-{number}" for number in itertools.count(1))


@pytest.fixture
def harness(tmp_path: Path) -> LandingHarness:
    """A harness over a folder."""
    return LandingHarness(tmp_path)


@pytest.fixture(params=["folder", "bucket"])
def any_harness(request: pytest.FixtureRequest, tmp_path: Path) -> LandingHarness:
    """A harness over a folder, and one over a real S3 server."""
    harness = LandingHarness(tmp_path)
    if request.param == "bucket":
        server: S3Server = request.getfixturevalue("s3_server")
        harness.store = BucketStore(server.client(), server.bucket, next(_prefixes))
    return harness
