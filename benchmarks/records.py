"""The benchmark's data: listings of about 1.3 kB each, one contact person per five listings, always the same."""

from __future__ import annotations

import random
from collections.abc import Iterator

import orjson

PAGE_ROWS = 500
WORDS = ["harbour", "lantern", "jade", "pearl", "dragon", "garden", "noodle", "kitchen", "golden", "moon", "bamboo"]
CHARACTERS = "海港燈籠玉珍珠龍園麵廚金月竹河蓮茶銀屋香味小館酒家"


def listing(number: int) -> dict[str, object]:
    """One listing; its content depends on `number` only."""
    chance = random.Random(number)
    contact = number // 5
    words = " ".join(chance.choices(WORDS, k=90))
    return {
        "id": number,
        "name_en": " ".join(chance.choices(WORDS, k=3)).title(),
        "name_zh": "".join(chance.choices(CHARACTERS, k=6)),
        "address_en": f"Shop {number % 90}, G/F, {chance.randrange(1, 999)} Queen's Road, Hong Kong",
        "district": chance.choice(["Central", "Wan Chai", "Mong Kok", "Sha Tin", "Tuen Mun"]),
        "latitude": round(22.2 + chance.random() / 5, 6),
        "longitude": round(114.0 + chance.random() / 5, 6),
        "phone": f"{chance.randrange(20000000, 39999999)}",
        "cuisines": chance.sample(["Cantonese", "Japanese", "Thai", "Western", "Dessert"], k=2),
        "rating": round(chance.uniform(1, 5), 1),
        "review_count": chance.randrange(0, 5000),
        "price_level": chance.randrange(1, 5),
        "is_open": chance.random() < 0.95,
        "contact": {"id": f"c{contact}", "name": f"Contact {contact}", "email": f"contact{contact}@example.com"},
        "description_en": words,
        "description_zh": "".join(chance.choices(CHARACTERS, k=60)),
        "updated_at": f"2026-{chance.randrange(1, 11):02}-{chance.randrange(1, 28):02}T08:00:00Z",
    }


def pages(count: int) -> Iterator[bytes]:
    """The bodies of all pages with `PAGE_ROWS` listings each; one empty page where there are no listings."""
    total_pages = max(1, -(-count // PAGE_ROWS))
    for page in range(1, total_pages + 1):
        first = (page - 1) * PAGE_ROWS
        rows = [listing(number) for number in range(first, min(first + PAGE_ROWS, count))]
        meta = {"page": page, "per_page": PAGE_ROWS, "total": count, "total_pages": total_pages}
        yield orjson.dumps({"data": rows, "meta": meta})
