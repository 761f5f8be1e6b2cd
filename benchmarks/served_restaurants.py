"""A home with many unified restaurants, made without a sync: what the server searches in its load test."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import polars as pl

from sync_platform.settings import Settings
from sync_platform.storage.lake_address import LakeAddress
from sync_platform.storage.lake_connection import Lake
from sync_platform.unified.tables import ensure_unified

LATIN = [
    "Golden",
    "Lucky",
    "Dragon",
    "Jade",
    "Harbour",
    "Noodle",
    "House",
    "Kitchen",
    "Cafe",
    "Garden",
    "Palace",
    "Bay",
]
HAN = "金龍鳳華茶餐廳麵家園海港酒樓大吉利福記新發點心小廚坊"
DISTRICTS = ("Wan Chai", "Central", "Sha Tin", "Tai Po", "Mong Kok", "Tsuen Wan", "Yuen Long", "Causeway Bay", None)
CUISINES = ("Cantonese", "Dim Sum", "Japanese", "Western", "Thai", "Noodles")
HOURS = ("Mo-Su 11:00-23:00", "Mo-Fr 07:00-15:00", "Sa-Su 18:00-02:00")


def restaurants(count: int) -> Iterator[dict[str, Any]]:
    """Made-up restaurants, the same ones every time."""
    draw = random.Random(20)
    for number in range(count):
        yield {
            "restaurant_id": f"rest-{number:013d}",
            "name_en": " ".join(draw.choices(LATIN, k=3)) + f" {number % 997}",
            "name_zh": "".join(draw.choices(HAN, k=5)),
            "address_en": f"{number % 300} Hennessy Road",
            "district": draw.choice(DISTRICTS),
            "latitude": 22.2 + draw.random() / 3,
            "longitude": 113.9 + draw.random() / 2,
            "cuisines": [draw.choice(CUISINES)],
            "opening_hours_osm": draw.choice(HOURS),
            "status": "open",
            "platforms": ["openrice"],
            "review_count": draw.randrange(2_000),
        }


def make_home(home: Path, count: int) -> Settings:
    """A home whose lake has these restaurants, and the run of unification that made them."""
    settings = Settings(_env_file=None, sync_home=home)
    frame = pl.DataFrame(list(restaurants(count)))
    now = datetime.now(UTC)
    with Lake(LakeAddress.of(settings)) as lake, lake.session() as session:
        ensure_unified(session)
        session.register("made_up", frame.to_arrow())
        own, times = ", ".join(frame.columns), "first_seen_at, last_changed_at"
        inserted = f"INSERT INTO lake.unified.restaurants ({own}, {times}) SELECT {own}, ?, ? FROM made_up"
        session.execute(inserted, [now, now])
        session.execute("INSERT INTO lake.unified.runs (run_id, committed_at) VALUES ('made-up', ?)", [now])
    return settings
