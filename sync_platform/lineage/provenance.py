"""Field provenance: the source of each field of a golden record, the rule that chose it, and what other listings claim.

What belongs here: reading `why` of a golden record, and finding the change that gave each listing its claim.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sync_platform.lineage.changes import Change, Values
from sync_platform.lineage.identity_history import Membership
from sync_platform.lineage.record_story import StorySources, TracedChange, change_that_set
from sync_platform.sources.columns import columns_of
from sync_platform.sources.declaration import Dataset, Platform
from sync_platform.unified.golden import COLUMNS_OF, EXPLAINED
from sync_platform.unified.listing_districts import PLACE_NAMES
from sync_platform.unified.survivorship_rules import RULES

COMBINED = "together"
"""The rule of a field that is computed from all listings."""
COMBINED_FIELDS = {
    "platforms": "the platforms that list it",
    "rating": "the mean of the platforms' ratings, each by its number of reviews; kept current, without history",
    "review_count": "the platforms' counts of reviews, summed up; kept current, without history",
}
"""Golden columns that are computed from all listings, and how."""
PARTS = {column: field for field, columns in COLUMNS_OF.items() for column in columns if column != field} | {
    **{name: "district" for name in (*PLACE_NAMES, "district_evidence") if name != "district"},
    **dict.fromkeys(("cuisines_en", "cuisines_zh"), "cuisines"),
}
"""Golden columns that `why` explains under another name."""
FIELDS = (*EXPLAINED, *COMBINED_FIELDS)
_COLUMNS = {
    **{rule.name: rule.read for rule in RULES},
    "status": ("status",),
    "licence_state": ("licence_number", "licence_expires_on", "is_provisional_licence"),
    "rating": ("rating",),
    "review_count": ("review_count",),
}
"""The columns of a listing (unified/listings.py) from which each field is made."""


@dataclass(frozen=True)
class Claim:
    """The value that one listing has for a field. `agrees`: it agrees with the golden value.

    `source`: the change that gave the listing that value; None if it is not known.
    """

    listing: str
    value: Any
    agrees: bool
    source: TracedChange | None


@dataclass(frozen=True)
class FieldProvenance:
    """A golden field's value at a moment, with its sources.

    `sources`: the listing from which the value was taken, or all listings from which it was computed. `others`: the
    claims of all other listings.
    """

    field: str
    value: Any
    rule: str
    words: str
    sources: tuple[Claim, ...]
    others: tuple[Claim, ...] = ()

    @property
    def claims(self) -> tuple[Claim, ...]:
        return (*self.sources, *self.others)

    @property
    def is_from_one_listing(self) -> bool:
        return len(self.sources) == 1 and not self.is_computed

    @property
    def is_computed(self) -> bool:
        return self.rule in ("standing", COMBINED)


@dataclass
class ProvenanceReader:
    """Finds the provenance of fields; reads the history of each listing once."""

    history: StorySources
    platforms: Mapping[str, Platform]
    memberships: list[Membership] = field(default_factory=list)
    _histories: dict[str, list[Change]] = field(default_factory=dict)

    def explained(self, name: str, why: Values, at: datetime) -> FieldProvenance:
        """The provenance of a field from the entry of the record's `why` that was valid at that moment."""
        value, rule, words = why["value"], why["rule"], why["words"]
        others = why.get("others") or []
        if "source" not in why:
            return FieldProvenance(name, value, rule, words, self._claims_of_all(name, others, at))
        stated = value if why.get("stated") is None else why["stated"]
        source = self._claim(f"{why['source']}/{why['source_id']}", name, stated, at, agrees=True)
        rest = (
            self._claim(f"{each['source']}/{each['source_id']}", name, each["value"], at, agrees=each["agrees"])
            for each in others
        )
        return FieldProvenance(name, value, rule, words, (source,), tuple(rest))

    def combined(self, name: str, value: Any, at: datetime) -> FieldProvenance:
        """The provenance of a field that is computed from several listings.

        These are the live listings whose datasets have its columns; if there are none, all live listings; if there are
        none, all listings.
        """
        members = self._members_at(at)
        live = [membership for membership in members if membership.is_live]
        used = [membership for membership in live if self._has_columns(membership, name)] or live or members
        claims = (self._claim(membership.listing, name, None, at, agrees=True) for membership in used)
        return FieldProvenance(name, value, COMBINED, COMBINED_FIELDS[name], tuple(claims))

    def _claims_of_all(self, name: str, others: list[Values], at: datetime) -> tuple[Claim, ...]:
        """The claims from which a status was computed: of all listings; for a licence, of the register's, if any."""
        members = self._members_at(at)
        if name == "licence_state":
            members = [
                membership for membership in members if (dataset := self._dataset(membership)) and dataset.is_reference
            ] or members
        values = {each["source"]: each["value"] for each in others}
        return tuple(
            self._claim(membership.listing, name, values.get(membership.key[0]), at, agrees=True)
            for membership in members
        )

    def _has_columns(self, member: Membership, name: str) -> bool:
        """True if a listing's dataset has the columns from which the field is made; `platforms` needs none."""
        dataset = self._dataset(member)
        return name not in _COLUMNS or bool(dataset and not dataset.is_reference and self._columns(member, name))

    def _members_at(self, moment: datetime) -> list[Membership]:
        return [membership for membership in self.memberships if membership.is_on(moment)]

    def _claim(self, listing: str, name: str, value: Any, at: datetime, *, agrees: bool) -> Claim:
        member = next((membership for membership in self.memberships if membership.listing == listing), None)
        if member is None:
            return Claim(listing, value, agrees, None)
        changes = self._changes(member)
        known_changes = [change for change in changes if change.committed_at <= at and not change.is_bare]
        if not known_changes:  # the values of that time are folded: the folded state is the oldest that is kept
            known_changes = [change for change in changes if change.is_sum][:1]
        change = change_that_set(known_changes, self._columns(member, name), value)
        return Claim(listing, value, agrees, self.history.trace(change) if change else None)

    def _changes(self, member: Membership) -> list[Change]:
        if member.listing not in self._histories:
            platform, source_id = member.key
            self._histories[member.listing] = self.history.of(platform, member.dataset, source_id)
        return self._histories[member.listing]

    def _columns(self, member: Membership, name: str) -> list[str]:
        dataset = self._dataset(member)
        return list(columns_read(dataset, _COLUMNS.get(name, ()))) if dataset else []

    def _dataset(self, member: Membership) -> Dataset | None:
        platform = self.platforms.get(member.key[0])
        return (
            next((dataset for dataset in platform.datasets if dataset.name == member.dataset), None)
            if platform
            else None
        )


def columns_read(dataset: Dataset, names: Iterable[str]) -> Iterable[str]:
    """The dataset's own columns from which a listing's values of these names are made."""
    own = {column.name for column in columns_of(dataset.row)}
    for name in names:
        expression = dataset.listing.get(name, name)
        words = "".join(letter if letter.isalnum() or letter == "_" else " " for letter in expression).split()
        yield from (word for word in words if word in own)
