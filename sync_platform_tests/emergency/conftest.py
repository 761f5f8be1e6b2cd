"""Books of requests over SQLite and PostgreSQL."""

from __future__ import annotations

import pytest

from sync_platform.emergency.book import RequestBook
from sync_platform_tests.storage.conftest import database_url

__all__ = ["database_url"]


@pytest.fixture
def book(database_url: str) -> RequestBook:
    return RequestBook(database_url)
