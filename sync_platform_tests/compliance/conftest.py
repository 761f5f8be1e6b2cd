"""Homes in which every obligation is met, so that a test can break one."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from sync_platform.storage.lake_address import LakeAddress
from sync_platform.storage.lake_connection import Lake
from sync_platform_tests.compliance.harness import ENVIRONMENT, ComplianceHarness, SharedLake, open_filled
from sync_platform_tests.folder_copies import copy_by_process

AROUND = ("ledger.sqlite", "landing_store", "backup_store")
"""The parts of a home besides its lake and its vault."""


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)


@pytest.fixture(scope="session")
def kept(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A home, and a copy of it: a lake stores the path of its folder, so a copy must be moved back."""
    return _built(tmp_path_factory, "kept")


@pytest.fixture
def harness(kept: tuple[Path, Path]) -> ComplianceHarness:
    """A home that the test may change."""
    home, copy = kept
    shutil.rmtree(home)
    copy_by_process(copy, home)
    return ComplianceHarness(home)


@pytest.fixture(scope="session")
def shared_lake(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, Path, Lake]]:
    home, copy = _built(tmp_path_factory, "shared_harness")
    lake = SharedLake(LakeAddress.of(ComplianceHarness(home).settings), read_only=True)
    yield home, copy, lake
    Lake.close(lake)


@pytest.fixture
def shared_harness(shared_lake: tuple[Path, Path, Lake]) -> ComplianceHarness:
    """A home whose lake must not be changed; the test may change the other parts."""
    home, copy, lake = shared_lake
    for name in AROUND:
        remove = shutil.rmtree if (home / name).is_dir() else Path.unlink
        remove(home / name)
        copy_by_process(copy / name, home / name)
    return ComplianceHarness(home, lake)


def _built(factory: pytest.TempPathFactory, name: str) -> tuple[Path, Path]:
    home, copy = (factory.mktemp(name) / folder for folder in ("home", "copy"))
    open_filled(home)
    copy_by_process(home, copy)
    return home, copy
