"""Verdicts: whose word a golden field is, by which rule, and what the others say, each down to where it is landed.

What belongs here: reading `why` of a golden record, and following each listing's word to the change that it came by.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sync_platform.lineage.changes import Change, Values
from sync_platform.lineage.membership import Stay
from sync_platform.lineage.record import History, Step, stating
from sync_platform.sources.columns import columns_of
from sync_platform.sources.declaration import Dataset, Platform
from sync_platform.unified.golden import EXPLAINED
from sync_platform.unified.survivorship_rules import RULES

TOGETHER = "together"
SUMMED_UP = {
    "platforms": "the platforms that list it",
    "rating": "the mean of the platforms' ratings, each by its number of reviews; kept current, without history",
    "review_count": "the platforms' counts of reviews, summed up; kept current, without history",
}
"""Golden columns that no single listing decides, in words."""
PARTS = {"latitude": "location", "longitude": "location"}
"""Golden columns that `why` explains under another name."""
FIELDS = (*EXPLAINED, *SUMMED_UP)
_READ = {
    **{rule.name: rule.columns for rule in RULES},
    "location": ("latitude", "longitude"),
    "status": ("status",),
    "licence_state": ("licence_number", "licence_expires_on", "is_provisional_licence"),
    "rating": ("rating",),
    "review_count": ("review_count",),
}
"""What of a listing each field is made from, in the names of unified/listings.py."""


@dataclass(frozen=True)
class Voice:
    """What one listing says of a field, and the change, with its origin, by which it came to say so. `agrees`: with
    the value that stands."""

    listing: str
    value: Any
    agrees: bool
    step: Step | None


@dataclass(frozen=True)
class Verdict:
    """A golden field's value at a moment. `said_by`: the listing whose word it is, or, where no single one decides,
    all that it was worked out from; `others`: all other listings that say anything."""

    field: str
    value: Any
    rule: str
    words: str
    said_by: tuple[Voice, ...]
    others: tuple[Voice, ...] = ()

    @property
    def voices(self) -> tuple[Voice, ...]:
        return (*self.said_by, *self.others)


@dataclass
class Hearing:
    """Follows listings' words to where they came from; reads each listing's history once."""

    history: History
    platforms: Mapping[str, Platform]
    stays: list[Stay] = field(default_factory=list)
    _read: dict[str, list[Change]] = field(default_factory=dict)

    def verdict(self, name: str, why: Values, at: datetime) -> Verdict:
        """A field's verdict as it was given at that moment."""
        value, rule, words = why["value"], why["rule"], why["words"]
        others = why.get("others") or []
        if "source" not in why:
            return Verdict(name, value, rule, words, self._all_of(name, others, at))
        said = self._voice(f"{why['source']}/{why['source_id']}", name, value, at, agrees=True)
        rest = (
            self._voice(f"{each['source']}/{each['source_id']}", name, each["value"], at, agrees=each["agrees"])
            for each in others
        )
        return Verdict(name, value, rule, words, (said,), tuple(rest))

    def summed_up(self, name: str, value: Any, at: datetime) -> Verdict:
        """A field that is made of all live listings that could say anything of it, or of all that could not."""
        members = self._at(at)
        live = [stay for stay in members if stay.is_live]
        heard = [stay for stay in live if self._has(stay, name)] or live or members
        voices = (self._voice(stay.listing, name, None, at, agrees=True) for stay in heard)
        return Verdict(name, value, TOGETHER, SUMMED_UP[name], tuple(voices))

    def _all_of(self, name: str, others: list[Values], at: datetime) -> tuple[Voice, ...]:
        """The listings that a standing was worked out from: all; for a licence the register's, if there are any."""
        members = self._at(at)
        if name == "licence_state":
            members = [stay for stay in members if (found := self._dataset(stay)) and found.is_reference] or members
        stated = {each["source"]: each["value"] for each in others}
        return tuple(self._voice(stay.listing, name, stated.get(stay.key[0]), at, agrees=True) for stay in members)

    def _has(self, stay: Stay, name: str) -> bool:
        """Whether a listing's dataset has what the field is made from; every one has its platform."""
        dataset = self._dataset(stay)
        return name not in _READ or bool(dataset and not dataset.is_reference and self._columns(stay, name))

    def _at(self, moment: datetime) -> list[Stay]:
        return [stay for stay in self.stays if stay.is_on(moment)]

    def _voice(self, listing: str, name: str, value: Any, at: datetime, *, agrees: bool) -> Voice:
        stay = next((each for each in self.stays if each.listing == listing), None)
        if stay is None:
            return Voice(listing, value, agrees, None)
        changes = self._changes(stay)
        known = [change for change in changes if change.committed_at <= at and not change.is_bare]
        if not known:  # what it said then is past its retention, and what that came to is the oldest that is told
            known = [change for change in changes if change.is_sum][:1]
        change = stating(known, self._columns(stay, name), value)
        return Voice(listing, value, agrees, self.history.step(change) if change else None)

    def _changes(self, stay: Stay) -> list[Change]:
        if stay.listing not in self._read:
            platform, source_id = stay.key
            self._read[stay.listing] = self.history.of(platform, stay.dataset, source_id)
        return self._read[stay.listing]

    def _columns(self, stay: Stay, name: str) -> list[str]:
        dataset = self._dataset(stay)
        return list(columns_read(dataset, _READ.get(name, ()))) if dataset else []

    def _dataset(self, stay: Stay) -> Dataset | None:
        platform = self.platforms.get(stay.key[0])
        return next((each for each in platform.datasets if each.name == stay.dataset), None) if platform else None


def columns_read(dataset: Dataset, names: Iterable[str]) -> Iterable[str]:
    """The dataset's own columns that a listing's values of these names are made from."""
    own = {column.name for column in columns_of(dataset.row)}
    for name in names:
        expression = dataset.listing.get(name, name)
        words = "".join(letter if letter.isalnum() or letter == "_" else " " for letter in expression).split()
        yield from (word for word in words if word in own)
