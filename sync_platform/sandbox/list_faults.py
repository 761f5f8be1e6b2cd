"""How a list fault changes an answer.

What belongs here: one effect per fault of `faults.LIST_FAULTS`. What doesn't: which request a fault happens to.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from sync_platform.sandbox.wire import ListAnswer, ListPage, SelectedRows, WireReply


def reply_with_faults(original: ListAnswer, faults: Sequence[str]) -> WireReply:
    """The reply, changed by all the faults: first by those of the whole list, then by those of the page."""
    answer = original
    for fault in faults:
        answer = _changed_list(answer, fault)
    page = _changed_page(answer, faults)
    page.rows = _changed_rows(answer, page, faults)
    return WireReply(answer.wrap(page), 200, answer.content_type, answer.headers)


def _changed_list(answer: ListAnswer, fault: str) -> ListAnswer:
    if fault in answer.special:
        return answer.special[fault](answer)
    if fault == "empty":
        return replace(answer, rows=(), total=0)
    if fault == "half":
        return replace(answer, rows=SelectedRows(answer.rows, range(answer.reach // 2)))
    if fault == "shuffled":
        return replace(answer, rows=SelectedRows(answer.rows, range(len(answer.rows) - 1, -1, -1)))
    return answer


def _changed_page(answer: ListAnswer, faults: Sequence[str]) -> ListPage:
    page = answer.page()
    if "repeated-page" in faults:
        page.rows = replace(answer, offset=max(0, answer.offset - answer.size)).page().rows
    if "endless-cursor" in faults and answer.rows:
        count = len(answer.rows)
        page.rows = [answer.rows[(answer.offset + step) % count] for step in range(answer.size)]
        page.total, page.next_offset = answer.offset + 2 * answer.size, answer.offset + answer.size
    return page


def _changed_rows(answer: ListAnswer, page: ListPage, faults: Sequence[str]) -> list[bytes]:
    rows = list(page.rows)
    if rows and "retyped" in faults:
        rows[0] = answer.record.retyped(rows[0])
    if "unknown-field" in faults:
        rows = [answer.record.widened(row) for row in rows]
    if rows and "duplicates" in faults:
        rows.append(answer.record.altered(rows[0]))
    return rows
