"""Premises: the shop at an address, its coordinates, and how the address is written in each language.

What belongs here: buildings, malls, floors and shop numbers. What doesn't: who trades there.
"""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

from sync_platform.sandbox.districts import BOX_HALF_DEGREES, REGIONS, Area, Street, area_weights, areas
from sync_platform.sandbox.place_names import LUCKY, BilingualName

_BUILDING_KINDS = (
    BilingualName("Building", "大廈"),
    BilingualName("House", "樓"),
    BilingualName("Mansion", "大樓"),
    BilingualName("Commercial Centre", "商業中心"),
    BilingualName("Court", "閣"),
)
_MALL_KINDS = (
    BilingualName("Plaza", "廣場"),
    BilingualName("Mall", "商場"),
    BilingualName("City", "城"),
    BilingualName("Walk", "薈"),
    BilingualName("Centre", "中心"),
)
_MALL_SHARE = 0.28


@dataclass(frozen=True, slots=True)
class Mall:
    """A mall: its location and name."""

    area: Area
    street: Street
    number: str
    name: BilingualName
    latitude: float
    longitude: float


@dataclass(frozen=True, slots=True)
class Premises:
    """One shop. `floor` is `G`, `B`, or a number; `shop` and `building` may be empty; degrees are WGS84."""

    area: Area
    street: Street
    number: str
    building: BilingualName
    floor: str
    shop: str
    latitude: float
    longitude: float
    in_mall: bool

    def english(self) -> str:
        """The address in English, from shop to neighbourhood."""
        floor = "Basement" if self.floor == "B" else f"{self.floor}/F"
        parts = [f"Shop {self.shop}" if self.shop else "", floor, self.building.english]
        parts += [f"{self.number} {self.street.english}", self.area.english]
        return ", ".join(part for part in parts if part)

    def chinese(self) -> str:
        """The address in Traditional Chinese, from neighbourhood to shop."""
        floor = {"G": "地下", "B": "地庫"}.get(self.floor, f"{self.floor}樓")
        shop = f"{self.shop}號舖" if self.shop else ""
        number = self.number.replace("-", "至")
        return f"{self.area.chinese}{self.street.chinese}{number}號{self.building.chinese}{floor}{shop}"

    def region(self, language: str) -> str:
        """`Hong Kong`, `Kowloon` or `New Territories`, or its Chinese name for `zh`."""
        return REGIONS[self.area.region][1 if language == "zh" else 0]


def build_malls(stream: Random, places: int) -> list[list[Mall]]:
    """Malls by neighbourhood number; a larger city has more malls."""
    return [
        [_build_mall(stream, area) for _ in range(max(1, area.weight // 2, area.weight * places // 20_000))]
        for area in areas()
    ]


def _build_mall(stream: Random, area: Area) -> Mall:
    first, second = stream.sample(LUCKY, 2)
    kind = stream.choice(_MALL_KINDS)
    name = _joined(first, second, kind)
    latitude, longitude = _spot(stream, area)
    return Mall(area, stream.choice(area.streets), str(stream.randint(1, 99)), name, latitude, longitude)


def _joined(first: BilingualName, second: BilingualName, kind: BilingualName) -> BilingualName:
    english = f"{first.english} {second.english} {kind.english}"
    return BilingualName(english, first.chinese + second.chinese + kind.chinese)


def _spot(stream: Random, area: Area) -> tuple[float, float]:
    span = BOX_HALF_DEGREES * 0.85
    return (
        round(area.latitude + stream.uniform(-span, span), 6),
        round(area.longitude + stream.uniform(-span, span), 6),
    )


def find_premises(stream: Random, malls: list[list[Mall]], *, mall_share: float = _MALL_SHARE) -> Premises:
    """Premises somewhere in the city, on a street or in a mall."""
    area = stream.choices(areas(), cum_weights=area_weights())[0]
    if stream.random() < mall_share:
        return premises_in(stream, stream.choice(malls[area.number]))
    latitude, longitude = _spot(stream, area)
    first = stream.randint(1, 480)
    number = str(first) if stream.random() < 0.7 else f"{first}-{first + 2 * stream.randint(1, 5)}"
    building = BilingualName("", "")
    if stream.random() < 0.6:
        digit, other_digit = stream.sample(LUCKY, 2)
        kind = stream.choice(_BUILDING_KINDS)
        building = _joined(digit, other_digit, kind)
    floor = stream.choices(("G", "1", "2", str(stream.randint(3, 25)), "B"), (78, 9, 4, 7, 2))[0]
    shop = "" if stream.random() < 0.4 else f"{stream.randint(1, 20)}{stream.choice(('', '', 'A', 'B'))}"
    return Premises(area, stream.choice(area.streets), number, building, floor, shop, latitude, longitude, False)


def premises_in(stream: Random, mall: Mall) -> Premises:
    """A shop in the mall, within 30 m of its centre."""
    level = stream.randint(0, 8)
    floor = "G" if level == 0 else str(level)
    shop = f"{floor}{stream.randint(1, 60):02d}{stream.choice(('', '', '', 'A'))}"
    latitude = round(mall.latitude + stream.uniform(-0.00025, 0.00025), 6)
    longitude = round(mall.longitude + stream.uniform(-0.00025, 0.00025), 6)
    return Premises(mall.area, mall.street, mall.number, mall.name, floor, shop, latitude, longitude, True)
