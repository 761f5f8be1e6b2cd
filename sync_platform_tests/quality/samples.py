"""Invented records of a platform, generated from a seed, and their shapes.

What belongs here: making shapes for tests. What does not: checks of shapes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from random import Random
from typing import Any

import orjson

from sync_platform.quality.shape import Shape
from sync_platform.quality.shape_sample import ShapeSample

Record = dict[str, Any]
OBJECT = "landing/diner/places/pages-000001.ndjson.zst"


def lines(records: Iterable[Record]) -> bytes:
    """The records as lines of a landing object."""
    return b"".join(orjson.dumps(record, option=orjson.OPT_APPEND_NEWLINE) for record in records)


def shape_of(records: Iterable[Record], **options: Any) -> Shape:
    sample = ShapeSample(**{"has_personal_fields": False, **options})
    sample.take(OBJECT, lines(records))
    return sample.shape()


def places(count: int, seed: int = 1) -> list[Record]:
    """Records with fields that are always filled, that half have (else absent or null), and that 3 % have."""
    chance = Random(seed)
    return [_place(number, chance) for number in range(count)]


def _place(number: int, chance: Random) -> Record:
    place: Record = {
        "placeId": number,
        "name": chance.choice(["Lucky", "Golden", "Tai", "Wing"]) + f" Kee {number}",
        "mapLatitude": round(chance.uniform(22.2, 22.5), 4),
        "mapLongitude": round(chance.uniform(113.9, 114.3), 4),
        "score": chance.choice([0, 3, 3.5, 4]),
        "district": {"districtId": chance.randrange(2000, 2019), "name": "Jordan"},
        "phones": [str(chance.randrange(20_000_000, 40_000_000)) for _ in range(chance.randrange(3))],
        "categories": [{"categoryId": chance.randrange(9), "name": "Thai"} for _ in range(chance.randrange(1, 4))],
        "closesAt": chance.choice([None, "22:00:00"]),
    }
    if chance.random() < 0.5:
        place["website"] = f"https://example.org/{number}"
    if chance.random() < 0.03:
        place["licence"] = f"22{chance.randrange(10**8):08}"
    return place


def changed(records: list[Record], percent: int, change: Callable[[Record], None]) -> list[Record]:
    """The records; this share of them, spread evenly from the first on, are copies with the change."""
    copies = list(records)
    for at in range(0, len(records), 100 // percent):
        copies[at] = orjson.loads(orjson.dumps(records[at]))
        change(copies[at])
    return copies
