"""Two restaurant guides to American cities, invented: name, address, city, telephone and cuisine, each guide with its
own way of writing them.

What belongs here: invented data like that of the Fodor's and Zagat's guides in the literature, with as many rows and
matches.
"""

from __future__ import annotations

import random
from typing import NamedTuple

import polars as pl

FIRST_ROWS, SECOND_ROWS, BOTH = 533, 331, 112

_CITIES = {
    "new york": ("new york city", "212"), "los angeles": ("los angeles", "213"), "hollywood": ("w. hollywood", "310"),
    "santa monica": ("santa monica", "310"), "atlanta": ("atlanta", "404"), "las vegas": ("las vegas", "702"),
    "san francisco": ("san francisco", "415"), "studio city": ("studio city", "818"),
}  # fmt: skip
_STARTS = (
    "ar", "ben", "cam", "del", "el", "fer", "gus", "hen", "iv", "jas", "kel", "lan", "mor", "nor", "ol", "pet", "quin",
    "ros", "sal", "tor", "ul", "vin", "wes", "yan",
)  # fmt: skip
_ENDS = (
    "ardo",
    "bert",
    "colm",
    "dina",
    "etti",
    "fred",
    "gans",
    "ias",
    "klin",
    "lotte",
    "mini",
    "ner",
    "ovic",
    "par",
    "tine",
)
_OWNERS = tuple(start + end for start in _STARTS for end in _ENDS)
_OF = (
    "blue", "copper", "green", "golden", "iron", "little", "old", "paper", "red", "river", "salt", "silver", "stone",
    "tin", "white", "wild", "lemon", "brass",
)  # fmt: skip
_WHAT = (
    "anchor", "arch", "barn", "bell", "door", "fork", "gate", "heron", "house", "lantern", "mill", "moon", "oven",
    "owl",    "pot", "press", "roof", "rooster", "spur", "swan", "table", "thyme", "tree",
)  # fmt: skip
_THINGS = tuple(f"{one} {other}" for one in _OF for other in _WHAT)
_FOREIGN = (
    "chez",
    "trattoria",
    "osteria",
    "ristorante",
    "brasserie",
    "casa",
    "taverna",
    "auberge",
    "sushi",
    "la maison de",
)
_KINDS = ("restaurant", "cafe", "grill", "bistro", "deli", "bar & grill", "steakhouse", "oyster bar", "kitchen", "")
_STREETS = (
    "main", "broadway", "peachtree", "union", "melrose", "ventura", "sunset", "spring", "hudson", "bleecker", "mercer",
    "la brea", "wilshire", "larchmont", "columbus", "geary", "fillmore", "market", "lexington", "amsterdam", "canal",
)  # fmt: skip
_STREET_KINDS = (("street", "st."), ("avenue", "ave."), ("boulevard", "blvd."), ("road", "rd."), ("drive", "dr."))
_DIRECTIONS = (("north", "n."), ("south", "s."), ("east", "e."), ("west", "w."))
_CUISINES = {
    "american": "american (new)", "italian": "italian", "french": "french (classic)", "japanese": "sushi",
    "mexican": "mexican/tex-mex", "seafood": "seafood", "steakhouses": "steakhouses", "delis": "delicatessens",
    "chinese": "chinese", "californian": "californian", "continental": "continental", "barbecue": "bbq",
}  # fmt: skip


class _Place(NamedTuple):
    name: str
    kind: str
    number: int
    direction: int | None
    street: str
    street_kind: int
    city: str
    exchange: str
    cuisine: str


def two_guides(seed: int) -> tuple[pl.DataFrame, set[tuple[str, str]]]:
    """The listings of both guides, `first` and `second`, and the true pairs of their ids."""
    draw = random.Random(seed)
    places = _places(draw, FIRST_ROWS + SECOND_ROWS - BOTH)
    first, second = places[:FIRST_ROWS], places[FIRST_ROWS - BOTH :]
    rows = [_as_first(draw, number, place) for number, place in enumerate(first)]
    rows += [_as_second(draw, number, place) for number, place in enumerate(second)]
    return pl.DataFrame(rows), {(str(FIRST_ROWS - BOTH + number), str(number)) for number in range(BOTH)}


