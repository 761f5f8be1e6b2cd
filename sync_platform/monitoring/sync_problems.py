"""Problems of syncs: syncs that failed or are degraded, and the message that full syncs were completed.

What belongs here: which sync is a problem, and its sentences. Which syncs count is in `current_syncs`; what makes two
failures one problem is in `failure_cause`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from sync_platform.documents.local_time import local_minute
from sync_platform.documents.typed_command import named_command
from sync_platform.monitoring.current_syncs import CurrentSync
from sync_platform.monitoring.failure_cause import cause_of
from sync_platform.monitoring.named_subjects import MAX_NAMED, in_one_phrase, shortened
from sync_platform.monitoring.problem import Problem, ProblemName

QUARANTINE_REASON = "are in quarantine"
NO_REASON = "no reason is on record"
SHRINK_REASON = "why they are really gone"


@dataclass(frozen=True)
class _IncompleteSync:
    """A sync that is not complete, and its first reason."""

    sync: CurrentSync
    reason: str

    @property
    def platform(self) -> str:
        return self.sync.platform.name


def sync_problems(syncs: Iterable[CurrentSync], over_tolerance: Iterable[str] = ()) -> Iterator[Problem]:
    """One problem for each cause of syncs that failed, and for each of syncs that are degraded.

    `over_tolerance`: the platforms whose quarantine is a problem of its own, so that it is no reason here.
    """
    apart = set(over_tolerance)
    incomplete = [sync for each in syncs if (sync := _incomplete(each, ignores_quarantine=each.platform.name in apart))]
    for status, describe in (("failed", _failed), ("degraded", _degraded)):
        grouped = _by_cause(each for each in incomplete if each.sync.status == status)
        for cause, syncs_of_cause in sorted(grouped.items()):
            yield describe(cause, sorted(syncs_of_cause, key=lambda each: each.platform))


def _by_cause(syncs: Iterable[_IncompleteSync]) -> dict[str, list[_IncompleteSync]]:
    """By cause, the newest sync of each platform that has it."""
    grouped: dict[str, dict[str, _IncompleteSync]] = {}
    for incomplete in syncs:
        cause = cause_of(
            incomplete.reason, [incomplete.platform, *(dataset.name for dataset in incomplete.sync.platform.datasets)]
        )
        grouped.setdefault(cause, {}).setdefault(incomplete.platform, incomplete)
    return {cause: list(by_platform.values()) for cause, by_platform in grouped.items()}


def _incomplete(sync: CurrentSync, *, ignores_quarantine: bool) -> _IncompleteSync | None:
    if sync.status == "complete":
        return None
    reasons = [reason for reason in sync.reasons if not (ignores_quarantine and QUARANTINE_REASON in reason)]
    if not reasons and ignores_quarantine:
        return None
    return _IncompleteSync(sync, reasons[0] if reasons else NO_REASON)


def _failed(cause: str, syncs: Sequence[_IncompleteSync]) -> Problem:
    platforms = tuple(sync.platform for sync in syncs)
    return Problem(
        ProblemName.sync_failed,
        cause,
        f"The newest sync of {_names_with_times(syncs)} failed: {shortened(syncs[0].reason)}",
        "No row was changed or retired: the tables stay as they were, and become older.",
        "Remove the cause: wait until the platform answers, or correct the setting or the credentials that the reason "
        f"names. Then sync again: `{named_command('sync', *platforms)}`",
        _reasons_of(syncs),
        platforms,
    )


def _degraded(cause: str, syncs: Sequence[_IncompleteSync]) -> Problem:
    platforms = tuple(sync.platform for sync in syncs)
    not_retired, quarantined = _total(syncs, "not_retired"), _total(syncs, "quarantined")
    effect = ["What came is stored. What did not come is as old as before."]
    if not_retired:
        effect.append(f"{not_retired:,} rows that were not listed stay live (sync.not_retired).")
    if quarantined:
        effect.append(f"{quarantined:,} records are in quarantine; their last good versions stay live.")
    return Problem(
        ProblemName.sync_degraded,
        cause,
        f"The newest sync of {_names_with_times(syncs)} is degraded: {shortened(syncs[0].reason)}",
        " ".join(effect),
        _remedy(syncs),
        _reasons_of(syncs),
        platforms,
    )


def _remedy(syncs: Sequence[_IncompleteSync]) -> str:
    steps = []
    for incomplete in syncs[:MAX_NAMED]:
        for record in incomplete.sync.records:
            if record.quarantined and record.dataset:
                command = named_command("quarantine", "list", incomplete.platform, record.dataset)
                steps.append(f"See what is wrong with the records: `{command}`.")
    shrunk = [each.platform for each in syncs if any(record.shrink_rejected for record in each.sync.records)]
    if shrunk:
        command = named_command("sync", *shrunk, "--accept-shrink", SHRINK_REASON)
        steps.append(f"If the rows are really gone, have them retired: `{command}`.")
    again = named_command("sync", *(each.platform for each in syncs))
    return " ".join([*steps[:MAX_NAMED], f"When the source is whole again, sync again: `{again}`"])


def _names_with_times(syncs: Sequence[_IncompleteSync]) -> str:
    return in_one_phrase(
        f"{incomplete.platform} ({local_minute(incomplete.sync.records[0].started_at)})" for incomplete in syncs
    )


def _total(syncs: Sequence[_IncompleteSync], count: str) -> int:
    return sum(incomplete.sync.total(count) for incomplete in syncs)


def _reasons_of(syncs: Sequence[_IncompleteSync]) -> tuple[str, ...]:
    listed = ", ".join(f"$${incomplete.sync.sync_id}$$" for incomplete in syncs[:MAX_NAMED])
    return ("query", f"SELECT platform, dataset, status, reasons FROM sync.runs WHERE sync_id IN ({listed})")
