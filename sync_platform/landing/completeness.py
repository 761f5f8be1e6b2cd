"""Completeness: what is known to be missing from a landed dataset, in words, and how much of it that is."""

from __future__ import annotations

from dataclasses import dataclass

import msgspec

from sync_platform.sources.gaps import MAX_LISTED, Gaps


class ReadParts(msgspec.Struct, frozen=True):
    """Which parts of an incomplete list were read whole, as names of parts (sources/gaps.py).

    `read`: those that were; None if every part was, except those that are `unread`.
    """

    unread: list[str]
    read: list[str] | None = None


class UnprovenParts(msgspec.Struct, frozen=True):
    """The parts of a dataset of which nothing proves that they are whole; `parts` is None for all of them."""

    parts: list[str] | None = None


def unproven_of(gaps: Gaps) -> UnprovenParts | None:
    """None where every list was proven whole, or has a gap."""
    if gaps.is_unproven:
        return UnprovenParts()
    return UnprovenParts(sorted(gaps.parts.unproven)) if gaps.parts.unproven else None


def notes_of(gaps: Gaps) -> list[str]:
    """What was odd and cost nothing, in words; a doubt about several lists is reported once."""
    if not gaps.doubts:
        return gaps.notes
    more = f" (and {len(gaps.doubts) - 1} more lists are as uncertain)" if len(gaps.doubts) > 1 else ""
    uncertain = f"it is not certain that every record was listed, because {gaps.doubts[0]}{more}"
    return [*gaps.notes, f"{uncertain}: a row is retired only when two full syncs in a row do not list it"]


@dataclass(frozen=True)
class ReceivedCounts:
    """What came of a dataset: pages, records with distinct ids, and records without an id with distinct contents."""

    pages: int
    distinct_ids: int
    without_id: int

    @property
    def records(self) -> int:
        return self.distinct_ids + self.without_id


@dataclass(frozen=True)
class Completeness:
    """What is known to be missing from a dataset.

    `reasons`: in words, causes before their effects; empty where nothing is known to be missing. `missing_share`: the
    largest share of its pages, parts or records that is known to be missing; None where no share is known. `parts`:
    None where nothing is known to be missing, or the list has no parts.
    """

    reasons: list[str]
    missing_share: float | None
    parts: ReadParts | None


def completeness_of(gaps: Gaps, came: ReceivedCounts, missing_parents_share: float | None = 0.0) -> Completeness:
    """The completeness of a dataset. `missing_parents_share`: the missing share of the dataset `gaps.parent`."""
    reasons = _reasons(gaps, came)
    share = _missing_share(gaps, came, missing_parents_share) if reasons or came.without_id else 0.0
    return Completeness(reasons, share, _parts(gaps, reasons))


def _reasons(gaps: Gaps, came: ReceivedCounts) -> list[str]:
    reasons = []
    if gaps.failures:
        reasons.append(f"{_pages(len(gaps.failures))} failed ({gaps.failures[0]})")
    reasons += gaps.findings
    reasons += gaps.part_findings
    if gaps.capped_slices:
        reasons.append(f"{len(gaps.capped_slices)} slices hold more than the source lists: {gaps.capped_slices[0]}")
    if gaps.omitted_ids:
        reasons.append(f"{len(gaps.omitted_ids)} ids asked for were left out: {', '.join(gaps.omitted_ids[:5])}")
    if gaps.missing_parents:
        reasons.append(gaps.missing_parents)
    if not gaps.failures and came.pages < gaps.pages_expected:
        reasons.append(f"{came.pages} of {gaps.pages_expected} pages came")
    if gaps.claimed is not None and came.records < gaps.claimed:
        reasons.append(f"the source claims {gaps.claimed:,} records, {came.records:,} came")
    if came.pages == 0 and not reasons:
        reasons.append("no page came")
    return reasons


def _pages(count: int) -> str:
    if count > MAX_LISTED:
        return f"more than {MAX_LISTED} pages"
    return "1 page" if count == 1 else f"{count} pages"


def _missing_share(gaps: Gaps, came: ReceivedCounts, missing_parents_share: float | None) -> float | None:
    if gaps.findings or came.pages == 0:
        return None
    largest = came.without_id / max(came.records, 1)  # what belongs to them is missing
    for share in (_page_share(gaps, came), _part_share(gaps), _record_share(gaps, came), missing_parents_share):
        if share is None:
            return None
        largest = max(largest, share)
    return largest


def _page_share(gaps: Gaps, came: ReceivedCounts) -> float:
    missing = max(gaps.pages_expected - came.pages, len(gaps.failures))
    return missing / max(gaps.pages_expected, missing, 1)


def _part_share(gaps: Gaps) -> float | None:
    """The share of parts that were not read whole. The records of slices are counted instead of the slices."""
    unread, read = len(gaps.parts.unread), len(gaps.parts.read)
    if gaps.part_findings and not unread:
        return None
    return unread / (unread + read) if unread and not gaps.capped_slices else 0.0


def _record_share(gaps: Gaps, came: ReceivedCounts) -> float | None:
    """None where slices or ids are missing and the source's total does not say how many records that are."""
    missing = max((gaps.claimed or 0) - came.records, 0, len(gaps.omitted_ids))
    if not gaps.claimed or not missing:
        return None if gaps.capped_slices or gaps.omitted_ids else 0.0
    return min(missing / gaps.claimed, 1.0)


def _parts(gaps: Gaps, reasons: list[str]) -> ReadParts | None:
    parts = gaps.parts
    if not reasons or not (parts.read or parts.unread):
        return None
    return ReadParts(sorted(parts.unread), None if parts.are_all_known else sorted(parts.read))
