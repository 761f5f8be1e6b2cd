"""A clock under the control of the test."""

from __future__ import annotations

import asyncio

import pytest

from sync_platform.sources import pace
from sync_platform_tests.sources.answers import Clock


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """The clock that replaces the pacer's clock and every sleep."""
    clock = Clock()
    monkeypatch.setattr(pace, "time", clock)
    monkeypatch.setattr(asyncio, "sleep", clock.sleep)
    return clock
