"""Changes as data: the rows of `lineage.changes` of one entity or of a span of time.

What belongs here: reading the history; personal values stay sealed. The origin of a change is in `origin`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import duckdb
import orjson

from sync_platform.lake.corrected_times import corrected_history
from sync_platform.lake.replay import END_OF_TIME
from sync_platform.lake.restricted_records import usable_changes
from sync_platform.lake.schema import CHANGES, ENDS
from sync_platform.vault.sealed_values import ERASED, PREFIX

SEALED = "sealed"
"""Written in place of a sealed value. The ciphertext is never shown, because it identifies the person."""
BATCH_ROWS = 2_000
NAMES = tuple(column.name for column in CHANGES)
CHANGE_COLUMNS = ", ".join(f'"{name}"' for name in NAMES)
"""SQL: the columns of a change, in the order of NAMES."""
Values = dict[str, Any]


@dataclass(frozen=True)
class FieldChange:
    """One column's value before and after a change."""

    field: str
    before: Any
    after: Any


@dataclass(frozen=True)
class Change:
    """One row of the history. `before` and `after` are values by column; times are UTC."""

    platform: str
    dataset: str
    entity_id: str
    operation: str
    changed_fields: tuple[str, ...]
    before: Values
    after: Values
    content_hash: str | None
    landing_object: str | None
    landing_line: int | None
    partition: str
    sync_id: str
    run_id: str
    observed_at: datetime
    committed_at: datetime

    @property
    def table(self) -> str:
        return f"{self.platform}.{self.dataset}"

    def columns(self, names: Iterable[str]) -> Values:
        """The values of these columns."""
        return {name: getattr(self, name) for name in names}

    @property
    def is_end(self) -> bool:
        """True if the record is gone after it: removed by the source, or past."""
        return self.operation in ENDS

    @property
    def is_bare(self) -> bool:
        """True if it says only that the record was first seen, because its values are past their retention."""
        return self.operation == "insert" and not self.after

    @property
    def is_sum(self) -> bool:
        """True if it is the final state of folded changes; the state before it is unknown."""
        return self.operation == "update" and not self.before

    @property
    def fields(self) -> list[FieldChange]:
        """The columns that changed, without those that are empty before and after."""
        named = self.changed_fields or tuple(self.after)
        pairs = [FieldChange(name, self.before.get(name), self.after.get(name)) for name in named]
        return [change for change in pairs if change.before is not None or change.after is not None]


def changes_of(
    session: duckdb.DuckDBPyConnection,
    history: str,
    platform: str,
    dataset: str,
    entity_id: str,
    known_at: datetime = END_OF_TIME,
) -> list[Change]:
    """The changes of one entity that were committed by `known_at`, in order of observation, then of commit.

    A restricted record has none.
    """
    rows = session.execute(
        f"""SELECT {CHANGE_COLUMNS} FROM {corrected_history(session, history)} AS changes
        WHERE entity_id = ? AND platform = ? AND dataset = ? AND committed_at <= ?
            AND {usable_changes(session, "changes")}
        ORDER BY observed_at, committed_at""",
        [entity_id, platform, dataset, known_at],
    ).fetchall()
    return [change_of(row) for row in rows]


def changes_between(
    session: duckdb.DuckDBPyConnection,
    history: str,
    first: datetime | None = None,
    last: datetime | None = None,
    platform: str | None = None,
) -> Iterator[Change]:
    """The changes committed in a span, both ends included, in order of commit, then of landing object and line.

    They are read in batches; DuckDB sorts in memory and spills to disk. Those of restricted records are left out.
    """
    condition, values = span_condition(first, last, platform)
    condition = f"{condition or 'WHERE true'} AND {usable_changes(session, 'changes')}"
    cursor = session.execute(
        f"""SELECT {CHANGE_COLUMNS} FROM {corrected_history(session, history)} AS changes {condition}
        ORDER BY committed_at, platform, dataset, landing_object, landing_line, entity_id""",
        values,
    )
    while rows := cursor.fetchmany(BATCH_ROWS):
        yield from map(change_of, rows)


def span_condition(first: datetime | None, last: datetime | None, platform: str | None) -> tuple[str, Values]:
    """SQL: the WHERE clause of the changes committed in a span, and its parameters. None means no limit."""
    bounds = {
        "committed_at >= $first": first,
        "committed_at <= $last": last,
        "platform = $platform": platform,
    }
    given = {text: value for text, value in bounds.items() if value is not None}
    clause = f"WHERE {' AND '.join(given)}" if given else ""
    return clause, {text.rpartition("$")[2]: value for text, value in given.items()}


def without_sealed(value: Any) -> Any:
    """The value with SEALED in place of every sealed part of it, and ERASED where its person is erased."""
    if isinstance(value, str):
        if value.startswith(PREFIX):
            return ERASED if value.endswith(f":{ERASED}") else SEALED
        return value
    if isinstance(value, list):
        return [without_sealed(item) for item in value]
    if isinstance(value, dict):
        return {name: without_sealed(item) for name, item in value.items()}
    return value


def change_of(row: tuple[Any, ...]) -> Change:
    """The change of a row that has CHANGE_COLUMNS."""
    values = dict(zip(NAMES, row, strict=True))
    own = {
        "changed_fields": tuple(values["changed_fields"] or ()),
        "before": _values(values["before"]),
        "after": _values(values["after"]),
    }
    return Change(**(values | own))


def _values(text: str | None) -> Values:
    values: Values = without_sealed(orjson.loads(text)) if text else {}
    return values
