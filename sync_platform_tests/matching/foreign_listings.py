"""Listings of other countries, invented: in Japanese, Thai and Arabic, and in German as spreadsheets have it.

What belongs here: two sources of each country, and which of their listings are one place. The id of a listing is the
number of its place.
"""

from __future__ import annotations

import random
from collections.abc import Callable

import polars as pl

from sync_platform.matching.listing_table import to_listing_table

Rows = list[dict[str, str]]
PLACES = 300
_SHARE = 0.75  # of the places that a source has
_ARABIC_DIGITS = str.maketrans("0123456789", "٠١٢٣٤٥٦٧٨٩")
_KINDS_JP = (("鮨", "Sushi"), ("焼肉", "Yakiniku"), ("麺屋", "Menya"), ("そば処", "Sobadokoro"), ("喫茶", "Kissa"))
_NAMES_JP = (
    ("さくら", "Sakura"), ("山田", "Yamada"), ("田中", "Tanaka"), ("富士", "Fuji"), ("花", "Hana"), ("松", "Matsu"),
    ("鶴", "Tsuru"), ("亀", "Kame"), ("まる", "Maru"), ("大和", "Yamato"), ("銀", "Gin"), ("月", "Tsuki"),
)  # fmt: skip
_KINDS_TH = ("ครัว", "ร้าน", "บ้าน", "ส้มตำ")
_NAMES_TH = (
    "คุณแม่", "ป้าแดง", "สมชาย", "เจ๊ไฝ", "ทิพย์", "นายอ้วน", "มาลี", "สุขใจ", "ริมน้ำ", "กะเพรา", "ดอกไม้", "แสงจันทร์",
)  # fmt: skip
_KINDS_AR = ("مطعم", "مقهى", "مخبز", "مشاوي")
_NAMES_AR = (
    "الشام", "بغداد", "القدس", "النيل", "السلطان", "الأندلس", "البيت", "الواحة", "دمشق", "الفيروز", "الملك", "الأرز",
)  # fmt: skip
_KINDS_DE = ("Gasthof", "Bäckerei", "Wirtshaus", "Café", "Zum", "Grüner")
_NAMES_DE = (
    "Müller", "Löwen", "Hirsch", "Bären", "Krüger", "Schröder", "Weiß", "Jäger", "Schäfer", "Ölmühle", "Größ", "Böhm",
)  # fmt: skip
_STREETS_DE = ("Königstraße", "Bahnhofstraße", "Müllerstraße", "Hauptstraße", "Schloßallee")


def japan(draw: random.Random) -> tuple[dict[str, str], dict[str, str]]:
    kind, first, second = draw.choice(_KINDS_JP), draw.choice(_NAMES_JP), draw.choice(_NAMES_JP)
    block, number = f"{draw.randint(1, 5)}-{draw.randint(1, 30)}-{draw.randint(1, 15)}", _digits(draw, 8)
    one = {"name": kind[0] + first[0] + second[0], "address": f"東京都渋谷区道玄坂{block}", "tel": f"03-{number}"}
    name = f"{kind[1]} {first[1]} {second[1]}"
    return one, {"name": name, "address": f"{block} Dogenzaka, Shibuya-ku, Tokyo", "tel": f"+81 3-{number}"}


def thailand(draw: random.Random) -> tuple[dict[str, str], dict[str, str]]:
    name = draw.choice(_KINDS_TH) + draw.choice(_NAMES_TH) + draw.choice(_NAMES_TH)
    number, digits = draw.randint(1, 999), _digits(draw, 8)
    one = {"name": name, "address": f"{number} ถนนสุขุมวิท กรุงเทพมหานคร", "tel": f"08{digits}"}
    return one, {"name": name, "address": f"{number} Sukhumvit Road, Bangkok", "tel": f"+66 8{digits}"}


def emirates(draw: random.Random) -> tuple[dict[str, str], dict[str, str]]:
    name = f"{draw.choice(_KINDS_AR)} {draw.choice(_NAMES_AR)} {draw.choice(_NAMES_AR)}"
    digits = _digits(draw, 7)
    one = {
        "name": name,
        "address": f"{draw.randint(1, 200)} شارع الرقة، دبي",
        "tel": f"٠٤{digits.translate(_ARABIC_DIGITS)}",
    }
    return one, {"name": name.replace("أ", "ا"), "address": "شارع الرقة", "tel": f"+971 4 {digits}"}


def germany(draw: random.Random) -> tuple[dict[str, str], dict[str, str]]:
    name, street = (
        f"{draw.choice(_KINDS_DE)} {draw.choice(_NAMES_DE)} {draw.choice(_NAMES_DE)}",
        draw.choice(_STREETS_DE),
    )
    number, digits = draw.randint(1, 120), _digits(draw, 7)
    one = {"name": name, "address": f"{street} {number}, 80331 München", "tel": f"089 / {digits}"}
    other = name.replace("ä", "ae").replace("ö", "oe").replace("ü", "ue").replace("Ö", "Oe").replace("ß", "ss")
    return one, {"name": other, "address": f"{street[:-4]}str. {number}", "tel": f"+49 89 {digits}"}


Country = Callable[[random.Random], tuple[dict[str, str], dict[str, str]]]
COUNTRIES: tuple[Country, ...] = (japan, thailand, emirates, germany)


def foreign_listings(country: Country, seed: int) -> tuple[pl.DataFrame, set[str]]:
    """The listings of both sources as a listing table, and the ids that both have. A sixth of the telephone numbers is
    missing; coordinates differ by some 20 m."""
    draw = random.Random(seed)
    sources: tuple[Rows, Rows] = ([], [])
    both = set()
    for number in range(PLACES):
        latitude, longitude = 35 + draw.gauss(0, 0.01), 45 + draw.gauss(0, 0.01)
        listed = [draw.random() < _SHARE for _ in sources]
        if all(listed):
            both.add(str(number))
        for source, has, listing in zip(sources, listed, country(draw), strict=True):
            if has:
                phone = {} if draw.random() < 1 / 6 else {"tel": listing.pop("tel")}
                listing.pop("tel", None)
                near = {
                    "lat": f"{latitude + draw.gauss(0, 0.0002):.6f}",
                    "lng": f"{longitude + draw.gauss(0, 0.0002):.6f}",
                }
                source.append({"id": str(number), **listing, **phone, **near})
    one, other = (
        pl.DataFrame(rows).with_columns(source=pl.lit(name)) for rows, name in zip(sources, "ab", strict=True)
    )
    return to_listing_table(pl.concat([one, other], how="diagonal")).table, both


def _digits(draw: random.Random, count: int) -> str:
    return str(draw.randint(2 * 10 ** (count - 1), 10**count - 1))
