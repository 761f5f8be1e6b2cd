"""Translations: which Chinese street or building an English name means, learnt from listings with both addresses.

Many names are translated or transcribed (Hysan Avenue is 希慎道), so their sounds cannot be compared. Listings that
state both addresses show which belong together. This needs no labels.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable

from sync_platform.matching.parsed_address import ParsedAddress
from sync_platform.matching.parsed_listings import ParsedListings

LEAST_LISTINGS = 2
LEAST_SHARE = 0.8
"""A name has a translation if at least this share of its listings, and at least LEAST_LISTINGS, state the same one."""


def learn_streets(parsed: ParsedListings) -> dict[str, str]:
    """The Chinese name of English streets, where the numbers of both addresses agree."""
    return _translations(
        (english.street, chinese.street)
        for english, chinese in _address_pairs(parsed)
        if english.first and english.first == chinese.first and english.street and chinese.street
    )


def learn_buildings(parsed: ParsedListings) -> dict[str, str]:
    """The Chinese name of English buildings, where both addresses name one."""
    return _translations(
        (english.building, chinese.building)
        for english, chinese in _address_pairs(parsed)
        if len(english.buildings) == len(chinese.buildings) == 1
    )


def _address_pairs(parsed: ParsedListings) -> Iterable[tuple[ParsedAddress, ParsedAddress]]:
    return zip(parsed.address_en, parsed.address_zh, strict=True)


def _translations(pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    for english, chinese in pairs:
        counts[english][chinese] += 1
    translations = {}
    for english, meanings in sorted(counts.items()):
        name, count = min(meanings.items(), key=lambda each: (-each[1], each[0]))
        if count >= LEAST_LISTINGS and count >= LEAST_SHARE * meanings.total():
            translations[english] = name
    return translations
