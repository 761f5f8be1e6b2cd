"""The rules for values and records, as a platform file declares them. Plain data: nothing is checked here.

A hard rule is broken only by impossible values: their record goes to quarantine. A soft rule is broken by wrong values:
the record is stored, and the validation score falls. An empty value breaks no rule; completeness counts it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass


@dataclass(frozen=True)
class Within:
    """A number from `low` to `high`, both included; None leaves that side open."""

    low: float | None = None
    high: float | None = None
    hard: bool = True

    @property
    def words(self) -> str:
        if self.high is None:
            return f"at least {self.low:g}"
        if self.low is None:
            return f"at most {self.high:g}"
        return f"from {self.low:g} to {self.high:g}"


@dataclass(frozen=True)
class StepsOf:
    """A whole number that `step` divides."""

    step: int
    hard: bool = False

    @property
    def words(self) -> str:
        return f"in steps of {self.step}"


@dataclass(frozen=True)
class OneOf:
    """One of the values of a code list; in a list of texts, each of them."""

    values: tuple[str, ...]
    hard: bool = False

    @property
    def words(self) -> str:
        return "one of " + ", ".join(self.values)


@dataclass(frozen=True)
class Shaped:
    """Text that the regular expression (in Rust's `regex` syntax) matches from end to end; `words` describe it."""

    pattern: str
    words: str
    hard: bool = False

    def __post_init__(self) -> None:
        re.compile(self.pattern)


@dataclass(frozen=True)
class HongKongPhone:
    """A telephone number of Hong Kong in any notation: eight digits, the first from 2 to 9, with or without 852.

    Source: Numbering Plan of Hong Kong, Office of the Communications Authority. In a list, each number.
    """

    hard: bool = False
    words: str = "a telephone number of Hong Kong: eight digits, with or without +852"


@dataclass(frozen=True)
class ReadableHours:
    """Opening hours that can be read: all lines of a list together (quality/opening_hours)."""

    hard: bool = False
    words: str = "opening hours that can be read, without a contradiction"


@dataclass(frozen=True)
class InOrder:
    """A rule between two columns: the first is at most the second."""

    first: str
    second: str
    hard: bool = False

    @property
    def words(self) -> str:
        return f"{self.first} is at most {self.second}"


@dataclass(frozen=True)
class Together:
    """A rule between columns: all of them are given, or none."""

    columns: tuple[str, ...]
    hard: bool = False

    @property
    def words(self) -> str:
        return f"{', '.join(self.columns)} are given together or not at all"


ValueRule = Within | StepsOf | OneOf | Shaped | HongKongPhone
"""A rule on one value; in a list, on each."""
Rule = ValueRule | ReadableHours
"""A rule on one column."""
CrossRule = InOrder | Together
"""A rule between columns of one record."""

LATITUDE = (Within(22.0, 22.6),)
LONGITUDE = (Within(113.8, 114.5),)
"""Hong Kong's box, in degrees."""
TRADING = (OneOf(("open", "closed", "temporarily_closed")),)
COUNT = (Within(0),)
PARTY = (Within(1),)
PHONE = (HongKongPhone(),)
HOURS = (ReadableHours(),)
WEB_ADDRESS = (Shaped(r"https?://[^\s]+", "a web address"),)
