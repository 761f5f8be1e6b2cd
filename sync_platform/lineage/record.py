"""The story of one record of a platform: every change that it saw, each with its origin.

What belongs here: histories of single rows, the unified tables' included. What several make together is in
`restaurant`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import duckdb

from sync_platform.errors import UsageError
from sync_platform.lake.replay import END_OF_TIME
from sync_platform.lineage.changes import Change, changes_of
from sync_platform.lineage.origin import Landing, Origin
from sync_platform.unified.tables import SCHEMA


@dataclass(frozen=True)
class Step:
    """A change with its origin, which a removal has not, nor what was made here."""

    change: Change
    origin: Origin | None


@dataclass(frozen=True)
class RecordStory:
    """A record's changes, in order of when they were so; `as_of`: as known then."""

    platform: str
    dataset: str
    source_id: str
    as_of: datetime | None
    field: str | None
    steps: tuple[Step, ...]


@dataclass(frozen=True)
class History:
    """Where stories are read from: a session in the lake, the name of its history, landing, and how much is known."""

    session: duckdb.DuckDBPyConnection
    table: str
    landing: Landing
    as_of: datetime | None = None

    @property
    def known_at(self) -> datetime:
        return self.as_of or END_OF_TIME

    def of(self, platform: str, dataset: str, entity_id: str) -> list[Change]:
        """The changes of one entity, as far as known."""
        return changes_of(self.session, self.table, platform, dataset, entity_id, self.known_at)

    def step(self, change: Change) -> Step:
        return Step(change, self.landing.origin(change))

    @property
    def knowing_all(self) -> History:
        return replace(self, as_of=None)


def tell_record(history: History, platform: str, dataset: str, source_id: str, field: str | None = None) -> RecordStory:
    """The story of a record, or of one column of it. UsageError for a record or a column that there is not."""
    changes = history.of(platform, dataset, source_id)
    if not changes:
        raise UsageError(_nothing_of(history, platform, dataset, source_id))
    if field is not None:
        known = sorted({name for change in changes for name in (*change.changed_fields, *change.after)})
        if field not in known:
            raise UsageError(f"{platform}.{dataset} has no history of {field!r}; it has one of {', '.join(known)}")
        changes = [_only(change, field) for change in changes if change.is_removal or _tells(change, field)]
    steps = tuple(map(history.step, changes))
    return RecordStory(platform, dataset, source_id, history.as_of, field, steps)


def stating(changes: Sequence[Change], columns: Iterable[str], value: Any) -> Change | None:
    """The change that gave the columns of a record their value, of its changes in order; None without any.

    Where several columns may have, the one counts whose value it is.
    """
    versions = [change for change in changes if not change.is_removal]
    last = {name: change for change in versions for name in columns if name in change.after}
    saying = [change for name, change in last.items() if _same(change.after[name], value)]
    whole = [change for change in versions if change.operation in ("insert", "restore")]
    chosen = saying or list(last.values()) or whole[-1:]
    return max(chosen, key=versions.index, default=None)


def _tells(change: Change, field: str) -> bool:
    return field in change.changed_fields or field in change.after


def _only(change: Change, field: str) -> Change:
    kept = tuple(name for name in change.changed_fields if name == field)
    before, after = ({field: side[field]} if field in side else {} for side in (change.before, change.after))
    return replace(change, changed_fields=kept, before=before, after=after)


def _same(one: Any, other: Any) -> bool:
    return one == other or (isinstance(one, str) and one.strip() == other)


def _nothing_of(history: History, platform: str, dataset: str, source_id: str) -> str:
    name = f"{platform}.{dataset} {source_id}"
    known = history.knowing_all.of(platform, dataset, source_id)
    if known:
        first = min(change.committed_at for change in known)
        return f"nothing was known of {name} then: its first change was committed {first:%Y-%m-%d %H:%M:%S} UTC"
    hint = "PLATFORM/ID" if platform == SCHEMA else f'sync-platform query "SELECT source_id FROM {platform}.{dataset}"'
    return f"the history knows no record {name}: {hint} names what there is"
