"""The erasures of persons that were open at any time of the span, and how each was proven."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sync_platform.compliance.span import Span
from sync_platform.privacy.erasure_ledger import ErasureLedger
from sync_platform.privacy.erasure_record import Erasure


@dataclass(frozen=True)
class ReportedErasure:
    """One erasure as the report has it. `places`: how many places its proof looked at. `proof`: the link of the proof.

    `confirmed_alone`: by the operator who asked. Times are UTC.
    """

    number: int
    state: str
    requested_at: datetime
    requested_by: str
    confirmed_by: str | None
    confirmed_alone: bool
    held_until: datetime | None
    places: int
    proof: str | None
    problem: str | None


def erasures_of(ledger: ErasureLedger, span: Span) -> list[ReportedErasure]:
    """The erasures that were asked for before the end of the span, and that had not ended before its beginning."""
    return [_of_report(erasure) for erasure in ledger.erasures() if _was_open_in(erasure, span)]


def _was_open_in(erasure: Erasure, span: Span) -> bool:
    ended_at = datetime.fromisoformat(erasure.events[-1].at) if erasure.is_ended else None
    return erasure.requested_at <= span.last and (ended_at is None or ended_at >= span.first)


def _of_report(erasure: Erasure) -> ReportedErasure:
    return ReportedErasure(
        erasure.number,
        erasure.state,
        erasure.requested_at,
        erasure.requested_by,
        erasure.confirmed_by,
        erasure.confirmed_alone,
        erasure.held_until,
        len(erasure.proof["places"]) if erasure.proof else 0,
        erasure.events[-1].link if erasure.proof else None,
        erasure.problem,
    )
