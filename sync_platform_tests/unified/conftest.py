"""Every test has its own town; all share one model, because estimating one takes longer than most tests."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from sync_platform.matching.model import Model

from .town import Town, estimated


@pytest.fixture(scope="session")
def model() -> Model:
    return estimated()


@pytest.fixture
def town(tmp_path: Path, model: Model) -> Iterator[Town]:
    town = Town(tmp_path, model=model)
    yield town
    town.lake.close()