def _places(draw: random.Random, count: int) -> list[_Place]:
    """Places; some are branches (in another city or street) or neighbours of an earlier one."""
    places: list[_Place] = []
    for _ in range(count):
        place = _place(draw)
        if places and draw.random() < 0.06:
            before = draw.choice(places)
            place = place._replace(name=before.name, kind=before.kind, cuisine=before.cuisine)
        elif places and draw.random() < 0.05:
            before = draw.choice(places)
            place = place._replace(**{name: getattr(before, name) for name in ("number", *_Place._fields[3:7])})
        places.append(place)
    draw.shuffle(places)
    return places


def _place(draw: random.Random) -> _Place:
    owner, thing = draw.choice(_OWNERS), draw.choice(_THINGS)
    foreign = f"{draw.choice(_FOREIGN)} {owner}"
    names = (f"{owner}'s", f"{owner} and {draw.choice(_OWNERS)}", f"the {thing}", thing, foreign)
    ordinal = draw.random() < 0.25
    street = _ordinal(draw.randint(2, 90)) if ordinal else draw.choice(_STREETS)
    return _Place(
        draw.choice(names),
        draw.choice(_KINDS),
        draw.randint(1, 9900),
        draw.randrange(4) if draw.random() < 0.4 else None,
        street,
        draw.randrange(len(_STREET_KINDS)),
        draw.choice(list(_CITIES)),
        f"{draw.randint(220, 989)}-{draw.randint(0, 9999):04d}",
        draw.choice(list(_CUISINES)),
    )


def _ordinal(number: int) -> str:
    ending = {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th") if number % 100 not in (11, 12, 13) else "th"
    return f"{number}{ending}"


def _as_first(draw: random.Random, number: int, place: _Place) -> dict[str, str | None]:
    name = f"{place.name} {place.kind}".strip()
    direction = f"{_DIRECTIONS[place.direction][1]} " if place.direction is not None else ""
    address = f"{place.number} {direction}{place.street} {_STREET_KINDS[place.street_kind][1]}"
    if draw.random() < 0.3:
        address += f" {draw.choice(('at', 'near', 'between', 'off'))} {draw.choice(_STREETS)} st."
    return {
        "source": "first", "source_id": str(number), "name": name, "address": address, "city": place.city,
        "phone": f"{_CITIES[place.city][1]}/{place.exchange}", "type": place.cuisine,
    }  # fmt: skip


def _as_second(draw: random.Random, number: int, place: _Place) -> dict[str, str | None]:
    kind = draw.choice(
        (place.kind, place.kind, place.kind, "", {"deli": "delicatessen", "cafe": "caffe"}.get(place.kind, ""))
    )
    name = f"{place.name} {kind}".strip()
    if name.startswith("the ") and draw.random() < 0.6:
        name = f"{name[4:]}  the"
    if draw.random() < 0.1:
        name = f"{name} ({place.city})"
    if draw.random() < 0.05:
        name = name.replace("'s", "s")
    direction = f"{_DIRECTIONS[place.direction][draw.randrange(2)]} " if place.direction is not None else ""
    if draw.random() < 0.1:
        direction = ""
    exchange = place.exchange
    if draw.random() < 0.04:  # the guides are of different years
        exchange = f"{draw.randint(220, 989)}-{draw.randint(0, 9999):04d}"
    city, area = _CITIES[place.city]
    street_number = place.number + (draw.choice((2, 10)) if draw.random() < 0.04 else 0)
    return {
        "source": "second", "source_id": str(number), "name": name,
        "address": f"{street_number} {direction}{place.street} {_STREET_KINDS[place.street_kind][draw.randrange(2)]}",
        "city": city, "phone": f"{area}-{exchange}", "type": _CUISINES[place.cuisine],
    }  # fmt: skip
