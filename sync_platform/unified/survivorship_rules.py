"""The rules of survivorship: per field of a restaurant, whose word counts where listings differ.

What belongs here: which criteria decide each field, and in which order; the first in which the best differs from what
else is said has decided. How they are applied stands in `survivorship`. docs/unified.md is made in view of this table.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from sync_platform.matching.addresses import parse_addresses
from sync_platform.matching.cuisines import parse_cuisines
from sync_platform.matching.phones import parse_phones
from sync_platform.matching.restaurant_names import parse_names
from sync_platform.matching.scripts import fold
from sync_platform.quality.areas import find_area

SAME_LOCATION_METRES = 150
"""Two locations say the same where they are no farther apart."""
STREET_END = 3  # characters of a Chinese street's name: before them may stand its district


class Criterion(StrEnum):
    """What may decide between two values of a field; more is better."""

    CURRENT = "current"  # the listing is live, not stale, not a second one
    LANGUAGE = "language"  # the text is in the field's language only
    UNSHARED = "unshared"  # the number is not known as several places'
    AGREEMENT = "agreement"  # how many platforms say so
    REGISTER = "register"  # the licence register says so
    NOT_REGISTER = "not_register"  # anyone but the licence register says so
    COMPLETENESS = "completeness"  # how much it says
    PRIORITY = "priority"  # how trusted the platform is: its declared priority
    RECENCY = "recency"  # when the listing last changed


ONLY, AGREED, ORDER = "only", "agreed", "order"
"""What decides where no criterion does: there is one voice, or no other, or nothing but names tells them apart."""
WORDS: dict[str, str] = {
    Criterion.CURRENT: "the others are gone, outdated or second listings",
    Criterion.LANGUAGE: "the others are not in this language alone",
    Criterion.UNSHARED: "the others are numbers that several places share",
    Criterion.AGREEMENT: "{agreeing} of {of} platforms say so",
    Criterion.REGISTER: "the licence register says so",
    Criterion.NOT_REGISTER: "the licence register, which says otherwise, comes last here",
    Criterion.COMPLETENESS: "{source} says more than {other}",
    Criterion.PRIORITY: "{source} comes before {other}",
    Criterion.RECENCY: "{source} changed after {other}",
    ONLY: "only {source} says anything",
    AGREED: "all {of} platforms agree",
    ORDER: "nothing sets {source} and {other} apart but their names",
}
"""Why a value won, with the platform that says it, the best of those that say otherwise, and how many agree."""


@dataclass(frozen=True)
class FieldRule:
    """One field: the columns of listings that its candidates come from, and what decides.

    `key`: of a value, what makes it the same as another's although it is written otherwise; None where nothing can be
    made of it. `extent`: how much a value says. `script`: `latin` or `han`, where the field is in one.
    """

    name: str
    columns: tuple[str, ...]
    key: Callable[[Any], str | None]
    criteria: tuple[Criterion, ...]
    extent: Callable[[Any], int] = lambda value: 1
    script: str | None = None


def _english_name(text: str) -> str | None:
    return parse_names(text)[0].core or None


def _chinese_name(text: str) -> str | None:
    return parse_names(text)[1].core or None


def _english_address(text: str) -> str | None:
    read = parse_addresses(text, "")[0]
    return f"{read.first} {read.street}" if read.first and read.street else read.whole or None


def _chinese_address(text: str) -> str | None:
    read = parse_addresses("", text)[1]
    return f"{read.first} {read.street[-STREET_END:]}" if read.first and read.street else read.whole or None


def _address_extent(text: str) -> int:
    read = max(parse_addresses(text, text), key=lambda each: len(each.whole))
    return sum(map(bool, (read.first, read.street, read.building, read.floor, read.shops)))


def _district(text: str) -> str | None:
    place = find_area(text)
    return place.english if place else fold(text)


_BY_WORD = (Criterion.AGREEMENT, Criterion.PRIORITY, Criterion.RECENCY)
_NAME = (Criterion.LANGUAGE, Criterion.NOT_REGISTER, *_BY_WORD)
_ADDRESS = (
    Criterion.LANGUAGE, Criterion.AGREEMENT, Criterion.COMPLETENESS, Criterion.REGISTER, Criterion.PRIORITY,
    Criterion.RECENCY,
)  # fmt: skip
RULES = (
    FieldRule("name_en", ("name_en", "name_zh"), _english_name, _NAME, script="latin"),
    FieldRule("name_zh", ("name_zh", "name_en"), _chinese_name, _NAME, script="han"),
    FieldRule("address_en", ("address_en", "address_zh"), _english_address, _ADDRESS, _address_extent, "latin"),
    FieldRule("address_zh", ("address_zh", "address_en"), _chinese_address, _ADDRESS, _address_extent, "han"),
    FieldRule("district", ("district",), _district, (Criterion.NOT_REGISTER, *_BY_WORD)),
    FieldRule(
        "location",
        ("location",),
        lambda value: f"{value['latitude']} {value['longitude']}",
        _BY_WORD,
    ),
    FieldRule(
        "phone",
        ("phone",),
        lambda text: " ".join(sorted(parse_phones(text))) or None,
        (Criterion.UNSHARED, *_BY_WORD),
    ),
    FieldRule(
        "cuisines",
        ("cuisines",),
        lambda names: " ".join(sorted(parse_cuisines(tuple(names)))) or None,
        (Criterion.AGREEMENT, Criterion.PRIORITY, Criterion.COMPLETENESS, Criterion.RECENCY),
        len,
    ),
    FieldRule("price_level", ("price_level",), str, _BY_WORD),
    FieldRule(
        "opening_hours",
        ("opening_hours",),
        lambda hours: " ".join(sorted(hours)) or None,
        (Criterion.PRIORITY, Criterion.RECENCY),
    ),
    FieldRule("website", ("website",), lambda text: fold(text).rstrip("/"), _BY_WORD),
    FieldRule(
        "licence_number",
        ("licence_number",),
        str,
        (Criterion.REGISTER, Criterion.AGREEMENT, Criterion.RECENCY),
    ),
    FieldRule("licence_expires_on", ("licence_expires_on",), str, (Criterion.REGISTER, Criterion.RECENCY)),
)
"""Whatever the field, CURRENT comes first, and where all is equal the platform's name and the listing's id decide."""
