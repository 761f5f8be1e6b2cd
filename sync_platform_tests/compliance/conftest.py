"""Houses that keep every obligation, to break one in."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from sync_platform.storage.lake_connection import Lake, LakeAddress
from sync_platform_tests.compliance.practice import ENVIRONMENT, Practice, StandingLake, open_practice

AROUND = ("ledger.sqlite", "landing_store", "backup_store")
"""What stands in a home beside its lake and its vault."""


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)


@pytest.fixture(scope="session")
def kept(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Where a house stands, and a copy of it: a lake knows its own folder by name."""
    return _built(tmp_path_factory, "kept")


@pytest.fixture
def practice(kept: tuple[Path, Path]) -> Practice:
    """A test's own, to meddle with."""
    home, copy = kept
    shutil.rmtree(home)
    shutil.copytree(copy, home)
    return Practice(home)


@pytest.fixture(scope="session")
def standing_lake(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, Path, Lake]]:
    home, copy = _built(tmp_path_factory, "standing")
    lake = StandingLake(LakeAddress.of(Practice(home).settings), read_only=True)
    yield home, copy, lake
    Lake.close(lake)


@pytest.fixture
def standing(standing_lake: tuple[Path, Path, Lake]) -> Practice:
    """One whose lake is left as it is; what stands around it is a test's own."""
    home, copy, lake = standing_lake
    for name in AROUND:
        remove = shutil.rmtree if (home / name).is_dir() else Path.unlink
        remove(home / name)
        put = shutil.copytree if (copy / name).is_dir() else shutil.copy
        put(copy / name, home / name)
    return Practice(home, lake)


def _built(factory: pytest.TempPathFactory, name: str) -> tuple[Path, Path]:
    home, copy = (factory.mktemp(name) / folder for folder in ("home", "copy"))
    open_practice(home)
    shutil.copytree(home, copy)
    return home, copy
