"""The survivorship rules: for each field of a restaurant, which value is used if its listings differ.

What belongs here: the criteria of each field, in order. The first criterion in which the best value differs from the
best other value decides. `survivorship` applies the rules; docs/unified.md documents this table.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from sync_platform.matching.addresses import parse_addresses
from sync_platform.matching.phones import parse_phones
from sync_platform.matching.restaurant_names import parse_names
from sync_platform.matching.scripts import fold
from sync_platform.unified.cuisine_taxonomy import CODES
from sync_platform.unified.listing_districts import EVIDENCE
from sync_platform.vocabularies.declared_vocabularies import CUISINE_WORDS, CUISINES, DISTRICTS

SAME_LOCATION_METRES = 150
"""Two locations agree where they are at most this far apart."""
STREET_END = 3  # compared characters at the end of a Chinese street name; a district may precede them


class Criterion(StrEnum):
    """A criterion that can decide between two values of a field; a larger value wins."""

    CURRENT = "current"  # the listing is live, not stale, and not a second listing
    LANGUAGE = "language"  # the text is in the field's language only
    UNSHARED = "unshared"  # the number is not shared by several places
    AGREEMENT = "agreement"  # the number of platforms with this value
    REGISTER = "register"  # the value is from the licence register
    NOT_REGISTER = "not_register"  # the value is not from the licence register
    EVIDENCE = "evidence"  # the best kind of evidence for the district: statement, address, coordinates
    COMPLETENESS = "completeness"  # the amount of information in the value
    PRIORITY = "priority"  # the declared priority of the platform
    RECENCY = "recency"  # when the listing last changed


ONLY, AGREED, ORDER = "only", "agreed", "order"
"""The rule where no criterion decides: only one platform has a value, all agree, or only the names differ."""
WORDS: dict[str, str] = {
    Criterion.CURRENT: "the others are gone, outdated or second listings",
    Criterion.LANGUAGE: "the others are not in this language alone",
    Criterion.UNSHARED: "the others are numbers that several places share",
    Criterion.AGREEMENT: "{agreeing} of {of} platforms say so",
    Criterion.REGISTER: "the licence register says so",
    Criterion.NOT_REGISTER: "the licence register, which says otherwise, comes last here",
    Criterion.EVIDENCE: "a statement outweighs an address, and an address outweighs coordinates",
    Criterion.COMPLETENESS: "{source} says more than {other}",
    Criterion.PRIORITY: "{source} comes before {other}",
    Criterion.RECENCY: "{source} changed after {other}",
    ONLY: "only {source} says anything",
    AGREED: "all {of} platforms agree",
    ORDER: "nothing sets {source} and {other} apart but their names",
}
"""Why a value was chosen. Placeholders: its platform, the platform of the best other value, and counts."""


@dataclass(frozen=True)
class FieldRule:
    """The rule of one field: the listing columns with its candidate values, and the criteria.

    `key`: a function that gives equal values the same key, however they are written; None for an unusable value.
    `extent`: the amount of information in a value. `script`: `latin` or `han`, where the field has one script.
    `vocabularies`: the names of those by which its candidates are found.
    """

    name: str
    columns: tuple[str, ...]
    key: Callable[[Any], str | None]
    criteria: tuple[Criterion, ...]
    extent: Callable[[Any], int] = lambda value: 1
    script: str | None = None
    vocabularies: tuple[str, ...] = ()

    @property
    def read(self) -> tuple[str, ...]:
        """The columns of LISTING_COLUMNS (`listings`) that the candidates are made from."""
        return tuple(dict.fromkeys(name for column in self.columns for name in _MADE_FROM.get(column, (column,))))


_MADE_FROM = {
    EVIDENCE["statement"]: ("district",),
    EVIDENCE["address"]: ("address_en", "address_zh"),
    EVIDENCE["coordinates"]: ("latitude", "longitude"),
    CODES: ("cuisines",),
    "location": ("latitude", "longitude"),
}


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
    return sum(map(bool, (read.first, read.street, read.building, read.floors, read.units)))


_AGREEMENT_FIRST = (Criterion.AGREEMENT, Criterion.PRIORITY, Criterion.RECENCY)
_NAME = (Criterion.LANGUAGE, Criterion.NOT_REGISTER, *_AGREEMENT_FIRST)
_ADDRESS = (
    Criterion.LANGUAGE, Criterion.AGREEMENT, Criterion.COMPLETENESS, Criterion.REGISTER, Criterion.PRIORITY,
    Criterion.RECENCY,
)  # fmt: skip
RULES = (
    FieldRule("name_en", ("name_en", "name_zh"), _english_name, _NAME, script="latin"),
    FieldRule("name_zh", ("name_zh", "name_en"), _chinese_name, _NAME, script="han"),
    FieldRule("address_en", ("address_en", "address_zh"), _english_address, _ADDRESS, _address_extent, "latin"),
    FieldRule("address_zh", ("address_zh", "address_en"), _chinese_address, _ADDRESS, _address_extent, "han"),
    FieldRule(
        "district",
        tuple(EVIDENCE.values()),
        lambda path: path.split("/")[0],
        (Criterion.AGREEMENT, Criterion.EVIDENCE, Criterion.COMPLETENESS, Criterion.PRIORITY, Criterion.RECENCY),
        lambda path: path.count("/"),
        vocabularies=(DISTRICTS.name,),
    ),
    FieldRule(
        "location",
        ("location",),
        lambda value: f"{value['latitude']} {value['longitude']}",
        _AGREEMENT_FIRST,
    ),
    FieldRule(
        "phone",
        ("phone",),
        lambda text: " ".join(sorted(parse_phones(text))) or None,
        (Criterion.UNSHARED, *_AGREEMENT_FIRST),
    ),
    FieldRule(
        "cuisines",
        (CODES,),
        lambda codes: " ".join(codes) or None,
        (Criterion.AGREEMENT, Criterion.PRIORITY, Criterion.COMPLETENESS, Criterion.RECENCY),
        len,
        vocabularies=(CUISINES.name, CUISINE_WORDS.name),
    ),
    FieldRule("price_level", ("price_level",), str, _AGREEMENT_FIRST),
    FieldRule(
        "opening_hours",
        ("opening_hours",),
        lambda hours: " ".join(sorted(hours)) or None,
        (Criterion.PRIORITY, Criterion.RECENCY),
    ),
    FieldRule("website", ("website",), lambda text: fold(text).rstrip("/"), _AGREEMENT_FIRST),
    FieldRule(
        "licence_number",
        ("licence_number",),
        str,
        (Criterion.REGISTER, Criterion.AGREEMENT, Criterion.RECENCY),
    ),
    FieldRule("licence_expires_on", ("licence_expires_on",), str, (Criterion.REGISTER, Criterion.RECENCY)),
)
"""For every field, CURRENT comes first; if all criteria are equal, the names of platform and listing decide."""
