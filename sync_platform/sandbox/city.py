"""The invented Hong Kong on one day: its places, and how each platform sees them, both built when first asked for."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import date
from functools import cached_property
from importlib import import_module
from typing import TYPE_CHECKING

from sync_platform.sandbox.errors import SandboxError

if TYPE_CHECKING:
    from sync_platform.sandbox.places import Place
    from sync_platform.sandbox.views.view import View

PLATFORMS = ("data_gov_hk", "openrice", "tripadvisor", "eatigo", "chope", "foodpanda", "keeta", "bistrochat")
MOST_PLACES = 200_000
HONG_KONG_OFFSET_S = 8 * 3600
_EPOCH = date(1970, 1, 1).toordinal()


class City:
    """A pure function of the number of places trading at one time, the seed and the day."""

    def __init__(self, places: int = 2000, seed: int = 852, today: date | None = None) -> None:
        if not 1 <= places <= MOST_PLACES:
            raise SandboxError(f"places={places}: must lie between 1 and {MOST_PLACES}")
        self.size, self.seed = places, seed
        self.today = today or today_in_hong_kong()
        self._views: dict[str, View] = {}

    @cached_property
    def places(self) -> list[Place]:
        """Every place that has ever opened, by key."""
        from sync_platform.sandbox.places import build_places

        return build_places(self.seed, self.size, self.today)

    def view(self, platform: str) -> View:
        """How the platform sees the city; KeyError for a platform that doesn't exist."""
        if platform not in self._views:
            if platform not in PLATFORMS:
                raise KeyError(platform)
            module = import_module(f"sync_platform.sandbox.views.{platform}")
            view: View = module.build(self)
            self._views[platform] = view
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
