"""Databases for the tests: SQLite and a real PostgreSQL."""

from __future__ import annotations

from pathlib import Path

import pytest

from sync_platform_tests.services import PostgresServer


@pytest.fixture(params=["sqlite", "postgres"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The SQLAlchemy URL of an empty database of each kind."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'below' / 'state.sqlite'}"
    server: PostgresServer = request.getfixturevalue("postgres_server")
    return server.url(server.create_database())
