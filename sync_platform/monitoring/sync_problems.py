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

IN_QUARANTINE = "are in quarantine"
NO_REASON = "no reason is on record"
WHY = "why they are really gone"


@dataclass(frozen=True)
class _Bad:
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
    own = set(over_tolerance)
    bad = [it for each in syncs if (it := _bad(each, in_own=each.platform.name in own))]
    for status, describe in (("failed", _failed), ("degraded", _degraded)):
        grouped = _by_cause(each for each in bad if each.sync.status == status)
        for cause, found in sorted(grouped.items()):
            yield describe(cause, sorted(found, key=lambda each: each.platform))


def _by_cause(bad: Iterable[_Bad]) -> dict[str, list[_Bad]]:
    """By cause, the newest sync of each platform that has it."""
    grouped: dict[str, dict[str, _Bad]] = {}
    for each in bad:
        cause = cause_of(each.reason, [each.platform, *(dataset.name for dataset in each.sync.platform.datasets)])
        grouped.setdefault(cause, {}).setdefault(each.platform, each)
    return {cause: list(found.values()) for cause, found in grouped.items()}


def _bad(sync: CurrentSync, *, in_own: bool) -> _Bad | None:
    if sync.status == "complete":
        return None
    reasons = [each for each in sync.reasons if not (in_own and IN_QUARANTINE in each)]
    if not reasons and in_own:
        return None
    return _Bad(sync, reasons[0] if reasons else NO_REASON)


def _failed(cause: str, found: Sequence[_Bad]) -> Problem:
    platforms = tuple(each.platform for each in found)
    return Problem(
        ProblemName.sync_failed,
        cause,
        f"The newest sync of {_begun(found)} failed: {shortened(found[0].reason)}",
        "No row was changed or retired: the tables stay as they were, and become older.",
        "Remove the cause: wait until the platform answers, or correct the setting or the credentials that the reason "
        f"names. Then sync again: `{named_command('sync', *platforms)}`",
        _reasons_of(found),
        platforms,
    )


def _degraded(cause: str, found: Sequence[_Bad]) -> Problem:
    platforms = tuple(each.platform for each in found)
    kept, quarantined = _total(found, "not_retired"), _total(found, "quarantined")
    effect = ["What came is stored. What did not come is as old as before."]
    if kept:
        effect.append(f"{kept:,} rows that were not listed stay live (sync.not_retired).")
    if quarantined:
        effect.append(f"{quarantined:,} records are in quarantine; their last good versions stay live.")
    return Problem(
        ProblemName.sync_degraded,
        cause,
        f"The newest sync of {_begun(found)} is degraded: {shortened(found[0].reason)}",
        " ".join(effect),
        _remedy(found),
        _reasons_of(found),
        platforms,
    )


def _remedy(found: Sequence[_Bad]) -> str:
    steps = []
    for each in found[:MAX_NAMED]:
        for record in each.sync.records:
            if record.quarantined and record.dataset:
                command = named_command("quarantine", "list", each.platform, record.dataset)
                steps.append(f"See what is wrong with the records: `{command}`.")
    shrunk = [each.platform for each in found if any(record.shrink_rejected for record in each.sync.records)]
    if shrunk:
        command = named_command("sync", *shrunk, "--accept-shrink", WHY)
        steps.append(f"If the rows are really gone, have them retired: `{command}`.")
    again = named_command("sync", *(each.platform for each in found))
    return " ".join([*steps[:MAX_NAMED], f"When the source is whole again, sync again: `{again}`"])


def _begun(found: Sequence[_Bad]) -> str:
    return in_one_phrase(f"{each.platform} ({local_minute(each.sync.records[0].started_at)})" for each in found)


def _total(found: Sequence[_Bad], count: str) -> int:
    return sum(each.sync.total(count) for each in found)


def _reasons_of(found: Sequence[_Bad]) -> tuple[str, ...]:
    listed = ", ".join(f"$${each.sync.sync_id}$$" for each in found[:MAX_NAMED])
    return ("query", f"SELECT platform, dataset, status, reasons FROM sync.runs WHERE sync_id IN ({listed})")
