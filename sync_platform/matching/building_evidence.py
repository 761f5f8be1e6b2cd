"""The evidence of buildings and estates: whether those of two listings agree, per script."""

from __future__ import annotations

from itertools import product

import numpy as np
from rapidfuzz import fuzz

from sync_platform.matching.frequencies import Frequencies
from sync_platform.matching.parsed_address import ParsedAddress
from sync_platform.matching.parsed_listings import ParsedListings
from sync_platform.matching.text_columns import Array, DistinctValues, TextColumn, codes_of, similarity

BUILDINGS_AGREE = 85.0  # of 100
SHORTEST_ENGLISH_BUILDING, SHORTEST_CHINESE_BUILDING = 4, 3


class BuildingEvidence:
    """The buildings of each listing in one script: the narrower and the wider name."""

    def __init__(self, names: list[tuple[str, ...]], addresses: list[ParsedAddress], shortest: int) -> None:
        self._names = DistinctValues(names)
        self._narrow = TextColumn([names[0] for names in self._names.values])
        self._wide = TextColumn([names[-1] for names in self._names.values])
        self._estates = codes_of([address.estate for address in addresses])
        self._shortest = shortest
        self._is_long = np.maximum(self._narrow.lengths, self._wide.lengths) >= shortest

    def agree(self, left: Array, right: Array) -> Array:
        return self._names.compare_known(self._is_long, left, right, self._agree, 0).astype(bool)

    def _agree(self, left: Array, right: Array) -> Array:
        agree = np.zeros(len(left), dtype=bool)
        for name, other_name in product((self._narrow, self._wide), repeat=2):
            rest = np.flatnonzero(~agree)
            likeness = similarity(name, left[rest], other_name, right[rest], fuzz.ratio, self._shortest)
            agree[rest] = likeness >= BUILDINGS_AGREE
        return agree

    def estates_agree(self, left: Array, right: Array) -> Array:
        return np.asarray((self._estates[left] > 0) & (self._estates[left] == self._estates[right]))


def english_buildings(parsed: ParsedListings) -> BuildingEvidence:
    names = [address.buildings or (address.estate,) for address in parsed.address_en]
    return BuildingEvidence(names, parsed.address_en, SHORTEST_ENGLISH_BUILDING)


def chinese_buildings(parsed: ParsedListings, frequencies: Frequencies) -> BuildingEvidence:
    """The Chinese buildings; for a listing without a Chinese address those that its English buildings mean."""
    names = []
    for english, chinese in zip(parsed.address_en, parsed.address_zh, strict=True):
        translated = [frequencies.buildings[name] for name in english.buildings if name in frequencies.buildings]
        names.append(chinese.buildings or tuple(translated) or (chinese.estate,))
    return BuildingEvidence(names, parsed.address_zh, SHORTEST_CHINESE_BUILDING)
