"""Past months of platforms in the landing store of the settings, from the sandbox of each month.

A platform without an archive is synced again for a past month from what was landed then.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, date, datetime, time

import httpx

from sync_platform.defs.resources import landing_store_of, vault_of
from sync_platform.landing.destination import Destination
from sync_platform.landing.extract import Fetch, extract
from sync_platform.landing.manifest import land
from sync_platform.landing.source import Source
from sync_platform.landing.sync_id import new_sync_id
from sync_platform.sandbox.city import City
from sync_platform.sandbox.server import create_app
from sync_platform.settings import Settings
from sync_platform.sources.declaration import Platform
from sync_platform.sources.period import HONG_KONG, period_of
from sync_platform.sources.scope import Scope
from sync_platform_tests.platforms.replay import BASE, CREDENTIALS, MemorySecrets


def land_months(settings: Settings, platforms: Iterable[Platform], days: Iterable[date]) -> None:
    """Land every platform as of noon of each day."""
    store, vault = landing_store_of(settings).open(), vault_of(settings).vault
    for day in days:
        app = create_app(City(settings.sandbox_places, settings.sandbox_seed, today=day))
        noon = datetime.combine(day, time(12), HONG_KONG).astimezone(UTC)
        for platform in platforms:
            transport = httpx.ASGITransport(app)
            source = Source(f"{BASE}/{platform.name}", "", CREDENTIALS, None, 8, False, transport=transport)
            key = period_of(platform.cadence, day).key
            fetch = Fetch(platform, source, MemorySecrets(), Scope(), key, new_sync_id(noon), run_id="landed before")
            land(store, extract(fetch, Destination(store, vault), started_at=noon))
