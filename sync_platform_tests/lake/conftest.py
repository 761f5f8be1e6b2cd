"""A lake of its own for every test, on a laptop and on PostgreSQL with S3."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from sync_platform_tests.lake.lab import Lab


@pytest.fixture
def lab(tmp_path: Path, installation: dict[str, str]) -> Iterator[Lab]:
    lab = Lab(tmp_path)
    yield lab
    lab.lake.close()
