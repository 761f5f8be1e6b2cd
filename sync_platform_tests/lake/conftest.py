"""Lake harnesses: every test has its own lake, on a laptop or on PostgreSQL with S3."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from sync_platform_tests.lake.harness import LakeHarness

EXAMPLES_PER_LAKE = 8


@pytest.fixture
def harness(tmp_path: Path, installation: dict[str, str]) -> Iterator[LakeHarness]:
    harness = LakeHarness(tmp_path)
    yield harness
    harness.lake.close()


@pytest.fixture(scope="module")
def new_harness(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[], LakeHarness]]:
    """A function that gives a harness with a new platform name for each example of a property.

    Several examples share a lake, because a lake takes a while to make. Not all share one, because a lake with
    thousands of recorded syncs is slow."""
    numbers = itertools.count()
    harnesses: list[LakeHarness] = []

    def harness() -> LakeHarness:
        if next(numbers) % EXAMPLES_PER_LAKE == 0:
            harnesses.append(LakeHarness(tmp_path_factory.mktemp("harness")))
        return harnesses[-1]

    yield harness
    for each in harnesses:
        each.lake.close()
