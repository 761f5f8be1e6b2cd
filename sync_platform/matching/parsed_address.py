"""A parsed address: the parts that an address has in either language.

What belongs here: the parts. `english_addresses` and `chinese_addresses` find them, `address_evidence` compares them.
"""

from __future__ import annotations

from typing import NamedTuple

ROMAN = {"i": "1", "ii": "2", "iii": "3", "iv": "4", "v": "5", "vi": "6", "vii": "7", "viii": "8"}
"""Roman numbers of phases."""
NUMBERS_IN_WORDS = {"one": "1", "two": "2", "three": "3", "four": "4", "five": "5"}
"""Numbers of phases in English words."""


class Door(NamedTuple):
    """An interval of house numbers of a street. `first` and `last` are 0 where there is no number.

    `street` is folded, in English without its kind ("Road"). `sound` is its sound, as in `romanisation`.
    """

    street: str
    sound: str
    first: int = 0
    last: int = 0


class PlaceName(NamedTuple):
    """One name in an address: an estate, a building, or both; `phase` is that of a number behind a building's name."""

    estate: str = ""
    building: str = ""
    phase: str = ""


class NamedPlaces(NamedTuple):
    """The names in an address: `phases` are those that a number behind a building's name stands for."""

    buildings: tuple[str, ...]
    estate: str
    phases: frozenset[str]


class ParsedAddress(NamedTuple):
    """A parsed address; every part may be empty, and all text is folded.

    `doors` are its streets with their house numbers: several for a corner building. `buildings` are the names of its
    building and of the complex around it, the narrower one first. `estate` is its housing estate. `phases` are those
    of the building or the estate. `floors` are as in `floors`, `units` as in `units`. `has_levels` is true where it
    counts levels instead of floors: level 1 may be the ground floor. `whole` is the whole text.
    """

    doors: tuple[Door, ...] = ()
    buildings: tuple[str, ...] = ()
    estate: str = ""
    phases: frozenset[str] = frozenset()
    floors: frozenset[str] = frozenset()
    units: frozenset[str] = frozenset()
    has_levels: bool = False
    whole: str = ""

    @property
    def street(self) -> str:
        return self.doors[0].street if self.doors else ""

    @property
    def sound(self) -> str:
        return self.doors[0].sound if self.doors else ""

    @property
    def first(self) -> int:
        return self.doors[0].first if self.doors else 0

    @property
    def last(self) -> int:
        return self.doors[0].last if self.doors else 0

    @property
    def building(self) -> str:
        return self.buildings[0] if self.buildings else ""


EMPTY = ParsedAddress()
