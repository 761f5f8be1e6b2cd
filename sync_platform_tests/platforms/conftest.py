"""The city that the platforms' tests share."""

from __future__ import annotations

from datetime import date

import pytest

from sync_platform.sandbox.city import City


@pytest.fixture(scope="session")
def city() -> City:
    """120 places on a fixed day, so that the city is the same in every year."""
    return City(120, today=date(2026, 11, 24))
