"""Request stores over SQLite and PostgreSQL."""

from __future__ import annotations

import pytest

from sync_platform.emergency.request_store import RequestStore
from sync_platform_tests.storage.conftest import database_url

__all__ = ["database_url"]


@pytest.fixture
def requests(database_url: str) -> RequestStore:
    return RequestStore(database_url)
