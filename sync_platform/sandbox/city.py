"""The invented Hong Kong on one day: its places, and how each platform sees them, both built on first use."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import date
from functools import cached_property

from sync_platform.sandbox.platform_view import PlatformView
from sync_platform.sandbox.sandbox_error import SandboxError
from sync_platform.sandbox.true_places import TruePlace, build_places
from sync_platform.sandbox.views import view_class

MAX_PLACES = 200_000
HONG_KONG_OFFSET_S = 8 * 3600
_EPOCH = date(1970, 1, 1).toordinal()


class City:
    """A pure function of the number of places trading at one time, the seed and the day."""

    def __init__(self, places: int = 2000, seed: int = 852, today: date | None = None) -> None:
        if not 1 <= places <= MAX_PLACES:
            raise SandboxError(f"places={places}: must lie between 1 and {MAX_PLACES}")
        self.size, self.seed = places, seed
        self.today = today or today_in_hong_kong()
        self._views: dict[str, PlatformView] = {}

    @cached_property
    def places(self) -> list[TruePlace]:
        """Every place that has ever opened, by key."""
        return build_places(self.seed, self.size, self.today)

    def view(self, platform: str) -> PlatformView:
        """How the platform sees the city; KeyError for an unknown platform."""
        if platform not in self._views:
            self._views[platform] = view_class(platform)(self.places, self.seed, self.today)
        return self._views[platform]


def today_in_hong_kong() -> date:
    """The calendar's day in Asia/Hong_Kong (UTC+8 all year)."""
    return date.fromordinal(_EPOCH + int((time.time() + HONG_KONG_OFFSET_S) // 86400))


def calendar(places: int, seed: int) -> Callable[[], City]:
    """A function that returns the city of the current day, and builds a new one only when the day changes."""
    current = City(places, seed)

    def city() -> City:
        nonlocal current
        today = today_in_hong_kong()
        if current.today != today:
            current = City(places, seed, today)
        return current

    return city
