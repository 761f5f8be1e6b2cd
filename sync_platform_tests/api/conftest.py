"""The API over the home that an earlier version made: one for all tests that only read, one for each that writes."""

from __future__ import annotations

from pathlib import Path

import pytest

from sync_platform_tests.api.served import Served
from sync_platform_tests.cli.unpacked_home import unpacked_home


@pytest.fixture(scope="session")
def served(tmp_path_factory: pytest.TempPathFactory) -> Served:
    """The API of a synced home that no test changes."""
    return Served(unpacked_home(tmp_path_factory.mktemp("api") / "home").home)


@pytest.fixture
def own_home(tmp_path: Path) -> Served:
    """The API of a synced home of the test's own."""
    return Served(unpacked_home(tmp_path / "home").home)


@pytest.fixture
def empty_home(tmp_path: Path) -> Served:
    """The API of a home in which nothing was ever done."""
    return Served(tmp_path / "home")
