"""The story of one record: its changes, each with its origin.

What belongs here: the history of single rows, also of the unified tables. `restaurant` has the story of a restaurant,
which combines several records.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

import duckdb

from sync_platform.documents.local_time import local_time
from sync_platform.documents.typed_command import typed
from sync_platform.errors import UsageError
from sync_platform.lake.replay import END_OF_TIME
from sync_platform.lake.restricted_records import is_restricted
from sync_platform.lineage.changes import Change, changes_of
from sync_platform.lineage.origin import LandedOrigin, OriginFinder
from sync_platform.unified.tables import SCHEMA


@dataclass(frozen=True)
class TracedChange:
    """A change with its origin. Removals, and changes of unified tables, have none."""

    change: Change
    origin: LandedOrigin | None


@dataclass(frozen=True)
class RecordStory:
    """A record's changes in order of observation. `as_of`: only those that were committed by then."""

    platform: str
    dataset: str
    source_id: str
    as_of: datetime | None
    field: str | None
    changes: tuple[TracedChange, ...]


@dataclass(frozen=True)
class StorySources:
    """The sources of stories: a session in the lake, the name of its history table, and the landing store.

    `as_of`: changes that were committed later are ignored; None for no limit.
    """

    session: duckdb.DuckDBPyConnection
    table: str
    landing: OriginFinder
    as_of: datetime | None = None

    @property
    def known_at(self) -> datetime:
        return self.as_of or END_OF_TIME

    def of(self, platform: str, dataset: str, entity_id: str) -> list[Change]:
        """The changes of one entity that were committed by `as_of`."""
        return changes_of(self.session, self.table, platform, dataset, entity_id, self.known_at)

    def trace(self, change: Change) -> TracedChange:
        """The change with its origin."""
        return TracedChange(change, self.landing.origin(change))

    @property
    def without_limit(self) -> StorySources:
        return replace(self, as_of=None)


@dataclass
class NumberedChanges:
    """Numbers for the changes that a story refers to, from 1, in order of the first reference."""

    changes: list[TracedChange] = field(default_factory=list)
    _numbers: dict[tuple[Any, ...], int] = field(default_factory=dict)

    def number(self, traced: TracedChange | None) -> int | None:
        """The change's number; the same change always gets the same number."""
        if traced is None:
            return None
        change = traced.change
        key = (change.table, change.entity_id, change.observed_at, change.committed_at)
        if key not in self._numbers:
            self.changes.append(traced)
            self._numbers[key] = len(self.changes)
        return self._numbers[key]


def read_record_story(
    history: StorySources, platform: str, dataset: str, source_id: str, field: str | None = None
) -> RecordStory:
    """The story of a record, or of one column of it. UsageError for a record or a column that does not exist."""
    changes = history.of(platform, dataset, source_id)
    if not changes:
        raise UsageError(_no_changes(history, platform, dataset, source_id))
    if field is not None:
        known = sorted({name for change in changes for name in (*change.changed_fields, *change.after)})
        if field not in known:
            raise UsageError(f"{platform}.{dataset} has no history of {field!r}; it has one of {', '.join(known)}")
        changes = [_only_field(change, field) for change in changes if change.is_end or _concerns(change, field)]
    return RecordStory(platform, dataset, source_id, history.as_of, field, tuple(map(history.trace, changes)))


def change_that_set(changes: Sequence[Change], columns: Iterable[str], value: Any) -> Change | None:
    """The change that gave the columns of a record their value; None if there is none. `changes` are in order.

    If several columns may have given the value, the change of the column that equals the value is used.
    """
    versions = [change for change in changes if not change.is_end]
    last = {name: change for change in versions for name in columns if name in change.after}
    equal = [change for name, change in last.items() if _is_equal(change.after[name], value)]
    whole = [change for change in versions if change.operation in ("insert", "restore")]
    chosen = equal or list(last.values()) or whole[-1:]
    return max(chosen, key=versions.index, default=None)


def _concerns(change: Change, field: str) -> bool:
    return field in change.changed_fields or field in change.after


def _only_field(change: Change, field: str) -> Change:
    """The change reduced to one column."""
    fields = tuple(name for name in change.changed_fields if name == field)
    before, after = ({field: side[field]} if field in side else {} for side in (change.before, change.after))
    return replace(change, changed_fields=fields, before=before, after=after)


def _is_equal(one: Any, other: Any) -> bool:
    return one == other or (isinstance(one, str) and one.strip() == other)


def _no_changes(history: StorySources, platform: str, dataset: str, source_id: str) -> str:
    name = f"{platform}.{dataset} {source_id}"
    if is_restricted(history.session, platform, dataset, source_id):
        return f"{name} is of a person who restricted its use: it is stored, and not shown"
    known_changes = history.without_limit.of(platform, dataset, source_id)
    if known_changes:
        first = min(change.committed_at for change in known_changes)
        return f"{name} was not known then: its first change was committed {local_time(first)}"
    hint = "PLATFORM/ID" if platform == SCHEMA else typed("query", f"SELECT source_id FROM {platform}.{dataset}")
    return f"the history has no record {name}: {hint} lists the records"
