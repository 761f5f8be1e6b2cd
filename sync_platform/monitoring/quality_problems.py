"""Problems of data: dimensions of quality below their threshold, many records in quarantine, and drift.

What belongs here: which findings are one problem, and its sentences. Scores, the quarantine and drift were recorded
with the syncs.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from sync_platform.documents.typed_command import named_command
from sync_platform.lake.syncs import SyncRecord
from sync_platform.monitoring.current_syncs import CurrentSync
from sync_platform.monitoring.named_subjects import in_one_phrase, shortened
from sync_platform.monitoring.problem import Problem, ProblemName
from sync_platform.quality.own_check_run import own_check_in_words
from sync_platform.quality.own_checks import OWN
from sync_platform.quality.recorded_drift import RecordedDrift
from sync_platform.quality.score import DIMENSIONS
from sync_platform.quality.scorecard import StoredScore

ACCURACY = "accuracy"
"""It is measured against the register, which all platforms share: a wrong register is one problem, not one of each."""


def quality_problems(scores: Iterable[StoredScore]) -> Iterator[Problem]:
    """One problem for each dimension of a platform that is below its threshold; one of accuracy for all platforms.

    `scores`: that count now, of each dataset and dimension; and of each own check.
    """
    grouped: dict[str, list[StoredScore]] = {}
    for score in scores:
        if score.dimension == OWN and (score.falls_short or score.score is None):
            grouped.setdefault(f"{score.platform}.{score.dataset} {score.measure}", []).append(score)
        elif score.dimension in DIMENSIONS and score.falls_short:
            detail = ACCURACY if score.dimension == ACCURACY else f"{score.platform} {score.dimension}"
            grouped.setdefault(detail, []).append(score)
    for detail, found_scores in sorted(grouped.items()):
        yield _below(detail, sorted(found_scores, key=lambda each: (each.platform, each.dataset)))


def _below(detail: str, scores: Sequence[StoredScore]) -> Problem:
    names = tuple(f"{score.platform}.{score.dataset}" for score in scores)
    first = scores[0]
    if first.dimension == OWN:
        what = f"The own check {first.measure} of {names[0]} fails: {shortened(own_check_in_words(first))}."
    else:
        worst = f"; {first.worst_in_words[0].split(', e.g. ')[0]}" if first.worst_in_words else ""
        what = (
            f"The {first.dimension} of {in_one_phrase(names)} is below its threshold: {names[0]} should reach "
            f"{first.threshold:.0%} and has {first.score:.2%}{shortened(worst)}."
        )
    platforms = list(dict.fromkeys(score.platform for score in scores))
    command = ("quality", platforms[0]) if len(platforms) == 1 else ("quality",)
    return Problem(
        ProblemName.quality_below_threshold,
        detail,
        what,
        "The records are stored and are used, and more of them than usual are wrong, empty or contradictory.",
        f"Read which rule or column is worst: `{named_command(*command)}`. If the platform changed, correct its file; "
        "if the source is wrong, tell the platform. The next sync measures again.",
        command,
        names,
    )


def quarantine_problems(syncs: Iterable[CurrentSync], tolerances: Mapping[str, float]) -> Iterator[Problem]:
    """One problem for each platform of which too large a share of a dataset's records came into quarantine.

    `tolerances`: the largest tolerated share, by platform.
    """
    grouped: dict[str, dict[str, SyncRecord]] = {}
    for sync in syncs:
        for record in sync.records:
            share = record.quarantined / record.records if record.records else 0.0
            if share > tolerances[record.platform]:
                grouped.setdefault(record.platform, {}).setdefault(record.dataset or "", record)
    for platform, counts in sorted(grouped.items()):
        yield _quarantined(platform, list(counts.values()), tolerances[platform])


def _quarantined(platform: str, records: Sequence[SyncRecord], tolerance: float) -> Problem:
    names = tuple(f"{platform}.{record.dataset}" for record in records)
    counted = in_one_phrase(
        f"{record.quarantined:,} of {record.records:,} records of {platform}.{record.dataset}" for record in records
    )
    command = ("quarantine", "list", platform, records[0].dataset or "")
    return Problem(
        ProblemName.records_quarantined,
        platform,
        f"{counted} are in quarantine, and {tolerance:.1%} are tolerated.",
        "These records are not stored: the last good version of each stays live, marked as stale. Nothing was updated "
        "from this sync downstream, such as unified restaurants.",
        f"Read what is wrong with the records: `{named_command(*command)}`. If the platform changed its format, "
        "correct its file and take in what is landed: "
        f"`{named_command('quarantine', 'retry', platform, records[0].dataset or '')}`. "
        "Otherwise sync again when the source is right again.",
        command,
        names,
    )


def drift_problems(found_drifts: Iterable[RecordedDrift]) -> Iterator[Problem]:
    """One problem for each platform whose newest records have another shape than before."""
    grouped: dict[str, list[RecordedDrift]] = {}
    for drift in found_drifts:
        grouped.setdefault(drift.platform, []).append(drift)
    for platform, drifts in sorted(grouped.items()):
        yield Problem(
            ProblemName.drift_found,
            platform,
            f"Records of {platform} have another shape than before: {in_one_phrase(each.in_words for each in drifts)}.",
            "Records that keep the contract are stored, without a field that is missing, renamed or new.",
            f"See all differences: `{named_command('quality', platform)}`. Correct the platform's file if the change "
            "stays.",
            ("quality", platform),
            tuple(sorted({f"{platform}.{each.dataset}" for each in drifts})),
        )
