"""How a list fault changes an answer.

What belongs here: one effect per fault of `faults.LIST_FAULTS`. What doesn't: which request a fault happens to.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from sync_platform.sandbox.wire import ListAnswer, ListPage, SelectedRows, WireReply


def reply_with_faults(original: ListAnswer, faults: Sequence[str]) -> WireReply:
    """The reply, changed by all the faults: first by those of the whole list, then by those of the page."""
    shown = original
    for fault in faults:
        shown = _changed_list(shown, fault)
    page = _changed_page(shown, faults)
    page.rows = _changed_rows(shown, page, faults)
    return WireReply(shown.wrap(page), 200, shown.content_type, shown.headers)


def _changed_list(shown: ListAnswer, fault: str) -> ListAnswer:
    if fault in shown.special:
        return shown.special[fault](shown)
    if fault == "empty":
        return replace(shown, rows=(), total=0)
    if fault == "half":
        return replace(shown, rows=SelectedRows(shown.rows, range(shown.reach // 2)))
    if fault == "shuffled":
        return replace(shown, rows=SelectedRows(shown.rows, range(len(shown.rows) - 1, -1, -1)))
    return shown


def _changed_page(shown: ListAnswer, faults: Sequence[str]) -> ListPage:
    page = shown.page()
    if "repeated-page" in faults:
        page.rows = replace(shown, offset=max(0, shown.offset - shown.size)).page().rows
    if "endless-cursor" in faults and shown.rows:
        count = len(shown.rows)
        page.rows = [shown.rows[(shown.offset + step) % count] for step in range(shown.size)]
        page.total, page.next_offset = shown.offset + 2 * shown.size, shown.offset + shown.size
    return page


def _changed_rows(shown: ListAnswer, page: ListPage, faults: Sequence[str]) -> list[bytes]:
    rows = list(page.rows)
    if rows and "retyped" in faults:
        rows[0] = shown.record.retyped(rows[0])
    if "unknown-field" in faults:
        rows = [shown.record.widened(row) for row in rows]
    if rows and "duplicates" in faults:
        rows.append(shown.record.altered(rows[0]))
    return rows
