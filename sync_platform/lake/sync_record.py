"""Makes the record of one sync: its counts, its status, and the reasons for the status.

What belongs here: what is recorded, and when a sync is degraded. What does not: storing the record (lake/syncs.py).
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field

from sync_platform.lake.commit_context import CommitContext
from sync_platform.lake.difference import Difference
from sync_platform.lake.incoming import Arrival
from sync_platform.lake.rows import TypedRows
from sync_platform.lake.syncs import SyncRecord, Trigger
from sync_platform.quality.score import Standards


@dataclass(frozen=True)
class WrittenChanges:
    """The changes that a commit wrote: the difference, the context of the last change, reasons for doubt, and notes.

    `already_known`: inserted rows of a late sync that a later one had shown before.
    """

    difference: Difference
    context: CommitContext
    reasons: list[str]
    notes: list[str] = field(default_factory=list)
    already_known: int = 0


def sync_record(
    typed: TypedRows,
    arrival: Arrival,
    written: WrittenChanges,
    quarantined: list[str],
    trigger: Trigger,
    standards: Standards,
) -> SyncRecord:
    """The record of a sync. `quarantined`: the first quarantined records in words.

    A sync is complete if nothing is wrong with it: gaps within the gap tolerance are listed and do not count.
    """
    manifest, context, difference = typed.landed.manifest, written.context, written.difference
    missing, is_tolerable = missing_of(typed, arrival), _has_tolerable_gaps(typed, arrival, standards)
    guarded = [difference.reason] if difference.reason else []
    reasons = guarded + ([] if is_tolerable else missing) + arrival.defects(quarantined) + written.reasons
    touched = difference.insert + difference.update + difference.restore
    return SyncRecord(
        sync_id=context.sync_id,
        run_id=context.run_id,
        platform=context.platform,
        dataset=context.dataset,
        partition=context.partition,
        mode=manifest.mode,
        status="degraded" if reasons else "complete",
        observed_at=context.observed_at,
        started_at=manifest.started_at,
        committed_at=context.committed_at,
        reasons=reasons,
        gaps=missing if is_tolerable else [],
        claimed=manifest.claimed,
        records=manifest.records,
        rows=arrival.rows,
        inserted=difference.insert,
        already_known=written.already_known,
        updated=difference.update,
        removed=difference.remove,
        past=difference.expire,
        restored=difference.restore,
        unchanged=max(0, arrival.rows - touched),
        quarantined=arrival.quarantined,
        not_ours=typed.not_ours,
        left_out=manifest.left_out,
        duplicates=arrival.duplicates,
        not_retired=difference.not_retired,
        pages=len(manifest.pages),
        pages_expected=manifest.pages_expected,
        manifest=manifest.key,
        capped_slices=manifest.capped_slices,
        omitted_ids=manifest.omitted_ids,
        list_complete=not missing,
        list_proven=manifest.unproven is None,
        shrink_rejected=difference.reason is not None,
        shrink_accepted=difference.accepted,
        **asdict(trigger),
    )


def missing_of(typed: TypedRows, arrival: Arrival) -> list[str]:
    """Why the list is not complete: a wrong filter, the manifest's reasons, and records without a readable id."""
    return [*typed.filter_faults, *typed.landed.manifest.reasons, *arrival.missing]


def unconfirmed_in_words(written: WrittenChanges) -> list[str]:
    """A note on the rows that stay live until a second full sync does not show them."""
    unconfirmed = written.difference.unconfirmed
    if not unconfirmed:
        return []
    if unconfirmed == 1:
        return ["1 row was not listed, and stays live until the next full sync does not list it either"]
    return [f"{unconfirmed:,} rows were not listed, and stay live until the next full sync does not list them either"]


def _has_tolerable_gaps(typed: TypedRows, arrival: Arrival, standards: Standards) -> bool:
    """True if the share of the list that is known to be missing is within the gap tolerance."""
    share = typed.landed.manifest.missing_share
    has_size = share is not None and not typed.filter_faults and not arrival.missing
    return has_size and (share or 0.0) <= standards.gap_tolerance
