"""The survivorship rules: for each field of a restaurant, which value is used if its listings differ.

What belongs here: the criteria of each field, in order. The first criterion in which the best value differs from the
best other value decides. `survivorship` applies the rules; docs/unified.md documents this table.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from sync_platform.matching.addresses import parse_addresses
from sync_platform.matching.restaurant_names import parse_names
from sync_platform.matching.scripts import fold
from sync_platform.quality.areas import find_area
from sync_platform.quality.opening_hours.osm_hours import osm_text
from sync_platform.quality.opening_hours.stated_hours import read_hours
from sync_platform.unified.cuisine_taxonomy import CODES
from sync_platform.unified.listing_districts import EVIDENCE
from sync_platform.unified.phone_numbers import e164_numbers, phone_text
from sync_platform.unified.shop_names import chinese_branch, english_branch, plain_name
from sync_platform.unified.web_addresses import site, website
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

    `key`: a function that gives equal values the same key, however they are written; None for an unusable value. Where
    it `is_set`, a key is several words, and values with a word in common agree. `extent`: the amount of information in
    a value. `script`: `latin` or `han`, where the field has one script. `form`: makes the value of the record, a text,
    from what the listing states. `range_columns`: the lowest and the highest value that the value stands for; they
    become columns of the record, and values whose ranges overlap agree. `vocabularies`: the names of those by which its
    candidates are found.
    """

    name: str
    columns: tuple[str, ...]
    key: Callable[[Any], str | None]
    criteria: tuple[Criterion, ...]
    extent: Callable[[Any], int] = lambda value: 1
    script: str | None = None
    form: Callable[[Any], str | None] | None = None
    is_set: bool = False
    range_columns: tuple[str, ...] = ()
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


def _hours_text(lines: list[str]) -> str | None:
    hours = read_hours(lines)
    return osm_text(hours) if hours else None


def _hours_key(lines: list[str]) -> str | None:
    """When it is open on weekdays. Some platforms state closed days and public holidays, and others leave them out."""
    hours = read_hours(lines)
    return str(hours.spans) if hours else None


def _branch_key(branch_of: Callable[[str], str | None]) -> Callable[[str], str | None]:
    def key(text: str) -> str | None:
        branch = branch_of(text)
        name = re.sub("(?:分店|店)$", "", branch) if branch else None
        place = find_area(name) if name else None
        return place.english if place else fold(name) if name else None

    return key


def _english_address(text: str) -> str | None:
    read = parse_addresses(text)[0]
    return f"{read.first} {read.street}" if read.first and read.street else read.whole or None


def _chinese_address(text: str) -> str | None:
    read = parse_addresses(text)[1]
    return f"{read.first} {read.street[-STREET_END:]}" if read.first and read.street else read.whole or None


def _address_extent(text: str) -> int:
    read = max(parse_addresses(text), key=lambda address: len(address.whole))
    return sum(map(bool, (read.first, read.street, read.building, read.floors, read.units)))


_AGREEMENT_FIRST = (Criterion.AGREEMENT, Criterion.PRIORITY, Criterion.RECENCY)
_NAME = (Criterion.LANGUAGE, Criterion.NOT_REGISTER, *_AGREEMENT_FIRST)
_ADDRESS = (
    Criterion.LANGUAGE, Criterion.AGREEMENT, Criterion.COMPLETENESS, Criterion.REGISTER, Criterion.PRIORITY,
    Criterion.RECENCY,
)  # fmt: skip
RULES = (
    FieldRule("name_en", ("name_en", "name_zh"), _english_name, _NAME, script="latin", form=plain_name),
    FieldRule("name_zh", ("name_zh", "name_en"), _chinese_name, _NAME, script="han", form=plain_name),
    FieldRule(
        "branch_en", ("name_en", "name_zh"), _branch_key(english_branch), _NAME, script="latin", form=english_branch
    ),
    FieldRule(
        "branch_zh", ("name_zh", "name_en"), _branch_key(chinese_branch), _NAME, script="han", form=chinese_branch
    ),
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
        lambda text: " ".join(e164_numbers(text)) or None,
        (Criterion.UNSHARED, *_AGREEMENT_FIRST),
        form=phone_text,
        is_set=True,
    ),
    FieldRule(
        "cuisines",
        (CODES,),
        lambda codes: " ".join(codes) or None,
        (Criterion.AGREEMENT, Criterion.PRIORITY, Criterion.COMPLETENESS, Criterion.RECENCY),
        len,
        is_set=True,
        vocabularies=(CUISINES.name, CUISINE_WORDS.name),
    ),
    FieldRule("price_level", ("price_level",), str, _AGREEMENT_FIRST, range_columns=("price_min_hkd", "price_max_hkd")),
    FieldRule("opening_hours", ("opening_hours",), _hours_key, _AGREEMENT_FIRST, form=_hours_text),
    FieldRule("website", ("website",), site, _AGREEMENT_FIRST, form=website),
    FieldRule(
        "licence_number",
        ("licence_number",),
        str,
        (Criterion.REGISTER, Criterion.AGREEMENT, Criterion.RECENCY),
    ),
    FieldRule("licence_expires_on", ("licence_expires_on",), str, (Criterion.REGISTER, Criterion.RECENCY)),
)
"""For every field, CURRENT comes first; if all criteria are equal, the names of platform and listing decide."""
