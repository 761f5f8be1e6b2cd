"""A lake of its own for every test, on a laptop and on PostgreSQL with S3."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from sync_platform_tests.lake.lab import Lab

EXAMPLES_PER_LAKE = 8


@pytest.fixture
def lab(tmp_path: Path, installation: dict[str, str]) -> Iterator[Lab]:
    lab = Lab(tmp_path)
    yield lab
    lab.lake.close()


@pytest.fixture(scope="module")
def new_lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[], Lab]]:
    """For each example of a property a lab, to sync platforms of new names into. Several get the same lake, which takes
    a while to make; not all of them, for a lake in which thousands of small syncs are on record has become slow."""
    numbers = itertools.count()
    labs: list[Lab] = []

    def lab() -> Lab:
        if next(numbers) % EXAMPLES_PER_LAKE == 0:
            labs.append(Lab(tmp_path_factory.mktemp("lab")))
        return labs[-1]

    yield lab
    for each in labs:
        each.lake.close()
