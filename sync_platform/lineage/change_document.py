"""What changed in a span, as a document for people: the counts of each table, and each change field by field.

What belongs here: wording. The figures are in `change_difference`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any

from sync_platform.documents.document import Document, DocumentTable, Item, Row, Section
from sync_platform.documents.local_time import local_time
from sync_platform.documents.wording import value_text
from sync_platform.lineage.change_difference import LakeDifference
from sync_platform.lineage.change_span import TableChanges
from sync_platform.lineage.changes import SEALED, Change, FieldChange
from sync_platform.lineage.story_document import OPERATIONS, SUM
from sync_platform.vault.sealed_values import ERASED

MAX_FIELDS = 3
"""The number of columns that the table names as changed most often."""
LONGEST_VALUE = 200
"""Characters of a value that are shown; `--json` has all."""


def change_document(difference: LakeDifference, made_at: datetime) -> Document:
    """The difference as a document."""
    scope = difference.scope
    facts = [
        ("From", local_time(scope.first) if scope.first else "the beginning"),
        ("To", local_time(scope.last or made_at)),
        ("Platform", scope.platform or "all"),
        ("Syncs in that time", f"{difference.syncs:,}"),
    ]
    columns = ("table", "new", "changed", "removed", "past", "restored", "changed most often")
    table = DocumentTable(
        "Changes by table",
        columns,
        [_counts(table_changes) for table_changes in difference.counts],
        "nothing changed",
        ("changed most often",),
    )
    changes = list(difference.changes())
    names = difference.names_of(changes)
    items = [_change(change, names.get((change.table, change.entity_id))) for change in changes]
    sections = [Section("What changed", _known_before(difference.counts), tables=[table])]
    if items:
        sections.append(Section("Each change", _left_out(difference, len(items)), items=items))
    return Document("Changes", facts, sections)


def _counts(counts: TableChanges) -> Row:
    most = ", ".join(f"{field} ({number:,})" for field, number in [*counts.fields.items()][:MAX_FIELDS])
    return counts.table, counts.new, counts.updated, counts.removed, counts.past, counts.restored, most or None


def _known_before(counts: Iterable[TableChanges]) -> list[str]:
    return [
        f"{table_changes.table}: {table_changes.already_known:,} records were known already, from later syncs; a late "
        "sync shows that they were there before."
        for table_changes in counts
        if table_changes.already_known
    ]


def _left_out(difference: LakeDifference, shown_count: int) -> list[str]:
    if shown_count >= difference.total:
        return []
    return [f"The first {shown_count:,} of {difference.total:,} changes, in order of commit; --limit shows more."]


def _change(change: Change, name: str | None) -> Item:
    named = f" {value_text(name)}" if name else ""
    operation = SUM if change.is_sum else OPERATIONS[change.operation]
    title = f"{change.table} {change.entity_id}{named}: {operation} {local_time(change.observed_at)}"
    return Item(title, items=(*_fields(change), Item(_source(change))))


def _fields(change: Change) -> Iterator[Item]:
    has_no_before = change.operation == "insert" or change.is_sum
    for field in change.fields:
        for each in [field] if has_no_before else parts_that_differ(field):
            text = _short(each.after) if has_no_before else f"{_short(each.before)} → {_short(each.after)}"
            is_sealed = each.before == each.after == SEALED
            yield Item(f"{each.field}: {'another sealed value' if is_sealed else text}")


def parts_that_differ(field: FieldChange) -> Iterable[FieldChange]:
    """The parts of an object that differ, as `column.part`; the field itself where it is no object."""
    if not (isinstance(field.before, dict) and isinstance(field.after, dict)):
        return [field]
    names = [*field.after, *(name for name in field.before if name not in field.after)]
    pairs = [FieldChange(f"{field.field}.{name}", field.before.get(name), field.after.get(name)) for name in names]
    return [part for pair in pairs if pair.before != pair.after for part in parts_that_differ(pair)]


def _short(value: Any) -> str:
    text = "a sealed value" if value == SEALED else ERASED if value == ERASED else value_text(value)
    return text if len(text) <= LONGEST_VALUE else f"{text[:LONGEST_VALUE]}…"


def _source(change: Change) -> str:
    landed = f"{change.landing_object}, line {change.landing_line}; " if change.landing_object else ""
    return f"source: {landed}sync {change.sync_id}, committed {local_time(change.committed_at)}"
