"""Every test has its own harness. All share one model, because estimating a model takes longer than most tests."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from sync_platform.matching.model import Model

from .harness import UnificationHarness, estimated


@pytest.fixture(scope="session")
def model() -> Model:
    return estimated()


@pytest.fixture
def harness(tmp_path: Path, model: Model) -> Iterator[UnificationHarness]:
    harness = UnificationHarness(tmp_path, model=model)
    yield harness
    harness.lake.close()
