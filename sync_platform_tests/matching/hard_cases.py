"""Hard cases, written by hand: small tables in which a person easily sees which listings are one place.

What belongs here: cases that are rare in cities. Each can be put among `bystanders`, so that a rare name or number is
rare in the table too.
"""

from __future__ import annotations

from typing import NamedTuple

import polars as pl

from sync_platform.matching.listing_table import SCHEMA

Listing = dict[str, object]


class Case(NamedTuple):
    """Listings, each with the letter of its place; the same letter means one place."""

    name: str
    listings: tuple[tuple[str, Listing], ...]


def listing(source: str, source_id: str, **values: object) -> Listing:
    return {"source": source, "source_id": source_id, **values}


def table_of(*cases: Case) -> pl.DataFrame:
    """The cases' listings as one table."""
    rows = [found for case in cases for _, found in case.listings]
    return pl.DataFrame(rows, schema=SCHEMA)


_MALL = "Harbour Gate Plaza, 88 Canton Road, Tsim Sha Tsui"
_MALL_ZH = "尖沙咀廣東道88號海港城廣場"

CASES = (
    Case(
        "branches of a chain in one mall",
        (
            ("a", listing("a", "1", name_en="Jade Spoon", address_en=f"Shop 112, 1/F, {_MALL}", phone="2111 0000")),
            ("b", listing("a", "2", name_en="Jade Spoon", address_en=f"Shop 305A, 3/F, {_MALL}", phone="2111 0000")),
            ("a", listing("b", "1", name_en="JADE SPOON", address_en=f"Shop No. 112, 1/F, {_MALL}", phone="21110000")),
            ("c", listing("b", "2", name_en="Jade Spoon", address_en=f"B1/F, Shop B18, {_MALL}", phone="21110000")),
            ("c", listing("c", "1", name_zh="翡翠匙", name_en="Jade Spoon", address_zh=f"{_MALL_ZH}地庫1樓B18號舖")),
        ),
    ),
    Case(
        "a shop that changed its sign",
        (
            (
                "a",
                listing(
                    "a",
                    "sign1",
                    name_en="Old Anchor Bar",
                    phone="23334444",
                    address_en="Shop 3, G/F, 15 Knutsford Terrace, Tsim Sha Tsui",
                ),
            ),
            (
                "a",
                listing(
                    "b",
                    "sign1",
                    name_en="Velvet Sparrow",
                    phone="2333 4444",
                    address_en="Shop 3, G/F, 15 Knutsford Terrace, TST",
                ),
            ),
        ),
    ),
    Case(
        "the next tenant of the same unit",
        (
            (
                "a",
                listing(
                    "a",
                    "next1",
                    name_en="Lucky Dragon Noodles",
                    phone="27778888",
                    address_en="Shop 9, G/F, 201 Temple Street, Jordan",
                ),
            ),
            (
                "b",
                listing(
                    "b",
                    "next1",
                    name_en="Brick Lane Burgers",
                    phone="6123 4567",
                    address_en="Shop 9, G/F, 201 Temple Street, Jordan",
                ),
            ),
        ),
    ),
    Case(
        "two shops on one phone",
        (
            (
                "a",
                listing(
                    "a",
                    "two1",
                    name_en="Sakura Ramen",
                    phone="25556666",
                    address_en="Shop 1, G/F, 60 Wellington Street, Central",
                    cuisines=["Japanese"],
                ),
            ),
            (
                "b",
                listing(
                    "b",
                    "two1",
                    name_en="Toro Tapas",
                    phone="2555 6666",
                    address_en="Shop 2, G/F, 60 Wellington Street, Central",
                    cuisines=["Spanish"],
                ),
            ),
        ),
    ),
    Case(
        "a second listing",
        (
            (
                "a",
                listing(
                    "a",
                    "ext1",
                    name_en="Copper Whale (Mong Kok)",
                    phone="23938888",
                    address_en="Shop 2, G/F, 41 Dundas Street, Mong Kok",
                ),
            ),
            (
                "a",
                listing(
                    "a",
                    "ext2",
                    name_en="Copper Whale (Mong Kok) [Extended Delivery]",
                    phone="23938888",
                    address_en="Shop 2, G/F, 41 Dundas Street, Mong Kok",
                ),
            ),
            (
                "a",
                listing(
                    "b",
                    "ext1",
                    name_en="Copper Whale",
                    phone="2393 8888",
                    address_en="G/F, 41 Dundas Street, Mong Kok",
                ),
            ),
        ),
    ),
    Case(
        "a place that moved",
        (
            (
                "a",
                listing(
                    "a",
                    "mov1",
                    name_en="Midnight Kite Izakaya",
                    name_zh="午夜紙鳶居酒屋",
                    phone="28881234",
                    address_en="2/F, 14 Tang Lung Street, Causeway Bay",
                    latitude=22.2790,
                    longitude=114.1838,
                ),
            ),
            (
                "a",
                listing(
                    "b",
                    "mov1",
                    name_en="Midnight Kite Izakaya",
                    name_zh="午夜紙鳶居酒屋",
                    phone="2888 1234",
                    address_en="5/F, 300 Electric Road, North Point",
                    latitude=22.2890,
                    longitude=114.1935,
                ),
            ),
        ),
    ),
    Case(
        "a licence that changed its number",
        (
            (
                "a",
                listing(
                    "a",
                    "lic1",
                    name_en="Wing Sun Congee",
                    name_zh="永新粥店",
                    licence_number="2261000001",
                    address_en="Shop 8, G/F, 77 Shanghai Street, Jordan",
                ),
            ),
            (
                "a",
                listing(
                    "b",
                    "lic1",
                    name_en="Wing Sun Congee",
                    licence_number="3861000009",
                    phone="27701111",
                    address_en="Shop 8, G/F, 77 Shanghai Street, Jordan",
                ),
            ),
        ),
    ),
    Case(
        "only English here, only Chinese there",
        (
            (
                "a",
                listing(
                    "a",
                    "lang1",
                    name_en="Kam Wah Cha Chaan Teng",
                    phone="23926830",
                    address_en="Shop 4A, G/F, 47 Bute Street, Prince Edward",
                ),
            ),
            (
                "a",
                listing(
                    "b",
                    "lang1",
                    name_zh="金華茶餐廳",
                    phone="2392 6830",
                    address_zh="太子弼街47號地下4A號舖",
                ),
            ),
        ),
    ),
    Case(
        "only English here, only Chinese there, and no phone",
        (
            (
                "a",
                listing(
                    "a",
                    "lang2",
                    name_en="Fuk Lam Moon Restaurant",
                    address_en="G/F, 35 Fuk Wing Street, Sham Shui Po",
                    latitude=22.33011,
                    longitude=114.16204,
                ),
            ),
            (
                "a",
                listing(
                    "b",
                    "lang2",
                    name_zh="福臨門酒家",
                    address_zh="深水埗福榮街35號地下",
                    latitude=22.33018,
                    longitude=114.16211,
                ),
            ),
        ),
    ),
    Case(
        "Simplified and Traditional, full width and half",
        (
            (
                "a",
                listing("a", "sim1", name_zh="蓮香樓", address_zh="中環威靈頓街１６０號"),
            ),
            (
                "a",
                listing("b", "sim1", name_zh="莲香楼", address_zh="中环威灵顿街160号"),
            ),
        ),
    ),
)  # fmt: skip

_STREETS = ("Nathan Road", "Hennessy Road", "King's Road", "Lockhart Road", "Argyle Street", "Queen's Road East")
_FIRST = ("Amber", "Basil", "Cedar", "Dune", "Ember", "Fern", "Garnet", "Hazel", "Iris", "Juniper")
_SECOND = ("Oven", "Ladle", "Orchard", "Wharf", "Terrace", "Cellar")


def bystanders() -> Case:
    """Sixty places that are unrelated to all cases, each in two sources."""
    listings = []
    for number in range(60):
        name = f"{_FIRST[number % 10]} {_SECOND[number // 10]}"
        address = f"Shop {number % 7 + 1}, G/F, {10 + 3 * number} {_STREETS[number % 6]}"
        phone = f"3{number * 98_641 % 10**7:07d}"
        listings += [
            (f"by{number}", listing("a", f"by{number}", name_en=name, address_en=address, phone=phone)),
            (
                f"by{number}",
                listing("b", f"by{number}", name_en=name.upper(), address_en=address, phone=f"+852 {phone}"),
            ),
        ]
    return Case("bystanders", tuple(listings))
