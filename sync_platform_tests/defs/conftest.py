"""A home with empty databases, and the daemons of Dagster on it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from dagster._core.definitions.reconstruct import ReconstructableJob

from sync_platform_tests.defs.daemon_harness import DaemonHarness
from sync_platform_tests.folder_copies import copy_by_process


@pytest.fixture(scope="module")
def empty_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with empty databases: to copy them is faster than to migrate them."""
    home = tmp_path_factory.mktemp("empty") / "home"
    daemon = DaemonHarness(home)
    daemon.requests.open_requests()
    daemon.close()
    return home


@pytest.fixture
def home(empty_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home in which also the definitions that Dagster loads find their state."""
    copy_by_process(empty_home, tmp_path / "home")
    monkeypatch.setenv("SYNC_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("SANDBOX_PLACES", "40")
    ReconstructableJob.get_definition.cache_clear()  # the definitions of another home
    ReconstructableJob.get_repository_definition.cache_clear()
    return tmp_path / "home"


@pytest.fixture
def daemon(home: Path) -> Iterator[DaemonHarness]:
    daemon = DaemonHarness(home)
    yield daemon
    daemon.close()
