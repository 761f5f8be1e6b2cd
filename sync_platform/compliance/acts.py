"""Acts: the audit log's entries, each beginning put together with its end.

What belongs here: which entry ends which. What is asked of them stands in `operations`, `requests` and `recovery`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import orjson

from sync_platform.compliance.span import Span
from sync_platform.storage.audit_log import AuditEntry

BEGUN = "begun"
UNDER_WAY = timedelta(days=1)
"""An operation that began since then may still be at work."""


@dataclass(frozen=True)
class Act:
    """One operation; its subject is as its end tells, which bears all that its beginning said.

    `ended_at` and `outcome` are None where no end is on record. `is_word`: there is nothing to end, such as an accepted
    shrink. `ends_elsewhere`: it is a run of a schedule, a sensor or the UI, whose beginning alone is in the log.
    """

    number: int
    operation: str
    actor: str
    via: str
    subject: dict[str, Any]
    began_at: datetime
    ended_at: datetime | None
    outcome: str | None
    is_word: bool
    ends_elsewhere: bool

    def is_killed(self, now: datetime) -> bool:
        """Whether it left no end where it should have, and is no longer under way."""
        has_end = self.outcome is not None or self.is_word or self.ends_elsewhere
        return not has_end and self.began_at < now - UNDER_WAY


def acts_of(entries: Sequence[AuditEntry]) -> list[Act]:
    """Every act, in order of its beginning. An end bears all that its beginning said, by the same actor."""
    ends: dict[tuple[str, str, str], list[AuditEntry]] = {}
    for entry in entries:
        if entry.outcome != BEGUN:
            ends.setdefault(_kind(entry), []).append(entry)
    taken: set[int] = set()
    found = [
        _act(entry, _take_end(entry, ends.get(_kind(entry), []), taken)) for entry in entries if entry.outcome == BEGUN
    ]
    alone = [_act(entry, entry) for entry in entries if entry.outcome != BEGUN and entry.number not in taken]
    return sorted([*found, *alone], key=lambda act: act.number)


def begun_in(acts: Iterable[Act], span: Span, *operations: str) -> Iterator[Act]:
    """The acts that began in the span; of these operations only, if any are named."""
    return (act for act in acts if span.holds(act.began_at) and (not operations or act.operation in operations))


def _take_end(begun: AuditEntry, ends: list[AuditEntry], taken: set[int]) -> AuditEntry | None:
    if _is_word(begun) or begun.via != "cli":
        return None
    said = orjson.loads(begun.subject)
    for end in ends:
        if end.number > begun.number and end.number not in taken and _bears(end, said):
            taken.add(end.number)
            return end
    return None


def _act(entry: AuditEntry, end: AuditEntry | None) -> Act:
    return Act(
        entry.number,
        entry.operation,
        entry.actor,
        entry.via,
        orjson.loads((end or entry).subject),
        entry.at,
        end.at if end else None,
        end.outcome if end else None,
        _is_word(entry),
        entry.via != "cli" and end is None,
    )


def _is_word(entry: AuditEntry) -> bool:
    """Whether the entry is all there is to the act: a shrink that is accepted, or a query's answer that is written."""
    return entry.operation == "accept-shrink" or (entry.operation == "export" and '"tables"' in entry.subject)


def _kind(entry: AuditEntry) -> tuple[str, str, str]:
    return entry.operation, entry.actor, entry.via


def _bears(end: AuditEntry, said: dict[str, Any]) -> bool:
    told = orjson.loads(end.subject)
    return all(name in told and told[name] == value for name, value in said.items())
