"""A house that keeps every obligation, and copies of it to break one in."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from sync_platform_tests.compliance.practice import ENVIRONMENT, Practice, open_practice


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)


@pytest.fixture(scope="session")
def kept(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Where the house stands, and a copy of it: a lake knows its own folder by name."""
    home, copy = (tmp_path_factory.mktemp("practice") / name for name in ("home", "copy"))
    open_practice(home)
    shutil.copytree(home, copy)
    return home, copy


@pytest.fixture
def practice(kept: tuple[Path, Path]) -> Iterator[Practice]:
    """A test's own, to meddle with."""
    home, copy = kept
    shutil.rmtree(home)
    shutil.copytree(copy, home)
    yield Practice(home)
